import { DEPTH_OF_KIND, KIND, LEAF_BYTES, MACHINE, SLOT_BYTES, SYSTEM_LEAF } from "../core/generated/protocol.ts";
import { createState, createStateTree } from "../core/state/index.ts";
import type { State, StateSnapshot, StateTree, StateTreeSnapshot } from "../core/state/index.ts";
import { computeAppendProof } from "../core/state/tree/index.ts";
import { createBundleResult, createExecutor } from "../core/transition/index.ts";
import type { EntryInput, Executor, TransitionParameters } from "../core/transition/index.ts";
import type { BatchResult } from "./files/BatchFile.ts";
import type { FileNodeStore } from "./FileNodeStore.ts";
import { HASH_BYTES, SUBTREES, stateRootOf } from "./stateRoot.ts";
import type { RecordFile } from "./files/RecordFile.ts";

/** Where the append-only subtrees put what they do not keep in memory. */
export interface AppendFiles {
  readonly nodes: FileNodeStore;
  /** The leaves themselves, 128 bytes each. */
  readonly leaves: RecordFile;
}

export interface ReplicaStateOptions {
  readonly parameters: TransitionParameters;
  readonly receipts: AppendFiles;
  readonly withdrawals: AppendFiles;
}

/** Batch data and the entries it consumes, ready to execute. */
export interface ExecutableBatch {
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly slots: number;
  readonly data: Uint8Array;
}

/** All that has to be kept to go on from here later. */
export interface ReplicaSnapshot {
  readonly state: StateSnapshot;
  readonly tree: StateTreeSnapshot;
}

/** State, rules and trees of one chain: executes batches and knows the root after each. */
export class ReplicaState {
  readonly state: State;
  readonly #executor: Executor;
  readonly #tree: StateTree;
  readonly #append: ReadonlyMap<number, AppendFiles>;
  readonly #out = createBundleResult();

  /** The empty state, or the one of a snapshot; the files are cut to what it holds. */
  constructor(options: ReplicaStateOptions, snapshot?: ReplicaSnapshot) {
    this.state = createState();
    this.#executor = createExecutor(this.state, options.parameters);
    const { receipts, withdrawals } = options;
    this.#append = new Map([[KIND.RECEIPT, receipts], [KIND.WITHDRAWAL, withdrawals]]);
    this.#tree = createStateTree({ receipts: receipts.nodes, withdrawals: withdrawals.nodes });
    if (snapshot !== undefined) {
      this.state.importSnapshot(snapshot.state);
      this.#tree.restore(snapshot.tree);
      for (const { kind, first, leaves } of snapshot.state.parts) if (!this.#append.has(kind)) this.#tree.load(kind, first, leaves);
    }
    for (const [kind, files] of this.#append) {
      files.nodes.truncate(this.#tree.count(kind));
      files.leaves.truncate(this.#tree.count(kind));
    }
  }

  /** Batches executed so far. */
  get batchCount(): number {
    return this.machine("batchIndex");
  }

  /** A 64-bit counter of MACHINE. */
  machine(field: "batchIndex" | "inboxCursor" | "feeBalance" | "receiptCount" | "withdrawalCount"): number {
    return this.state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE[field]);
  }

  get agentCount(): number {
    return this.state.system.u32(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.agentCount);
  }

  get l2Time(): number {
    return this.state.system.u32(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.l2Time);
  }

  /** Executes the next batch (RULES M-2 … M-8) and hashes what it changed. */
  execute(batch: ExecutableBatch, entryAt: (index: number) => EntryInput): BatchResult {
    const executor = this.#executor;
    const { data } = batch;
    const cursor = this.machine("inboxCursor");
    executor.beginBatch(batch);
    for (let index = cursor; index < batch.queueEnd; index += 1) executor.applyEntry(entryAt(index));
    for (let offset = 0; offset < data.length; offset += this.#out.slotsTaken * SLOT_BYTES) {
      const recovered = executor.isBundle(data, offset) ? executor.recoverBundle(data, offset) : null;
      executor.executeBundle(data, offset, recovered, this.#out);
    }
    executor.endBatch();
    return this.#result();
  }

  /** The proof of rule N-4 against the root of the state as it is now. */
  proof(kind: number, index: number): Uint8Array {
    return this.#tree.proof(kind, index);
  }

  /** The proof within an append-only subtree, as it was with `count` leaves. */
  appendProof(kind: number, index: number, count: number): Uint8Array {
    return computeAppendProof({ source: this.#appendOf(kind).nodes, depth: DEPTH_OF_KIND[kind], count }, index);
  }

  /** A leaf of an append-only subtree. Throws a RangeError if it was never appended. */
  appendLeaf(kind: number, index: number): Uint8Array {
    return this.#appendOf(kind).leaves.read(index);
  }

  snapshot(): ReplicaSnapshot {
    return { state: this.state.exportSnapshot(), tree: this.#tree.snapshot() };
  }

  /** 32 bytes a kind, from kind 1 on. */
  subtreeRoots(): Uint8Array {
    const roots = new Uint8Array(SUBTREES * HASH_BYTES);
    for (let kind = 1; kind <= SUBTREES; kind += 1) roots.set(this.#tree.subtreeRoot(kind), (kind - 1) * HASH_BYTES);
    return roots;
  }

  #result(): BatchResult {
    const drained = this.state.drainDirty();
    this.#tree.apply(drained);
    for (const { kind, leaves } of drained) this.#append.get(kind)?.leaves.append(leaves);
    const subtreeRoots = this.subtreeRoots();
    return {
      stateRoot: stateRootOf(subtreeRoots),
      subtreeRoots,
      receiptCount: this.machine("receiptCount"),
      withdrawalCount: this.machine("withdrawalCount"),
      inboxCursor: this.machine("inboxCursor"),
      agentCount: this.agentCount,
      l2Time: this.l2Time,
    };
  }

  #appendOf(kind: number): AppendFiles {
    const files = this.#append.get(kind);
    if (files === undefined) throw new RangeError(`subtree ${kind} is not append-only`);
    return files;
  }
}
