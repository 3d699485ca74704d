import type { TermsStruct, TermsStructOutput } from "../../typechain-types/interfaces/IBountyBoard.ts";

/** What somebody is hired as; it binds nobody. */
export const BOUNTY_ROLES = ["SEQUENCER", "RPC_PROVIDER", "BRIDGE", "VALIDATOR", "OTHER"] as const;
export type BountyRole = (typeof BOUNTY_ROLES)[number];

/** One job, jobs one after the other, a job that a contract judges, units that a contract counts. */
export const REWARD_KINDS = ["LUMP", "MILESTONES", "VERIFIED", "METERED"] as const;
export type RewardKind = (typeof REWARD_KINDS)[number];

/** What a bounty says, for good. Amounts are base units of the token; addresses that are not used are zero. See `Terms` in `IBountyBoard`. */
export interface BountyTerms {
  readonly role: BountyRole;
  readonly kind: RewardKind;
  /** 1 to 8. */
  readonly maxRounds: number;
  /** The worker's part in 1/10,000 if the arbiter is silent; 0 without one. */
  readonly unruledBps: number;
  /** Zero for ETH. */
  readonly token: string;
  readonly fundingSeconds: number;
  readonly goal: bigint;
  /** Of all the work, or of a unit (METERED). */
  readonly ceiling: bigint;
  readonly stake: bigint;
  readonly minProvenCalls: bigint;
  /** 0 when a bidder is named, as is `revealSeconds`. */
  readonly commitSeconds: number;
  readonly revealSeconds: number;
  /** Zero if no proven calls are asked for. */
  readonly proofOfService: string;
  readonly awardSeconds: number;
  /** Of each part. */
  readonly workSeconds: number;
  /** METERED; 0 otherwise. */
  readonly settleSeconds: number;
  /** LUMP, MILESTONES; zero otherwise. */
  readonly evaluator: string;
  /** 0 when METERED. */
  readonly reviewSeconds: number;
  /** 0 without an arbiter, as is `rulingSeconds`. */
  readonly disputeSeconds: number;
  readonly rulingSeconds: number;
  readonly arbiter: string;
  /** Who may take it directly; zero for open bidding. */
  readonly bidder: string;
  /** METERED: the meter. VERIFIED: the verifier. Zero otherwise. */
  readonly source: string;
  /** MILESTONES: in 1/10,000; empty otherwise. */
  readonly shares: readonly number[];
  /** 0x…, in the encoding of the source; 0x without one. */
  readonly sourceParams: string;
}

export const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

/** Terms as the contract takes them. */
export function termsStruct(terms: BountyTerms): TermsStruct {
  return { ...terms, role: BOUNTY_ROLES.indexOf(terms.role), kind: REWARD_KINDS.indexOf(terms.kind), shares: [...terms.shares] };
}

/** Terms as the contract returns them, or tells them in `BountyPosted`. */
export function termsFrom(struct: TermsStructOutput): BountyTerms {
  return {
    role: BOUNTY_ROLES[Number(struct.role)] as BountyRole,
    kind: REWARD_KINDS[Number(struct.kind)] as RewardKind,
    maxRounds: Number(struct.maxRounds),
    unruledBps: Number(struct.unruledBps),
    token: struct.token,
    fundingSeconds: Number(struct.fundingSeconds),
    goal: struct.goal,
    ceiling: struct.ceiling,
    stake: struct.stake,
    minProvenCalls: struct.minProvenCalls,
    commitSeconds: Number(struct.commitSeconds),
    revealSeconds: Number(struct.revealSeconds),
    proofOfService: struct.proofOfService,
    awardSeconds: Number(struct.awardSeconds),
    workSeconds: Number(struct.workSeconds),
    settleSeconds: Number(struct.settleSeconds),
    evaluator: struct.evaluator,
    reviewSeconds: Number(struct.reviewSeconds),
    disputeSeconds: Number(struct.disputeSeconds),
    rulingSeconds: Number(struct.rulingSeconds),
    arbiter: struct.arbiter,
    bidder: struct.bidder,
    source: struct.source,
    shares: struct.shares.map(Number),
    sourceParams: struct.sourceParams,
  };
}
