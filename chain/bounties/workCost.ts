import type { BountyTerms } from "./BountyTerms.ts";

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

/** Of a lost stake, what goes to whoever reports the failure: the one who failed can do it itself. */
const REPORTER_BPS = 1_000n;

/**
 * The stake from which on being caught once costs what slipping through once gains (docs/BOUNTIES.md, section 9), in base units of the
 * token: the largest part that somebody judges, at the ceiling, and a ninth more, since a tenth of the stake can be had back. A bounty
 * may ask for less, and should be shown as such.
 */
export function requiredStake(terms: Pick<BountyTerms, "kind" | "shares" | "ceiling">): bigint {
  if (terms.kind === "METERED" || terms.kind === "VERIFIED") return 0n;
  const costs = terms.shares.map((_share, part) => dueOf(terms, terms.ceiling, part + 1) - dueOf(terms, terms.ceiling, part));
  const largest = costs.reduce((max, cost) => (cost > max ? cost : max), costs.length === 0 ? terms.ceiling : 0n);
  const lost = BPS - REPORTER_BPS;
  return (largest * BPS + lost - 1n) / lost;
}
