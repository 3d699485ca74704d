import { L1SideError } from "./L1SideError.ts";

/** EIP-7825: no transaction may have more gas. */
export const MAX_TRANSACTION_GAS = 16_777_216;
/** Entries after which a batch without slots may leave due ones to the next; see `Inbox.MAX_BATCH_ENTRIES`. */
const MAX_BATCH_ENTRIES = 1024;
/** See `Inbox.MAX_LEAD_SECONDS` and `Inbox.MAX_LAG_SECONDS`. */
const MAX_LEAD_SECONDS = 15;
const MAX_LAG_SECONDS = 24 * 3600;
/** A batch needs 72k to 219k (the first one of a chain and of an operator, which closes an epoch) and the calldata's price (EIP-7623, no byte above 40); unused gas costs nothing. */
const BATCH_GAS = 300_000;
const GAS_PER_BYTE = 40;
const GAS_PER_ENTRY = 5_000;
/** Transactions of one batch that may revert: L1 said each time that the next one would not. */
const MAX_FAILURES = 5;

export interface PostingLimits {
  /** Batches whose transactions may be under way at once. */
  readonly maxInFlight: number;
  /** Bytes that may be under way at once; one batch always may. */
  readonly maxInFlightBytes: number;
}

/** Where the transaction of a batch stands; `open` may be sent (again), `reverted` only once L1 is a block further. */
export type BatchIntent = "open" | "live" | "landed" | "final" | "reverted";

/** A batch, or an entry, that is another one on L1 than here. */
export interface ForeignBatch {
  readonly index: number;
  readonly expected: string;
  readonly actual: string;
}
export type ReplacedEntry = ForeignBatch;

/** A sealed batch that the head of L1 does not have yet. */
export interface UnpostedBatch {
  readonly index: number;
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly slots: number;
  readonly bytes: number;
  readonly intent: BatchIntent;
  /** Transactions of this batch that reverted, and why the last one did. */
  readonly failures: number;
  readonly failure?: string;
  /** The first of its entries that L1 has another of; looked up before it is sent. */
  readonly replaced?: ReplacedEntry;
  /** Due time of the entry at `queueEnd`, if L1 has it. */
  readonly leftOutDueTime?: number;
}

export interface PostingState {
  /** The Inbox at the head of L1. */
  readonly l1: {
    readonly batchCount: number;
    readonly accumulator: string;
    readonly entryCount: number;
    readonly consumedCount: number;
    readonly lastL2Time: number;
    /** unix seconds of a block that would be mined now */
    readonly timestamp: number;
    /** Nobody else has the turn. */
    readonly maySubmit: boolean;
    /** The account has transactions under way that the journal does not know. */
    readonly hasUnknownPending: boolean;
  };
  readonly sealedCount: number;
  /** The accumulator after the first `l1.batchCount` sealed batches; undefined while it is not computed. */
  readonly own: string | undefined;
  /** When the accumulators differ: the first batch that does, if one does. */
  readonly foreign?: ForeignBatch;
  /** The first unposted batches, contiguous from `l1.batchCount` on. */
  readonly unposted: readonly UnpostedBatch[];
}

export type PostingWait = "chaining" | "unknown-pending" | "reorganised" | "ahead-of-l1" | "entries-missing" | "reverted" | "not-our-turn";

export type PostingAction =
  | { readonly type: "submit"; readonly index: number; readonly gasLimit: number }
  /** Nothing to be done now; the next turn looks again. */
  | { readonly type: "wait"; readonly reason: PostingWait; readonly index: number }
  | { readonly type: "stop"; readonly error: L1SideError };

/** Gas to offer for a batch; a bound, not an estimate, because the batches before it may not be mined yet. */
export function batchGas(bytes: number, entries: number): number {
  return BATCH_GAS + GAS_PER_BYTE * bytes + GAS_PER_ENTRY * entries;
}

/** A contradiction between L1 and what is sealed here, if there is one. */
function contradiction(state: PostingState): L1SideError | undefined {
  const { sealedCount, l1 } = state;
  if (l1.batchCount > sealedCount) {
    return new L1SideError("l1/unknown-batch", { batchCount: l1.batchCount, sealedCount }, "stop", {
      what: `L1 has ${l1.batchCount} batches, only ${sealedCount} are sealed here`,
      todo: "Check that no other sequencer posts to this Inbox and that the data folder is the right one; to go on from L1, begin with an empty folder and SEQUENCER_ADOPT=true",
    });
  }
  if (state.own === undefined || state.own === l1.accumulator) return undefined;
  if (state.foreign !== undefined) {
    return new L1SideError("l1/foreign-batch", state.foreign, "stop", {
      what: `Batch ${state.foreign.index} on L1 is not the one that is sealed here`,
      todo: "Check that no other sequencer posts to this Inbox and that the data folder is the right one",
    });
  }
  return new L1SideError("l1/foreign-history", { batchCount: l1.batchCount, expected: state.own, actual: l1.accumulator }, "stop", {
    what: `The ${l1.batchCount} batches on L1 consumed other entries than those that were executed here`,
    why: "No batch of this sequencer can land on such a history: the Inbox would refuse it",
    todo: "Check the L1 endpoint and that the data folder is the right one",
  });
}

