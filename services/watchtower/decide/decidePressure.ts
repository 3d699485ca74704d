import type { LanePressure } from "../../../chain/transactions/TransactionManager.ts";
import type { Respond } from "./decide.ts";

/** What a gas may cost. */
export interface FeeLimits {
  /** While there is time. */
  readonly calmCapWei: bigint;
  /** Never more than this, whatever is at stake. */
  readonly maxCapWei: bigint;
  /** What an answer is worth to the tower itself (its bond), if that is more than what its client would lose. */
  readonly stakeWei: bigint;
}

/** Gas of an answer at most, with a base, two vouchers, grants and full lists of locks. */
const GAS_OF_RESPONSE = 400_000n;
/** Shares of the window that is left: from the first on the cap rises, at the second it is at its top. */
const RISE_FROM = 0.75;
const TOP_AT = 0.25;
const STEPS = 1_000n;
const MIN_BUMP_MS = 500;
const MAX_BUMP_MS = 30_000;
/** Attempts that fit in the time that is left. */
const ATTEMPTS = 16;

/** The limits of fees of a lane for the answers that it carries (its nonces are one row, so they share them); undefined without any. */
export function decidePressure(answers: readonly Respond[], now: number, limits: FeeLimits): LanePressure | undefined {
  const pressures = answers.map((answer) => pressureOf(answer, now, limits));
  if (pressures.length === 0) return undefined;
  return {
    maxFeeCapWei: pressures.reduce((cap, { maxFeeCapWei }) => (maxFeeCapWei > cap ? maxFeeCapWei : cap), 0n),
    bumpAfterMs: Math.min(...pressures.map(({ bumpAfterMs }) => bumpAfterMs)),
  };
}

function pressureOf({ deadline, windowSeconds, riskWei = 0n }: Respond, now: number, { calmCapWei, maxCapWei, stakeWei }: FeeLimits): LanePressure {
  const left = Math.max(0, deadline - now);
  const bumpAfterMs = Math.min(MAX_BUMP_MS, Math.max(MIN_BUMP_MS, (left * 1_000) / ATTEMPTS));
  const worthWei = (stakeWei > riskWei ? stakeWei : riskWei) / GAS_OF_RESPONSE;
  const topWei = worthWei < maxCapWei ? worthWei : maxCapWei;
  if (topWei <= calmCapWei) return { maxFeeCapWei: topWei, bumpAfterMs };
  const risen = Math.min(1, Math.max(0, (RISE_FROM - left / windowSeconds) / (RISE_FROM - TOP_AT)));
  return { maxFeeCapWei: calmCapWei + ((topWei - calmCapWei) * BigInt(Math.round(risen * Number(STEPS)))) / STEPS, bumpAfterMs };
}
