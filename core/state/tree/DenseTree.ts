import { createKeccakEngine } from "../../hash/index.ts";
import type { KeccakBackend, KeccakEngine } from "../../hash/index.ts";
import { createDenseLayout, moveDenseNodes } from "./denseLayout.ts";
import type { DenseLayout } from "./denseLayout.ts";

const LEAF_BYTES = 128;
const HASH_BYTES = 32;
const PROOF_LEVEL_BYTES = 96;
const TAG_INNER = 0;
/** Leaves pass through the engine's memory at most this many at a time (128 KiB: they stay in the second-level cache). */
const CHUNK_LEAVES = 1024;
const MAX_DEPTH = 12;
const START_LEVELS = 3;

export interface DenseTreeOptions {
  /** Kind id, 1 to 15: the tag of leaf hashes. */
  readonly kind: number;
  /** 0 to 12; the tree has 4^depth leaves. */
  readonly depth: number;
  /** Defaults to the fastest one. */
  readonly backend?: KeccakBackend;
}

/**
 * A subtree of rule N-2 with every node in memory: 43 bytes a leaf up to the highest index used (rounded up to a power
 * of four, of which untouched pages cost nothing). Writes only mark; `root` and `proof` hash what is marked.
 */
export class DenseTree {
  readonly kind: number;
  readonly depth: number;
  readonly #engine: KeccakEngine;
  readonly #stagedIndices: number;
  readonly #stagedLeaves: number;
  readonly #base: number;
  #layout: DenseLayout;
  /** Leaves written since the last rehash lie in this range; none if it is empty. */
  #dirtyFirst = Infinity;
  #dirtyLast = -1;
  /** Node 0 of the levels above the layout, from `layout.levels` to `depth`, as of the last rehash. */
  #spine: Uint8Array[] = [];

  constructor(options: DenseTreeOptions) {
    const { kind, depth } = options;
    if (!Number.isInteger(depth) || depth < 0 || depth > MAX_DEPTH) throw new RangeError(`depth ${depth} is not 0 to ${MAX_DEPTH}`);
    if (!Number.isInteger(kind) || kind < 1 || kind > 15) throw new RangeError(`kind ${kind} is not 1 to 15`);
    this.kind = kind;
    this.depth = depth;
    this.#engine = createKeccakEngine(options.backend);
    this.#stagedIndices = this.#engine.heapBase;
    this.#stagedLeaves = this.#stagedIndices + CHUNK_LEAVES * 4;
    this.#base = this.#stagedLeaves + CHUNK_LEAVES * LEAF_BYTES;
    this.#layout = createDenseLayout(this.#base, Math.min(depth, START_LEVELS));
    this.#engine.ensureBytes(this.#layout.end);
    this.#raiseSpine();
  }

  /** Leaves that there is room for without growing. */
  get capacity(): number {
    return 4 ** this.#layout.levels;
  }

  /** Address space of the nodes; pages never written to are not backed by memory. */
  get reservedBytes(): number {
    return this.#engine.memory.length;
  }

