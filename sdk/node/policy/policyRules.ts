import { toBaseUnits } from "../../amount.ts";
import { contractOf } from "../../economy/readEconomy.ts";
import type { Economy } from "../../economy/readEconomy.ts";
import { NO_TOKEN } from "../../L1Sender.ts";
import type { OperatorRules } from "./OperatorState.ts";
import type { PatronRules } from "./PatronState.ts";
import type { OperatorPolicy, PatronPolicy } from "./policySchema.ts";

const ETH_DECIMALS = 18;

/** @param decimals of the policy's token */
export function operatorRules(policy: OperatorPolicy, economy: Economy, decimals: number): OperatorRules {
  const { limits, claim } = policy;
  const inToken = (text: string): bigint => toBaseUnits(text, { decimals });
  const inEth = (text: string): bigint => toBaseUnits(text, { decimals: ETH_DECIMALS });
  return {
    token: (policy.token ?? NO_TOKEN).toLowerCase(),
    meters: (policy.meters ?? [contractOf(economy, "batchMeter")]).map((address) => address.toLowerCase()),
    priceBase: inToken(policy.pricePerUnit),
    maxStakeBase: inToken(limits.stake),
    minUnits: BigInt(policy.minUnits),
    maxOperatorBondWei: inEth(limits.operatorBond),
    minSilenceSeconds: limits.minSilenceSeconds,
    minGraceSeconds: limits.minGraceSeconds,
    minWorkSeconds: limits.minWorkSeconds,
    minPosterCalls: policy.minPosterCalls,
    maxEngagements: limits.engagements,
    claimUnits: BigInt(claim.units),
    claimSeconds: claim.seconds,
    reserveWei: inEth(limits.reserve),
  };
}

/** @param decimals of the policy's token */
export function patronRules(policy: PatronPolicy, decimals: number): PatronRules {
  const { minCalls, minScore, isForgiving } = policy.bidders;
  return { poolBase: toBaseUnits(policy.pool, { decimals }), minBidderCalls: minCalls, minBidderScore: minScore, isForgiving, closeAfterSeconds: policy.closeAfterSeconds };
}
