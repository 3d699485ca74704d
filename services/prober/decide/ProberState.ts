/** Samples of one period: how many were taken, and how many found the endpoint well. */
export interface Measure {
  readonly ok: number;
  readonly total: number;
}

/** What was, or is to be, committed to. On disk before anybody hears of its hash. */
export interface Secret {
  readonly uptimeBps: number;
  readonly salt: string;
}

/** What the meter has of us for a period. */
export type Attestation = "none" | "committed" | "revealed";

/** A request of the operator's agent that the meter can answer now. */
export interface DueRequest {
  readonly period: number;
  readonly salt: string;
}

/** One engagement, as far as it concerns this prober. Times in L1 seconds, periods counted from 0. */
export interface EngagementView {
  readonly key: string;
  readonly begunAt: number;
  readonly periodSeconds: number;
  readonly commitSeconds: number;
  readonly revealSeconds: number;
  /** We may commit: on the panel (or it is open), and the bounty is engaged in this very round. */
  readonly isOpen: boolean;
  /** Where it is measured; undefined when nothing that we know has the hash of the terms. */
  readonly url: string | undefined;
  /** Our place in the panel: those before us tally first. */
  readonly rank: number;
  readonly measures: ReadonlyMap<number, Measure>;
  readonly secrets: ReadonlyMap<number, Secret>;
  /** Of the period that can be committed to now, and of those that there are secrets for. */
  readonly attestations: ReadonlyMap<number, Attestation>;
  /** The period to tally next, if any was committed to. */
  readonly oldest: number | undefined;
  readonly requests: readonly DueRequest[];
}

export interface ProberState {
  /** L1 time. */
  readonly now: number;
  readonly stakeWei: bigint;
  /** Of the stake, what commitments that are not tallied could cost. */
  readonly lockedWei: bigint;
  /** There is none, and this data folder never paid one. */
  readonly isNew: boolean;
  /** L1 time from which the stake can be withdrawn; undefined before we left. */
  readonly payableAt: number | undefined;
  readonly penaltyWei: bigint;
  readonly engagements: readonly EngagementView[];
}

export interface ProberPolicy {
  /** Of the samples that a period should have, so many percent must be there, or it is not attested. */
  readonly minCoveragePercent: number;
  readonly sampleMs: number;
  /** Commits to nothing more, and takes the stake out as soon as that can be. */
  readonly isLeaving: boolean;
  /** Paid once by itself, by a prober that never staked; 0 for a stake that somebody else sees to. */
  readonly stakeWei: bigint;
  /** So long after the reveal phase, times its place in the panel, it leaves the tally to others. */
  readonly tallyAfterSeconds: number;
}

export type ProberCall =
  | { readonly type: "join"; readonly valueWei: bigint; readonly deadline: number }
  | { readonly type: "unbond"; readonly deadline: number }
  | { readonly type: "withdrawStake"; readonly deadline: number }
  /** A new secret is made and kept first, unless there is one. */
  | { readonly type: "commit"; readonly key: string; readonly period: number; readonly uptimeBps: number; readonly deadline: number }
  | { readonly type: "reveal"; readonly key: string; readonly period: number; readonly secret: Secret; readonly deadline: number }
  | { readonly type: "tally"; readonly key: string; readonly period: number; readonly deadline: number }
  | { readonly type: "publish"; readonly key: string; readonly period: number; readonly salt: string; readonly deadline: number };

/** Something that a person should look at; the code is one of `ProberErrors`. */
export interface ProberAlarm {
  readonly type: "alarm";
  readonly code: "prober/no-stake" | "prober/no-endpoint" | "prober/thin" | "prober/missed";
  readonly detail: string;
}

export type ProberAction = ProberCall | ProberAlarm;
