import { AbiCoder } from "ethers";

import { ZERO_ADDRESS } from "../../chain/bounties/BountyTerms.ts";
import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";

/** What has to be said; the rest has a value that fits the kind of reward. */
export type TermsInput = Pick<BountyTerms, "role" | "kind" | "goal" | "ceiling" | "stake" | "workSeconds"> & Partial<BountyTerms>;

const HOUR = 3_600;
const DAY = 24 * HOUR;

export function isNobody(address: string): boolean {
  return /^0x0+$/.test(address);
}

/** Terms with everything that is not said: phases of a day, three rounds, and of the rest what the kind of reward has to have. */
export function completeTerms(input: TermsInput): BountyTerms {
  const isMetered = input.kind === "METERED";
  const isOpen = isNobody(input.bidder ?? ZERO_ADDRESS);
  const hasArbiter = !isNobody(input.arbiter ?? ZERO_ADDRESS);
  return {
    maxRounds: 3,
    unruledBps: hasArbiter ? 5_000 : 0,
    token: ZERO_ADDRESS,
    fundingSeconds: 7 * DAY,
    commitSeconds: isOpen ? DAY : 0,
    revealSeconds: isOpen ? DAY : 0,
    awardSeconds: DAY,
    settleSeconds: isMetered ? 14 * DAY : 0,
    reviewSeconds: isMetered ? 0 : DAY,
    disputeSeconds: hasArbiter ? DAY : 0,
    rulingSeconds: hasArbiter ? 7 * DAY : 0,
    minProvenCalls: 0n,
    proofOfService: ZERO_ADDRESS,
    evaluator: ZERO_ADDRESS,
    arbiter: ZERO_ADDRESS,
    bidder: ZERO_ADDRESS,
    source: ZERO_ADDRESS,
    shares: [],
    sourceParams: "0x",
    ...input,
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
