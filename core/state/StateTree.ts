import { CoreError } from "../errors.ts";
import { DEPTH_OF_KIND, KIND, LEAF_BYTES, TAG_INNER, TAG_ROOT, TOP_DEPTH } from "../generated/protocol.ts";
import { hashNode, keccak256 } from "../hash/index.ts";
import type { DirtyLeaves } from "./LeafStore.ts";
import { AppendTree, DenseTree, MemoryNodeStore } from "./tree/index.ts";
import type { NodeStore } from "./tree/index.ts";

const HASH_BYTES = 32;
const LEVEL_BYTES = 96;
const TOP_KINDS = 4 ** TOP_DEPTH;

/** Where the nodes of the append-only subtrees are kept; in memory unless given. */
export interface StateTreeOptions {
  readonly receipts?: NodeStore;
  readonly withdrawals?: NodeStore;
}

/** Frontiers of the append-only subtrees: with their node stores and the leaves of the others, all that a tree needs to go on. */
export interface StateTreeSnapshot {
  readonly receipts: Uint8Array;
  readonly withdrawals: Uint8Array;
}

/** The commitment to a state (N-1 … N-4). It needs only what `State.drainDirty` hands over, so it may live in another thread. */
export class StateTree {
  readonly #dense = new Map<number, DenseTree>();
  readonly #append = new Map<number, { readonly tree: AppendTree; readonly store: NodeStore }>();

  constructor(options: StateTreeOptions = {}) {
    for (const kind of [KIND.SYSTEM, KIND.AGENT, KIND.DIRECTORY, KIND.INVOCATION, KIND.WORKFLOW, KIND.SESSION, KIND.CHANNEL]) {
      this.#dense.set(kind, new DenseTree({ kind, depth: DEPTH_OF_KIND[kind] }));
    }
    this.#addAppendTree(KIND.RECEIPT, options.receipts ?? new MemoryNodeStore());
    this.#addAppendTree(KIND.WITHDRAWAL, options.withdrawals ?? new MemoryNodeStore());
  }

  /** Takes over changed leaves. Receipts and withdrawals must follow on what is there, without a gap. */
  apply(drained: readonly DirtyLeaves[]): void {
    for (const { kind, indices, leaves } of drained) {
      const append = this.#append.get(kind);
      if (append === undefined) {
        this.#denseTree(kind).setLeaves(new Uint32Array(indices), leaves);
        continue;
      }
      if (indices[0] !== append.tree.count) {
        throw new CoreError("state/window", `Subtree ${kind} has ${append.tree.count} leaves; leaf ${indices[0]} cannot follow.`);
      }
      append.tree.append(leaves, indices.length);
    }
  }

  /** Takes over leaves from `first` on, of a subtree that is not append-only: for snapshots. */
  load(kind: number, first: number, leaves: Uint8Array): void {
    this.#denseTree(kind).setLeavesContiguous(first, leaves, leaves.length / LEAF_BYTES);
  }

  /** The state root (N-3), 32 bytes. */
  root(): Uint8Array {
    return topRoot(this.#top());
  }

  /** The root of one subtree. */
  subtreeRoot(kind: number): Uint8Array {
    const append = this.#append.get(kind);
    return append === undefined ? this.#denseTree(kind).root() : append.tree.root();
  }

  /**
   * The proof of a leaf (N-4): 96 bytes a level, from the leaf up to the top. A receipt or withdrawal that is to be appended next
   * can be proven too: it is zero.
   */
  proof(kind: number, index: number): Uint8Array {
    const append = this.#append.get(kind);
    const lower = append === undefined ? this.#denseTree(kind).proof(index) : append.tree.proof(append.store, index);
    const proof = new Uint8Array(lower.length + TOP_DEPTH * LEVEL_BYTES);
    proof.set(lower);
    const { roots, groups } = this.#top();
    copySiblings(roots, kind, proof, lower.length);
    copySiblings(groups, kind >>> 2, proof, lower.length + LEVEL_BYTES);
    return proof;
  }

  /** Leaves appended to RECEIPT or WITHDRAWAL. */
  count(kind: number): number {
    return this.#append.get(kind)?.tree.count ?? 0;
  }

  /** What `restore` needs besides the leaves and the node stores. */
  snapshot(): StateTreeSnapshot {
    return { receipts: this.#appendTree(KIND.RECEIPT).snapshot(), withdrawals: this.#appendTree(KIND.WITHDRAWAL).snapshot() };
  }

  /** Goes back to the frontiers of a snapshot; the other leaves come with `load`. */
  restore(snapshot: StateTreeSnapshot): void {
    this.#appendTree(KIND.RECEIPT).restore(snapshot.receipts);
    this.#appendTree(KIND.WITHDRAWAL).restore(snapshot.withdrawals);
  }

  #addAppendTree(kind: number, store: NodeStore): void {
    this.#append.set(kind, { tree: new AppendTree({ kind, depth: DEPTH_OF_KIND[kind], sink: store }), store });
  }

  #appendTree(kind: number): AppendTree {
    const append = this.#append.get(kind);
    if (append === undefined) throw new CoreError("state/index", `Subtree ${kind} is not append-only.`);
    return append.tree;
  }

  #denseTree(kind: number): DenseTree {
    const tree = this.#dense.get(kind);
    if (tree === undefined) throw new CoreError("state/index", `There is no subtree ${kind}.`);
    return tree;
  }

  #top(): { roots: Uint8Array; groups: Uint8Array } {
    const roots = new Uint8Array(TOP_KINDS * HASH_BYTES);
    for (const [kind, tree] of this.#dense) roots.set(tree.root(), kind * HASH_BYTES);
    for (const [kind, { tree }] of this.#append) roots.set(tree.root(), kind * HASH_BYTES);
    const groups = new Uint8Array(4 * HASH_BYTES);
    for (let i = 0; i < 4; i += 1) hashNode(roots, i * 4 * HASH_BYTES, TAG_INNER, groups, i * HASH_BYTES);
    return { roots, groups };
  }
}

/** The state root from the four group nodes (N-3): never short-cut to zero. */
function topRoot(top: { groups: Uint8Array }): Uint8Array {
  const message = new Uint8Array(4 * HASH_BYTES + 1);
  message.set(top.groups);
  message[4 * HASH_BYTES] = TAG_ROOT;
  return keccak256(message);
}

function copySiblings(nodes: Uint8Array, node: number, proof: Uint8Array, at: number): void {
  for (let i = node & ~3; i < (node & ~3) + 4; i += 1) {
    if (i === node) continue;
    proof.set(nodes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), at);
    at += HASH_BYTES;
  }
}

/** An empty tree: genesis. */
export function createStateTree(options: StateTreeOptions = {}): StateTree {
  return new StateTree(options);
}
