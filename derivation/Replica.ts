import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { Deployment } from "../chain/Deployment.ts";
import { REORG_DEPTH_BLOCKS } from "../chain/HeadWatcher.ts";
import { channelDomain } from "../core/channel/index.ts";
import { domainSeparator } from "../core/codec/bundle.ts";
import { fromHex, toHex } from "../core/codec/hex.ts";
import { advanceStart } from "../core/dispute/index.ts";
import type { TraceOptions, TraceStart } from "../core/dispute/index.ts";
import { DEPTH, KIND, LEAF_BYTES } from "../core/generated/protocol.ts";
import { createState, createStateTree } from "../core/state/index.ts";
import type { BatchInput, L1Data, TransitionParameters } from "../core/transition/index.ts";
import { recoverAddress } from "../runtime/crypto/secp.ts";
import { ChainView } from "./ChainView.ts";
import type { KnownClaim, KnownEntry } from "./ChainView.ts";
import { DerivationError } from "./DerivationError.ts";
import { BatchFile } from "./files/BatchFile.ts";
import type { BatchResult } from "./files/BatchFile.ts";
import { L1Log } from "./files/L1Log.ts";
import { RecordFile } from "./files/RecordFile.ts";
import { SnapshotStore } from "./files/SnapshotStore.ts";
import { FileNodeStore } from "./FileNodeStore.ts";
import type { L1Event } from "./L1Event.ts";
import type { L1Consumer, L1Cursor } from "./L1Source.ts";
import { ReplicaState } from "./ReplicaState.ts";
import type { ReplicaStateOptions } from "./ReplicaState.ts";
import { genesisRoot, topProof } from "./stateRoot.ts";

export interface ReplicaOptions {
  readonly dir: string;
  readonly deployment: Deployment;
  /** A snapshot is written after this many batches. */
  readonly snapshotBatches?: number;
  /** A snapshot is written at the end of each epoch too, so that its trace can be begun without a replay. */
  readonly snapshotEpochs?: boolean;
  /** How far back traces may be asked for, in batches: snapshots for that are kept. Default: none but for reorganisations. */
  readonly keepFrom?: () => number;
  /** After each batch, in order; again for a batch that came back after a reorganisation. */
  readonly onBatch?: (index: number, result: BatchResult) => void;
  readonly onEvent?: (event: L1Event) => void;
  /** How many batches are left, and the L1 block that is the head now. */
  readonly onRollback?: (batchCount: number, blockNumber: number) => void;
  /** A root that was confirmed or announced is not ours: somebody lies, or one of the two programs is wrong. */
  readonly onDivergence: (error: DerivationError) => void;
  /** Bytes of a torn last write that were cut off at opening. */
  readonly onCut?: (bytes: number) => void;
}

/** A leaf with its proof against a state root (RULES N-4). */
export interface ProvenLeaf {
  readonly kind: number;
  readonly index: number;
  readonly leaf: Uint8Array;
  /** 96 bytes a level, from the leaf up. */
  readonly proof: Uint8Array;
  readonly stateRoot: Uint8Array;
  /** The state after this many batches. */
  readonly batchCount: number;
}

const DEFAULT_SNAPSHOT_BATCHES = 512;

/** Lets timers and requests run between two batches. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * The state of a chain derived from L1 alone: what the sequencer says is compared with it and never believed. Everything is
 * in a folder, so that a restart goes on where it stopped; after a reorganisation it goes back to a snapshot and replays.
 */
export class Replica implements L1Consumer {
  readonly view = new ChainView();
  readonly #options: ReplicaOptions;
  readonly #log: L1Log;
  readonly #batches: BatchFile;
  readonly #snapshots: SnapshotStore;
  readonly #stateOptions: ReplicaStateOptions;
  readonly #cursors: L1Cursor[] = [];
  readonly #announced = new Map<number, Set<string>>();
  #current: ReplicaState;

