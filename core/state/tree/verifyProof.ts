import { hashNode } from "../../hash/index.ts";

const HASH_BYTES = 32;
const PROOF_LEVEL_BYTES = 96;
const NODE_BYTES = 128;
const TAG_INNER = 0;

/**
 * The root that a proof (rule N-4: three siblings a level in child order, from the leaf up) leads to.
 * RangeError if the proof's length is not 96 * depth, the leaf hash is not 32 bytes, or the index is not below 4^depth.
 */
export function computeRoot(leafHash: Uint8Array, index: number, depth: number, proof: Uint8Array): Uint8Array {
  if (leafHash.length !== HASH_BYTES) throw new RangeError(`a leaf hash has 32 bytes, not ${leafHash.length}`);
  if (proof.length !== depth * PROOF_LEVEL_BYTES) {
    throw new RangeError(`a proof of depth ${depth} has ${depth * PROOF_LEVEL_BYTES} bytes, not ${proof.length}`);
  }
  if (!Number.isInteger(index) || index < 0 || index >= 4 ** depth) throw new RangeError(`index ${index} is not below 4^${depth}`);
  const words = new Uint8Array(NODE_BYTES);
  const hash = leafHash.slice();
  for (let level = 0, node = index; level < depth; level++, node = Math.floor(node / 4)) {
    const own = (node % 4) * HASH_BYTES;
    const siblings = proof.subarray(level * PROOF_LEVEL_BYTES, (level + 1) * PROOF_LEVEL_BYTES);
    words.set(siblings.subarray(0, own), 0);
    words.set(hash, own);
    words.set(siblings.subarray(own), own + HASH_BYTES);
    hashNode(words, 0, TAG_INNER, hash, 0);
  }
  return hash;
}

/** Whether the proof shows that leaf `index` has `leafHash` under `root`. A malformed proof or index shows nothing. */
export function isProofValid(root: Uint8Array, leafHash: Uint8Array, index: number, depth: number, proof: Uint8Array): boolean {
  const isWellFormed =
    root.length === HASH_BYTES &&
    leafHash.length === HASH_BYTES &&
    proof.length === depth * PROOF_LEVEL_BYTES &&
    Number.isInteger(index) &&
    index >= 0 &&
    index < 4 ** depth;
  if (!isWellFormed) return false;
  const computed = computeRoot(leafHash, index, depth, proof);
  return computed.every((byte, i) => byte === root[i]);
}
