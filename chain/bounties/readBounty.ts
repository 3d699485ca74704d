import type { BountyBoard } from "../../typechain-types/bounties/index.ts";
import type { BidState, BountyState } from "./BountyState.ts";
import { bidStateFrom, bountyStateFrom } from "./BountyState.ts";
import type { BountyTerms } from "./BountyTerms.ts";
import { termsFrom } from "./BountyTerms.ts";

/** A bounty as the board has it at a block. */
export interface OnChainBounty {
  readonly id: bigint;
  readonly terms: BountyTerms;
  readonly state: BountyState;
  /** Whom `awardBest` would hire, in that order. */
  readonly ranked: readonly string[];
}

/** Undefined for an id that was never given out. */
export async function readBounty(board: BountyBoard, id: bigint, blockTag: number | string = "latest"): Promise<OnChainBounty | undefined> {
  const [terms, state, ranked] = await Promise.all([board.termsOf(id, { blockTag }), board.bountyOf(id, { blockTag }), board.rankedOf(id, { blockTag })]);
  const bounty = bountyStateFrom(state);
  return bounty.stage === "NONE" ? undefined : { id, terms: termsFrom(terms), state: bounty, ranked: [...ranked] };
}

/** Status NONE if the account has no bid on the bounty. */
export async function readBid(board: BountyBoard, id: bigint, bidder: string, blockTag: number | string = "latest"): Promise<BidState> {
  return bidStateFrom(await board.bidOf(id, bidder, { blockTag }));
}
