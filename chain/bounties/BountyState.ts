import type { BidStructOutput, BountyStructOutput } from "../../typechain-types/interfaces/IBountyBoard.ts";

export const BOUNTY_STAGES = ["NONE", "FUNDING", "BIDDING", "ENGAGED", "CLOSED"] as const;
export type BountyStage = (typeof BOUNTY_STAGES)[number];

export const BID_STATUSES = ["NONE", "COMMITTED", "REVEALED", "AWARDED"] as const;
export type BidStatus = (typeof BID_STATUSES)[number];

/** Where a bounty stands, as the board has it at a block. Amounts are base units of its token, times L1 seconds. */
export interface BountyState {
  /** Zero for a bounty that does not exist. */
  readonly poster: string;
  readonly stage: BountyStage;
  /** From 1 when bidding begins. */
  readonly round: number;
  /** How many parts are completed. */
  readonly part: number;
  /** The round that closing cut short, whose hidden bids have their stakes back whole; 0 for none. */
  readonly cutRound: number;
  /** FUNDING: of its posting. BIDDING: when AWARD begins. ENGAGED: when that began. CLOSED: of its end. */
  readonly clock: number;
  readonly pool: bigint;
  /** The pool at the end. */
  readonly left: bigint;
  /** Zero while nobody is engaged. */
  readonly worker: string;
  readonly feeVersion: number;
  readonly jobFeeVersion: number;
  readonly era: number;
  readonly totalShares: bigint;
  /** Job of the part in work. */
  readonly jobId: bigint;
  /** METERED: in this engagement. */
  readonly paidUnits: bigint;
  /** Bids that can be hired. */
  readonly liveBids: number;
  readonly revealed: number;
}

export interface BidState {
  readonly commitment: string;
  readonly agentId: bigint;
  readonly price: bigint;
  /** The earlier one of equals is first. */
  readonly order: number;
  readonly round: number;
  readonly status: BidStatus;
}

/** A bounty as `bountyOf` returns it. */
export function bountyStateFrom(struct: BountyStructOutput): BountyState {
  return {
    poster: struct.poster,
    stage: BOUNTY_STAGES[Number(struct.stage)] as BountyStage,
    round: Number(struct.round),
    part: Number(struct.part),
    cutRound: Number(struct.cutRound),
    clock: Number(struct.clock),
    pool: struct.pool,
    left: struct.left,
    worker: struct.worker,
    feeVersion: Number(struct.feeVersion),
    jobFeeVersion: Number(struct.jobFeeVersion),
    era: Number(struct.era),
    totalShares: struct.totalShares,
    jobId: struct.jobId,
    paidUnits: struct.paidUnits,
    liveBids: Number(struct.liveBids),
    revealed: Number(struct.revealed),
  };
}

/** A bid as `bidOf` returns it. */
export function bidStateFrom(struct: BidStructOutput): BidState {
  return {
    commitment: struct.commitment,
    agentId: struct.agentId,
    price: struct.price,
    order: Number(struct.order),
    round: Number(struct.round),
    status: BID_STATUSES[Number(struct.status)] as BidStatus,
  };
}
