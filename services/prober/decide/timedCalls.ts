import type { PressureRules, TimedCall } from "../../../chain/transactions/decidePressure.ts";
import type { ProberCall } from "./ProberState.ts";

/** With less than half of its phase left, a reveal may at once cost as much as the penalty for a late one. */
export const REVEAL_PRESSURE: PressureRules = { riseFrom: 0.5, topAt: 0.49, minBumpMs: 1_000, isCalmOwed: true };

/** Of a reveal, at most. */
const GAS_OF_REVEAL = 100_000n;

/** What is to be in the chain by a deadline. Only a reveal, whose failure costs stake, is worth more than calm gas. */
export function timedCalls(calls: readonly ProberCall[], phaseSeconds: (call: ProberCall) => number, penaltyWei: bigint): TimedCall[] {
  return calls.map((call) => ({ deadline: call.deadline, windowSeconds: phaseSeconds(call), worthWei: call.type === "reveal" ? penaltyWei : 0n, gas: GAS_OF_REVEAL }));
}
