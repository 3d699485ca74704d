import { toHex } from "../../core/codec/hex.ts";
import { getU64 } from "../../core/codec/integers.ts";
import { sdkError } from "../SdkError.ts";

const SUBMIT = 0x01;
const ACK = 0x81;
const SUBMIT_HEADER_BYTES = 9;
const LEVELS = ["", "sequenced", "durable", "rooted", "rejected", "parked"] as const;

export type StreamAck =
  | { readonly level: "sequenced"; readonly request: number }
  | { readonly level: "parked"; readonly request: number }
  | {
      readonly level: "durable";
      readonly request: number;
      readonly position: number;
      readonly firstReceipt: number;
      readonly results: readonly { readonly outcome: number; readonly slot: number; readonly id: number }[];
    }
  | { readonly level: "rooted"; readonly request: number; readonly position: number; readonly stateRoot: string }
  | { readonly level: "rejected"; readonly request: number; readonly code: number; readonly detail: string };

/** One message with several bundles: type, request id, length, bytes, and again. */
export function encodeSubmit(frames: readonly { request: number; bundle: Uint8Array }[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(frames.reduce((sum, { bundle }) => sum + SUBMIT_HEADER_BYTES + bundle.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { request, bundle } of frames) {
    bytes[at] = SUBMIT;
    view.setUint32(at + 1, request);
    view.setUint32(at + 5, bundle.length);
    bytes.set(bundle, at + SUBMIT_HEADER_BYTES);
    at += SUBMIT_HEADER_BYTES + bundle.length;
  }
  return bytes;
}

/** @throws SdkError `SDK_RESPONSE` */
export function decodeAcks(bytes: Uint8Array): StreamAck[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const request = view.getUint32(1);
  const level = LEVELS[bytes[5]!];
  if (bytes[0] !== ACK || level === undefined || level === "") throw sdkError("SDK_RESPONSE", `the stream sent a frame of type ${bytes[0]}`);
  if (level === "sequenced" || level === "parked") return [{ level, request }];
  if (level === "rejected") return [{ level, request, code: bytes[6]!, detail: new TextDecoder().decode(bytes.subarray(7)) }];
  const position = getU64(view, 6);
  if (level === "rooted") return [{ level, request, position, stateRoot: toHex(bytes.subarray(14, 46)) }];
  const results = Array.from({ length: view.getUint16(22) }, (_, index) => {
    const at = 24 + 13 * index;
    return { outcome: bytes[at]!, slot: view.getUint32(at + 1), id: getU64(view, at + 5) };
  });
  return [{ level, request, position, firstReceipt: getU64(view, 14), results }];
}
