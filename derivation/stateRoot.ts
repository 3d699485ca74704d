import { TAG_INNER, TAG_ROOT } from "../core/generated/protocol.ts";
import { hashNode, keccak256 } from "../core/hash/index.ts";

export const HASH_BYTES = 32;
/** Kinds 1 to 9. */
export const SUBTREES = 9;
const ARITY = 4;
const NODE_BYTES = ARITY * HASH_BYTES;
const TOP_NODES = 16;

/** The 16 nodes below the groups (kind k at place k) and the four groups (RULES N-3). */
function topLevels(subtreeRoots: Uint8Array): { nodes: Uint8Array; groups: Uint8Array } {
  const nodes = new Uint8Array(TOP_NODES * HASH_BYTES);
  nodes.set(subtreeRoots, HASH_BYTES);
  const groups = new Uint8Array(NODE_BYTES);
  for (let group = 0; group < ARITY; group += 1) hashNode(nodes, group * NODE_BYTES, TAG_INNER, groups, group * HASH_BYTES);
  return { nodes, groups };
}

/** RULES N-3, from the roots of kinds 1 to 9. */
export function stateRootOf(subtreeRoots: Uint8Array): Uint8Array {
  const message = new Uint8Array(NODE_BYTES + 1);
  message.set(topLevels(subtreeRoots).groups);
  message[NODE_BYTES] = TAG_ROOT;
  return keccak256(message);
}

function siblings(level: Uint8Array, node: number): Uint8Array[] {
  const first = node - (node % ARITY);
  return [0, 1, 2, 3].map((child) => first + child).filter((child) => child !== node).map((child) => level.subarray(child * HASH_BYTES, (child + 1) * HASH_BYTES));
}

/** The last two levels of a proof (RULES N-4): from the subtree's root to the state root. */
export function topProof(subtreeRoots: Uint8Array, kind: number): Uint8Array {
  const { nodes, groups } = topLevels(subtreeRoots);
  const words = [...siblings(nodes, kind), ...siblings(groups, Math.floor(kind / ARITY))];
  const proof = new Uint8Array(words.length * HASH_BYTES);
  words.forEach((word, index) => proof.set(word, index * HASH_BYTES));
  return proof;
}

/** The root of the empty state: where every chain begins. */
export function genesisRoot(): Uint8Array {
  return stateRootOf(new Uint8Array(SUBTREES * HASH_BYTES));
}
