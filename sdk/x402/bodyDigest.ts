import { sha256 } from "@noble/hashes/sha2.js";

import { fromHex } from "../../core/codec/hex.ts";

/** sha-256 of nothing. */
export const EMPTY_BODY_DIGEST = fromHex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 32);

/** sha-256 of a body, by the platform where it can (a page without TLS cannot). */
export async function bodyDigest(body: Uint8Array): Promise<Uint8Array> {
  if (body.length === 0) return EMPTY_BODY_DIGEST;
  const subtle = (globalThis.crypto as typeof globalThis.crypto | undefined)?.subtle;
  return subtle === undefined ? sha256(body) : new Uint8Array(await subtle.digest("SHA-256", body as Uint8Array<ArrayBuffer>));
}
