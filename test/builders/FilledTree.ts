import { DEPTH_OF_KIND, LEAF_BYTES, TAG_INNER, TAG_ROOT } from "../../core/generated/protocol.ts";
import { hashNode, keccak256 } from "../../core/hash/index.ts";
import type { DirtyLeaves, StateTree } from "../../core/state/index.ts";

const HASH_BYTES = 32;
const KINDS = 16;
const TOP_LEVELS = 2;
/** Stands for everything that nobody touched: a hash like any other, so that no sibling is zero. */
const FILL = keccak256(new TextEncoder().encode("somebody else's leaves"));

/** A leaf by kind and index. */
export type LeafKey = readonly [kind: number, index: number];

/**
 * A state tree of full depth in which every subtree without a leaf of interest is taken: what a one-step proof costs on a chain with
 * millions of accounts, without building them. The leaves of interest have to be named before the first root is taken.
 */
export class FilledTree implements Pick<StateTree, "apply" | "proof" | "root"> {
  /** Nodes by level (0: leaves), then by kind and index in the level. */
  readonly #levels = Array.from({ length: 25 + TOP_LEVELS }, () => new Map<string, Uint8Array>());

  constructor(leaves: Iterable<LeafKey>) {
    for (const [kind, index] of leaves) this.#set(kind, index, new Uint8Array(LEAF_BYTES));
  }

  apply(drained: readonly DirtyLeaves[]): void {
    for (const { kind, indices, leaves } of drained) {
      indices.forEach((index, i) => this.#set(kind, index, leaves.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)));
    }
  }

  root(): Uint8Array {
    const message = new Uint8Array(4 * HASH_BYTES + 1);
    message.set(this.#family(0, (group) => this.#group(group)));
    message[4 * HASH_BYTES] = TAG_ROOT;
    return keccak256(message);
  }

  proof(kind: number, index: number): Uint8Array {
    const depth = DEPTH_OF_KIND[kind];
    const parts: Uint8Array[] = [];
    for (let level = 0; level < depth; level += 1) parts.push(this.#siblings(Math.floor(index / 4 ** level), (i) => this.#node(kind, level, i)));
    parts.push(this.#siblings(kind, (i) => this.#subtree(i)), this.#siblings(kind >> 2, (i) => this.#group(i)));
    return Uint8Array.from(Buffer.concat(parts));
  }

  #set(kind: number, index: number, leaf: Uint8Array): void {
    let hash = new Uint8Array(HASH_BYTES);
    hashNode(leaf, 0, kind, hash, 0);
    for (let level = 0, at = index; ; level += 1, at = Math.floor(at / 4)) {
      this.#levels[level].set(`${kind}:${at}`, hash);
      if (level === DEPTH_OF_KIND[kind]) return;
      const children = this.#family(at, (i) => this.#node(kind, level, i));
      hash = new Uint8Array(HASH_BYTES);
      hashNode(children, 0, TAG_INNER, hash, 0);
    }
  }

  #node(kind: number, level: number, index: number): Uint8Array {
    return this.#levels[level].get(`${kind}:${index}`) ?? FILL;
  }

  #subtree(kind: number): Uint8Array {
    return this.#node(kind, DEPTH_OF_KIND[kind] ?? 0, 0);
  }

  #group(group: number): Uint8Array {
    const hash = new Uint8Array(HASH_BYTES);
    hashNode(this.#family(group * 4, (kind) => (kind < KINDS ? this.#subtree(kind) : FILL)), 0, TAG_INNER, hash, 0);
    return hash;
  }

  /** The four nodes of which `index` is one. */
  #family(index: number, nodeAt: (index: number) => Uint8Array): Uint8Array {
    const first = index - (index % 4);
    return Uint8Array.from(Buffer.concat([0, 1, 2, 3].map((child) => nodeAt(first + child))));
  }

  #siblings(index: number, nodeAt: (index: number) => Uint8Array): Uint8Array {
    const first = index - (index % 4);
    return Uint8Array.from(Buffer.concat([0, 1, 2, 3].filter((child) => first + child !== index).map((child) => nodeAt(first + child))));
  }
}
