import { concat, getBytes, keccak256, toBeHex, zeroPadValue } from "ethers";

/** A second, slow implementation of the tree of RULES N-1 to N-4 and B-1, written from the rules, to check the contracts with. */

const ZERO = `0x${"00".repeat(32)}`;
const TAG_INNER = 0;
const TAG_ROOT = 255;

/** RULES N-1. */
export function node(words: readonly string[], tag: number): string {
  if (words.every((word) => word === ZERO)) return ZERO;
  return keccak256(concat([...words, toBeHex(tag, 1)]));
}

function parents(level: ReadonlyMap<bigint, string>): Map<bigint, string> {
  const above = new Map<bigint, string>();
  for (const index of level.keys()) {
    const parent = index >> 2n;
    if (above.has(parent)) continue;
    const children = [0n, 1n, 2n, 3n].map((child) => level.get(parent * 4n + child) ?? ZERO);
    above.set(parent, node(children, TAG_INNER));
  }
  return above;
}

/** A state of a few leaves by kind and index. */
export interface SparseState {
  readonly root: string;
  /** Siblings of a leaf, from the leaf up (N-4). */
  proof(kind: number, index: bigint): string[];
}

export interface SparseLeaf {
  readonly kind: number;
  readonly depth: number;
  readonly index: bigint;
  readonly words: readonly string[];
}

/** Builds the state that holds these leaves and nothing else (N-2, N-3). */
export function sparseState(leaves: readonly SparseLeaf[]): SparseState {
  const levelsOf = new Map<number, Map<bigint, string>[]>();
  for (const kind of new Set(leaves.map((leaf) => leaf.kind))) {
    const ofKind = leaves.filter((leaf) => leaf.kind === kind);
    const levels = [new Map(ofKind.map((leaf) => [leaf.index, node(leaf.words, kind)]))];
    for (let level = 0; level < ofKind[0]!.depth; level++) levels.push(parents(levels[level]!));
    levelsOf.set(kind, levels);
  }
  const subtrees = new Map([...levelsOf].map(([kind, levels]) => [BigInt(kind), levels.at(-1)!.get(0n) ?? ZERO]));
  const groups = parents(subtrees);
  const top = [0n, 1n, 2n, 3n].map((group) => groups.get(group) ?? ZERO);

  const siblingsAt = (level: ReadonlyMap<bigint, string>, index: bigint): string[] =>
    [0n, 1n, 2n, 3n].filter((child) => child !== (index & 3n)).map((child) => level.get((index & ~3n) + child) ?? ZERO);
  return {
    root: keccak256(concat([...top, toBeHex(TAG_ROOT, 1)])),
    proof(kind, index) {
      const levels = levelsOf.get(kind)!;
      const below = levels.slice(0, -1).flatMap((level, height) => siblingsAt(level, index >> BigInt(2 * height)));
      return [...below, ...siblingsAt(subtrees, BigInt(kind)), ...siblingsAt(groups, BigInt(kind) >> 2n)];
    },
  };
}

const WITHDRAWAL = 9;
const WITHDRAWAL_DEPTH = 16;

export interface Withdrawal {
  readonly recipient: string;
  /** Units. */
  readonly amount: bigint;
}

/** The words of a WITHDRAWAL leaf. */
export function withdrawalLeaf({ recipient, amount }: Withdrawal): [string, string, string, string] {
  return [concat([recipient, zeroPadValue(toBeHex(amount), 8), "0x0000007b"]), concat(["0x00000001", new Uint8Array(28)]), ZERO, ZERO];
}

/** A state whose only leaves are these withdrawals, from index 0 on, or from `firstIndex` on. */
export function withdrawalState(withdrawals: readonly Withdrawal[], firstIndex = 0n): SparseState & { proofOf(index: bigint): string[] } {
  const leaves = withdrawals.map((withdrawal, offset) => ({
    kind: WITHDRAWAL,
    depth: WITHDRAWAL_DEPTH,
    index: firstIndex + BigInt(offset),
    words: withdrawalLeaf(withdrawal),
  }));
  const state = sparseState(leaves);
  return { ...state, proofOf: (index) => state.proof(WITHDRAWAL, index) };
}

const CHUNK_BYTES = 42 * 96;

/** RULES B-1. */
export function dataRoot(data: string): string {
  const bytes = getBytes(data);
  if (bytes.length === 0) return ZERO;
  let level: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) level.push(keccak256(bytes.slice(start, start + CHUNK_BYTES)));
  while (level.length > 1) {
    const above: string[] = [];
    for (let i = 0; i < level.length; i += 4) above.push(node([0, 1, 2, 3].map((child) => level[i + child] ?? ZERO), TAG_INNER));
    level = above;
  }
  return level[0]!;
}