  /**
   * Opens the folder and reads what is there; `resume` then executes what is not in a snapshot.
   * @throws DerivationError `derivation/format`
   */
  constructor(options: ReplicaOptions) {
    const { dir, deployment } = options;
    mkdirSync(dir, { recursive: true });
    this.#options = options;
    const domain = domainSeparator({ chainId: deployment.chainId, inbox: fromHex(deployment.contracts.inbox) });
    const channels = channelDomain({ chainId: deployment.chainId, adjudicator: fromHex(deployment.contracts.adjudicator) });
    const filesOf = (name: string, depth: number): ReplicaStateOptions["receipts"] => ({
      nodes: new FileNodeStore(join(dir, "nodes"), name, depth),
      leaves: new RecordFile(join(dir, `${name}.leaves`), LEAF_BYTES),
    });
    const recover = (digest: Uint8Array, r: Uint8Array, vs: Uint8Array): Uint8Array | null => recoverAddress(digest, Buffer.concat([r, vs]));
    this.#stateOptions = {
      parameters: { domainSeparator: domain, channels, feeTable: deployment.config.feeTable, recover },
      receipts: filesOf("receipts", DEPTH.RECEIPT),
      withdrawals: filesOf("withdrawals", DEPTH.WITHDRAWAL),
    };
    this.#batches = new BatchFile(join(dir, "batches"));
    this.#snapshots = new SnapshotStore(join(dir, "snapshots"), domain);
    this.#log = new L1Log(join(dir, "l1.log"));
    if (this.#log.cutBytes > 0) options.onCut?.(this.#log.cutBytes);
    for (const frame of this.#log.takeLoaded()) {
      if (frame.type === "cursor") this.#cursors.push(frame.cursor);
      else this.view.apply(frame.event, frame.data);
    }
    this.#current = this.#restore(this.view.batches.length);
  }

  /** Blocks taken over, oldest first: where an `L1Source` goes on. */
  get cursors(): readonly L1Cursor[] {
    return this.#cursors.slice(-2 * REORG_DEPTH_BLOCKS);
  }

  get current(): ReplicaState {
    return this.#current;
  }

  get batchCount(): number {
    return this.#current.batchCount;
  }

  /** Executes what the log has and the snapshot has not. */
  async resume(): Promise<void> {
    await this.#executeWaiting();
  }

