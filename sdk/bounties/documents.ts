import { keccak256, toUtf8Bytes } from "ethers";

import { sdkError } from "../SdkError.ts";

/** Text somewhere else, with the keccak256 of its bytes. */
export interface BountyDocument {
  readonly uri: string;
  readonly hash: string;
}

/** Longest text that is put into a transaction. */
const MOST_BYTES = 16_384;

/** The text itself as its own address: nothing has to be hosted. @throws SdkError `SDK_INPUT` */
export function inlineDocument(text: string, type: "text/plain" | "application/json" = "text/plain"): BountyDocument {
  const bytes = toUtf8Bytes(text);
  if (bytes.length > MOST_BYTES) throw sdkError("SDK_INPUT", `the text has ${bytes.length} bytes, at most ${MOST_BYTES} fit; host it and give its address and hash`);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return { uri: `data:${type};${type === "text/plain" ? "charset=utf-8;" : ""}base64,${btoa(binary)}`, hash: keccak256(bytes) };
}

/** The text of a document that carries it, checked against the hash; undefined for one that is somewhere else, or another text. */
export function readInline({ uri, hash }: BountyDocument): string | undefined {
  const match = /^data:[^,]{0,200};base64,([A-Za-z0-9+/=]*)$/.exec(uri);
  if (match === null) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(match[1]!), (char) => char.charCodeAt(0));
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
  return keccak256(bytes) === hash.toLowerCase() ? new TextDecoder().decode(bytes) : undefined;
}
