import type { JsonRpcApiProvider } from "ethers";

import { bountyBoardAbi } from "../../../../chain/generated/abi/BountyBoard.ts";
import { identityRegistryAbi } from "../../../../chain/generated/abi/IdentityRegistry.ts";
import { jobEscrowAbi } from "../../../../chain/generated/abi/JobEscrow.ts";
import { proofOfServiceAbi } from "../../../../chain/generated/abi/ProofOfService.ts";
import { reputationRegistryAbi } from "../../../../chain/generated/abi/ReputationRegistry.ts";
import { validationRegistryAbi } from "../../../../chain/generated/abi/ValidationRegistry.ts";
import { readLogs } from "../../../../chain/readLogs.ts";
import type { RawLog } from "../../../../chain/readLogs.ts";
import { createEventDecoder } from "./decodeEvent.ts";
import type { EventDecoder } from "./decodeEvent.ts";
import type { EconomyAddresses, EconomyContract, EconomyEvent } from "./EconomyEvent.ts";

const DECODERS: Readonly<Record<EconomyContract, EventDecoder>> = {
  identityRegistry: createEventDecoder(identityRegistryAbi, ["Transfer", "Registered", "URIUpdated", "MetadataSet"]),
  reputationRegistry: createEventDecoder(reputationRegistryAbi, ["NewFeedback", "FeedbackRevoked", "ResponseAppended"]),
  validationRegistry: createEventDecoder(validationRegistryAbi, ["ValidationRequest", "ValidationResponse"]),
  proofOfService: createEventDecoder(proofOfServiceAbi, ["CallProven", "FeedbackAttached", "FeedbackDetached"]),
  jobEscrow: createEventDecoder(jobEscrowAbi, [
    "JobCreated", "ProviderSet", "BudgetSet", "JobFunded", "JobSubmitted", "JobCompleted", "JobRejected", "JobExpired", "PaymentReleased", "Refunded",
    "TermsFixed", "ReviewStarted", "JobContested", "JobDisputed", "DisputeEnded",
  ]),
  bountyBoard: createEventDecoder(bountyBoardAbi, [
    "BountyPosted", "Funded", "RoundStarted", "BidCommitted", "BidRevealed", "BidRanked", "BidWithdrawn", "BidForfeited", "Awarded", "PartStarted", "PartEnded",
    "PartNotStarted", "Claimed", "Finished", "Failed", "Closed", "Refunded",
  ]),
};

/** Times asked for at once. */
const PARALLEL_READS = 8;

export interface EconomyReaderOptions {
  readonly provider: JsonRpcApiProvider;
  readonly addresses: EconomyAddresses;
  /** An event of a contract that cannot be read; it is left out. */
  readonly onUnreadable: (log: RawLog, error: unknown) => void;
}

async function timesOf(provider: JsonRpcApiProvider, logs: readonly RawLog[]): Promise<ReadonlyMap<string, number>> {
  const numbers = [...new Set(logs.map(({ blockNumber }) => blockNumber))];
  const times = new Map<string, number>();
  for (let at = 0; at < numbers.length; at += PARALLEL_READS) {
    await Promise.all(
      numbers.slice(at, at + PARALLEL_READS).map(async (number) => {
        const block = (await provider.send("eth_getBlockByNumber", [number, false])) as { timestamp: string } | null;
        times.set(number, Number(block?.timestamp ?? 0));
      }),
    );
  }
  return times;
}

/** Reads what the contracts of the economy said in a range of blocks, oldest first. */
export function createEconomyReader({ provider, addresses, onUnreadable }: EconomyReaderOptions): (fromBlock: number, toBlock: number) => Promise<{ events: EconomyEvent[]; readTo: number }> {
  const present = Object.keys(addresses) as EconomyContract[];
  const contractAt = new Map(present.map((name) => [addresses[name] ?? "", name]));
  const topics = [...new Set(present.flatMap((name) => DECODERS[name].topics))];
  return async (fromBlock, toBlock) => {
    const logs = await readLogs(provider, { fromBlock, toBlock, address: [...contractAt.keys()], topics: [topics] });
    const times = await timesOf(provider, logs);
    const events = logs.flatMap((log): EconomyEvent[] => {
      const contract = contractAt.get(log.address.toLowerCase());
      if (contract === undefined) return [];
      try {
        const decoded = DECODERS[contract].decode(log.topics, log.data);
        if (decoded === undefined) return [];
        const { blockNumber, logIndex, transactionHash } = log;
        return [{ contract, ...decoded, blockNumber: Number(blockNumber), logIndex: Number(logIndex), transactionHash, timestamp: times.get(blockNumber) ?? 0 }];
      } catch (error) {
        onUnreadable(log, error);
        return [];
      }
    });
    return { events, readTo: toBlock };
  };
}
