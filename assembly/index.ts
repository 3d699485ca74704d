/** Entry of the wasm module: keccak-256 and the loops over tree nodes. No allocator, no imports; the host owns the memory above. */
export { absorb, begin, finish, keccak256 } from "./keccak256";
export { absorbSlots, absorbSlotsPair } from "./slots";
export { keccak256Many } from "./keccak256Pair";
export { hashMany, hashOne, hashTwo } from "./node";
export { hashLeaves, hashMarked, markRange } from "./tree";

/** The first byte that the host may use, 16-aligned. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
