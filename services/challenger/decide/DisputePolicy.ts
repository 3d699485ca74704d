/** What an operator chooses. Amounts in wei, times in seconds. */
export interface DisputePolicy {
  /** When to stand for the true claim: only against rivals, or for every epoch. */
  readonly backing: "rivals" | "always";
  /** Own entries in one round at most, those that are out included. */
  readonly maxEntries: number;
  /** An entry that costs more than this is not made; 0 for no limit. */
  readonly maxBondWei: bigint;
  /** Alarm below this balance. */
  readonly minBalanceWei: bigint;
  /** How long after the earliest moment to confirm or time out, for a block's time that lags. */
  readonly marginSeconds: number;
}

export const DEFAULT_POLICY: DisputePolicy = { backing: "rivals", maxEntries: 4, maxBondWei: 0n, minBalanceWei: 0n, marginSeconds: 1 };
