import { SLOT_BYTES } from "../generated/protocol.ts";

const WORD_BYTES = 32;
/** 85 slots: a bitmap's first 255 bits. */
const GROUP_WORDS = 255;

/**
 * Slots from their packed form (B-7): bitmaps, each followed by the words of its group that are not zero.
 * Undefined when the bytes are no packed form of so many slots.
 */
export function unpackSlots(packed: Uint8Array, slots: number): Uint8Array | undefined {
  const data = new Uint8Array(slots * SLOT_BYTES);
  const words = data.length / WORD_BYTES;
  let at = 0;
  for (let first = 0; first < words; first += GROUP_WORDS) {
    const bitmap = at;
    at += WORD_BYTES;
    if (at > packed.length) return undefined;
    const end = Math.min(words, first + GROUP_WORDS);
    for (let word = first; word < end; word += 1) {
      const bit = word - first;
      if (((packed[bitmap + (bit >> 3)] >> (7 - (bit & 7))) & 1) === 0) continue;
      if (at + WORD_BYTES > packed.length) return undefined;
      data.set(packed.subarray(at, at + WORD_BYTES), word * WORD_BYTES);
      at += WORD_BYTES;
    }
  }
  return at === packed.length ? data : undefined;
}
