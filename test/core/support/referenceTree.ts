import { keccak_256 } from "@noble/hashes/sha3.js";

const ZERO = new Uint8Array(32);

/** N-1, straight from its definition. */
export function referenceNode(words: Uint8Array, tag: number): Uint8Array {
  if (words.every((byte) => byte === 0)) return ZERO;
  return keccak_256(Buffer.concat([words, Uint8Array.of(tag)]));
}

/** N-2, straight from its definition: the root of the subtree of `depth` whose first leaf is `first`; absent leaves are zero. */
export function referenceRoot(leaves: ReadonlyMap<number, Uint8Array>, kind: number, depth: number, first = 0): Uint8Array {
  const span = 4 ** depth;
  if (![...leaves.keys()].some((index) => index >= first && index < first + span)) return ZERO;
  if (depth === 0) return referenceNode(leaves.get(first) ?? new Uint8Array(128), kind);
  const children = [0, 1, 2, 3].map((child) => referenceRoot(leaves, kind, depth - 1, first + (child * span) / 4));
  return referenceNode(Buffer.concat(children), 0);
}
