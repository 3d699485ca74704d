import { getU64, setU64 } from "../../../codec/integers.ts";
import { MAX_UNITS } from "../../../generated/protocol.ts";
import { ChannelError } from "../ChannelCode.ts";
import { FRAME, SIGNATURE_BYTES } from "./FrameKind.ts";
import { readPayloads } from "./payloads.ts";

/** Bytes of one result: u64 sequence ‖ u8 status ‖ response hash. */
export const RESULT_BYTES = 41;

/** Where the results begin. */
export const ACK_HEAD_BYTES = 121;

export interface AckHead {
  readonly signer: number;
  readonly version: number;
  /** Entries that are acknowledged. */
  readonly sequence: number;
  readonly callsHash: Uint8Array;
  readonly resultsBefore: number;
  readonly hashBefore: Uint8Array;
  readonly hash: Uint8Array;
}

/** An ACK frame, read. */
export interface AckFrame extends AckHead {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly results: number;
  readonly sequences: Float64Array;
  readonly statuses: Uint8Array;
  readonly payloads: readonly (Uint8Array | undefined)[] | undefined;
  readonly signature: Uint8Array;
}

/** @returns one byte for a record's kind, then the frame with room for the signature */
export function buildAckFrame(head: AckHead, results: Uint8Array, payloads: readonly (Uint8Array | undefined)[] | undefined): Uint8Array {
  let payloadBytes = 0;
  for (const payload of payloads ?? []) payloadBytes += 4 + (payload?.length ?? 0);
  const bytes = new Uint8Array(1 + ACK_HEAD_BYTES + results.length + payloadBytes + SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer, 1);
  bytes[1] = FRAME.ACK;
  bytes[2] = payloads === undefined ? 0 : 1;
  bytes[3] = head.signer;
  view.setUint16(3, results.length / RESULT_BYTES);
  view.setUint32(5, head.version);
  setU64(view, 9, head.sequence);
  bytes.set(head.callsHash, 18);
  setU64(view, 49, head.resultsBefore);
  bytes.set(head.hashBefore, 58);
  bytes.set(head.hash, 90);
  bytes.set(results, 1 + ACK_HEAD_BYTES);
  let at = ACK_HEAD_BYTES + results.length;
  for (const payload of payloads ?? []) {
    view.setUint32(at, payload === undefined ? 0xffffffff : payload.length);
    if (payload !== undefined) bytes.set(payload, 1 + at + 4);
    at += 4 + (payload?.length ?? 0);
  }
  return bytes;
}

/** Reads and checks the form, not the hashes. @throws ChannelError channel/frame */
export function readAckFrame(bytes: Uint8Array): AckFrame {
  const refuse = (why: string): never => {
    throw new ChannelError("channel/frame", why);
  };
  if (bytes.length < ACK_HEAD_BYTES + SIGNATURE_BYTES) refuse("The frame is too short.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = bytes[1];
  const signer = bytes[2];
  if (flags > 1 || signer > 1) refuse("Unknown flags.");
  const count = view.getUint16(3);
  const end = bytes.length - SIGNATURE_BYTES;
  const resultsEnd = ACK_HEAD_BYTES + count * RESULT_BYTES;
  if (resultsEnd > end) refuse("The results do not fit the frame.");
  const sequence = getU64(view, 9);
  const resultsBefore = getU64(view, 49);
  if (sequence > MAX_UNITS || resultsBefore + count > MAX_UNITS) refuse("A number beyond 2^53 - 1.");
  const sequences = new Float64Array(count);
  const statuses = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    sequences[i] = getU64(view, ACK_HEAD_BYTES + i * RESULT_BYTES);
    statuses[i] = bytes[ACK_HEAD_BYTES + i * RESULT_BYTES + 8];
  }
  const payloads = flags === 1 ? readPayloads(bytes, resultsEnd, end, count) : undefined;
  if (flags === 0 && resultsEnd !== end) refuse("The frame is longer than its content.");
  return {
    bytes, signer, version: view.getUint32(5), sequence, callsHash: bytes.subarray(17, 49), resultsBefore, hashBefore: bytes.subarray(57, 89), hash: bytes.subarray(89, 121), count, results: resultsBefore + count, sequences, statuses, payloads, signature: bytes.subarray(end),
  };
}
