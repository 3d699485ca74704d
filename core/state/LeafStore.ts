import { getU64, setU64 } from "../codec/integers.ts";
import { CoreError } from "../errors.ts";
import { DEPTH_OF_KIND, LEAF_BYTES } from "../generated/protocol.ts";

const INITIAL_LEAVES = 64;
const LEAF_WORDS = LEAF_BYTES / 4;

/** Leaves of one kind that changed, in the order in which they were first touched. */
export interface DirtyLeaves {
  readonly kind: number;
  /** Leaf index of each leaf. */
  readonly indices: Float64Array;
  /** 128 bytes a leaf. */
  readonly leaves: Uint8Array;
}

/** Sees every leaf before it is read or written; see `core/dispute`. */
export interface TouchObserver {
  /** `offset` is where the leaf stands in `store.bytes` right now, -1 if it is zero and not held. A leaf may come again. */
  touched(store: LeafStore, index: number, offset: number): void;
}

/**
 * The leaves of one subtree as one byte array, big-endian as in the specification.
 * An append-only store keeps only what was not handed over yet: receipts are many and never read again.
 */
export class LeafStore {
  readonly kind: number;
  readonly isAppendOnly: boolean;
  /** Replaced when the store grows: read it again after every `touch`. */
  bytes: Uint8Array;
  /** Of all of `bytes`; replaced with it. */
  view: DataView;
  /** Index of the leaf at byte 0. */
  first = 0;
  /** Leaves held, from `first` on; those beyond were never touched and are zero. */
  count = 0;
  observer: TouchObserver | null = null;

  #capacity: number;
  #marks: Uint8Array;
  #dirty: Uint32Array;
  #dirtyCount = 0;
  readonly #limit: number;

