import { L1SideError } from "./L1SideError.ts";

/** A closed epoch that is not confirmed, as Settlement has it. Hashes are 0x hex; times unix seconds. */
export interface EpochView {
  readonly epoch: number;
  readonly batchEnd: number;
  readonly accumulator: string;
  /** Our root after it; undefined while it is not computed, or its batches are not compared. */
  readonly root: string | undefined;
  /** The claim that ours stands on, and ours; undefined while a root is missing. */
  readonly parent: string | undefined;
  readonly claimId: string | undefined;
  /** Our claim in the round under way: live entries, 0 when nobody made it or all are out. */
  readonly live: number;
  readonly isMade: boolean;
  readonly round: RoundView;
  /** What claiming costs now. */
  readonly priceWei: bigint;
}

/** The round that a claim made now belongs to; one that nobody began yet has no limits. */
export interface RoundView {
  readonly number: number;
  /** t0 + W */
  readonly rivalsUntil: number;
  /** t0 + W + D */
  readonly backedUntil: number;
  readonly claimCount: number;
  readonly liveClaims: number;
}

export interface ReleasableEntry {
  readonly roundId: string;
  readonly n: number;
}

export interface ClaimState {
  /** unix seconds of a block that would be mined now */
  readonly l1Time: number;
  /** Sealed batches that L1 does not have yet. */
  readonly unpostedCount: number;
  readonly openEpoch: { readonly epoch: number; readonly openedAt: number; readonly steps: number; readonly maxSteps: number; readonly ageSeconds: number };
  readonly confirmed: { readonly claimId: string; readonly nextEpoch: number; readonly root: string; readonly ownRoot: string | undefined };
  /** From `confirmed.nextEpoch` on, in order. */
  readonly epochs: readonly EpochView[];
  /** This account's entries in confirmed claims, whose bonds can go back. */
  readonly releasable: readonly ReleasableEntry[];
  /** What Settlement owes this account. */
  readonly creditWei: bigint;
}

export interface ClaimLimits {
  /** Open claims (each holds a bond) at once. */
  readonly maxOpenClaims: number;
  /** How long after the earliest moment to confirm or close, for a block's time that lags. */
  readonly marginSeconds: number;
}

export interface ClaimAlarm {
  /** Another root is claimed for the epoch; or ours came too late to be claimed. */
  readonly code: "l1/rival-claim" | "l1/round-lost";
  readonly epoch: number;
  readonly parent: string;
  readonly rivals: number;
}

export type ClaimAction =
  | { readonly type: "claim"; readonly epoch: number; readonly parent: string; readonly round: number; readonly claimId: string; readonly root: string; readonly accumulator: string; readonly priceWei: bigint }
  | { readonly type: "confirm"; readonly epoch: number; readonly claimId: string }
  | ({ readonly type: "release" } & ReleasableEntry)
  | { readonly type: "credit"; readonly nextEpoch: number }
  | { readonly type: "close"; readonly epoch: number }
  | { readonly type: "alarm"; readonly alarm: ClaimAlarm }
  | { readonly type: "stop"; readonly error: L1SideError };

/** Closes what no batch is about to close. */
function decideClosing({ openEpoch, l1Time, unpostedCount }: ClaimState, limits: ClaimLimits): ClaimAction[] {
  const { epoch, openedAt, steps, maxSteps, ageSeconds } = openEpoch;
  if (openedAt === 0 || unpostedCount > 0) return [];
  const isDue = steps >= maxSteps || l1Time >= openedAt + ageSeconds + limits.marginSeconds;
  return isDue ? [{ type: "close", epoch }] : [];
}

function decideEpoch(view: EpochView, isFirst: boolean, l1Time: number, limits: ClaimLimits): ClaimAction[] {
  const { epoch, parent, claimId, root, accumulator, live, isMade, round, priceWei } = view;
  if (parent === undefined || claimId === undefined || root === undefined) return [];
  const isLive = live > 0;
  const rivals = round.liveClaims - (isLive ? 1 : 0);
  const actions: ClaimAction[] = rivals > 0 ? [{ type: "alarm", alarm: { code: "l1/rival-claim", epoch, parent, rivals } }] : [];
  if (!isLive) {
    const isTooLate = round.liveClaims > 0 && l1Time >= (isMade ? round.backedUntil : round.rivalsUntil);
    if (isTooLate) actions.push({ type: "alarm", alarm: { code: "l1/round-lost", epoch, parent, rivals } });
    // Also when it seems too late: the call is only simulated then, and the next round begins with it.
    actions.push({ type: "claim", epoch, parent, round: round.number, claimId, root, accumulator, priceWei });
    return actions;
  }
  const overAt = round.claimCount > 1 ? round.backedUntil : round.rivalsUntil;
  if (isFirst && rivals === 0 && l1Time >= overAt + limits.marginSeconds) actions.push({ type: "confirm", epoch, claimId });
  return actions;
}

/**
 * What to do about epochs and claims now: pure. Every closed epoch is claimed with our own root on top of our own claim, also when
 * somebody else claims another: a challenger then plays for ours. Nothing is claimed whose root is not computed.
 */
export function decideClaims(state: ClaimState, limits: ClaimLimits): ClaimAction[] {
  const { confirmed } = state;
  if (confirmed.ownRoot !== undefined && confirmed.ownRoot !== confirmed.root) {
    const epoch = confirmed.nextEpoch - 1;
    const error = new L1SideError("l1/false-root", { epoch, claimId: confirmed.claimId, expected: confirmed.ownRoot, actual: confirmed.root }, "stop", {
      what: `A root that is not ours is confirmed for epoch ${epoch}`,
      todo: "Stop taking bundles and compare with an independent replica: one of the two executed wrongly",
    });
    return [{ type: "stop", error }];
  }
  const actions: ClaimAction[] = state.releasable.map((entry) => ({ type: "release", ...entry }));
  // All bonds first: then one call takes everything.
  if (actions.length === 0 && state.creditWei > 0n) actions.push({ type: "credit", nextEpoch: confirmed.nextEpoch });
  for (const [at, view] of state.epochs.slice(0, limits.maxOpenClaims).entries()) {
    // Each stands on the one before it: without that root there is nothing to stand on.
    if (view.root === undefined) break;
    actions.push(...decideEpoch(view, at === 0, state.l1Time, limits));
    // The next claim would name a parent that L1 does not know yet.
    if (view.live === 0) break;
  }
  return [...actions, ...decideClosing(state, limits)];
}
