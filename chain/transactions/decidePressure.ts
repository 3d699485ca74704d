import type { LanePressure } from "./TransactionManager.ts";

/** What a gas may cost: while there is time, and at the most. */
export interface FeeLimits {
  /** While there is time. */
  readonly calmCapWei: bigint;
  /** Never more than this, whatever is at stake. */
  readonly maxCapWei: bigint;
  /** What a call in time is worth to the operator, if that is more than what the call itself saves. */
  readonly stakeWei: bigint;
}

/** A call that is to be in the chain by a time. Seconds of the chain. */
export interface TimedCall {
  readonly deadline: number;
  /** How long there was for it at first. */
  readonly windowSeconds: number;
  /** What it saves. */
  readonly worthWei: bigint;
  /** Gas of it at most. */
  readonly gas: bigint;
}

/** How fees rise. Shares are of the time there was at first. */
export interface PressureRules {
  /** From this share of the time left on the cap rises. */
  readonly riseFrom: number;
  /** With this share left it is at its top. */
  readonly topAt: number;
  readonly minBumpMs: number;
  /** A call that is worth less than calm gas is not paid for at calm prices. */
  readonly isCalmOwed: boolean;
}

const GWEI = 1_000_000_000n;
export const DEFAULT_FEE_LIMITS: FeeLimits = { calmCapWei: 100n * GWEI, maxCapWei: 5_000n * GWEI, stakeWei: 0n };
const STEPS = 1_000n;
const MAX_BUMP_MS = 30_000;
/** Attempts that fit in the time that is left. */
const ATTEMPTS = 16;

/**
 * The limits of fees of a lane for the calls that it carries (its nonces are one row, so they share them); undefined when nothing has a
 * deadline. The cap rises with each second, up to where a call would cost what it is worth.
 */
export function decidePressure(calls: readonly TimedCall[], now: number, rules: PressureRules, limits: FeeLimits): LanePressure | undefined {
  const pressures = calls.filter(({ deadline }) => deadline !== Infinity).map((call) => pressureOf(call, now, rules, limits));
  if (pressures.length === 0) return undefined;
  return {
    maxFeeCapWei: pressures.reduce((cap, { maxFeeCapWei }) => (maxFeeCapWei > cap ? maxFeeCapWei : cap), 0n),
    bumpAfterMs: Math.min(...pressures.map(({ bumpAfterMs }) => bumpAfterMs)),
  };
}

function pressureOf({ deadline, windowSeconds, worthWei, gas }: TimedCall, now: number, { riseFrom, topAt, minBumpMs, isCalmOwed }: PressureRules, { calmCapWei, maxCapWei, stakeWei }: FeeLimits): LanePressure {
  const left = Math.max(0, deadline - now);
  const bumpAfterMs = Math.min(MAX_BUMP_MS, Math.max(minBumpMs, (left * 1_000) / ATTEMPTS));
  const wantedWei = (stakeWei > worthWei ? stakeWei : worthWei) / gas;
  const topWei = wantedWei < maxCapWei ? wantedWei : maxCapWei;
  if (topWei <= calmCapWei) return { maxFeeCapWei: isCalmOwed ? calmCapWei : topWei, bumpAfterMs };
  const risen = Math.min(1, Math.max(0, (riseFrom - left / windowSeconds) / (riseFrom - topAt)));
  return { maxFeeCapWei: calmCapWei + ((topWei - calmCapWei) * BigInt(Math.round(risen * Number(STEPS)))) / STEPS, bumpAfterMs };
}