  constructor(kind: number, isAppendOnly: boolean) {
    this.kind = kind;
    this.isAppendOnly = isAppendOnly;
    this.#limit = 4 ** DEPTH_OF_KIND[kind];
    this.#capacity = INITIAL_LEAVES;
    this.bytes = new Uint8Array(INITIAL_LEAVES * LEAF_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.#marks = new Uint8Array(INITIAL_LEAVES);
    this.#dirty = new Uint32Array(INITIAL_LEAVES);
  }

  /** Makes leaf `index` present, marks it changed, and returns its byte offset in `bytes`. */
  touch(index: number): number {
    let at = index - this.first;
    if (at >= this.count || at < 0) {
      this.#extend(index);
      at = index - this.first;
    }
    if (this.#marks[at] === 0) {
      this.#marks[at] = 1;
      this.#dirty[this.#dirtyCount] = at;
      this.#dirtyCount += 1;
    }
    const offset = at * LEAF_BYTES;
    if (this.observer !== null) this.observer.touched(this, index, offset);
    return offset;
  }

  /**
   * Like `touch`, but -1 for a leaf that is not held (it is zero): a reference to a slot that was never used must not make the
   * store grow up to it.
   */
  touchHeld(index: number): number {
    if (index - this.first < this.count) return this.touch(index);
    if (this.observer !== null) this.observer.touched(this, index, -1);
    return -1;
  }

  u8(offset: number): number {
    return this.bytes[offset];
  }

  setU8(offset: number, value: number): void {
    this.bytes[offset] = value;
  }

  u32(offset: number): number {
    return this.view.getUint32(offset);
  }

  setU32(offset: number, value: number): void {
    this.view.setUint32(offset, value);
  }

  u64(offset: number): number {
    return getU64(this.view, offset);
  }

  setU64(offset: number, value: number): void {
    setU64(this.view, offset, value);
  }

  /** Adds one to a 32-bit counter, which saturates. */
  increment(offset: number): void {
    const value = this.view.getUint32(offset);
    if (value !== 0xffffffff) this.view.setUint32(offset, value + 1);
  }

  /** Sets all 128 bytes to zero. */
  clear(offset: number): void {
    for (let i = 0; i < LEAF_BYTES; i += 4) this.view.setUint32(offset + i, 0);
  }

  /** A copy of leaf `index`; zero if it was never touched. Does not touch. */
  leaf(index: number): Uint8Array {
    const at = index - this.first;
    if (at < 0) throw new CoreError("state/window", `Leaf ${index} of subtree ${this.kind} was handed over.`);
    if (at >= this.count) return new Uint8Array(LEAF_BYTES);
    return this.bytes.slice(at * LEAF_BYTES, (at + 1) * LEAF_BYTES);
  }

  /** Replaces leaf `index`: for snapshots and tests. */
  setLeaf(index: number, leaf: Uint8Array): void {
    if (leaf.length !== LEAF_BYTES) throw new CoreError("codec/length", `A leaf has ${LEAF_BYTES} bytes, not ${leaf.length}.`);
    const offset = this.touch(index);
    this.bytes.set(leaf, offset);
  }

  /**
   * Hands over the leaves that were touched since the last call; null if none was. What it returns is the caller's: the buffers
   * may be transferred to another thread.
   */
  drain(): DirtyLeaves | null {
    const changed = this.#dirtyCount;
    if (changed === 0) return null;
    this.#dirtyCount = 0;
    return this.isAppendOnly ? this.#drainAll() : this.#drainCopies(changed);
  }

  /** Append-only: gives the bytes away and goes on with empty ones, so that nothing is copied. */
  #drainAll(): DirtyLeaves {
    const { count, first, bytes } = this;
    const indices = new Float64Array(count);
    for (let i = 0; i < count; i += 1) indices[i] = first + i;
    // Sized by what came last: a much larger buffer at every drain would only keep the garbage collector busy.
    this.#capacity = INITIAL_LEAVES;
    while (this.#capacity < 2 * count && this.#capacity < this.#marks.length) this.#capacity *= 2;
    this.bytes = new Uint8Array(this.#capacity * LEAF_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.#marks.fill(0, 0, count);
    this.first = first + count;
    this.count = 0;
    return { kind: this.kind, indices, leaves: bytes.subarray(0, count * LEAF_BYTES) };
  }

  #drainCopies(changed: number): DirtyLeaves {
    const indices = new Float64Array(changed);
    const leaves = new Uint8Array(changed * LEAF_BYTES);
    const from = new Int32Array(this.bytes.buffer);
    const to = new Int32Array(leaves.buffer);
    for (let i = 0; i < changed; i += 1) {
      const at = this.#dirty[i];
      indices[i] = at;
      this.#marks[at] = 0;
      for (let j = 0, word = at * LEAF_WORDS, target = i * LEAF_WORDS; j < LEAF_WORDS; j += 1) to[target + j] = from[word + j];
    }
    return { kind: this.kind, indices, leaves };
  }

  /**
   * Replaces everything by `leaves` from index `first` on, nothing of it marked as changed; what an append-only store is given
   * counts as handed over.
   */
  load(first: number, leaves: Uint8Array): void {
    const count = leaves.length / LEAF_BYTES;
    if (!Number.isInteger(count) || first < 0 || first + count > this.#limit) {
      throw new CoreError("state/snapshot", `Subtree ${this.kind} cannot hold ${leaves.length} bytes from leaf ${first} on.`);
    }
    const held = this.isAppendOnly ? 0 : count;
    this.#dirtyCount = 0;
    this.first = first + count - held;
    this.#capacity = INITIAL_LEAVES;
    while (this.#capacity < held) this.#capacity *= 2;
    this.bytes = new Uint8Array(this.#capacity * LEAF_BYTES);
    if (held > 0) this.bytes.set(leaves);
    this.view = new DataView(this.bytes.buffer);
    this.#marks = new Uint8Array(this.#capacity);
    this.#dirty = new Uint32Array(this.#capacity);
    this.count = held;
  }

  #extend(index: number): void {
    if (index >= this.#limit || index < 0) throw new CoreError("state/index", `Subtree ${this.kind} has no leaf ${index}.`);
    if (this.isAppendOnly && this.count === 0 && index > this.first) this.first = index;
    const at = index - this.first;
    if (at < 0) throw new CoreError("state/window", `Leaf ${index} of subtree ${this.kind} was handed over.`);
    if (at >= this.#capacity) this.#grow(at);
    this.count = at + 1;
  }

  #grow(at: number): void {
    let capacity = this.#capacity;
    while (capacity <= at) capacity *= 2;
    const bytes = new Uint8Array(capacity * LEAF_BYTES);
    bytes.set(this.bytes.subarray(0, this.count * LEAF_BYTES));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.#capacity = capacity;
    if (capacity <= this.#marks.length) return;
    const marks = new Uint8Array(capacity);
    marks.set(this.#marks);
    const dirty = new Uint32Array(capacity);
    dirty.set(this.#dirty);
    this.#marks = marks;
    this.#dirty = dirty;
  }
}
