import type { LanePressure } from "../../../chain/transactions/TransactionManager.ts";
import type { ProberCall } from "./ProberState.ts";

/** What a gas may cost. */
export interface FeeLimits {
  /** While there is time. */
  readonly calmCapWei: bigint;
  /** Close to a deadline, whatever is at stake. */
  readonly maxCapWei: bigint;
}

/** Of a reveal, at most. */
const GAS_OF_REVEAL = 100_000n;
/** With less than this share of the phase left, a reveal may cost as much as the penalty. */
const PRESSING = 0.5;
const ATTEMPTS = 16;
const MIN_BUMP_MS = 1_000;
const MAX_BUMP_MS = 30_000;

/** Limits for what is to be in the chain by a deadline; undefined when nothing has one. Only a reveal, whose failure costs stake, raises the cap. */
export function decidePressure(calls: readonly ProberCall[], now: number, phaseSeconds: (call: ProberCall) => number, penaltyWei: bigint, { calmCapWei, maxCapWei }: FeeLimits): LanePressure | undefined {
  const timed = calls.filter(({ deadline }) => deadline !== Infinity);
  if (timed.length === 0) return undefined;
  const leftSeconds = Math.min(...timed.map(({ deadline }) => Math.max(0, deadline - now)));
  const isPressing = timed.some((call) => call.type === "reveal" && call.deadline - now < phaseSeconds(call) * PRESSING);
  const worthWei = penaltyWei / GAS_OF_REVEAL;
  const topWei = worthWei < calmCapWei ? calmCapWei : worthWei < maxCapWei ? worthWei : maxCapWei;
  return { maxFeeCapWei: isPressing ? topWei : calmCapWei, bumpAfterMs: Math.min(MAX_BUMP_MS, Math.max(MIN_BUMP_MS, (leftSeconds * 1_000) / ATTEMPTS)) };
}