/** Why sending it (again) would be in vain. */
function inVain(batch: UnpostedBatch): L1SideError | undefined {
  const { index, failures, replaced, failure = "it reverted" } = batch;
  if (replaced !== undefined) {
    return new L1SideError("l1/entry-replaced", replaced, "stop", {
      what: `Entry ${replaced.index}, which batch ${index} executed, is another one on L1 now`,
      why: "A reorganisation reached below the configured depth",
      todo: "Restart from L1 with a larger depth",
    });
  }
  if (failures < MAX_FAILURES) return undefined;
  return new L1SideError("l1/batch-failed", { index, detail: failure }, "stop", {
    what: `Batch ${index} reverted ${failures} times (${failure})`,
    why: "L1 said each time that it would land",
    todo: "Find out why; a restart goes on where L1 and the log agree",
  });
}

/** Whether the batch can succeed on top of the one before it: a submit, or why not. */
function checkBatch(batch: UnpostedBatch, before: { l2Time: number; queueEnd: number }, l1: PostingState["l1"]): PostingAction {
  const { index, l2Time, queueEnd, slots, bytes } = batch;
  const stop = (error: L1SideError): PostingAction => ({ type: "stop", error });
  if (l2Time < before.l2Time || queueEnd < before.queueEnd) {
    return stop(new L1SideError("l1/batch-order", { index }, "stop", { what: `Batch ${index} goes back behind the one before it` }));
  }
  if (l1.timestamp - l2Time > MAX_LAG_SECONDS) {
    return stop(new L1SideError("l1/batch-late", { index, l2Time, l1Time: l1.timestamp }, "stop", {
      what: `Batch ${index} is more than a day behind L1, which takes it no more`,
      todo: "What was acknowledged in it cannot be honoured: tell the users, then begin again from L1",
    }));
  }
  if (queueEnd > l1.entryCount) return { type: "wait", reason: "entries-missing", index };
  const failure = inVain(batch);
  if (failure !== undefined) return stop(failure);
  const entries = queueEnd - before.queueEnd;
  const isFlood = slots === 0 && entries >= MAX_BATCH_ENTRIES;
  if (batch.leftOutDueTime !== undefined && batch.leftOutDueTime <= l2Time && !isFlood) {
    return stop(new L1SideError("l1/entry-due", { index, entry: queueEnd, dueTime: batch.leftOutDueTime, l2Time }, "stop", {
      what: `Batch ${index} leaves out entry ${queueEnd}, which is due at its time`,
      todo: "Check the depth of the entry feed against the inclusion delay",
    }));
  }
  const gas = batchGas(bytes, entries);
  if (gas > MAX_TRANSACTION_GAS) {
    return stop(new L1SideError("l1/batch-size", { index, bytes, gas }, "stop", {
      what: `Batch ${index} does not fit into one transaction`,
      todo: "Seal smaller batches",
    }));
  }
  if (l2Time > l1.timestamp + MAX_LEAD_SECONDS) return { type: "wait", reason: "ahead-of-l1", index };
  return { type: "submit", index, gasLimit: gas };
}

/**
 * Which batches to send now: pure. Batches go out in order, a few at a time. Each lands on exactly the history it was made on or not
 * at all, so one that reverted is sent again; but nothing is sent that L1 is known to refuse.
 */
export function decidePosting(state: PostingState, limits: PostingLimits): PostingAction[] {
  const wrong = contradiction(state);
  if (wrong !== undefined) return [{ type: "stop", error: wrong }];
  const { l1, unposted } = state;
  if (state.own === undefined) return [{ type: "wait", reason: "chaining", index: l1.batchCount }];
  const actions: PostingAction[] = [];
  let before = { l2Time: l1.lastL2Time, queueEnd: l1.consumedCount };
  let inFlight = 0;
  let inFlightBytes = 0;
  for (const batch of unposted) {
    const { index } = batch;
    if (batch.intent === "final") {
      const error = new L1SideError("l1/deep-reorg", { index }, "stop", { what: `Batch ${index} was final and is gone from L1`, todo: "Check the endpoint" });
      return [{ type: "stop", error }];
    }
    if (batch.intent === "open") {
      if (inFlight >= limits.maxInFlight) break;
      if (inFlight > 0 && inFlightBytes + batch.bytes > limits.maxInFlightBytes) break;
      if (!l1.maySubmit) {
        actions.push({ type: "wait", reason: "not-our-turn", index });
        break;
      }
      const isBlind = l1.hasUnknownPending && inFlight === 0;
      const action: PostingAction = isBlind ? { type: "wait", reason: "unknown-pending", index } : checkBatch(batch, before, l1);
      if (action.type === "stop" && actions.length > 0) break; // Told once the ones before it are on their way.
      actions.push(action);
      if (action.type !== "submit") break;
    }
    if (batch.intent === "reverted") {
      actions.push({ type: "wait", reason: "reverted", index });
      break;
    }
    // The transaction manager sends again by itself what a reorganisation took away.
    if (batch.intent === "landed") actions.push({ type: "wait", reason: "reorganised", index });
    inFlight += 1;
    inFlightBytes += batch.bytes;
    before = batch;
  }
  return actions;
}
