const HASH_BYTES = 32;
/** Four siblings fill one such unit, so levels start at a multiple of it. */
const GROUP_BYTES = 128;

/**
 * Where a dense tree with room for 4^`levels` leaves keeps its nodes: the bitmaps of what must be hashed again, then the levels
 * from the root of that part down to the leaves (level 0). The leaves come last, so that every level only moves up when
 * the tree grows.
 */
export interface DenseLayout {
  readonly levels: number;
  /** By level, 0 to `levels`. The children of node p of level l are the 128 bytes at `nodes[l - 1] + 128 * p`. */
  readonly nodes: readonly number[];
  /** By level, 1 to `levels`; entry 0 is unused. Whole 64-bit words. */
  readonly bitmaps: readonly number[];
  readonly end: number;
}

export function createDenseLayout(base: number, levels: number): DenseLayout {
  const bitmaps = new Array<number>(levels + 1).fill(0);
  const nodes = new Array<number>(levels + 1).fill(0);
  let at = base;
  for (let level = levels; level >= 1; level--) {
    bitmaps[level] = at;
    at += Math.ceil(4 ** (levels - level) / 64) * 8;
  }
  for (let level = levels; level >= 0; level--) {
    at = Math.ceil(at / GROUP_BYTES) * GROUP_BYTES;
    nodes[level] = at;
    at += 4 ** (levels - level) * HASH_BYTES;
  }
  return { levels, nodes, bitmaps, end: at };
}

/** Moves the nodes of `from` to their places in `to`, which has more levels, and zeroes what they leave behind. */
export function moveDenseNodes(memory: Uint8Array, from: DenseLayout, to: DenseLayout): void {
  for (let level = 0; level <= from.levels; level++) {
    const bytes = 4 ** (from.levels - level) * HASH_BYTES;
    memory.copyWithin(to.nodes[level], from.nodes[level], from.nodes[level] + bytes);
  }
  // Above the old end the memory is fresh and zero; touching it would make the machine back it with real pages.
  const zero = (start: number, end: number): void => void memory.fill(0, start, Math.max(start, Math.min(end, from.end)));
  for (let level = 0; level <= to.levels; level++) {
    const moved = level <= from.levels ? 4 ** (from.levels - level) * HASH_BYTES : 0;
    zero(to.nodes[level] + moved, to.nodes[level] + 4 ** (to.levels - level) * HASH_BYTES);
  }
  if (to.levels > 0) zero(to.bitmaps[to.levels], to.nodes[to.levels]);
}