  /**
   * Writes `count` leaves: leaf `indices[i]` becomes the 128 bytes at `128 * i` of `leafBytes`. Of two writes to one index
   * the later one counts. RangeError, with nothing written, if an index is not below 4^depth or an array is too short.
   */
  setLeaves(indices: Uint32Array, leafBytes: Uint8Array, count: number = indices.length): void {
    if (count > indices.length) throw new RangeError(`${count} leaves, but ${indices.length} indices`);
    requireLeafBytes(leafBytes, count);
    if (count === 0) return;
    let first = indices[0];
    let last = first;
    for (let i = 1; i < count; i++) {
      const index = indices[i];
      if (index < first) first = index;
      if (index > last) last = index;
    }
    this.#prepareWrite(first, last);
    const { memory } = this.#engine;
    const staged = new Uint32Array(memory.buffer, memory.byteOffset + this.#stagedIndices, CHUNK_LEAVES);
    for (let done = 0; done < count; done += CHUNK_LEAVES) {
      const items = Math.min(CHUNK_LEAVES, count - done);
      staged.set(indices.subarray(done, done + items));
      memory.set(leafBytes.subarray(done * LEAF_BYTES, (done + items) * LEAF_BYTES), this.#stagedLeaves);
      this.#engine.hashLeaves(
        this.#stagedLeaves,
        this.#stagedIndices,
        items,
        this.kind,
        this.#layout.nodes[0],
        this.#bitmapAbove(0),
      );
    }
  }

  /** Writes `count` leaves from `firstIndex` on. RangeError as for `setLeaves`. */
  setLeavesContiguous(firstIndex: number, leafBytes: Uint8Array, count: number = leafBytes.length / LEAF_BYTES): void {
    requireLeafBytes(leafBytes, count);
    this.#requireIndex(firstIndex);
    if (count === 0) return;
    const last = firstIndex + count - 1;
    this.#prepareWrite(firstIndex, last);
    const { memory } = this.#engine;
    for (let done = 0; done < count; done += CHUNK_LEAVES) {
      const items = Math.min(CHUNK_LEAVES, count - done);
      const target = this.#layout.nodes[0] + (firstIndex + done) * HASH_BYTES;
      memory.set(leafBytes.subarray(done * LEAF_BYTES, (done + items) * LEAF_BYTES), this.#stagedLeaves);
      this.#engine.hashMany(this.#stagedLeaves, items, this.kind, target);
    }
    if (this.#layout.levels > 0) this.#engine.markRange(this.#bitmapAbove(0), firstIndex >>> 2, last >>> 2);
  }

  /** Hash of the leaf, zero if it was never written. RangeError if the index is not below 4^depth. */
  leafHash(index: number): Uint8Array {
    this.#requireIndex(index);
    const hash = new Uint8Array(HASH_BYTES);
    this.#copyNode(0, index, hash, 0);
    return hash;
  }

  root(): Uint8Array {
    this.#rehash();
    return this.#spine[this.depth - this.#layout.levels].slice();
  }

  /** The proof of rule N-4 against `root()`: per level, from the leaf up, the three siblings in child order (96 bytes). */
  proof(index: number): Uint8Array {
    this.#requireIndex(index);
    this.#rehash();
    const proof = new Uint8Array(this.depth * PROOF_LEVEL_BYTES);
    let at = 0;
    for (let level = 0, node = index; level < this.depth; level++, node >>>= 2) {
      const firstSibling = node & ~3;
      for (let sibling = firstSibling; sibling < firstSibling + 4; sibling++) {
        if (sibling === node) continue;
        this.#copyNode(level, sibling, proof, at);
        at += HASH_BYTES;
      }
    }
    return proof;
  }

  #requireIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= 4 ** this.depth) {
      throw new RangeError(`index ${index} is not below 4^${this.depth}`);
    }
  }

  /** The bitmap of the level above; 0, "mark nothing", above the layout's top. */
  #bitmapAbove(level: number): number {
    return level < this.#layout.levels ? this.#layout.bitmaps[level + 1] : 0;
  }

  #prepareWrite(first: number, last: number): void {
    this.#requireIndex(last);
    if (last >= this.capacity) this.#grow(last);
    this.#dirtyFirst = Math.min(this.#dirtyFirst, first);
    this.#dirtyLast = Math.max(this.#dirtyLast, last);
  }

  #grow(index: number): void {
    this.#rehash(); // So that there are no marks to move.
    let levels = this.#layout.levels;
    while (index >= 4 ** levels) levels++;
    const from = this.#layout;
    const to = createDenseLayout(this.#base, levels);
    this.#engine.ensureBytes(to.end);
    moveDenseNodes(this.#engine.memory, from, to);
    this.#layout = to;
    // The nodes on the path from the old top to the new one are missing.
    this.#engine.markRange(this.#bitmapAbove(from.levels), 0, 0);
    this.#dirtyFirst = 0;
    this.#dirtyLast = 0;
    this.#rehash(from.levels + 1);
  }

  #rehash(fromLevel = 1): void {
    if (this.#dirtyLast < 0) return;
    const { nodes, bitmaps, levels } = this.#layout;
    for (let level = fromLevel; level <= levels; level++) {
      const first = this.#dirtyFirst >>> (2 * level);
      const last = this.#dirtyLast >>> (2 * level);
      this.#engine.hashMarked(nodes[level - 1], nodes[level], bitmaps[level], first, last, this.#bitmapAbove(level));
    }
    this.#dirtyFirst = Infinity;
    this.#dirtyLast = -1;
    this.#raiseSpine();
  }

  /** Above the layout every node but the first is zero. */
  #raiseSpine(): void {
    const { memory } = this.#engine;
    const { levels, nodes } = this.#layout;
    const staged = this.#stagedLeaves;
    this.#spine = [memory.slice(nodes[levels], nodes[levels] + HASH_BYTES)];
    for (let level = levels; level < this.depth; level++) {
      memory.fill(0, staged, staged + LEAF_BYTES);
      memory.set(this.#spine[level - levels], staged);
      this.#engine.hashOne(staged, TAG_INNER, staged);
      this.#spine.push(memory.slice(staged, staged + HASH_BYTES));
    }
  }

  /** Copies a node's hash; `out` is zero where the node lies outside what was written. */
  #copyNode(level: number, node: number, out: Uint8Array, outOffset: number): void {
    const { levels, nodes } = this.#layout;
    if (level > levels) {
      if (node === 0) out.set(this.#spine[level - levels], outOffset);
    } else if (node < 4 ** (levels - level)) {
      const at = nodes[level] + node * HASH_BYTES;
      out.set(this.#engine.memory.subarray(at, at + HASH_BYTES), outOffset);
    }
  }
}

function requireLeafBytes(leafBytes: Uint8Array, count: number): void {
  if (!Number.isInteger(count) || count < 0 || leafBytes.length < count * LEAF_BYTES) {
    throw new RangeError(`${leafBytes.length} bytes are not ${count} leaves`);
  }
}
