import type { BountyTerms } from "./BountyTerms.ts";
import { ZERO_ADDRESS } from "./BountyTerms.ts";

const BPS = 10_000n;

/** What the first `parts` parts cost together at a price, as the contract rounds it. Not for METERED. */
export function dueOf({ shares }: Pick<BountyTerms, "shares">, price: bigint, parts: number): bigint {
  if (shares.length === 0) return parts === 0 ? 0n : price;
  const share = shares.slice(0, parts).reduce((sum, each) => sum + each, 0);
  return (price * BigInt(share)) / BPS;
}

/** What the pool has to hold for a bidder to be hired at `price`: the parts that are left, or one unit. */
export function costLeft(terms: Pick<BountyTerms, "shares" | "kind">, price: bigint, partsDone: number): bigint {
  return terms.kind === "METERED" ? price : price - dueOf(terms, price, partsDone);
}

/** The lowest price that the board takes, in base units. */
export function minPriceOf({ kind }: Pick<BountyTerms, "kind">): bigint {
  return kind === "MILESTONES" ? BPS : 1n;
}

/**
 * The stake from which on it costs more to cheat than it gains (docs/BOUNTIES.md, section 9), in base units of the token: the largest
 * part that somebody judges, less what the proven calls of the agent have cost. A bounty may ask for less, and should be shown as such.
 * @param proofFeeWei fee of a proof at `proofOfService`; counts only for a bounty in ETH
 */
export function requiredStake(terms: Pick<BountyTerms, "kind" | "shares" | "ceiling" | "minProvenCalls" | "token">, proofFeeWei: bigint): bigint {
  if (terms.kind === "METERED" || terms.kind === "VERIFIED") return 0n;
  const costs = terms.shares.map((_share, part) => dueOf(terms, terms.ceiling, part + 1) - dueOf(terms, terms.ceiling, part));
  const largest = costs.reduce((max, cost) => (cost > max ? cost : max), costs.length === 0 ? terms.ceiling : 0n);
  const proven = terms.token === ZERO_ADDRESS ? terms.minProvenCalls * proofFeeWei : 0n;
  return largest > proven ? largest - proven : 0n;
}
