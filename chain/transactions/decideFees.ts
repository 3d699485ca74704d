export interface FeePolicy {
  /** Added to what the node suggests at the least. */
  readonly minPriorityFeeWei: bigint;
  /** Never offer more per gas than this. */
  readonly maxFeeCapWei: bigint;
  /** The base fee may grow by this factor before an attempt gets stuck. */
  readonly baseFeeMultiplier: bigint;
  /** Nodes refuse a replacement below +10 %; 12.5 % passes everywhere. In permille. */
  readonly bumpPermille: bigint;
}

export const DEFAULT_FEE_POLICY: FeePolicy = {
  minPriorityFeeWei: 1_000_000n,
  maxFeeCapWei: 500_000_000_000n,
  baseFeeMultiplier: 2n,
  bumpPermille: 125n,
};

export interface Fees {
  readonly maxFeeWei: bigint;
  readonly maxPriorityFeeWei: bigint;
}

export type FeeDecision =
  | { readonly type: "offer"; readonly fees: Fees }
  /** The cap forbids what the market (or a replacement) needs: wait. */
  | { readonly type: "capped"; readonly neededWei: bigint };

const PERMILLE = 1000n;

function bumped(valueWei: bigint, permille: bigint): bigint {
  return (valueWei * (PERMILLE + permille) + PERMILLE - 1n) / PERMILLE;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/**
 * What to offer per gas (EIP-1559). A replacement raises both fields of the attempt before by the bump, or to the market
 * if that is higher. Near the cap the head room over the base fee shrinks before we stop sending.
 */
export function decideFees(
  policy: FeePolicy,
  market: { readonly baseFeeWei: bigint; readonly priorityFeeWei: bigint },
  previous?: Fees,
): FeeDecision {
  let priorityWei = max(market.priorityFeeWei, policy.minPriorityFeeWei);
  let neededWei = market.baseFeeWei + priorityWei;
  let maxFeeWei = market.baseFeeWei * policy.baseFeeMultiplier + priorityWei;
  if (previous !== undefined) {
    priorityWei = max(priorityWei, bumped(previous.maxPriorityFeeWei, policy.bumpPermille));
    neededWei = max(market.baseFeeWei + priorityWei, bumped(previous.maxFeeWei, policy.bumpPermille));
    maxFeeWei = max(maxFeeWei, neededWei);
  }
  if (neededWei > policy.maxFeeCapWei) return { type: "capped", neededWei };
  if (maxFeeWei > policy.maxFeeCapWei) maxFeeWei = policy.maxFeeCapWei;
  return { type: "offer", fees: { maxFeeWei, maxPriorityFeeWei: priorityWei } };
}
