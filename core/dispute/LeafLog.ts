import { DEPTH_OF_KIND, KIND, LEAF_BYTES } from "../generated/protocol.ts";
import type { LeafStore, TouchObserver } from "../state/LeafStore.ts";
import type { State } from "../state/State.ts";

/** Subtrees whose leaves change in place. */
export const LIVE_KINDS = [KIND.SYSTEM, KIND.AGENT, KIND.DIRECTORY, KIND.INVOCATION, KIND.WORKFLOW, KIND.SESSION, KIND.CHANNEL] as const;

/** Subtrees that only grow; their stores hold what the tree has not got yet. */
export const APPENDED_KINDS = [KIND.RECEIPT, KIND.WITHDRAWAL] as const;

/** Leaves with the values that they have on the other side of a stretch of the trace. */
export interface LeafLog {
  readonly count: number;
  readonly kinds: Uint8Array;
  readonly indices: Uint32Array;
  /** 128 bytes a leaf. */
  readonly leaves: Uint8Array;
}

const INITIAL_LEAVES = 256;

/** Bytes that a log takes. */
export function logBytes(log: LeafLog): number {
  return log.count * (LEAF_BYTES + 5);
}

/** Writes the log's values to the state and, if `isSwap`, keeps what was there in their place. */
export function applyLog(log: LeafLog, state: State, isSwap: boolean): void {
  for (let i = 0; i < log.count; i += 1) {
    const store = state.store(log.kinds[i]);
    const at = i * LEAF_BYTES;
    const leaf = log.leaves.slice(at, at + LEAF_BYTES);
    if (isSwap) log.leaves.set(store.leaf(log.indices[i]), at);
    store.setLeaf(log.indices[i], leaf);
  }
}

/** Collects the value of every leaf before its first change: what undoes all changes since `take`. Receipts and withdrawals are not in it. */
export class LeafLogger implements TouchObserver {
  /** By kind and index: the round in which the leaf was logged last. */
  readonly #stamps: Uint32Array[] = DEPTH_OF_KIND.map(() => new Uint32Array(INITIAL_LEAVES));
  #round = 1;
  #count = 0;
  #kinds = new Uint8Array(INITIAL_LEAVES);
  #indices = new Uint32Array(INITIAL_LEAVES);
  #leaves = new Uint8Array(INITIAL_LEAVES * LEAF_BYTES);

  /** Watches the leaves of `state` that change in place. */
  watch(state: State): void {
    for (const kind of LIVE_KINDS) state.store(kind).observer = this;
  }

  touched(store: LeafStore, index: number, offset: number): void {
    // A leaf that is not held is only read.
    if (offset >= 0 && this.#isNew(store.kind, index)) this.#push(store.kind, index, store.bytes, offset);
  }

  /** Adds what was seen by another observer. */
  add(kind: number, index: number, before: Uint8Array): void {
    if (kind !== KIND.RECEIPT && kind !== KIND.WITHDRAWAL && this.#isNew(kind, index)) this.#push(kind, index, before, 0);
  }

  /** What was collected; begins anew. */
  take(): LeafLog {
    const count = this.#count;
    const log = { count, kinds: this.#kinds.slice(0, count), indices: this.#indices.slice(0, count), leaves: this.#leaves.slice(0, count * LEAF_BYTES) };
    this.#count = 0;
    this.#round += 1;
    return log;
  }

  #isNew(kind: number, index: number): boolean {
    let stamps = this.#stamps[kind];
    if (index >= stamps.length) {
      let length = stamps.length;
      while (length <= index) length *= 2;
      stamps = new Uint32Array(length);
      stamps.set(this.#stamps[kind]);
      this.#stamps[kind] = stamps;
    }
    if (stamps[index] === this.#round) return false;
    stamps[index] = this.#round;
    return true;
  }

  #push(kind: number, index: number, bytes: Uint8Array, offset: number): void {
    const at = this.#count;
    if (at === this.#kinds.length) this.#grow();
    this.#kinds[at] = kind;
    this.#indices[at] = index;
    this.#leaves.set(bytes.subarray(offset, offset + LEAF_BYTES), at * LEAF_BYTES);
    this.#count += 1;
  }

  #grow(): void {
    const capacity = 2 * this.#kinds.length;
    const kinds = new Uint8Array(capacity);
    kinds.set(this.#kinds);
    const indices = new Uint32Array(capacity);
    indices.set(this.#indices);
    const leaves = new Uint8Array(capacity * LEAF_BYTES);
    leaves.set(this.#leaves);
    this.#kinds = kinds;
    this.#indices = indices;
    this.#leaves = leaves;
  }
}

/** One log that undoes what two undo that follow one another: of a leaf in both the earlier value stays. */
export function mergeLogs(earlier: LeafLog, later: LeafLog): LeafLog {
  const seen = new Set<number>();
  const keyOf = (log: LeafLog, i: number): number => log.kinds[i] * 2 ** 32 + log.indices[i];
  for (let i = 0; i < earlier.count; i += 1) seen.add(keyOf(earlier, i));
  const added: number[] = [];
  for (let i = 0; i < later.count; i += 1) if (!seen.has(keyOf(later, i))) added.push(i);
  const count = earlier.count + added.length;
  const merged = { count, kinds: new Uint8Array(count), indices: new Uint32Array(count), leaves: new Uint8Array(count * LEAF_BYTES) };
  merged.kinds.set(earlier.kinds);
  merged.indices.set(earlier.indices);
  merged.leaves.set(earlier.leaves);
  for (const [n, i] of added.entries()) {
    const to = earlier.count + n;
    merged.kinds[to] = later.kinds[i];
    merged.indices[to] = later.indices[i];
    merged.leaves.set(later.leaves.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES), to * LEAF_BYTES);
  }
  return merged;
}
