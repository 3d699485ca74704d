import { hashNode, hashNodes } from "../../hash/index.ts";
import { computeAppendProof, computeAppendRoot } from "./appendProof.ts";
import type { NodeSink, NodeSource } from "./NodeStore.ts";

const LEAF_BYTES = 128;
const HASH_BYTES = 32;
const TAG_INNER = 0;
const MAX_DEPTH = 24;
const COUNT_BYTES = 8;
/** Leaves are hashed this many at a time. */
const CHUNK_LEAVES = 256;

export interface AppendTreeOptions {
  /** Kind id, 1 to 15: the tag of leaf hashes. */
  readonly kind: number;
  /** 1 to 24; the tree has room for 4^depth leaves. */
  readonly depth: number;
  /** Gets every node as soon as all leaves below it are there. If it throws, the tree must be restored. */
  readonly sink?: NodeSink;
}

/**
 * A subtree of rule N-2 whose leaves are only appended. It keeps the frontier: of every level the complete nodes whose
 * parent is not complete, at most three. Leaves that are not there yet are zero.
 */
export class AppendTree {
  readonly kind: number;
  readonly depth: number;
  readonly #sink: NodeSink | undefined;
  /** By level: the frontier's nodes of that level, then room for a chunk's new ones. */
  readonly #levels: Uint8Array[];
  #count = 0;

  constructor(options: AppendTreeOptions) {
    const { kind, depth } = options;
    if (!Number.isInteger(depth) || depth < 1 || depth > MAX_DEPTH) throw new RangeError(`depth ${depth} is not 1 to ${MAX_DEPTH}`);
    if (!Number.isInteger(kind) || kind < 1 || kind > 15) throw new RangeError(`kind ${kind} is not 1 to 15`);
    this.kind = kind;
    this.depth = depth;
    this.#sink = options.sink;
    this.#levels = Array.from({ length: depth + 1 }, (_, level) => {
      const newNodes = Math.ceil(CHUNK_LEAVES / 4 ** level) + 1;
      return new Uint8Array((3 + newNodes) * HASH_BYTES);
    });
  }

  /** Leaves so far. */
  get count(): number {
    return this.#count;
  }

  /** Appends `count` leaves of 128 bytes. RangeError, with nothing appended, if they do not fit the tree or the array. */
  append(leafBytes: Uint8Array, count: number = leafBytes.length / LEAF_BYTES): void {
    if (!Number.isInteger(count) || count < 0 || leafBytes.length < count * LEAF_BYTES) {
      throw new RangeError(`${leafBytes.length} bytes are not ${count} leaves`);
    }
    if (this.#count + count > 4 ** this.depth) throw new RangeError(`${count} leaves do not fit: ${this.#count} of 4^${this.depth} are there`);
    for (let done = 0; done < count; done += CHUNK_LEAVES) {
      this.#appendChunk(leafBytes, done * LEAF_BYTES, Math.min(CHUNK_LEAVES, count - done));
    }
  }

  /** The root over what was appended. At most `depth` hashes. */
  root(): Uint8Array {
    if (this.#count === 4 ** this.depth) return this.#levels[this.depth].slice(0, HASH_BYTES);
    const words = new Uint8Array(LEAF_BYTES);
    const partial = new Uint8Array(HASH_BYTES);
    for (let level = 0; level < this.depth; level++) {
      const frontierBytes = this.#frontierNodes(level) * HASH_BYTES;
      words.fill(0);
      words.set(this.#levels[level].subarray(0, frontierBytes));
      words.set(partial, frontierBytes);
      hashNode(words, 0, TAG_INNER, partial, 0);
    }
    return partial;
  }

  /** The root as it was with `count` leaves, from the nodes that the sink took. */
  rootAt(source: NodeSource, count: number): Uint8Array {
    this.#requireCount(count);
    return computeAppendRoot({ source, depth: this.depth, count });
  }

  /** The proof of rule N-4 against `rootAt(source, count)`; by default against `root()`. */
  proof(source: NodeSource, index: number, count: number = this.#count): Uint8Array {
    this.#requireCount(count);
    return computeAppendProof({ source, depth: this.depth, count }, index);
  }

  /** The count (8 bytes, big-endian), then the frontier's nodes from the leaves up: all that `restore` needs. */
  snapshot(): Uint8Array {
    const nodes = this.#levels.map((nodes, level) => nodes.subarray(0, this.#frontierNodes(level) * HASH_BYTES));
    const bytes = new Uint8Array(COUNT_BYTES + nodes.reduce((sum, { length }) => sum + length, 0));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(this.#count));
    let at = COUNT_BYTES;
    for (const part of nodes) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Goes back to a snapshot of a tree of the same kind and depth. RangeError, with nothing changed, if it is not one. */
  restore(snapshot: Uint8Array): void {
    if (snapshot.length < COUNT_BYTES) throw new RangeError(`a snapshot has at least ${COUNT_BYTES} bytes, not ${snapshot.length}`);
    const count = Number(new DataView(snapshot.buffer, snapshot.byteOffset).getBigUint64(0));
    if (count > 4 ** this.depth) throw new RangeError(`a snapshot of ${count} leaves does not fit depth ${this.depth}`);
    let nodes = 0;
    for (let level = 0; level <= this.depth; level++) nodes += frontierNodes(count, level, this.depth);
    const expected = COUNT_BYTES + nodes * HASH_BYTES;
    if (snapshot.length !== expected) throw new RangeError(`a snapshot of ${count} leaves has ${expected} bytes, not ${snapshot.length}`);
    this.#count = count;
    let at = COUNT_BYTES;
    for (let level = 0; level <= this.depth; level++) {
      const bytes = this.#frontierNodes(level) * HASH_BYTES;
      this.#levels[level].set(snapshot.subarray(at, at + bytes));
      at += bytes;
    }
  }

  #requireCount(count: number): void {
    if (!Number.isInteger(count) || count < 0 || count > this.#count) {
      throw new RangeError(`the tree never had ${count} leaves: it has ${this.#count}`);
    }
  }

  #frontierNodes(level: number): number {
    return frontierNodes(this.#count, level, this.depth);
  }

  #appendChunk(leafBytes: Uint8Array, offset: number, count: number): void {
    let fresh = count;
    let frontier = this.#frontierNodes(0);
    hashNodes(leafBytes, offset, count, this.kind, this.#levels[0], frontier * HASH_BYTES);
    for (let level = 0; fresh > 0; level++) {
      const nodes = this.#levels[level];
      const total = frontier + fresh;
      this.#sink?.put(level, Math.floor(this.#count / 4 ** level), nodes.subarray(frontier * HASH_BYTES, total * HASH_BYTES));
      if (level === this.depth) break;
      const parents = total >>> 2;
      frontier = this.#frontierNodes(level + 1);
      hashNodes(nodes, 0, parents, TAG_INNER, this.#levels[level + 1], frontier * HASH_BYTES);
      nodes.copyWithin(0, parents * 4 * HASH_BYTES, total * HASH_BYTES);
      fresh = parents;
    }
    this.#count += count;
  }
}

/** Complete nodes of a level whose parent is not complete. The root has no parent. */
function frontierNodes(count: number, level: number, depth: number): number {
  const complete = Math.floor(count / 4 ** level);
  return level === depth ? complete : complete % 4;
}
