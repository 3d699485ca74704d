import { LEAF_BYTES, MACHINE, SYSTEM_LEAF } from "../../../core/generated/protocol.ts";
import type { State } from "../../../core/state/index.ts";
import type { EntryInput, Executor } from "../../../core/transition/index.ts";
import type { Clock } from "../../../runtime/clock/Clock.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Committer } from "../Committer.ts";
import type { HeadSigner } from "../heads/HeadSigner.ts";
import { encodeBatchStart, encodeEnd } from "../log/LogEntry.ts";
import type { LogPlace } from "../log/SegmentLog.ts";
import type { DependencyLevels } from "../parking/DependencyLevels.ts";
import type { RanBundle } from "../RanBundle.ts";
import type { RootClient } from "../roots/RootClient.ts";
import type { SnapshotKeeper } from "../snapshots/SnapshotKeeper.ts";
import type { SealedBatches } from "./SealedBatches.ts";

/** Batches that have ended and are not sealed: some 200 MB, and two seconds at full speed before a slow disk or root worker is felt. */
const MAX_UNSEALED = 512;
/** Entries that one batch consumes at most: less than what the Inbox lets a batch leave out. */
const MAX_ENTRIES = 512;

export interface OpenBatchesOptions {
  readonly state: State;
  readonly executor: Executor;
  readonly committer: Committer;
  readonly roots: RootClient;
  readonly sealed: SealedBatches;
  readonly snapshots: SnapshotKeeper;
  readonly levels: DependencyLevels;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  /** Slots of a batch at most: its transaction has to fit L1's gas cap. */
  readonly maxSlots: number;
  readonly maxMs: number;
  /** A batch is begun after so long without one, though there is nothing for it: an operator shows that it is there. */
  readonly idleMs?: number | undefined;
  readonly onFailed: (error: Error) => void;
}

/** A batch that a replay of the log left open. */
export interface RestoredBatch {
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly slots: number;
  readonly from: LogPlace;
  readonly bundles: readonly RanBundle[];
}

interface OpenBatch {
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly openedAtMs: number;
  slots: number;
  from: LogPlace | undefined;
  readonly bundles: RanBundle[];
}

/** Begins batches with the entries of L1 that are due, ends them by size or time, and tells of their roots. */
export class OpenBatches {
  readonly #options: OpenBatchesOptions;
  #open: OpenBatch | undefined;
  #entries: { index: number; entry: EntryInput }[] = [];
  #l2TimeEnd = Number.POSITIVE_INFINITY;
  /** Batches are sealed in order, and their roots told in order; a slow signer holds up only the second. */
  #unsealed = 0;
  #hasNewEntries = false;
  #begunAtMs = Number.NEGATIVE_INFINITY;
  #sealing: Promise<void> = Promise.resolve();
  #telling: Promise<void> = Promise.resolve();

  constructor(options: OpenBatchesOptions) {
    this.#options = options;
  }

  restore(open: RestoredBatch | undefined): void {
    if (open === undefined) return;
    this.#open = { ...open, openedAtMs: this.#options.clock.monotonicMs(), bundles: [...open.bundles] };
    this.#options.levels.beginBatch();
  }

  get l2Time(): number {
    return this.#options.state.system.u32(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.l2Time);
  }

