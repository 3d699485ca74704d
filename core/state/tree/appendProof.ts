import { hashNode } from "../../hash/index.ts";
import type { NodeSource } from "./NodeStore.ts";

const HASH_BYTES = 32;
const NODE_BYTES = 128;
const PROOF_LEVEL_BYTES = 96;
const TAG_INNER = 0;

/** The tree as it was when it had `count` leaves. */
export interface AppendTreeView {
  readonly source: NodeSource;
  readonly depth: number;
  readonly count: number;
}

/**
 * The unfinished node of every level, 0 to `depth`, zero where there is none: node floor(count / 4^level), of whose leaves only
 * some were appended. Reads at most three nodes a level.
 */
function partialNodes(view: AppendTreeView, topLevel: number): Uint8Array[] {
  const partials = [new Uint8Array(HASH_BYTES)];
  for (let level = 0; level < topLevel; level++) {
    const complete = Math.floor(view.count / 4 ** level);
    const words = new Uint8Array(NODE_BYTES);
    const inGroup = complete % 4;
    for (let child = 0; child < inGroup; child++) {
      words.set(view.source.get(level, complete - inGroup + child), child * HASH_BYTES);
    }
    words.set(partials[level], inGroup * HASH_BYTES);
    const partial = new Uint8Array(HASH_BYTES);
    hashNode(words, 0, TAG_INNER, partial, 0);
    partials.push(partial);
  }
  return partials;
}

/** The root that the tree had with `view.count` leaves. Throws what the source throws. */
export function computeAppendRoot(view: AppendTreeView): Uint8Array {
  if (view.count === 4 ** view.depth) return view.source.get(view.depth, 0).slice();
  return partialNodes(view, view.depth)[view.depth];
}

/** The proof of rule N-4 for a leaf against that root. RangeError if the index is not below 4^depth. */
export function computeAppendProof(view: AppendTreeView, index: number): Uint8Array {
  const { source, depth, count } = view;
  if (!Number.isInteger(index) || index < 0 || index >= 4 ** depth) throw new RangeError(`index ${index} is not below 4^${depth}`);
  const partials = partialNodes(view, depth);
  const proof = new Uint8Array(depth * PROOF_LEVEL_BYTES);
  let at = 0;
  for (let level = 0, node = index; level < depth; level++, node = Math.floor(node / 4)) {
    const complete = Math.floor(count / 4 ** level);
    const firstSibling = node - (node % 4);
    for (let sibling = firstSibling; sibling < firstSibling + 4; sibling++) {
      if (sibling === node) continue;
      if (sibling < complete) proof.set(source.get(level, sibling), at);
      else if (sibling === complete) proof.set(partials[level], at);
      at += HASH_BYTES;
    }
  }
  return proof;
}
