const WORD = 4294967296;

/** Big-endian u64 as a number: exact up to 2^53 - 1, above that rounded but never below 2^53. */
export function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset) * WORD + view.getUint32(offset + 4);
}

/** Writes an integer below 2^53 as a big-endian u64. */
export function setU64(view: DataView, offset: number, value: number): void {
  const high = Math.floor(value / WORD);
  view.setUint32(offset, high);
  view.setUint32(offset + 4, value - high * WORD);
}

/** Copies `words` times four bytes; faster than `subarray` and `set` for a leaf or less. */
export function copyWords(from: DataView, fromOffset: number, to: DataView, toOffset: number, words: number): void {
  for (let i = 0; i < 4 * words; i += 4) to.setUint32(toOffset + i, from.getUint32(fromOffset + i));
}
