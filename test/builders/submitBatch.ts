import { hexlify } from "ethers";
import type { BigNumberish, BytesLike, ContractTransactionResponse } from "ethers";

import type { Inbox } from "../../typechain-types/root/index.ts";
import { accumulatorAfter, batchHashOf } from "./inboxHashes.ts";
import { dataRoot } from "./stateTree.ts";

/** What the inbox will have chained after a batch on top of what it has now. Entries that do not exist count as zero. */
export async function expectedAccumulator(inbox: Inbox, l2Time: BigNumberish, queueEnd: BigNumberish, data: BytesLike): Promise<string> {
  const [before, start] = await Promise.all([inbox.accumulator(), inbox.consumedCount()]);
  const bytes = hexlify(data);
  const slots = Math.floor((bytes.length - 2) / 192);
  const entries: string[] = [];
  for (let index = start; index < BigInt(queueEnd); index += 1n) entries.push(await inbox.entryHash(index));
  return accumulatorAfter(before, batchHashOf(Number(l2Time), BigInt(queueEnd), slots, dataRoot(bytes)), entries);
}

/**
 * Submits a batch on top of what the inbox has now.
 * @param gasLimit where the clock runs: a slot or an epoch may begin between an estimate and the block, and a batch that is counted or
 * closes an epoch needs more than was estimated
 */
export async function submitBatch(inbox: Inbox, l2Time: BigNumberish, queueEnd: BigNumberish, data: BytesLike, gasLimit?: bigint): Promise<ContractTransactionResponse> {
  return await inbox.submitBatch(l2Time, queueEnd, await expectedAccumulator(inbox, l2Time, queueEnd, data), data, gasLimit === undefined ? {} : { gasLimit });
}
