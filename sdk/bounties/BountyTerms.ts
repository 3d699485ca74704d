import { AbiCoder } from "ethers";

import { NO_TOKEN } from "../L1Sender.ts";
import { BOUNTY_ROLES, REWARD_KINDS } from "./BountyView.ts";
import type { BountyRole, RewardKind } from "./BountyView.ts";

/** What a bounty says, for good (docs/BOUNTIES.md, section 6). Amounts in base units of the token, times in seconds. */
export interface BountyTerms {
  readonly role: BountyRole;
  readonly reward: RewardKind;
  /** How often bidding may begin or go on, 1 to 8. */
  readonly maxRounds: number;
  /** The worker's part when the arbiter is silent, in 1/10,000. */
  readonly unruledBps: number;
  /** The zero address is ETH. */
  readonly token: string;
  readonly goalBase: bigint;
  /** Highest price: of all the work, or of a unit. */
  readonly ceilingBase: bigint;
  readonly stakeBase: bigint;
  readonly fundingSeconds: number;
  readonly commitSeconds: number;
  readonly revealSeconds: number;
  readonly awardSeconds: number;
  readonly workSeconds: number;
  readonly settleSeconds: number;
  readonly reviewSeconds: number;
  readonly disputeSeconds: number;
  readonly rulingSeconds: number;
  readonly minProvenCalls: number;
  /** Where calls are proven; undefined when none are asked for. */
  readonly proofOfService: string | undefined;
  readonly evaluator: string | undefined;
  readonly arbiter: string | undefined;
  /** Who alone may take it. */
  readonly bidder: string | undefined;
  /** Meter or verifier. */
  readonly source: string | undefined;
  /** Of milestones, in 1/10,000. */
  readonly shares: readonly number[];
  readonly sourceParams: string;
}

/** What has to be said; the rest has a value that fits the kind of reward. */
export type TermsInput = Pick<BountyTerms, "role" | "reward" | "goalBase" | "ceilingBase" | "stakeBase" | "workSeconds"> & Partial<BountyTerms>;

const HOUR = 3_600;
const DAY = 24 * HOUR;
const isZero = (address: string): boolean => /^0x0+$/.test(address);
const optional = (address: string): string | undefined => (isZero(address) ? undefined : address.toLowerCase());

/** Terms with everything that is not said: phases of a day, three rounds, and of the rest what the kind of reward has to have. */
export function completeTerms(input: TermsInput): BountyTerms {
  const isMetered = input.reward === "metered";
  const isOpen = input.bidder === undefined;
  const hasArbiter = input.arbiter !== undefined;
  return {
    maxRounds: 3,
    unruledBps: hasArbiter ? 5_000 : 0,
    token: NO_TOKEN,
    fundingSeconds: 7 * DAY,
    commitSeconds: isOpen ? DAY : 0,
    revealSeconds: isOpen ? DAY : 0,
    awardSeconds: DAY,
    settleSeconds: isMetered ? 14 * DAY : 0,
    reviewSeconds: isMetered ? 0 : DAY,
    disputeSeconds: hasArbiter ? DAY : 0,
    rulingSeconds: hasArbiter ? 7 * DAY : 0,
    minProvenCalls: 0,
    proofOfService: undefined,
    evaluator: undefined,
    arbiter: undefined,
    bidder: undefined,
    source: undefined,
    shares: [],
    sourceParams: "0x",
    ...input,
  };
}

/** As the contract takes them. */
export function termsStruct(terms: BountyTerms) {
  const { role, reward, goalBase, ceilingBase, stakeBase, proofOfService, evaluator, arbiter, bidder, source, shares, ...same } = terms;
  return {
    ...same,
    role: BOUNTY_ROLES.indexOf(role),
    kind: REWARD_KINDS.indexOf(reward),
    goal: goalBase,
    ceiling: ceilingBase,
    stake: stakeBase,
    proofOfService: proofOfService ?? NO_TOKEN,
    evaluator: evaluator ?? NO_TOKEN,
    arbiter: arbiter ?? NO_TOKEN,
    bidder: bidder ?? NO_TOKEN,
    source: source ?? NO_TOKEN,
    shares: [...shares],
  };
}

/** The contract's struct, as ethers decodes it. */
export interface TermsOnChain {
  readonly role: bigint; readonly kind: bigint; readonly maxRounds: bigint; readonly unruledBps: bigint; readonly token: string; readonly fundingSeconds: bigint;
  readonly goal: bigint; readonly ceiling: bigint; readonly stake: bigint; readonly minProvenCalls: bigint; readonly commitSeconds: bigint; readonly revealSeconds: bigint;
  readonly proofOfService: string; readonly awardSeconds: bigint; readonly workSeconds: bigint; readonly settleSeconds: bigint; readonly evaluator: string;
  readonly reviewSeconds: bigint; readonly disputeSeconds: bigint; readonly rulingSeconds: bigint; readonly arbiter: string; readonly bidder: string; readonly source: string;
  readonly shares: readonly bigint[]; readonly sourceParams: string;
}

export function termsFrom(terms: TermsOnChain): BountyTerms {
  return {
    role: BOUNTY_ROLES[Number(terms.role)] ?? "other",
    reward: REWARD_KINDS[Number(terms.kind)] ?? "lump",
    maxRounds: Number(terms.maxRounds),
    unruledBps: Number(terms.unruledBps),
    token: terms.token.toLowerCase(),
    goalBase: terms.goal,
    ceilingBase: terms.ceiling,
    stakeBase: terms.stake,
    fundingSeconds: Number(terms.fundingSeconds),
    commitSeconds: Number(terms.commitSeconds),
    revealSeconds: Number(terms.revealSeconds),
    awardSeconds: Number(terms.awardSeconds),
    workSeconds: Number(terms.workSeconds),
    settleSeconds: Number(terms.settleSeconds),
    reviewSeconds: Number(terms.reviewSeconds),
    disputeSeconds: Number(terms.disputeSeconds),
    rulingSeconds: Number(terms.rulingSeconds),
    minProvenCalls: Number(terms.minProvenCalls),
    proofOfService: optional(terms.proofOfService),
    evaluator: optional(terms.evaluator),
    arbiter: optional(terms.arbiter),
    bidder: optional(terms.bidder),
    source: optional(terms.source),
    shares: [...terms.shares].map(Number),
    sourceParams: terms.sourceParams,
  };
}

/** What a BatchMeter is told. */
export interface BatchMeterParams {
  readonly settlement: string;
  readonly sequencerSet: string;
  /** Without a counted batch for so long, the operator has failed. */
  readonly silenceSeconds: number;
  /** After the award, before silence counts. */
  readonly graceSeconds: number;
}

const METER_TYPES = ["address", "address", "uint32", "uint32"];

export function encodeBatchMeterParams({ settlement, sequencerSet, silenceSeconds, graceSeconds }: BatchMeterParams): string {
  return AbiCoder.defaultAbiCoder().encode(METER_TYPES, [settlement, sequencerSet, silenceSeconds, graceSeconds]);
}

/** Undefined for what no BatchMeter could read. */
export function decodeBatchMeterParams(data: string): BatchMeterParams | undefined {
  try {
    const [settlement, sequencerSet, silenceSeconds, graceSeconds] = AbiCoder.defaultAbiCoder().decode(METER_TYPES, data) as unknown as [string, string, bigint, bigint];
    return { settlement: settlement.toLowerCase(), sequencerSet: sequencerSet.toLowerCase(), silenceSeconds: Number(silenceSeconds), graceSeconds: Number(graceSeconds) };
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
