import { Interface } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { inboxAbi } from "../../../chain/generated/abi/Inbox.ts";
import { readLogs } from "../../../chain/readLogs.ts";
import { fromHex } from "../../../core/codec/index.ts";
import type { FedEntry } from "./ports.ts";

const inbox = new Interface(inboxAbi);
const TOPICS = ["EntryQueued", "ForcedData"].map((name) => inbox.getEvent(name)!.topicHash);

/** The entries queued in blocks `fromBlock` to `toBlock`, oldest first, forced ones with their slots. Nothing is verified here. */
export async function readQueuedEntries(provider: JsonRpcApiProvider, inboxAddress: string, fromBlock: number, toBlock: number): Promise<FedEntry[]> {
  const logs = await readLogs(provider, { fromBlock, toBlock, address: inboxAddress, topics: [TOPICS] });
  const forced = new Map<number, Uint8Array>();
  const queued: FedEntry[] = [];
  for (const raw of logs) {
    const log = inbox.parseLog({ topics: [...raw.topics], data: raw.data });
    if (log === null) continue;
    const number = (name: string): number => Number(log.args[name]);
    const bytes = (name: string): Uint8Array => fromHex(String(log.args[name]));
    if (log.name === "ForcedData") {
      forced.set(number("index"), bytes("data"));
      continue;
    }
    const parties = { sender: bytes("sender"), account: bytes("account"), dataRoot: bytes("dataRoot") };
    const numbers = { index: number("index"), kind: number("kind"), value: number("value"), slots: number("slots"), dueTime: number("dueTime") };
    queued.push({ entry: { ...numbers, ...parties, data: new Uint8Array() }, blockNumber: Number(raw.blockNumber) });
  }
  return queued.map(({ entry, blockNumber }) => ({ entry: { ...entry, data: forced.get(entry.index) ?? entry.data }, blockNumber }));
}
