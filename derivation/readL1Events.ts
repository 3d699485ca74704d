import { Interface } from "ethers";
import type { JsonRpcApiProvider, LogDescription } from "ethers";

import { decodeSubmitBatch } from "../chain/submitBatchCall.ts";
import type { Deployment } from "../chain/Deployment.ts";
import { bridgeAbi } from "../chain/generated/abi/Bridge.ts";
import { inboxAbi } from "../chain/generated/abi/Inbox.ts";
import { settlementAbi } from "../chain/generated/abi/Settlement.ts";
import { fromHex } from "../core/codec/hex.ts";
import { DerivationError } from "./DerivationError.ts";
import type { L1Event, L1Position } from "./L1Event.ts";

interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly transactionHash: string;
}

const inbox = new Interface(inboxAbi);
const settlement = new Interface(settlementAbi);
const bridge = new Interface(bridgeAbi);

/** Transactions asked for at once. */
const PARALLEL_READS = 8;

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

/** The slots of a batch, from the transaction's own calldata: the Inbox takes batches in no other way. */
async function readBatchData(provider: JsonRpcApiProvider, deployment: Deployment, index: number, transactionHash: string): Promise<Uint8Array> {
  const transaction = (await provider.send("eth_getTransactionByHash", [transactionHash])) as { to: string | null; input: string } | null;
  if (transaction === null) {
    throw new DerivationError("derivation/moved", { block: -1 }, "retry", { what: `Transaction ${transactionHash} is gone`, todo: "The next turn reads again" });
  }
  const isInbox = transaction.to?.toLowerCase() === deployment.contracts.inbox.toLowerCase();
  const call = isInbox ? decodeSubmitBatch(transaction.input) : undefined;
  if (call === undefined) {
    throw new DerivationError("derivation/calldata", { index, transactionHash }, "stop", {
      what: `Batch ${index} was not submitted by a direct call of the Inbox, so its data cannot be read`,
      todo: "Check that the deployment names a genuine Inbox, which refuses such calls",
    });
  }
  return call.data;
}

/**
 * Everything the chain's contracts said in blocks `fromBlock` to `toBlock`, oldest first, batches and forced entries with their data.
 * Nothing is verified against hashes here; see `verifyL1Data`.
 */
export async function readL1Events(provider: JsonRpcApiProvider, deployment: Deployment, fromBlock: number, toBlock: number): Promise<L1Event[]> {
  const { contracts } = deployment;
  const logs = (await provider.send("eth_getLogs", [
    { fromBlock: `0x${fromBlock.toString(16)}`, toBlock: `0x${toBlock.toString(16)}`, address: [contracts.inbox, contracts.settlement, contracts.bridge] },
  ])) as RawLog[];
  const numbers = [...new Set(logs.map((log) => log.blockNumber))];
  const times = await inGroups(numbers, async (number) => {
    const block = (await provider.send("eth_getBlockByNumber", [number, false])) as { timestamp: string } | null;
    return [number, Number(block?.timestamp ?? 0)] as const;
  });
  const timeOf = new Map(times);
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
  const data = await inGroups(batches, ({ log, at }) => readBatchData(provider, deployment, Number(log.args["index"]), at.transactionHash));
  const dataOf = new Map(batches.map((batch, index) => [batch, data[index] ?? new Uint8Array()]));
  return parsed.flatMap((item) => toEvent(item, forcedData, dataOf.get(item)) ?? []);
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
      return { type: "claimed", at, claimId: text("claimId"), parentClaim: text("parentClaim"), epoch: number("epoch"), stateRoot: text("stateRoot"), closesAt: number("closesAt") };
    case "Backed":
      return { type: "backed", at, claimId: text("claimId"), backer: text("backer"), bondWei: BigInt(args["bondWei"] as bigint) };
    case "Retracted":
      return { type: "retracted", at, claimId: text("claimId"), backer: text("backer") };
    case "Confirmed":
      return { type: "confirmed", at, claimId: text("claimId"), epoch: number("epoch"), stateRoot: text("stateRoot") };
    case "Withdrawn":
      return { type: "withdrawn", at, index: number("index"), recipient: text("recipient"), amount: BigInt(args["amount"] as bigint), paid: Boolean(args["paid"]) };
    default:
      return undefined;
  }
}