  async onEvents(events: readonly L1Event[], cursor: L1Cursor): Promise<void> {
    const offset = { entries: 0, batches: 0 };
    for (const event of events) {
      this.view.check(event, offset);
      if (event.type === "entry") offset.entries += 1;
      if (event.type === "batch") offset.batches += 1;
    }
    // Empty blocks are not written down: after a restart they are read again.
    if (events.length > 0) {
      const refs = this.#log.append(events, cursor);
      this.#cursors.push(cursor);
      events.forEach((event, index) => this.view.apply(event, refs[index] ?? { offset: 0, bytes: 0 }));
    }
    for (const event of events) this.#options.onEvent?.(event);
    await this.#executeWaiting();
    // An epoch may be closed long after its last batch.
    if (this.#isEpochEnd(this.batchCount) && events.some(({ type }) => type === "epoch")) await this.saveSnapshot();
    // Anyone may claim a false state, and somebody then claims the true one; only what is confirmed counts.
    for (const event of events) if (event.type === "confirmed") this.#checkClaim(event.epoch, event.stateRoot);
  }

  onRollback(blockNumber: number): Promise<void> {
    this.#log.rollback(blockNumber);
    while ((this.#cursors.at(-1)?.blockNumber ?? -1) > blockNumber) this.#cursors.pop();
    this.view.rollback(blockNumber);
    const kept = Math.min(this.batchCount, this.view.batches.length);
    if (this.batchCount > kept) this.#current = this.#restore(kept);
    this.#options.onRollback?.(kept, blockNumber);
    return this.#executeWaiting();
  }

  /** What the state was after `batchCount` batches. Throws a RangeError if that is not known. */
  resultAt(batchCount: number): BatchResult {
    return this.#batches.read(batchCount - 1);
  }

  /** State root after `batchCount` batches, undefined while they are not executed. */
  rootAt(batchCount: number): Uint8Array | undefined {
    if (batchCount === 0) return genesisRoot();
    return batchCount <= this.batchCount ? this.#batches.read(batchCount - 1).stateRoot : undefined;
  }

  /**
   * Compares a root that somebody announced with our own, now or as soon as the batches are here. `onDivergence` tells
   * when they differ.
   */
  compare(batchCount: number, stateRoot: string): "same" | "different" | "unknown" {
    const own = this.rootAt(batchCount);
    if (own === undefined) {
      this.#announced.set(batchCount, (this.#announced.get(batchCount) ?? new Set()).add(stateRoot));
      return "unknown";
    }
    const actual = toHex(own);
    if (actual === stateRoot.toLowerCase()) return "same";
    const payload = { batchCount, expected: actual, actual: stateRoot };
    this.#options.onDivergence(
      new DerivationError("derivation/root", payload, "stop", {
        what: `After ${batchCount} batches the state root is ${actual}, but ${stateRoot} was announced`,
        why: "Somebody lies, or one of the programs executes the rules wrongly",
        todo: "Do not accept payments on that root; challenge the claim",
      }),
    );
    return "different";
  }

  /** A receipt or withdrawal with its proof against the state after `batchCount` batches (default: now); undefined if it was not there. */
  proveAppended(kind: typeof KIND.RECEIPT | typeof KIND.WITHDRAWAL, index: number, batchCount = this.batchCount): ProvenLeaf | undefined {
    if (batchCount < 1 || batchCount > this.batchCount) return undefined;
    const result = this.#batches.read(batchCount - 1);
    const count = kind === KIND.RECEIPT ? result.receiptCount : result.withdrawalCount;
    if (index < 0 || index >= count) return undefined;
    const proof = Buffer.concat([this.#current.appendProof(kind, index, count), topProof(result.subtreeRoots, kind)]);
    return { kind, index, leaf: this.#current.appendLeaf(kind, index), proof, stateRoot: result.stateRoot, batchCount };
  }

  /** Any other leaf, as it is now. */
  prove(kind: number, index: number): ProvenLeaf | undefined {
    const stateRoot = this.rootAt(this.batchCount);
    if (stateRoot === undefined) return undefined;
    return { kind, index, leaf: this.#current.state.leaf(kind, index), proof: this.#current.proof(kind, index), stateRoot, batchCount: this.batchCount };
  }

  /** The state that a claim is about: how many batches its epoch ends after. */
  batchesOf(claim: KnownClaim): number | undefined {
    return this.view.epochs[claim.epoch]?.batchEnd;
  }

  /** Batches and entries as L1 has them. */
  readonly l1: L1Data = {
    batch: (index) => this.#batch(index),
    entry: (index) => this.#entry(index),
  };

  /** What the chain's rules depend on besides its data. */
  get parameters(): TransitionParameters {
    return this.#stateOptions.parameters;
  }

  /**
   * What a `Trace` of the batches `batchStart` to `batchEnd` (exclusive) is made of: replays from the newest snapshot before it.
   * Throws a RangeError for batches that are not known.
   */
  traceOptions(batchStart: number, batchEnd: number): TraceOptions {
    const { l1 } = this;
    const { parameters } = this.#stateOptions;
    if (batchEnd > this.view.batches.length) throw new RangeError(`batch ${batchEnd - 1} of ${this.view.batches.length}`);
    const { count, start } = this.#startBefore(batchStart);
    return { start: count === batchStart ? start : advanceStart({ start, batchEnd: batchStart, l1, parameters }), batchEnd, l1, parameters };
  }

  #startBefore(batchStart: number): { count: number; start: TraceStart } {
    for (const count of this.#snapshots.list().reverse()) {
      const start = count <= batchStart ? this.#snapshots.read(count) : undefined;
      if (start !== undefined) return { count, start };
    }
    return { count: 0, start: { state: createState().exportSnapshot(), tree: createStateTree().snapshot() } };
  }

  /** Writes a snapshot of what is executed, and drops those that are not needed any more. */
  async saveSnapshot(): Promise<void> {
    const { batchCount } = this;
    if (batchCount === 0 || this.#snapshots.list().includes(batchCount)) return;
    for (const files of [this.#stateOptions.receipts, this.#stateOptions.withdrawals]) {
      files.nodes.sync();
      files.leaves.sync();
    }
    this.#batches.sync();
    await this.#snapshots.write(batchCount, this.#current.snapshot());
    // The newest one that no reorganisation reaches has to stay, and all after it.
    const safeBlock = (this.#cursors.at(-1)?.blockNumber ?? 0) - REORG_DEPTH_BLOCKS;
    const safe = this.#snapshots.list().filter((count) => (this.view.batches[count - 1]?.at.blockNumber ?? Infinity) <= safeBlock);
    const wanted = Math.min(safe.at(-1) ?? 0, this.#options.keepFrom?.() ?? Infinity);
    const kept = safe.findLast((count) => count <= wanted) ?? 0;
    for (const count of safe) if (count < kept) this.#snapshots.remove(count);
  }

  close(): void {
    for (const files of [this.#stateOptions.receipts, this.#stateOptions.withdrawals]) {
      files.nodes.close();
      files.leaves.close();
    }
    this.#batches.close();
    this.#log.close();
  }

  /** The newest usable snapshot with at most that many batches, else genesis. Newer ones and damaged ones are dropped. */
  #restore(atMost: number): ReplicaState {
    for (const count of this.#snapshots.list().reverse()) {
      const snapshot = count <= atMost && count <= this.#batches.count ? this.#snapshots.read(count) : undefined;
      if (snapshot === undefined) {
        this.#snapshots.remove(count);
        continue;
      }
      this.#batches.truncate(count);
      return new ReplicaState(this.#stateOptions, snapshot);
    }
    this.#batches.truncate(0);
    return new ReplicaState(this.#stateOptions);
  }

  async #executeWaiting(): Promise<void> {
    const { snapshotBatches = DEFAULT_SNAPSHOT_BATCHES, onBatch } = this.#options;
    while (this.batchCount < this.view.batches.length) {
      const index = this.batchCount;
      const result = this.#current.execute(this.#batch(index), (entry) => this.#entry(entry));
      this.#batches.append(result);
      onBatch?.(index, result);
      this.#checkAnnounced(index + 1);
      if ((index + 1) % snapshotBatches === 0 || this.#isEpochEnd(index + 1)) await this.saveSnapshot();
      await breathe();
    }
  }

  #isEpochEnd(batchCount: number): boolean {
    return this.#options.snapshotEpochs === true && this.view.epochs.findLast(({ batchEnd }) => batchEnd <= batchCount)?.batchEnd === batchCount;
  }

  #batch(index: number): BatchInput {
    const batch = this.view.batches[index];
    if (batch === undefined) throw new RangeError(`batch ${index} of ${this.view.batches.length}`);
    return { ...batch, data: this.#log.readData(batch.data) };
  }

  /** `ChainView.check` has seen to it that a batch consumes only entries that are known. */
  #entry(index: number): KnownEntry {
    const entry = this.view.entries[index];
    if (entry === undefined) throw new RangeError(`entry ${index} of ${this.view.entries.length}`);
    return entry;
  }

  #checkAnnounced(batchCount: number): void {
    const announced = this.#announced.get(batchCount);
    if (announced === undefined) return;
    this.#announced.delete(batchCount);
    for (const stateRoot of announced) this.compare(batchCount, stateRoot);
  }

  #checkClaim(epoch: number, stateRoot: string): void {
    const batchEnd = this.view.epochs[epoch]?.batchEnd;
    if (batchEnd !== undefined) this.compare(batchEnd, stateRoot);
  }
}

/** Opens a replica and brings it to where its files are. */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const replica = new Replica(options);
  await replica.resume();
  return replica;
}
