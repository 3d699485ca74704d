import { getU64, setU64 } from "../../../codec/integers.ts";
import { MAX_UNITS } from "../../../generated/protocol.ts";
import { ChannelError } from "../ChannelCode.ts";
import { absorbItems } from "../runningHash.ts";
import { FRAME, SIGNATURE_BYTES } from "./FrameKind.ts";
import { readPayloads } from "./payloads.ts";

/** First byte of an entry of a payer's chain. */
export const ENTRY = { CALL: 1, LOCK: 2, SETTLE: 3, DROP: 4 } as const;

/** Bytes of an entry by its kind. */
export const ENTRY_BYTES = [0, 49, 54, 49, 49] as const;

/** Where the entries begin. */
export const CALLS_HEAD_BYTES = 129;

/** A CALLS frame, read: one array element per entry. */
export interface CallsFrame {
  readonly bytes: Uint8Array;
  readonly signer: number;
  readonly version: number;
  readonly before: number;
  /** Sequence of the last entry. */
  readonly sequence: number;
  readonly resultsSeen: number;
  readonly paid: number;
  readonly hashBefore: Uint8Array;
  readonly hash: Uint8Array;
  readonly locksHash: Uint8Array;
  readonly entries: number;
  /** Offset of each entry in `bytes`. */
  readonly offsets: Uint32Array;
  /** Entries that are calls. */
  readonly calls: number;
  /** Price or amount of each entry. */
  readonly amounts: Float64Array;
  readonly payloads: readonly (Uint8Array | undefined)[] | undefined;
  readonly signature: Uint8Array;
}

export interface CallsHead {
  readonly signer: number;
  readonly version: number;
  readonly before: number;
  readonly resultsSeen: number;
  readonly paid: number;
  readonly hashBefore: Uint8Array;
  readonly hash: Uint8Array;
  readonly locksHash: Uint8Array;
}

/**
 * @param entries the entries' bytes, `count` of them
 * @param payloads one for each call, undefined if none travels
 * @returns one byte for a record's kind, then the frame with room for the signature
 */
export function buildCallsFrame(head: CallsHead, entries: Uint8Array, count: number, payloads: readonly (Uint8Array | undefined)[] | undefined): Uint8Array {
  let payloadBytes = 0;
  for (const payload of payloads ?? []) payloadBytes += 4 + (payload?.length ?? 0);
  const bytes = new Uint8Array(1 + CALLS_HEAD_BYTES + entries.length + payloadBytes + SIGNATURE_BYTES);
  const view = new DataView(bytes.buffer, 1);
  bytes[1] = FRAME.CALLS;
  bytes[2] = payloads === undefined ? 0 : 1;
  bytes[3] = head.signer;
  view.setUint16(3, count);
  view.setUint32(5, head.version);
  setU64(view, 9, head.before);
  setU64(view, 17, head.resultsSeen);
  setU64(view, 25, head.paid);
  bytes.set(head.hashBefore, 34);
  bytes.set(head.hash, 66);
  bytes.set(head.locksHash, 98);
  bytes.set(entries, 1 + CALLS_HEAD_BYTES);
  let at = CALLS_HEAD_BYTES + entries.length;
  for (const payload of payloads ?? []) {
    view.setUint32(at, payload === undefined ? 0xffffffff : payload.length);
    if (payload !== undefined) bytes.set(payload, 1 + at + 4);
    at += 4 + (payload?.length ?? 0);
  }
  return bytes;
}

/** Reads and checks the form, not the hashes. @throws ChannelError channel/frame, sequence */
export function readCallsFrame(bytes: Uint8Array): CallsFrame {
  const refuse = (why: string): never => {
    throw new ChannelError("channel/frame", why);
  };
  if (bytes.length < CALLS_HEAD_BYTES + ENTRY_BYTES[1] + SIGNATURE_BYTES) refuse("The frame is too short.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = bytes[1];
  const signer = bytes[2];
  if (flags > 1 || signer > 1) refuse("Unknown flags.");
  const entries = view.getUint16(3);
  if (entries === 0) refuse("No entries.");
  const before = getU64(view, 9);
  const resultsSeen = getU64(view, 17);
  const paid = getU64(view, 25);
  if (before + entries > MAX_UNITS || resultsSeen > MAX_UNITS || paid > MAX_UNITS) refuse("A number beyond 2^53 - 1.");
  const offsets = new Uint32Array(entries);
  const amounts = new Float64Array(entries);
  const end = bytes.length - SIGNATURE_BYTES;
  let calls = 0;
  let at = CALLS_HEAD_BYTES;
  for (let i = 0; i < entries; i++) {
    const kind = bytes[at];
    const length = kind === 0 || kind > ENTRY.DROP ? refuse(`An entry of the kind ${kind}.`) : ENTRY_BYTES[kind];
    if (at + length > end) refuse("The entries do not fit the frame.");
    if (getU64(view, at + 1) !== before + 1 + i) throw new ChannelError("channel/sequence", "An entry's sequence does not follow.");
    const amount = getU64(view, at + 9);
    if (amount > MAX_UNITS) refuse("An amount beyond 2^53 - 1.");
    amounts[i] = amount;
    offsets[i] = at;
    if (kind === ENTRY.CALL) calls++;
    at += length;
  }
  const payloads = flags === 1 ? readPayloads(bytes, at, end, calls) : undefined;
  if (flags === 0 && at !== end) refuse("The frame is longer than its content.");
  return {
    bytes, signer, version: view.getUint32(5), before, sequence: before + entries, resultsSeen, paid, hashBefore: bytes.subarray(33, 65), hash: bytes.subarray(65, 97), locksHash: bytes.subarray(97, 129), entries, offsets, calls, amounts, payloads, signature: bytes.subarray(end),
  };
}

/** The running hash over `entries` entries that begin at `at`, neighbours of one kind at once. */
export function absorbEntries(hash: Uint8Array, bytes: Uint8Array, at: number, entries: number): Uint8Array {
  let current = hash;
  let from = at;
  for (let done = 0; done < entries; ) {
    const stride = ENTRY_BYTES[bytes[from]];
    let count = 1;
    while (done + count < entries && ENTRY_BYTES[bytes[from + count * stride]] === stride) count++;
    current = absorbItems(current, bytes, from, stride, count);
    from += count * stride;
    done += count;
  }
  return current;
}
