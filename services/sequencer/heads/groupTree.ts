import { ListTree } from "../../../core/state/tree/index.ts";

/** The tree over the bundles of a group commit. */
export function groupTree(hashes: readonly Uint8Array[]): ListTree {
  const bytes = new Uint8Array(32 * hashes.length);
  for (const [i, hash] of hashes.entries()) bytes.set(hash, 32 * i);
  return new ListTree(bytes);
}
