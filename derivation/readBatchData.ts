import { Interface } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { inboxAbi } from "../chain/generated/abi/Inbox.ts";
import { bytesOfDigits } from "../chain/hexDigits.ts";
import { readLogs } from "../chain/readLogs.ts";
import { unpackSlots } from "../core/codec/packedSlots.ts";
import { SLOT_BYTES } from "../core/generated/protocol.ts";
import { DerivationError } from "./DerivationError.ts";

/** What the header of a batch says of its data. */
export interface BatchHeader {
  readonly index: number;
  readonly slots: number;
  readonly blockNumber: number;
}

/** Batches asked for at once, and slots: an answer is twice their bytes, in hexadecimal. */
const PARALLEL_READS = 8;
const PARALLEL_SLOTS = 32_768;

const BATCH_DATA = new Interface(inboxAbi).getEvent("BatchData")!.topicHash;
/** A log's data are the ABI's: where the bytes begin, how many they are, and they. */
const HEAD_DIGITS = 2 + 2 * 64;

async function readOne(provider: JsonRpcApiProvider, inboxAddress: string, { index, slots, blockNumber }: BatchHeader): Promise<Uint8Array> {
  if (slots === 0) return new Uint8Array(); // Then there is no event.
  const topics = [BATCH_DATA, `0x${index.toString(16).padStart(64, "0")}`];
  const [log] = await readLogs(provider, { address: inboxAddress, topics, fromBlock: blockNumber, toBlock: blockNumber });
  if (log === undefined) {
    throw new DerivationError("derivation/missing", { index, blockNumber }, "retry", {
      what: `The endpoint has the header of batch ${index} in L1 block ${blockNumber} and not its data`,
      todo: "The next turn asks again; if it stays so, use an endpoint that keeps all logs",
    });
  }
  const digits = 2 * Number(`0x${log.data.slice(2 + 64, HEAD_DIGITS)}`);
  const isWhole = log.data.length >= HEAD_DIGITS + digits;
  // What is no packed form is no data, and does not have the header's root.
  return (isWhole ? unpackSlots(bytesOfDigits(log.data, HEAD_DIGITS, HEAD_DIGITS + digits), slots) : undefined) ?? new Uint8Array();
}

/**
 * The slots of batches, one array each, from their `BatchData` events. Nothing is verified here.
 * @throws DerivationError `derivation/missing`
 */
export async function readBatchData(provider: JsonRpcApiProvider, inboxAddress: string, headers: readonly BatchHeader[]): Promise<Uint8Array[]> {
  const data: Uint8Array[] = [];
  while (data.length < headers.length) {
    let slots = 0;
    const group: BatchHeader[] = [];
    for (const header of headers.slice(data.length, data.length + PARALLEL_READS)) {
      slots += header.slots;
      if (group.length > 0 && slots > PARALLEL_SLOTS) break;
      group.push(header);
    }
    data.push(...(await Promise.all(group.map((header) => readOne(provider, inboxAddress, header)))));
  }
  return data;
}

/**
 * How many of the headers to take at once, so that their data take at most `maxBytes` of memory, but at least those of the
 * first block: blocks are not torn apart.
 */
export function countWithin(headers: readonly BatchHeader[], maxBytes: number): number {
  let bytes = 0;
  const over = headers.findIndex(({ slots }) => (bytes += slots * SLOT_BYTES) > maxBytes);
  if (over < 0) return headers.length;
  const [first, cut] = [headers[0], headers[over]];
  const before = headers.findIndex(({ blockNumber }) => blockNumber === cut?.blockNumber);
  if (before > 0) return before;
  const later = headers.findIndex(({ blockNumber }) => blockNumber !== first?.blockNumber);
  return later < 0 ? headers.length : later;
}
