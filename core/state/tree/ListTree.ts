import { hashNodes } from "../../hash/index.ts";

const HASH_BYTES = 32;
const TAG_INNER = 0;

/**
 * The smallest full 4-ary tree over a finished list of hashes, padded with zeros (the shape of rule B-1): its root is zero
 * for none and the hash itself for one. Proofs are as in rule N-4; `computeRoot` reads them with this tree's `depth`.
 */
export class ListTree {
  readonly count: number;
  readonly depth: number;
  /** By level, 0: the hashes, each padded to a multiple of four nodes, the root level to one. */
  readonly #levels: Uint8Array[];

  /** `hashes` holds 32 bytes for each; it is copied. RangeError for any other length. */
  constructor(hashes: Uint8Array) {
    if (hashes.length % HASH_BYTES !== 0) throw new RangeError(`${hashes.length} bytes are not whole hashes`);
    this.count = hashes.length / HASH_BYTES;
    this.#levels = [padded(hashes, this.count)];
    let nodes = this.count;
    while (nodes > 1) {
      const below = this.#levels[this.#levels.length - 1];
      nodes = Math.ceil(nodes / 4);
      const level = padded(new Uint8Array(0), nodes);
      hashNodes(below, 0, nodes, TAG_INNER, level, 0);
      this.#levels.push(level);
    }
    this.depth = this.#levels.length - 1;
  }

  root(): Uint8Array {
    return this.#levels[this.depth].slice(0, HASH_BYTES);
  }

  /** Three siblings a level in child order, from the hash up. RangeError if the index is not below 4^depth. */
  proof(index: number): Uint8Array {
    if (!Number.isInteger(index) || index < 0 || index >= 4 ** this.depth) throw new RangeError(`index ${index} is not below 4^${this.depth}`);
    const proof = new Uint8Array(this.depth * 3 * HASH_BYTES);
    let at = 0;
    for (let level = 0, node = index; level < this.depth; level++, node >>>= 2) {
      const firstSibling = node & ~3;
      for (let sibling = firstSibling; sibling < firstSibling + 4; sibling++) {
        if (sibling === node) continue;
        proof.set(this.#levels[level].subarray(sibling * HASH_BYTES, (sibling + 1) * HASH_BYTES), at);
        at += HASH_BYTES;
      }
    }
    return proof;
  }
}

function padded(hashes: Uint8Array, nodes: number): Uint8Array {
  const room = nodes <= 1 ? 1 : Math.ceil(nodes / 4) * 4;
  const bytes = new Uint8Array(room * HASH_BYTES);
  bytes.set(hashes);
  return bytes;
}
