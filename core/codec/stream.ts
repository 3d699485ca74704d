import { getU64, setU64 } from "./integers.ts";

/** Frames of the sequencer's WebSocket, `/v1/stream`. A client message holds one or more submissions, a server message one or more answers. */
export const FRAME = { SUBMIT: 0x01, ACK: 0x81 } as const;

/** Levels of an answer. */
export const ACK_LEVEL = { SEQUENCED: 1, DURABLE: 2, ROOTED: 3, REJECTED: 4, PARKED: 5 } as const;

/** type u8, request id u32, byte length u32 */
export const SUBMIT_HEADER_BYTES = 9;
/** type u8, request id u32, level u8, byte length of the body u32 */
const ACK_HEADER_BYTES = 10;
const FIRST_BYTES = 16 * 1024;
const RESULT_BYTES = 13;
const HEAD_TAIL_BYTES = 32 + 8 + 4 + 8;

/** A bundle in a client message; `bytes` is a view. */
export interface Submission {
  readonly request: number;
  readonly bytes: Uint8Array;
}

/** The submissions of a client message, null if it is not well formed or has more than so many. */
export function decodeSubmissions(message: Uint8Array, most = Infinity): Submission[] | null {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const submissions: Submission[] = [];
  let offset = 0;
  while (offset < message.length) {
    if (message.length - offset < SUBMIT_HEADER_BYTES || message[offset] !== FRAME.SUBMIT) return null;
    const length = view.getUint32(offset + 5);
    const start = offset + SUBMIT_HEADER_BYTES;
    if (length > message.length - start || submissions.length >= most) return null;
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
  /** Of the operators' turns, when it was written down; 0 on a chain without operators. */
  readonly slot: number;
  /** Records that the head covers. */
  readonly position: number;
  /** Of the bundle in its group: where the path starts. */
  readonly index: number;
  /** 64 bytes, EIP-2098, over `Head(slot, position, head)`. */
  readonly signature: Uint8Array;
  /** 96 bytes a level. */
  readonly path: Uint8Array;
}

/** Answers to one client, one behind the other: what is told in one turn of the event loop goes out as one message. */
export class AnswerWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.#length;
  }

  /** The answers since the last time; the caller owns them. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    this.#renew(FIRST_BYTES);
    return taken;
  }

  /** SEQUENCED or PARKED: no body. */
  notice(level: number, request: number): void {
    this.#begin(level, request, 0);
  }

  /** Error code u8, then text. */
  rejection(request: number, code: number, detail: string): void {
    const text = new TextEncoder().encode(detail);
    const at = this.#begin(ACK_LEVEL.REJECTED, request, 1 + text.length);
    this.#bytes[at] = code;
    this.#bytes.set(text, at + 1);
  }

  /**
   * position u64, firstReceipt u64, count u16, count × (outcome u8, slot u32, id u64), head 32, signature 64, levels u8, path, previous head 32,
   * position of the head u64, index u32, slot of the head u64.
   */
  durable(request: number, bundle: BundleRecord, signed: SignedHead): void {
    const count = bundle.outcomes.length;
    let at = this.#begin(ACK_LEVEL.DURABLE, request, 18 + RESULT_BYTES * count + 97 + signed.path.length + HEAD_TAIL_BYTES);
    const bytes = this.#bytes;
    const view = this.#view;
    setU64(view, at, bundle.position);
    setU64(view, at + 8, bundle.firstReceipt);
    view.setUint16(at + 16, count);
    at += 18;
    for (let i = 0; i < count; i += 1, at += RESULT_BYTES) {
      bytes[at] = bundle.outcomes[i];
      view.setUint32(at + 1, bundle.slots[i]);
      setU64(view, at + 5, bundle.ids[i]);
    }
    bytes.set(signed.head, at);
    bytes.set(signed.signature, at + 32);
    bytes[at + 96] = signed.path.length / 96;
    bytes.set(signed.path, at + 97);
    at += 97 + signed.path.length;
    bytes.set(signed.previous, at);
    setU64(view, at + 32, signed.position);
    view.setUint32(at + 40, signed.index);
    setU64(view, at + 44, signed.slot);
  }

  /** position u64, state root 32, signature 64 over `Root(position, batchCount, stateRoot)`, batchCount u64. */
  rooted(request: number, position: number, stateRoot: Uint8Array, signature: Uint8Array, batchCount: number): void {
    const at = this.#begin(ACK_LEVEL.ROOTED, request, 8 + 32 + 64 + 8);
    setU64(this.#view, at, position);
    this.#bytes.set(stateRoot, at + 8);
    this.#bytes.set(signature, at + 40);
    setU64(this.#view, at + 104, batchCount);
  }

  /** Writes the header; returns where the body goes. */
  #begin(level: number, request: number, bodyBytes: number): number {
    const start = this.#length;
    const end = start + ACK_HEADER_BYTES + bodyBytes;
    if (end > this.#bytes.length) {
      const before = this.#bytes;
      this.#renew(Math.max(end, 2 * before.length));
      this.#bytes.set(before.subarray(0, start));
    }
    this.#bytes[start] = FRAME.ACK;
    this.#view.setUint32(start + 1, request);
    this.#bytes[start + 5] = level;
    this.#view.setUint32(start + 6, bodyBytes);
    this.#length = end;
    return start + ACK_HEADER_BYTES;
  }

  #renew(size: number): void {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** An answer within a server message. */
export interface Answer {
  readonly level: number;
  readonly request: number;
  /** A view. */
  readonly body: Uint8Array;
}

/** The answers of a server message, null if it is not well formed. */
export function decodeAnswers(message: Uint8Array): Answer[] | null {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const answers: Answer[] = [];
  for (let at = 0; at < message.length; ) {
    if (message.length - at < ACK_HEADER_BYTES || message[at] !== FRAME.ACK) return null;
    const start = at + ACK_HEADER_BYTES;
    const end = start + view.getUint32(at + 6);
    if (end > message.length) return null;
    answers.push({ level: message[at + 5], request: view.getUint32(at + 1), body: message.subarray(start, end) });
    at = end;
  }
  return answers.length === 0 ? null : answers;
}

/** What the body of a DURABLE answer says of its bundle's records. */
export function decodeBundleRecord(body: Uint8Array): BundleRecord {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const count = view.getUint16(16);
  const record = { position: getU64(view, 0), firstReceipt: getU64(view, 8), outcomes: new Uint8Array(count), slots: new Uint32Array(count), ids: new Float64Array(count) };
  for (let i = 0, at = 18; i < count; i += 1, at += RESULT_BYTES) {
    record.outcomes[i] = view.getUint8(at);
    record.slots[i] = view.getUint32(at + 1);
    record.ids[i] = getU64(view, at + 5);
  }
  return record;
}
