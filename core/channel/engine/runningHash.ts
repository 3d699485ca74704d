import { createKeccakEngine } from "../../hash/index.ts";
import type { KeccakEngine } from "../../hash/index.ts";

const HASH_BYTES = 32;
const ITEM_MAX_BYTES = 64;

interface Scratch {
  readonly engine: KeccakEngine;
  /** Of the hash, with the item behind it. */
  readonly at: number;
}

let scratch: Scratch | undefined;

function threadScratch(): Scratch {
  if (scratch === undefined) {
    const engine = createKeccakEngine();
    const at = engine.heapBase;
    engine.ensureBytes(at + HASH_BYTES + ITEM_MAX_BYTES);
    scratch = { engine, at };
  }
  return scratch;
}

/**
 * The running hash after one more item: hash ← keccak256(hash ‖ item), once for each of `count` items of `stride` bytes that lie one
 * after the other at `offset`. Returns a new array of 32 bytes.
 */
export function absorbItems(hash: Uint8Array, bytes: Uint8Array, offset: number, stride: number, count: number): Uint8Array {
  const { engine, at } = threadScratch();
  const { memory } = engine;
  memory.set(hash, at);
  const length = HASH_BYTES + stride;
  let from = offset;
  for (let item = 0; item < count; item++) {
    for (let i = 0; i < stride; i++) memory[at + HASH_BYTES + i] = bytes[from + i];
    from += stride;
    engine.keccak256Many(at, length, 1, at); // All is absorbed before the hash is written.
  }
  return memory.slice(at, at + HASH_BYTES);
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
