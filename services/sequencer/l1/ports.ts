import type { QueuedEntry } from "../../../derivation/L1Event.ts";

/** A batch that is complete and on disk: nothing of it ever changes. */
export interface SealedBatch {
  readonly index: number;
  /** unix seconds */
  readonly l2Time: number;
  /** Exclusive end of the queue entries it consumes. */
  readonly queueEnd: number;
  /** Whole slots, as they go to L1. */
  readonly data: Uint8Array;
  readonly slots: number;
  /** Hashes (RULES B-3) of the entries it consumes, the last of them before `queueEnd`, as they were executed. */
  readonly entryHashes: readonly Uint8Array[];
  /** Global sequence number of its first record. */
  readonly position: number;
  /** The state after it, as soon as it is computed. */
  readonly stateRoot?: Uint8Array;
}

/** What the poster asks of the log. */
export interface SealedBatches {
  /** How many batches are sealed: indexes 0 to count - 1 can be read. */
  count(): number;
  read(index: number): Promise<SealedBatch>;
  /** Kept over a restart; without it the whole log is chained again. */
  readonly accumulators?: AccumulatorStore;
}

/** Accumulators (RULES B-6) that were worked out before. */
export interface AccumulatorStore {
  readonly count: number;
  /** After so many batches, 1 to `count`: 32 bytes. */
  after(batches: number): Uint8Array;
  append(accumulator: Uint8Array): void;
}

/** What the claim proposer asks of the root worker. */
export interface EpochRoots {
  /** State root after the first `batchCount` batches, 32 bytes; undefined while (or because) it is not known. */
  rootAt(batchCount: number): Uint8Array | undefined;
}

/** An entry of the queue, deep enough in L1 to be executed. Its batch has to begin before `entry.dueTime`. */
export interface FedEntry {
  readonly entry: QueuedEntry;
  /** L1 block that queued it. The consumer keeps it, to give it back as `resumeBlock`. */
  readonly blockNumber: number;
}

/** Who executes the entries. */
export interface EntryConsumer {
  /** How many entries it has: the index of the one it wants next. Entries below are never handed over again. */
  nextEntry(): number;
  /** L1 block of the last entry it has, so that a restart need not read older ones. Undefined: from the deployment on. */
  resumeBlock?(): number | undefined;
  /** Takes contiguous entries, the first with index `nextEntry()`; has them (durably, or for this process's life) when it resolves. */
  onEntries(entries: readonly FedEntry[]): Promise<void>;
  /**
   * Told after each look: an entry that is not handed over yet may be due from this time on (unix seconds), so every batch that
   * begins before the next look needs an earlier l2Time. While L1 is away the limit stands, and with it the chain's time.
   */
  onTimeLimit?(l2TimeEnd: number): void;
}

/** What the claim proposer asks of the poster. */
export interface CheckedBatches {
  /** Batches on L1 that were compared with ours and are the same. */
  checkedCount(): number;
}
