import type { FeeLimits } from "../../../chain/transactions/decidePressure.ts";
import type { DisputeAlarm } from "./DisputeAction.ts";

/**
 * Whether money is fetched now. It waits while a deadline runs or gas is dear, because it would stand in the way in the line of
 * transactions; not when it is needed: liars who keep a deadline running would else lock up what pays for the next moves.
 */
export function mayCollect(alarms: readonly DisputeAlarm[], isPressed: boolean, baseFeeWei: bigint, { calmCapWei }: Pick<FeeLimits, "calmCapWei">): boolean {
  if (alarms.some(({ code }) => code === "challenger/low-balance")) return true;
  return !isPressed && baseFeeWei * 2n <= calmCapWei;
}
