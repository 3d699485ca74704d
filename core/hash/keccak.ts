import { createKeccakEngine } from "./createKeccakEngine.ts";
import type { KeccakEngine } from "./KeccakEngine.ts";

const NODE_BYTES = 128;
const HASH_BYTES = 32;
const SLOT_BYTES = 96;
/** Nodes and slots pass through the engine's memory at most this many at a time. */
const CHUNK_ITEMS = 256;
const INPUT_BYTES = CHUNK_ITEMS * NODE_BYTES;

/** So that at least two messages are in the engine's memory at once. */
export const MANY_MAX_BYTES = INPUT_BYTES / 2;

interface Scratch {
  readonly engine: KeccakEngine;
  readonly input: number;
  readonly output: number;
}

let scratch: Scratch | undefined;

/** This thread's engine, made on first use. */
function threadScratch(): Scratch {
  if (scratch === undefined) {
    const engine = createKeccakEngine();
    const input = engine.heapBase;
    const output = input + INPUT_BYTES;
    engine.ensureBytes(output + CHUNK_ITEMS * HASH_BYTES);
    scratch = { engine, input, output };
  }
  return scratch;
}

function requireRange(bytes: Uint8Array, offset: number, length: number, name: string): void {
  if (offset < 0 || offset + length > bytes.length) {
    throw new RangeError(`${name}: ${length} bytes at ${offset} do not fit ${bytes.length}`);
  }
}

/** Ethereum's keccak-256: 32 bytes, for a message of any length. */
export function keccak256(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(HASH_BYTES);
  threadScratch().engine.digest(message, out, 0);
  return out;
}

/** As {@link keccak256}, writing the 32 bytes to `out` at `outOffset`. */
export function keccak256Into(message: Uint8Array, out: Uint8Array, outOffset: number): void {
  requireRange(out, outOffset, HASH_BYTES, "out");
  threadScratch().engine.digest(message, out, outOffset);
}

/**
 * keccak-256 of `count` messages of `messageBytes` bytes that lie one after the other, at most {@link MANY_MAX_BYTES} each.
 * Writes 32 bytes for each to `out` at `outOffset`. Two are hashed at a time.
 */
export function keccak256Many(
  messages: Uint8Array,
  messageBytes: number,
  count: number,
  out: Uint8Array,
  outOffset: number,
): void {
  if (messageBytes > MANY_MAX_BYTES) throw new RangeError(`messages of ${messageBytes} bytes are longer than ${MANY_MAX_BYTES}`);
  requireRange(messages, 0, count * messageBytes, "messages");
  requireRange(out, outOffset, count * HASH_BYTES, "out");
  const { engine, input, output } = threadScratch();
  const { memory } = engine;
  const chunk = Math.min(CHUNK_ITEMS, Math.floor(INPUT_BYTES / Math.max(1, messageBytes)));
  for (let done = 0; done < count; done += chunk) {
    const items = Math.min(chunk, count - done);
    memory.set(messages.subarray(done * messageBytes, (done + items) * messageBytes), input);
    engine.keccak256Many(input, messageBytes, items, output);
    out.set(memory.subarray(output, output + items * HASH_BYTES), outOffset + done * HASH_BYTES);
  }
}

/**
 * The node hash of rule N-1 over the 128 bytes of `words` at `offset`: zero if all are zero, else
 * keccak256(them ‖ tag). Writes 32 bytes to `out` at `outOffset`, which may be the same array.
 */
export function hashNode(words: Uint8Array, offset: number, tag: number, out: Uint8Array, outOffset: number): void {
  hashNodes(words, offset, 1, tag, out, outOffset);
}

/** {@link hashNode} of `count` nodes that lie one after the other, several times as fast as one by one. */
export function hashNodes(
  words: Uint8Array,
  offset: number,
  count: number,
  tag: number,
  out: Uint8Array,
  outOffset: number,
): void {
  requireRange(words, offset, count * NODE_BYTES, "words");
  requireRange(out, outOffset, count * HASH_BYTES, "out");
  const { engine, input, output } = threadScratch();
  const { memory } = engine;
  for (let done = 0; done < count; done += CHUNK_ITEMS) {
    const items = Math.min(CHUNK_ITEMS, count - done);
    const at = offset + done * NODE_BYTES;
    memory.set(words.subarray(at, at + items * NODE_BYTES), input);
    engine.hashMany(input, items, tag, output);
    out.set(memory.subarray(output, output + items * HASH_BYTES), outOffset + done * HASH_BYTES);
  }
}

/**
 * The running hash of rule B-4 over `count` slots of 96 bytes at `offset`: each step replaces the 32 bytes of `hash` by
 * keccak256(hash ‖ slot).
 */
export function absorbSlots(hash: Uint8Array, slots: Uint8Array, offset: number, count: number): void {
  requireRange(hash, 0, HASH_BYTES, "hash");
  requireRange(slots, offset, count * SLOT_BYTES, "slots");
  const { engine, input, output } = threadScratch();
  const { memory } = engine;
  memory.set(hash.subarray(0, HASH_BYTES), output);
  for (let done = 0; done < count; done += CHUNK_ITEMS) {
    const items = Math.min(CHUNK_ITEMS, count - done);
    const at = offset + done * SLOT_BYTES;
    memory.set(slots.subarray(at, at + items * SLOT_BYTES), input);
    engine.absorbSlots(output, input, items);
  }
  hash.set(memory.subarray(output, output + HASH_BYTES));
}

/** One bundle's part in {@link absorbSlotsPair}. */
export interface SlotList {
  /** 32 bytes, replaced by the running hash. */
  readonly hash: Uint8Array;
  readonly slots: Uint8Array;
  readonly offset: number;
  readonly count: number;
}

/** {@link absorbSlots} of two lists at once, 1.7 times as fast as one after the other while both last. */
export function absorbSlotsPair(a: SlotList, b: SlotList): void {
  for (const list of [a, b]) {
    requireRange(list.hash, 0, HASH_BYTES, "hash");
    requireRange(list.slots, list.offset, list.count * SLOT_BYTES, "slots");
  }
  const { engine, input, output } = threadScratch();
  const { memory } = engine;
  const half = CHUNK_ITEMS >>> 1;
  const inputB = input + half * SLOT_BYTES;
  const common = Math.min(a.count, b.count);
  memory.set(a.hash.subarray(0, HASH_BYTES), output);
  memory.set(b.hash.subarray(0, HASH_BYTES), output + HASH_BYTES);
  for (let done = 0; done < common; done += half) {
    const items = Math.min(half, common - done);
    const atA = a.offset + done * SLOT_BYTES;
    const atB = b.offset + done * SLOT_BYTES;
    memory.set(a.slots.subarray(atA, atA + items * SLOT_BYTES), input);
    memory.set(b.slots.subarray(atB, atB + items * SLOT_BYTES), inputB);
    engine.absorbSlotsPair(output, input, output + HASH_BYTES, inputB, items);
  }
  a.hash.set(memory.subarray(output, output + HASH_BYTES));
  b.hash.set(memory.subarray(output + HASH_BYTES, output + 2 * HASH_BYTES));
  absorbSlots(a.hash, a.slots, a.offset + common * SLOT_BYTES, a.count - common);
  absorbSlots(b.hash, b.slots, b.offset + common * SLOT_BYTES, b.count - common);
}
