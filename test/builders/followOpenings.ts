import { expect } from "chai";

import { fromHex, toHex } from "../../core/codec/index.ts";
import type { LeafOpening, RecordedStep } from "../../core/dispute/index.ts";
import { DEPTH_OF_KIND } from "../../core/generated/protocol.ts";
import { hashNode, keccak256 } from "../../core/hash/index.ts";
import { computeRoot } from "../../core/state/tree/index.ts";
import { joinBytes } from "./TestRollup.ts";

/** The state root that a leaf with these siblings leads to (N-2 … N-4). */
function rootFrom(opening: LeafOpening, leaf: Uint8Array): string {
  const depth = DEPTH_OF_KIND[opening.kind];
  const siblings = joinBytes(opening.siblings.map((sibling) => fromHex(sibling, 32)));
  expect(opening.siblings.length).to.equal(3 * (depth + 2));
  const leafHash = new Uint8Array(32);
  hashNode(leaf, 0, opening.kind, leafHash, 0);
  const subtree = computeRoot(leafHash, Number(opening.index), depth, siblings.subarray(0, 96 * depth));
  const group = computeRoot(subtree, opening.kind & 3, 1, siblings.subarray(96 * depth, 96 * (depth + 1)));
  const top = [...opening.siblings.slice(-3).map((sibling) => fromHex(sibling))];
  top.splice(opening.kind >> 2, 0, group);
  return toHex(keccak256(joinBytes([...top, Uint8Array.of(255)])));
}

/** Follows a step's openings one after the other, as the prover does. */
export function followOpenings(recorded: RecordedStep): string {
  let root = toHex(recorded.preRoot);
  for (const [i, opening] of recorded.proof.leaves.entries()) {
    expect(rootFrom(opening, joinBytes(opening.words.map((word) => fromHex(word)))), `opening ${i}`).to.equal(root);
    root = rootFrom(opening, recorded.leaves[i].after);
  }
  return root;
}
