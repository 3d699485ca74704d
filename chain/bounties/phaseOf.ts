import type { BountyState } from "./BountyState.ts";
import type { BountyTerms } from "./BountyTerms.ts";
import { ZERO_ADDRESS } from "./BountyTerms.ts";

/** In the order of the contract. LAPSED: a time ran out with nobody hired; anyone may `reopen` if a round is left, else `close`. */
export const BOUNTY_PHASES = ["NONE", "FUNDING", "COMMIT", "REVEAL", "AWARD", "FALLBACK", "ENGAGED", "LAPSED", "CLOSED"] as const;
export type BountyPhase = (typeof BOUNTY_PHASES)[number];

/** A phase, and the L1 second at which the next one begins by itself; none for phases that only a call ends. */
export interface PhaseAt {
  readonly phase: BountyPhase;
  readonly until?: number;
}

/** What a phase depends on. */
export type PhaseTerms = Pick<BountyTerms, "fundingSeconds" | "revealSeconds" | "awardSeconds" | "bidder">;

/**
 * The phase of a bounty in a block of time `now` (L1 seconds), as the contract has it (`phaseOf`).
 * @param state at that block, or earlier if no call came between
 */
export function phaseOf({ stage, clock }: Pick<BountyState, "stage" | "clock">, terms: PhaseTerms, now: number): PhaseAt {
  if (stage === "NONE" || stage === "ENGAGED" || stage === "CLOSED") return { phase: stage };
  if (stage === "FUNDING") return now < clock + terms.fundingSeconds ? { phase: "FUNDING", until: clock + terms.fundingSeconds } : { phase: "LAPSED" };
  const revealFrom = clock - terms.revealSeconds;
  const fallbackFrom = clock + terms.awardSeconds;
  const lapsesAt = fallbackFrom + (terms.bidder === ZERO_ADDRESS ? terms.awardSeconds : 0);
  if (now < revealFrom) return { phase: "COMMIT", until: revealFrom };
  if (now < clock) return { phase: "REVEAL", until: clock };
  if (now < fallbackFrom) return { phase: "AWARD", until: fallbackFrom };
  return now < lapsesAt ? { phase: "FALLBACK", until: lapsesAt } : { phase: "LAPSED" };
}
