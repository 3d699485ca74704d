/** What somebody wants done on L1 exactly once. The id names the wish, so asking twice is asking once. */
export interface Intent {
  readonly id: string;
  readonly to: string;
  readonly valueWei: bigint;
  /** Calldata; undefined when it is loaded by id when needed (large batches are kept in the log, not here). */
  readonly data?: string;
  /** Skips the estimate, e.g. for calls that depend on transactions still under way. */
  readonly gasLimit?: bigint;
}

/** A signed version of an intent that was, or may have been, sent. */
export interface Attempt {
  readonly hash: string;
  readonly nonce: number;
  readonly gasLimit: bigint;
  readonly maxFeeWei: bigint;
  readonly maxPriorityFeeWei: bigint;
}

/** Where a transaction of the intent stands in the chain. */
export interface MinedRef {
  readonly hash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
}

export type OutcomeStatus =
  /** Mined with success, with the configured confirmations behind it. */
  | "confirmed"
  /** `isDone` said that the effect is there although none of our transactions had it. */
  | "done-elsewhere"
  /** Mined, but the call reverted. */
  | "reverted"
  /** The estimate reverted: nothing was sent. */
  | "refused";

export interface Outcome {
  readonly status: OutcomeStatus;
  readonly mined?: MinedRef;
  readonly gasUsed?: bigint;
  /** For reverted and refused. */
  readonly error?: { readonly code: string; readonly message: string; readonly values: Readonly<Record<string, unknown>> };
}

/** What is written down, in this order, before the thing it tells of can have an effect. */
export type JournalEntry =
  | { readonly type: "intent"; readonly intent: Intent }
  | { readonly type: "attempt"; readonly id: string; readonly attempt: Attempt }
  /** The nonce went to somebody else; the intent needs a new one. */
  | { readonly type: "released"; readonly id: string; readonly nonce: number }
  | { readonly type: "mined"; readonly id: string; readonly mined: MinedRef }
  /** A reorganisation took the block away. */
  | { readonly type: "unmined"; readonly id: string }
  | { readonly type: "outcome"; readonly id: string; readonly outcome: Outcome }
  /** Deep enough below the head that no watched reorganisation reaches it: no longer followed. */
  | { readonly type: "final"; readonly id: string };

/** Durable storage of the entries: `append` resolves when they survive a crash. */
export interface IntentJournal {
  load(): Promise<JournalEntry[]>;
  append(entries: readonly JournalEntry[]): Promise<void>;
  /** Replaces everything by these entries, atomically. */
  rewrite(entries: readonly JournalEntry[]): Promise<void>;
}
