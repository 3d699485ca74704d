import type { Attempt, MinedRef } from "./intent.ts";
import type { IntentState, IntentStates } from "./reduceJournal.ts";

export interface ReceiptView extends MinedRef {
  readonly isSuccess: boolean;
  readonly gasUsed: bigint;
}

/** The chain as one turn sees it, for one sending account. */
export interface LaneView {
  readonly headNumber: number;
  /** The next nonce after everything mined up to `headNumber`; newer blocks may show in `receipts`. */
  readonly latestNonce: number;
  /** The next nonce after everything the node has pending; counts transactions that are not ours too. */
  readonly pendingNonce: number;
  readonly baseFeeWei: bigint;
  /** By transaction hash, for every attempt of the intents that are not known as mined. */
  readonly receipts: ReadonlyMap<string, ReceiptView>;
  /** Hashes of newest attempts that the node does not know (dropped, or never arrived). */
  readonly unknownHashes: ReadonlySet<string>;
  /** Ids of mined intents whose block is no longer canonical. */
  readonly lostIds: ReadonlySet<string>;
}

export interface LaneRules {
  readonly confirmations: number;
  /** Depth below which a mined transaction is no longer followed. */
  readonly finalityDepth: number;
  /** An attempt that is not mined after this time is replaced. */
  readonly bumpAfterMs: number;
  /** Most nonces in use at once. */
  readonly maxInFlight: number;
}

/** What only the running process knows of an intent. */
export interface IntentClock {
  /** When the newest attempt was handed to a node by this process. */
  readonly sentAtMs?: number;
  /** Not to be sent before. */
  readonly waitUntilMs?: number;
  /** The node called the newest attempt underpriced. */
  readonly isUnderpriced?: boolean;
  /** How often in a row its nonce was found used without any of its transactions in the chain. */
  readonly lostLooks?: number;
}

export type LaneAction =
  | { readonly type: "mined"; readonly id: string; readonly receipt: ReceiptView }
  | { readonly type: "unmined"; readonly id: string }
  | { readonly type: "settle"; readonly id: string }
  | { readonly type: "finalize"; readonly id: string }
  /** Its nonce went to a transaction that is not ours. */
  | { readonly type: "release"; readonly id: string; readonly nonce: number }
  | { readonly type: "rebroadcast"; readonly id: string; readonly attempt: Attempt }
  | { readonly type: "bump"; readonly id: string; readonly attempt: Attempt }
  | { readonly type: "send"; readonly id: string; readonly nonce: number }
  /** A nonce below ours that nobody uses would block everything above it. */
  | { readonly type: "fill"; readonly nonce: number };

function minedReceipt(state: IntentState, view: LaneView): ReceiptView | undefined {
  for (const attempt of state.attempts) {
    const receipt = view.receipts.get(attempt.hash);
    if (receipt !== undefined) return receipt;
  }
  return undefined;
}

function decideMined(state: IntentState, mined: MinedRef, view: LaneView, rules: LaneRules): LaneAction[] {
  const { id } = state.intent;
  if (view.lostIds.has(id)) return [{ type: "unmined", id }];
  const depth = view.headNumber - mined.blockNumber + 1;
  const actions: LaneAction[] = [];
  if (state.outcome === undefined && depth >= rules.confirmations) actions.push({ type: "settle", id });
  if (state.outcome !== undefined && depth > rules.finalityDepth) actions.push({ type: "finalize", id });
  return actions;
}

function decidePending(
  state: IntentState,
  nonce: number,
  view: LaneView,
  rules: LaneRules,
  clock: IntentClock,
  nowMs: number,
): LaneAction | undefined {
  const { id } = state.intent;
  if (nonce < view.latestNonce) return { type: "release", id, nonce };
  const attempt = state.attempts.at(-1);
  if (attempt === undefined || (clock.waitUntilMs ?? 0) > nowMs) return undefined;
  if (clock.isUnderpriced === true) return { type: "bump", id, attempt };
  if (view.unknownHashes.has(attempt.hash)) return { type: "rebroadcast", id, attempt };
  const ageMs = nowMs - (clock.sentAtMs ?? nowMs);
  const isBlocking = nonce === view.latestNonce || attempt.maxFeeWei < view.baseFeeWei;
  return ageMs >= rules.bumpAfterMs && isBlocking ? { type: "bump", id, attempt } : undefined;
}

/**
 * What to do in this turn for one account: pure, and computed afresh from what is written down and what the chain shows,
 * so that a missed event or a crash cannot corrupt it. Actions are in the order in which they must be performed.
 */
export function decideLane(
  states: IntentStates,
  view: LaneView,
  rules: LaneRules,
  clocks: ReadonlyMap<string, IntentClock>,
  nowMs: number,
): LaneAction[] {
  const actions: LaneAction[] = [];
  /** Nonces that are ours, in the chain or on the way to it. */
  const takenNonces = new Set<number>();
  let inFlight = 0;
  const waiting: IntentState[] = [];
  for (const state of states.values()) {
    const { id } = state.intent;
    if (state.isFinal) continue;
    if (state.nonce !== undefined) takenNonces.add(state.nonce);
    if (state.mined !== undefined) {
      actions.push(...decideMined(state, state.mined, view, rules));
      continue;
    }
    if (state.outcome !== undefined) continue;
    const receipt = minedReceipt(state, view);
    if (receipt !== undefined) {
      actions.push({ type: "mined", id, receipt });
      continue;
    }
    if (state.nonce === undefined) {
      if ((clocks.get(id)?.waitUntilMs ?? 0) <= nowMs) waiting.push(state);
      continue;
    }
    const action = decidePending(state, state.nonce, view, rules, clocks.get(id) ?? {}, nowMs);
    if (action?.type !== "release") inFlight += 1;
    if (action !== undefined) actions.push(action);
  }
  actions.push(...decideNonces(waiting, takenNonces, inFlight, view, rules));
  return actions;
}

/** Gives the lowest free nonces to those who wait, and fills what would stay open below a nonce in use. */
function decideNonces(
  waiting: readonly IntentState[],
  takenNonces: ReadonlySet<number>,
  inFlightBefore: number,
  view: LaneView,
  rules: LaneRules,
): LaneAction[] {
  const actions: LaneAction[] = [];
  const highestTaken = Math.max(-1, ...takenNonces);
  const free: number[] = [];
  for (let nonce = view.latestNonce; nonce < highestTaken; nonce += 1) {
    // Below pendingNonce the node holds a transaction: not ours, but it will be mined and needs no filling.
    if (!takenNonces.has(nonce) && nonce >= view.pendingNonce) free.push(nonce);
  }
  let next = Math.max(view.latestNonce, view.pendingNonce, highestTaken + 1);
  let inFlight = inFlightBefore;
  for (const state of waiting) {
    if (inFlight >= rules.maxInFlight) break;
    const nonce = free.shift() ?? next;
    if (nonce === next) next += 1;
    actions.push({ type: "send", id: state.intent.id, nonce });
    inFlight += 1;
  }
  return [...actions, ...free.map((nonce) => ({ type: "fill" as const, nonce }))];
}
