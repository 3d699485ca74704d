import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";
import { isNobody } from "./BountyTerms.ts";
import type { BountyPhase } from "./BountyView.ts";

/** What is stored of a bounty's place in time. */
export interface BountyClock {
  readonly stage: "none" | "funding" | "bidding" | "engaged" | "closed";
  /** unix seconds; what it means depends on the stage (`Bounty.clock`) */
  readonly clock: number;
}

/** The phase at a time, as the contract would say it in a block of that time, and until when it lasts if nobody does anything. */
export function phaseAt({ stage, clock }: BountyClock, terms: BountyTerms, nowSeconds: number): { readonly phase: BountyPhase; readonly endsAt: number | undefined } {
  if (stage === "funding") {
    const endsAt = clock + terms.fundingSeconds;
    return nowSeconds < endsAt ? { phase: "funding", endsAt } : { phase: "lapsed", endsAt: undefined };
  }
  if (stage === "engaged") return { phase: "engaged", endsAt: clock + terms.workSeconds };
  if (stage !== "bidding") return { phase: stage, endsAt: undefined };
  const revealFrom = clock - terms.revealSeconds;
  if (nowSeconds < revealFrom) return { phase: "commit", endsAt: revealFrom };
  if (nowSeconds < clock) return { phase: "reveal", endsAt: clock };
  const fallbackFrom = clock + terms.awardSeconds;
  if (nowSeconds < fallbackFrom) return { phase: "award", endsAt: fallbackFrom };
  const lapsesAt = fallbackFrom + terms.awardSeconds;
  if (isNobody(terms.bidder) && nowSeconds < lapsesAt) return { phase: "fallback", endsAt: lapsesAt };
  return { phase: "lapsed", endsAt: undefined };
}
