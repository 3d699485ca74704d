import { keccak_256 } from "@noble/hashes/sha3.js";

import type { KeccakEngine } from "./KeccakEngine.ts";

const NODE_BYTES = 128;
const HASH_BYTES = 32;
const SLOT_BYTES = 96;

/** The engine where WebAssembly is missing or forbidden: same results, about 20 times slower. */
export function createJsEngine(): KeccakEngine {
  let memory = new Uint8Array(0);
  const tagged = new Uint8Array(NODE_BYTES + 1);
  const linked = new Uint8Array(HASH_BYTES + SLOT_BYTES);

  function hashOne(source: number, tag: number, target: number): void {
    const words = memory.subarray(source, source + NODE_BYTES);
    if (words.every((byte) => byte === 0)) {
      memory.fill(0, target, target + HASH_BYTES);
      return;
    }
    tagged.set(words);
    tagged[NODE_BYTES] = tag;
    memory.set(keccak_256(tagged), target);
  }

  function mark(bitmap: number, index: number): void {
    memory[bitmap + (index >>> 3)] |= 1 << (index & 7);
  }

  function absorbSlots(hash: number, slots: number, count: number): void {
    linked.set(memory.subarray(hash, hash + HASH_BYTES));
    for (let i = 0; i < count; i++) {
      const at = slots + i * SLOT_BYTES;
      linked.set(memory.subarray(at, at + SLOT_BYTES), HASH_BYTES);
      linked.set(keccak_256(linked));
    }
    memory.set(linked.subarray(0, HASH_BYTES), hash);
  }

  return {
    backend: "js",
    heapBase: 16, // Offset 0 means "no bitmap".
    get memory() {
      return memory;
    },
    ensureBytes(bytes) {
      if (bytes <= memory.length) return;
      const grown = new Uint8Array(bytes);
      grown.set(memory);
      memory = grown;
    },
    digest(message, out, outOffset) {
      out.set(keccak_256(message), outOffset);
    },
    keccak256Many(source, length, count, target) {
      for (let i = 0; i < count; i++) {
        const at = source + i * length;
        memory.set(keccak_256(memory.subarray(at, at + length)), target + i * HASH_BYTES);
      }
    },
    hashOne,
    hashMany(source, count, tag, target) {
      for (let i = 0; i < count; i++) hashOne(source + i * NODE_BYTES, tag, target + i * HASH_BYTES);
    },
    hashLeaves(source, indices, count, tag, leaves, parentBitmap) {
      const list = new DataView(memory.buffer, indices, count * 4);
      for (let i = 0; i < count; i++) {
        const index = list.getUint32(i * 4, true);
        hashOne(source + i * NODE_BYTES, tag, leaves + index * HASH_BYTES);
        if (parentBitmap !== 0) mark(parentBitmap, index >>> 2);
      }
    },
    markRange(bitmap, first, last) {
      for (let index = first; index <= last; index++) mark(bitmap, index);
    },
    hashMarked(children, nodes, bitmap, first, last, parentBitmap) {
      let hashed = 0;
      // Whole 64-bit words, as the WebAssembly loop does.
      for (let index = (first >>> 6) * 64; index < ((last >>> 6) + 1) * 64; index++) {
        if ((memory[bitmap + (index >>> 3)] & (1 << (index & 7))) === 0) continue;
        hashOne(children + index * NODE_BYTES, 0, nodes + index * HASH_BYTES);
        if (parentBitmap !== 0) mark(parentBitmap, index >>> 2);
        hashed++;
      }
      memory.fill(0, bitmap + (first >>> 6) * 8, bitmap + ((last >>> 6) + 1) * 8);
      return hashed;
    },
    absorbSlots,
    absorbSlotsPair(hashA, slotsA, hashB, slotsB, count) {
      absorbSlots(hashA, slotsA, count);
      absorbSlots(hashB, slotsB, count);
    },
  };
}
