import type { PressureRules, TimedCall } from "../../../chain/transactions/decidePressure.ts";
import type { DisputeCall } from "./DisputeAction.ts";
import type { DisputeRules } from "./DisputeState.ts";

/** Bonds are made for the calm price (DISPUTES, section 5), so a call is paid for at it whatever it saves; from half of its time on, more. */
export const DISPUTE_PRESSURE: PressureRules = { riseFrom: 0.5, topAt: 0.1, minBumpMs: 1_000, isCalmOwed: true };

/** Gas of a call at most (DISPUTES, section 5). */
const GAS_OF_PROOF = 800_000n;
const GAS_OF_CALL = 400_000n;

/** The calls of a dispute with the time there was for them, and what they are worth: the bond. */
export function timedCalls(calls: readonly DisputeCall[], rules: DisputeRules): TimedCall[] {
  return calls.map(({ type, deadline }) => ({ deadline, windowSeconds: timeOf(type, rules), worthWei: rules.bondWei, gas: type === "prove" ? GAS_OF_PROOF : GAS_OF_CALL }));
}

/** How long there was for it at first. */
function timeOf(type: DisputeCall["type"], rules: DisputeRules): number {
  if (type === "claim") return rules.windowSeconds;
  return type === "back" ? rules.joinSeconds : rules.clockSeconds;
}