  /** Index of the entry that is to be added next. */
  get nextEntry(): number {
    const { system } = this.#options.state;
    return (this.#open?.queueEnd ?? system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.inboxCursor)) + this.#entries.length;
  }

  addEntries(entries: readonly { readonly index: number; readonly entry: EntryInput }[]): void {
    for (const each of entries) if (each.index === this.nextEntry) this.#entries.push(each);
  }

  limitTime(l2TimeEnd: number): void {
    this.#l2TimeEnd = l2TimeEnd;
  }

  /** True while so many batches wait to be sealed that no more bundles should be taken. */
  get isBehind(): boolean {
    return this.#unsealed >= MAX_UNSEALED;
  }

  /** Whether entries of L1 were executed since the last time: they may have made, ended or used what somebody waits for. */
  takeNews(): boolean {
    const news = this.#hasNewEntries;
    this.#hasNewEntries = false;
    return news;
  }

  /** Sees to it that a batch is open that so many more slots fit into. True if it was opened just now. */
  makeRoom(slots: number, position: number): boolean {
    if (this.#open !== undefined && this.#open.slots + slots > this.#options.maxSlots) this.end(position);
    if (this.#open !== undefined) return false;
    this.#begin();
    return true;
  }

  /** A bundle was executed in the open batch. */
  took(slots: number, ran: RanBundle, position: number): void {
    const open = this.#open;
    if (open === undefined) throw new RangeError("no batch is open");
    open.slots += slots;
    open.bundles.push(ran);
    if (open.slots >= this.#options.maxSlots) this.end(position);
  }

  /** Opens a batch for entries that came, or ends the one that is old enough. */
  tick(position: number): void {
    const { clock, maxMs, idleMs } = this.#options;
    if (this.#open === undefined) {
      const isIdle = idleMs !== undefined && clock.monotonicMs() - this.#begunAtMs >= idleMs;
      if (this.#entries.length > 0 || isIdle) this.#begin();
    } else if (clock.monotonicMs() - this.#open.openedAtMs >= maxMs) this.end(position);
  }

  /** The log has a batch's time and entries before anything that depends on them. */
  #begin(): void {
    const { executor, committer, clock, levels } = this.#options;
    const consumed = this.nextEntry - this.#entries.length;
    const taken = this.#entries.splice(0, MAX_ENTRIES);
    // A batch of this time or later would leave out an entry that is due: the chain's time stands until L1 hands it over.
    const end = Math.min(this.#l2TimeEnd, this.#entries[0]?.entry.dueTime ?? Number.POSITIVE_INFINITY);
    const l2Time = Math.max(this.l2Time, Math.min(clock.nowSeconds(), end - 1));
    const open: OpenBatch = { l2Time, queueEnd: consumed + taken.length, openedAtMs: clock.monotonicMs(), slots: 0, from: undefined, bundles: [] };
    this.#open = open;
    this.#begunAtMs = open.openedAtMs;
    const start = { l2Time, queueEnd: open.queueEnd, entries: taken.map(({ entry }) => entry) };
    levels.beginBatch();
    executor.beginBatch({ l2Time, queueEnd: open.queueEnd });
    for (const { entry } of taken) executor.applyEntry(entry);
    if (taken.length > 0) this.#hasNewEntries = true;
    committer.add({ payload: encodeBatchStart(start), written: (from) => void (open.from = from) });
  }

  /** Ends the open batch: its leaves go to the root worker, its end to the log, and its root to all who wait. */
  end(position: number): void {
    const { executor, state, committer, roots, snapshots, levels, onFailed } = this.#options;
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const slots = executor.endBatch();
    levels.endBatch();
    const index = state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.batchIndex) - 1;
    const hashed = roots.apply(state.drainDirty());
    hashed.catch(() => undefined); // its failure is told where it is awaited
    const snapshot = snapshots.begin(index + 1);
    const onDisk = new Promise<{ to: LogPlace; head: Uint8Array }>((resolve, failed) => {
      committer.add({ payload: encodeEnd(), endsGroup: snapshot !== undefined, written: (_from, to) => resolve({ to, head: committer.head }), failed });
    });
    onDisk.catch(() => undefined);
    this.#unsealed += 1;
    this.#sealing = this.#sealing.then(async () => {
      const [stateRoot, { to, head }] = await Promise.all([hashed, onDisk]);
      this.#seal({ index, slots, position, to, stateRoot }, open);
      this.#unsealed -= 1;
      snapshot?.({ place: to, position, head });
    });
    this.#sealing.catch((error: unknown) => onFailed(toError(error)));
  }

  #seal(end: { index: number; slots: number; position: number; to: LogPlace; stateRoot: Uint8Array }, open: OpenBatch): void {
    const { sealed, signer, onFailed } = this.#options;
    const { index, position, stateRoot } = end;
    const { l2Time, queueEnd, from, bundles } = open;
    if (from === undefined) throw new RangeError(`batch ${index} ended before it began`);
    sealed.add({ ...end, l2Time, queueEnd, from });
    const root = { position, stateRoot, batchCount: index + 1 };
    for (const bundle of bundles) bundle.sealed(root);
    this.#telling = this.#telling.then(async () => {
      const signature = await signer.signRoot(position, root.batchCount, stateRoot);
      for (const bundle of bundles) bundle.rooted(signature);
    });
    this.#telling.catch((error: unknown) => onFailed(toError(error)));
  }

  /** Resolves when every batch that has ended is sealed and its root told, or when one failed. */
  async idle(): Promise<void> {
    await this.#sealing.catch(() => undefined);
    await this.#telling.catch(() => undefined);
  }
}
