import type { PressureRules, TimedCall } from "../../../chain/transactions/decidePressure.ts";
import type { Respond } from "./decide.ts";

/** Windows are short and all that a client has is at stake: fees rise early, up to what it would lose and no further. */
export const ANSWER_PRESSURE: PressureRules = { riseFrom: 0.75, topAt: 0.25, minBumpMs: 500, isCalmOwed: false };

/** Gas of an answer at most, with a base, two vouchers, grants and full lists of locks. */
const GAS_OF_RESPONSE = 400_000n;

/** Answers to closes, worth what the client would lose. */
export function timedAnswers(answers: readonly Respond[]): TimedCall[] {
  return answers.map(({ deadline, windowSeconds, riskWei = 0n }) => ({ deadline, windowSeconds, worthWei: riskWei, gas: GAS_OF_RESPONSE }));
}
