import { STAGE } from "./index/applyBoardEvents.ts";

/** `Role` and `RewardKind` of the board, in their order. */
export const BOUNTY_ROLES = ["SEQUENCER", "RPC_PROVIDER", "BRIDGE", "VALIDATOR", "OTHER"] as const;
export const REWARD_KINDS = ["LUMP", "MILESTONES", "VERIFIED", "METERED"] as const;

/** `Phase` of the board. */
export const BOUNTY_PHASES = ["FUNDING", "COMMIT", "REVEAL", "AWARD", "FALLBACK", "ENGAGED", "LAPSED", "CLOSED"] as const;
export type BountyPhase = (typeof BOUNTY_PHASES)[number];

/** What a phase follows from. */
export interface BountyClock {
  readonly stage: number;
  /** Unix seconds; what it means depends on the stage. */
  readonly clock: number;
  readonly terms: { readonly fundingSeconds: number; readonly revealSeconds: number; readonly awardSeconds: number; readonly workSeconds: number; readonly bidder: string };
}

/** The phase as the contract would say it in a block of that time, and until when it lasts if nobody does anything. */
export function phaseOf({ stage, clock, terms }: BountyClock, nowSeconds: number): { phase: BountyPhase; endsAt: number | undefined } {
  if (stage === STAGE.FUNDING) {
    const endsAt = clock + terms.fundingSeconds;
    return nowSeconds < endsAt ? { phase: "FUNDING", endsAt } : { phase: "LAPSED", endsAt: undefined };
  }
  if (stage === STAGE.ENGAGED) return { phase: "ENGAGED", endsAt: clock + terms.workSeconds };
  if (stage === STAGE.CLOSED) return { phase: "CLOSED", endsAt: undefined };
  const revealFrom = clock - terms.revealSeconds;
  if (nowSeconds < revealFrom) return { phase: "COMMIT", endsAt: revealFrom };
  if (nowSeconds < clock) return { phase: "REVEAL", endsAt: clock };
  const fallbackFrom = clock + terms.awardSeconds;
  if (nowSeconds < fallbackFrom) return { phase: "AWARD", endsAt: fallbackFrom };
  const lapsesAt = fallbackFrom + terms.awardSeconds;
  if (/^0x0{40}$/.test(terms.bidder) && nowSeconds < lapsesAt) return { phase: "FALLBACK", endsAt: lapsesAt };
  return { phase: "LAPSED", endsAt: undefined };
}

/** Stages in which a bounty can be in the phase. */
export function stagesOf(phase: BountyPhase): readonly number[] {
  if (phase === "FUNDING") return [STAGE.FUNDING];
  if (phase === "ENGAGED") return [STAGE.ENGAGED];
  if (phase === "CLOSED") return [STAGE.CLOSED];
  return phase === "LAPSED" ? [STAGE.FUNDING, STAGE.BIDDING] : [STAGE.BIDDING];
}
