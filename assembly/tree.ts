/** The two loops of a dense 4-ary tree. Bit p of a level's bitmap says that node p of that level must be hashed again. */
import { hashOne, hashTwo } from "./node";

// @ts-ignore: decorator
@inline
function setBit(bitmap: usize, index: u32): void {
  const at = bitmap + ((index >> 6) << 3);
  store<u64>(at, load<u64>(at) | ((<u64>1) << (index & 63)));
}

/**
 * Hashes `count` leaves at `source` (128 bytes each) with `tag` to the places of the u32 indices at `indices`, in this order,
 * and marks their parents in `parentBitmap` (0: mark nothing).
 */
export function hashLeaves(source: usize, indices: usize, count: u32, tag: u32, leaves: usize, parentBitmap: usize): void {
  let i: u32 = 0;
  for (; i + 1 < count; i += 2) {
    const a = load<u32>(indices);
    const b = load<u32>(indices, 4);
    hashTwo(source, source + 128, tag, leaves + ((<usize>a) << 5), leaves + ((<usize>b) << 5));
    if (parentBitmap != 0) {
      setBit(parentBitmap, a >> 2);
      setBit(parentBitmap, b >> 2);
    }
    indices += 8;
    source += 256;
  }
  if (i < count) {
    const a = load<u32>(indices);
    hashOne(source, tag, leaves + ((<usize>a) << 5));
    if (parentBitmap != 0) setBit(parentBitmap, a >> 2);
  }
}

/** Marks the nodes `first` to `last`, both included. */
export function markRange(bitmap: usize, first: u32, last: u32): void {
  for (let index = first; index <= last; index++) setBit(bitmap, index);
}

/**
 * Hashes the marked nodes `first` to `last` (both included) of one level from their children, clears their marks and marks their
 * parents in `parentBitmap` (0: there are none). Returns how many it hashed.
 */
export function hashMarked(children: usize, nodes: usize, bitmap: usize, first: u32, last: u32, parentBitmap: usize): u32 {
  let hashed: u32 = 0;
  let hasWaiting = false;
  let waiting: usize = 0;
  const lastWord = last >> 6;
  for (let word = first >> 6; word <= lastWord; word++) {
    const at = bitmap + ((<usize>word) << 3);
    let bits = load<u64>(at);
    if (bits == 0) continue;
    store<u64>(at, 0);
    do {
      const node = (<usize>word << 6) + <usize>ctz<u64>(bits);
      bits &= bits - 1;
      if (parentBitmap != 0) setBit(parentBitmap, <u32>(node >> 2));
      hashed++;
      if (hasWaiting) {
        hashTwo(children + (waiting << 7), children + (node << 7), 0, nodes + (waiting << 5), nodes + (node << 5));
        hasWaiting = false;
      } else {
        waiting = node;
        hasWaiting = true;
      }
    } while (bits != 0);
  }
  if (hasWaiting) hashOne(children + (waiting << 7), 0, nodes + (waiting << 5));
  return hashed;
}
