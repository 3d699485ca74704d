import { getU64, setU64 } from "./integers.ts";

/** Frames of the sequencer's WebSocket, `/v1/stream`. A client message holds one or more submissions, a server message one answer. */
export const FRAME = { SUBMIT: 0x01, ACK: 0x81 } as const;

/** Levels of an answer. */
export const ACK_LEVEL = { SEQUENCED: 1, DURABLE: 2, ROOTED: 3, REJECTED: 4, PARKED: 5 } as const;

/** type u8, request id u32, byte length u32 */
export const SUBMIT_HEADER_BYTES = 9;
const ACK_HEADER_BYTES = 6;
const RESULT_BYTES = 13;
const HEAD_TAIL_BYTES = 32 + 8 + 4;

/** A bundle in a client message; `bytes` is a view. */
export interface Submission {
  readonly request: number;
  readonly bytes: Uint8Array;
}

/** The submissions of a client message, null if it is not well formed. */
export function decodeSubmissions(message: Uint8Array): Submission[] | null {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const submissions: Submission[] = [];
  let offset = 0;
  while (offset < message.length) {
    if (message.length - offset < SUBMIT_HEADER_BYTES || message[offset] !== FRAME.SUBMIT) return null;
    const length = view.getUint32(offset + 5);
    const start = offset + SUBMIT_HEADER_BYTES;
    if (length > message.length - start) return null;
    submissions.push({ request: view.getUint32(offset + 1), bytes: message.subarray(start, start + length) });
    offset = start + length;
  }
  return submissions;
}

/** One message with several bundles. */
export function encodeSubmissions(submissions: readonly Submission[]): Uint8Array {
  const message = new Uint8Array(submissions.reduce((sum, { bytes }) => sum + SUBMIT_HEADER_BYTES + bytes.length, 0));
  const view = new DataView(message.buffer);
  let offset = 0;
  for (const { request, bytes } of submissions) {
    message[offset] = FRAME.SUBMIT;
    view.setUint32(offset + 1, request);
    view.setUint32(offset + 5, bytes.length);
    message.set(bytes, offset + SUBMIT_HEADER_BYTES);
    offset += SUBMIT_HEADER_BYTES + bytes.length;
  }
  return message;
}

function frame(level: number, request: number, bodyBytes: number): { message: Uint8Array; view: DataView } {
  const message = new Uint8Array(ACK_HEADER_BYTES + bodyBytes);
  const view = new DataView(message.buffer);
  message[0] = FRAME.ACK;
  view.setUint32(1, request);
  message[5] = level;
  return { message, view };
}

/** SEQUENCED or PARKED: no body. */
export function encodeNotice(level: number, request: number): Uint8Array {
  return frame(level, request, 0).message;
}

/** Error code u8, then text. */
export function encodeRejection(request: number, code: number, detail: string): Uint8Array {
  const text = new TextEncoder().encode(detail);
  const { message } = frame(ACK_LEVEL.REJECTED, request, 1 + text.length);
  message[6] = code;
  message.set(text, 7);
  return message;
}

/** What became of a bundle: its place in the order, and of each record outcome, slot and id. */
export interface BundleRecord {
  /** Number of its first record, over all records that were ever executed. */
  readonly position: number;
  readonly firstReceipt: number;
  readonly outcomes: Uint8Array;
  readonly slots: Uint32Array;
  readonly ids: Float64Array;
}

/** The signed head that covers a bundle: keccak256(previous head ‖ group root ‖ u64 position), and the path to the group root. */
export interface SignedHead {
  /** The head before. */
  readonly previous: Uint8Array;
  readonly head: Uint8Array;
  /** Records that the head covers. */
  readonly position: number;
  /** Of the bundle in its group: where the path starts. */
  readonly index: number;
  /** 64 bytes, EIP-2098, over `Head(slot, position, head)`. */
  readonly signature: Uint8Array;
  /** 96 bytes a level. */
  readonly path: Uint8Array;
}

/**
 * position u64, firstReceipt u64, count u16, count × (outcome u8, slot u32, id u64), head 32, signature 64, levels u8, path, previous head 32,
 * position of the head u64, index u32.
 */
export function encodeDurable(request: number, bundle: BundleRecord, signed: SignedHead): Uint8Array {
  const count = bundle.outcomes.length;
  const { message, view } = frame(ACK_LEVEL.DURABLE, request, 18 + RESULT_BYTES * count + 97 + signed.path.length + HEAD_TAIL_BYTES);
  setU64(view, 6, bundle.position);
  setU64(view, 14, bundle.firstReceipt);
  view.setUint16(22, count);
  let offset = 24;
  for (let i = 0; i < count; i += 1, offset += RESULT_BYTES) {
    message[offset] = bundle.outcomes[i];
    view.setUint32(offset + 1, bundle.slots[i]);
    setU64(view, offset + 5, bundle.ids[i]);
  }
  message.set(signed.head, offset);
  message.set(signed.signature, offset + 32);
  message[offset + 96] = signed.path.length / 96;
  message.set(signed.path, offset + 97);
  offset += 97 + signed.path.length;
  message.set(signed.previous, offset);
  setU64(view, offset + 32, signed.position);
  view.setUint32(offset + 40, signed.index);
  return message;
}

/** position u64, state root 32, signature 64 over `Root(position, batchCount, stateRoot)`, batchCount u64. */
export function encodeRooted(request: number, position: number, stateRoot: Uint8Array, signature: Uint8Array, batchCount: number): Uint8Array {
  const { message, view } = frame(ACK_LEVEL.ROOTED, request, 8 + 32 + 64 + 8);
  setU64(view, 6, position);
  message.set(stateRoot, 14);
  message.set(signature, 46);
  setU64(view, 110, batchCount);
  return message;
}

/** The level, request and (for DURABLE and ROOTED) position of a server message. */
export function readAck(message: Uint8Array): { level: number; request: number; position: number } {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const level = message[5];
  const hasPosition = level === ACK_LEVEL.DURABLE || level === ACK_LEVEL.ROOTED;
  return { level, request: view.getUint32(1), position: hasPosition ? getU64(view, 6) : 0 };
}
