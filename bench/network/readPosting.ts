import { Interface, getBytes } from "ethers";

import { inboxAbi } from "../../chain/generated/abi/Inbox.ts";
import { RECORD, SLOT_BYTES } from "../../core/generated/protocol.ts";
import type { Anvil } from "./Anvil.ts";

const inbox = new Interface(inboxAbi);
/** Transactions that are read in full, evenly spread over all of a run. */
const SAMPLE = 200;

/** What the transactions of batches cost, from the receipts and the calldata that L1 has. */
export interface PostedFigures {
  readonly transactions: number;
  /** Gas of all of them. */
  readonly gas: number;
  /** Of those that were read in full: how many, their records, calldata bytes and gas. */
  readonly sampled: number;
  readonly records: number;
  readonly calldataBytes: number;
  readonly zeroBytes: number;
  readonly sampledGas: number;
  readonly largestGas: number;
}

interface Log {
  readonly transactionHash: string;
}

/** Reads the batches that an Inbox took from `fromBlock` on. */
export async function readPosting(anvil: Anvil, inboxAddress: string, fromBlock: number): Promise<PostedFigures> {
  const topics = [inbox.getEvent("BatchSubmitted")?.topicHash];
  const logs = await anvil.send<Log[]>("eth_getLogs", [{ address: inboxAddress, fromBlock: `0x${fromBlock.toString(16)}`, toBlock: "latest", topics }]);
  const figures = { transactions: logs.length, gas: 0, sampled: 0, records: 0, calldataBytes: 0, zeroBytes: 0, sampledGas: 0, largestGas: 0 };
  const every = Math.max(1, Math.ceil(logs.length / SAMPLE));
  for (const [i, { transactionHash }] of logs.entries()) {
    const { gasUsed } = await anvil.send<{ gasUsed: string }>("eth_getTransactionReceipt", [transactionHash]);
    const gas = Number(gasUsed);
    figures.gas += gas;
    figures.largestGas = Math.max(figures.largestGas, gas);
    if (i % every !== 0) continue;
    const { input } = await anvil.send<{ input: string }>("eth_getTransactionByHash", [transactionHash]);
    const calldata = getBytes(input);
    figures.sampled += 1;
    figures.sampledGas += gas;
    figures.calldataBytes += calldata.length;
    for (const byte of calldata) if (byte === 0) figures.zeroBytes += 1;
    figures.records += recordsIn(getBytes(inbox.decodeFunctionData("submitBatch", calldata).getValue("data") as string));
  }
  return figures;
}

/** Records in the slots of a batch: what is not a header. */
function recordsIn(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let records = 0;
  for (let at = 0; at < data.length; ) {
    const count = view.getUint16(at + RECORD.HEADER.count);
    records += count;
    at += (1 + count) * SLOT_BYTES;
  }
  return records;
}
