import type { BountyPhase } from "../../../chain/bounties/phaseOf.ts";

/** What a patron wants, in base units and seconds. */
export interface PatronRules {
  /** What it puts into the pool. */
  readonly poolBase: bigint;
  /** Proven calls that a bidder's agent must have when it is awarded. */
  readonly minBidderCalls: number;
  /** Mean of the backed feedback from 0 to 100 that it must have; agents without any count as that. */
  readonly minBidderScore: number;
  /** Bidders who failed it once are not hired again. */
  readonly isForgiving: boolean;
  /** After so long, while nobody is at work, it closes the bounty. */
  readonly closeAfterSeconds: number;
}

/** A bid that is revealed, with what is proven of who made it. */
export interface SeenBid {
  readonly bidder: string;
  readonly agentId: bigint;
  readonly priceBase: bigint;
  /** Not withdrawn, not hired before. */
  readonly isLive: boolean;
  readonly calls: number;
  /** Undefined without backed feedback. */
  readonly score: number | undefined;
}

/** The patron's bounty as the chain has it. */
export interface PatronBounty {
  readonly id: number;
  readonly phase: BountyPhase;
  readonly postedAt: number;
  readonly round: number;
  readonly maxRounds: number;
  readonly poolBase: bigint;
  readonly bids: readonly SeenBid[];
  readonly engaged: { readonly bidder: string; readonly priceBase: bigint; readonly hasFailed: boolean; readonly finishAt: number } | undefined;
  /** What the patron may take back of the pool. */
  readonly refundBase: bigint;
}

export interface PatronState {
  readonly nowSeconds: number;
  readonly bounty: PatronBounty | undefined;
  readonly balanceBase: bigint;
  readonly creditBase: bigint;
  /** Who failed this bounty, lower case. */
  readonly failed: readonly string[];
}

export type PatronAction =
  | { readonly type: "post" }
  | { readonly type: "fund"; readonly amountBase: bigint }
  | { readonly type: "award"; readonly bid: SeenBid }
  | { readonly type: "fail"; readonly bidder: string }
  | { readonly type: "finish" }
  | { readonly type: "reopen" }
  | { readonly type: "close" }
  | { readonly type: "refund"; readonly amountBase: bigint }
  | { readonly type: "withdrawCredit"; readonly amountBase: bigint }
  /** Nothing can be done, for that reason. */
  | { readonly type: "wait"; readonly reason: string };
