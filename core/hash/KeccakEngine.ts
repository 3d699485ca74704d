/** Which implementation runs: WebAssembly with 128-bit SIMD (two hashes at once), WebAssembly without it, or plain JavaScript. */
export type KeccakBackend = "wasm-simd" | "wasm" | "js";

/**
 * keccak-256 over a memory of its own. Offsets are bytes into `memory`; from `heapBase` (16-aligned) on the memory is the
 * caller's. `N` is the node hash of rule N-1: zero if the 128 bytes are all zero, else keccak256(128 bytes ‖ tag).
 * Nothing here checks ranges: an offset past the memory is a bug of the caller.
 */
export interface KeccakEngine {
  readonly backend: KeccakBackend;
  readonly heapBase: number;
  /** The whole memory. `ensureBytes` may replace the view: do not keep it across a call. */
  readonly memory: Uint8Array;
  /** Grows the memory to at least `bytes`; what is new is zero. */
  ensureBytes(bytes: number): void;
  /** keccak-256 of a message of any length. */
  digest(message: Uint8Array, out: Uint8Array, outOffset: number): void;
  /** keccak-256 of `count` messages of `length` bytes that lie one after the other, to hashes one after the other. */
  keccak256Many(source: number, length: number, count: number, target: number): void;
  /** N of one node. */
  hashOne(source: number, tag: number, target: number): void;
  /** N of `count` nodes that lie one after the other, to `count` hashes one after the other. */
  hashMany(source: number, count: number, tag: number, target: number): void;
  /**
   * N of `count` leaves at `source`, each to its place (u32 at `indices`) in `leaves`; marks bit `index >> 2` in `parentBitmap`
   * (0: no marks). Later leaves win.
   */
  hashLeaves(source: number, indices: number, count: number, tag: number, leaves: number, parentBitmap: number): void;
  /** Sets the bits `first` to `last`. */
  markRange(bitmap: number, first: number, last: number): void;
  /**
   * N with tag 0 of the marked nodes among `first` to `last` from their `children`; clears the marks, marks the parents in
   * `parentBitmap` (0: none). Returns how many were hashed. Other marks in the same 64-bit words are handled too.
   */
  hashMarked(children: number, nodes: number, bitmap: number, first: number, last: number, parentBitmap: number): number;
  /** Running hash (rule B-4): for each of `count` 96-byte slots, the 32 bytes at `hash` become keccak256(them ‖ slot). */
  absorbSlots(hash: number, slots: number, count: number): void;
  /** Two running hashes over lists of the same length. */
  absorbSlotsPair(hashA: number, slotsA: number, hashB: number, slotsB: number, count: number): void;
}
