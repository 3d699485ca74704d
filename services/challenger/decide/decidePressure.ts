import type { LanePressure } from "../../../chain/transactions/TransactionManager.ts";
import type { DisputeCall } from "./DisputeAction.ts";
import type { DisputeRules } from "./DisputeState.ts";

/** What a gas may cost: while there is time, and at the most. */
export interface FeeLimits {
  /** The price cap that the bonds are made for (DISPUTES, section 5). */
  readonly calmCapWei: bigint;
  /** Never more than this, whatever is at stake. */
  readonly maxCapWei: bigint;
  /** What a call in time is worth to the operator; the bond, if that is more. */
  readonly stakeWei: bigint;
}

/** Gas of a call at most (DISPUTES, section 5). */
const GAS_OF_PROOF = 800_000n;
const GAS_OF_CALL = 400_000n;
/** Shares of the time there was: from the first on the cap rises, at the second it is at its top. */
const RISE_FROM = 0.5;
const TOP_AT = 0.1;
const STEPS = 1_000n;
const MIN_BUMP_MS = 1_000;
const MAX_BUMP_MS = 30_000;
/** Attempts that fit in the time that is left. */
const ATTEMPTS = 16;

/**
 * The limits of fees for what is to be in the chain by a deadline; undefined when nothing has one. From half of its time on the cap
 * rises with each second, up to where a call would cost what is at stake.
 */
export function decidePressure(calls: readonly DisputeCall[], now: number, rules: DisputeRules, limits: FeeLimits): LanePressure | undefined {
  const timed = calls.filter(({ deadline }) => deadline !== Infinity);
  if (timed.length === 0) return undefined;
  const pressures = timed.map((call) => pressureOf(call, now, rules, limits));
  return {
    maxFeeCapWei: pressures.reduce((cap, { maxFeeCapWei }) => (maxFeeCapWei > cap ? maxFeeCapWei : cap), 0n),
    bumpAfterMs: Math.min(...pressures.map(({ bumpAfterMs }) => bumpAfterMs)),
  };
}

function pressureOf(call: DisputeCall, now: number, rules: DisputeRules, { calmCapWei, maxCapWei, stakeWei }: FeeLimits): LanePressure {
  const left = Math.max(0, call.deadline - now);
  const bumpAfterMs = Math.min(MAX_BUMP_MS, Math.max(MIN_BUMP_MS, (left * 1_000) / ATTEMPTS));
  const worthWei = (stakeWei > rules.bondWei ? stakeWei : rules.bondWei) / (call.type === "prove" ? GAS_OF_PROOF : GAS_OF_CALL);
  const topWei = worthWei < calmCapWei ? calmCapWei : worthWei < maxCapWei ? worthWei : maxCapWei;
  const share = left / timeOf(call, rules);
  const risen = Math.min(1, Math.max(0, (RISE_FROM - share) / (RISE_FROM - TOP_AT)));
  return { maxFeeCapWei: calmCapWei + ((topWei - calmCapWei) * BigInt(Math.round(risen * Number(STEPS)))) / STEPS, bumpAfterMs };
}

/** How long there was for it at first. */
function timeOf({ type }: DisputeCall, rules: DisputeRules): number {
  if (type === "claim") return rules.windowSeconds;
  return type === "back" ? rules.joinSeconds : rules.clockSeconds;
}
