import { Interface } from "ethers";
import type { JsonRpcApiProvider, LogDescription } from "ethers";

import type { Deployment } from "../chain/Deployment.ts";
import { bridgeAbi } from "../chain/generated/abi/Bridge.ts";
import { inboxAbi } from "../chain/generated/abi/Inbox.ts";
import { settlementAbi } from "../chain/generated/abi/Settlement.ts";
import { readLogs } from "../chain/readLogs.ts";
import type { RawLog } from "../chain/readLogs.ts";
import { fromHex } from "../core/codec/hex.ts";
import type { L1Event, L1Position } from "./L1Event.ts";
import { countWithin, readBatchData } from "./readBatchData.ts";
import type { BatchHeader } from "./readBatchData.ts";

const inbox = new Interface(inboxAbi);
const settlement = new Interface(settlementAbi);
const bridge = new Interface(bridgeAbi);

/** Blocks asked for at once. */
const PARALLEL_READS = 8;
/** Bytes of batch data that one reading takes into memory. */
const MAX_DATA_BYTES = 1 << 26;

/** The events that the state is derived from; the data of batches are asked for one by one. */
const TOPICS = [
  ...["EntryQueued", "ForcedData", "BatchSubmitted", "EpochClosed"].map((name) => inbox.getEvent(name)!.topicHash),
  ...["Claimed", "Entered", "Eliminated", "Confirmed"].map((name) => settlement.getEvent(name)!.topicHash),
  bridge.getEvent("Withdrawn")!.topicHash,
];

interface Parsed {
  readonly log: LogDescription;
  readonly at: L1Position;
}

function interfaceOf(address: string, deployment: Deployment): Interface {
  const { contracts } = deployment;
  const lower = address.toLowerCase();
  if (lower === contracts.inbox.toLowerCase()) return inbox;
  return lower === contracts.settlement.toLowerCase() ? settlement : bridge;
}

async function inGroups<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += PARALLEL_READS) {
    results.push(...(await Promise.all(items.slice(at, at + PARALLEL_READS).map(read))));
  }
  return results;
}

async function readTimes(provider: JsonRpcApiProvider, logs: readonly RawLog[]): Promise<ReadonlyMap<string, number>> {
  const numbers = [...new Set(logs.map((log) => log.blockNumber))];
  const times = await inGroups(numbers, async (number) => {
    const block = (await provider.send("eth_getBlockByNumber", [number, false])) as { timestamp: string } | null;
    return [number, Number(block?.timestamp ?? 0)] as const;
  });
  return new Map(times);
}

/** What was read, and up to which block: before `toBlock` when the data of the batches were too many. */
export interface ReadEvents {
  readonly events: readonly L1Event[];
  readonly readTo: number;
}

/**
 * Everything the chain's contracts said from block `fromBlock` on to `toBlock` at most, oldest first, batches and forced entries
 * with their data. Nothing is verified against hashes here; see `ChainView.check`.
 * @param maxDataBytes the reading ends before the block that would bring more data of batches than this, but not before the first
 * @throws DerivationError `derivation/missing`; ChainError
 */
export async function readL1Events(provider: JsonRpcApiProvider, deployment: Deployment, fromBlock: number, toBlock: number, maxDataBytes = MAX_DATA_BYTES): Promise<ReadEvents> {
  const { contracts } = deployment;
  const logs = await readLogs(provider, { fromBlock, toBlock, address: [contracts.inbox, contracts.settlement, contracts.bridge], topics: [TOPICS] });
  const timeOf = await readTimes(provider, logs);
  const parsed: Parsed[] = [];
  for (const raw of logs) {
    const log = interfaceOf(raw.address, deployment).parseLog({ topics: [...raw.topics], data: raw.data });
    if (log === null) continue;
    const { blockHash, transactionHash } = raw;
    parsed.push({ log, at: { blockNumber: Number(raw.blockNumber), blockHash, transactionHash, timestamp: timeOf.get(raw.blockNumber) ?? 0 } });
  }
  const forcedData = new Map<number, Uint8Array>();
  for (const { log } of parsed) if (log.name === "ForcedData") forcedData.set(Number(log.args["index"]), fromHex(String(log.args["data"])));
  const batches = parsed.filter(({ log }) => log.name === "BatchSubmitted");
  const headers = batches.map(({ log, at }): BatchHeader => ({ index: Number(log.args["index"]), slots: Number(log.args["slots"]), blockNumber: at.blockNumber }));
  const taken = countWithin(headers, maxDataBytes);
  const readTo = Math.min(toBlock, (headers[taken]?.blockNumber ?? Infinity) - 1);
  const data = await readBatchData(provider, contracts.inbox, headers.slice(0, taken));
  const dataOf = new Map(batches.map((batch, index) => [batch, data[index] ?? new Uint8Array()]));
  const events = parsed.filter(({ at }) => at.blockNumber <= readTo).flatMap((item) => toEvent(item, forcedData, dataOf.get(item)) ?? []);
  return { events, readTo };
}

function toEvent({ log, at }: Parsed, forcedData: ReadonlyMap<number, Uint8Array>, data: Uint8Array = new Uint8Array()): L1Event | undefined {
  const { args } = log;
  const number = (name: string): number => Number(args[name]);
  const text = (name: string): string => String(args[name]);
  const bytes = (name: string): Uint8Array => fromHex(text(name));
  switch (log.name) {
    case "EntryQueued": {
      const index = number("index");
      const parties = { sender: bytes("sender"), account: bytes("account"), dataRoot: bytes("dataRoot") };
      const entry = { index, kind: number("kind"), ...parties, value: number("value"), slots: number("slots"), dueTime: number("dueTime") };
      return { type: "entry", at, entry: { ...entry, data: forcedData.get(index) ?? new Uint8Array() } };
    }
    case "BatchSubmitted": {
      const batch = { index: number("index"), l2Time: number("l2Time"), queueEnd: number("queueEnd"), slots: number("slots"), dataRoot: bytes("dataRoot"), data };
      return { type: "batch", at, batch };
    }
    case "EpochClosed":
      return { type: "epoch", at, epoch: number("epoch"), batchEnd: number("batchEnd"), steps: number("steps") };
    case "Claimed":
      return { type: "claimed", at, claimId: text("claimId"), parentClaim: text("parentClaim"), round: number("round"), epoch: number("epoch"), stateRoot: text("stateRoot") };
    case "Entered":
      return { type: "entered", at, roundId: text("roundId"), n: number("n"), claimId: text("claimId"), backer: text("backer"), bondWei: BigInt(args["bondWei"] as bigint) };
    case "Eliminated":
      return { type: "eliminated", at, roundId: text("roundId"), loser: number("loser"), winner: number("winner"), paidWei: BigInt(args["paidWei"] as bigint), burnedWei: BigInt(args["burnedWei"] as bigint) };
    case "Confirmed":
      return { type: "confirmed", at, claimId: text("claimId"), epoch: number("epoch"), stateRoot: text("stateRoot") };
    case "Withdrawn":
      return { type: "withdrawn", at, index: number("index"), recipient: text("recipient"), amount: BigInt(args["amount"] as bigint), paid: Boolean(args["paid"]) };
    default:
      return undefined;
  }
}

