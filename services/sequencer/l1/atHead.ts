import type { JsonRpcApiProvider } from "ethers";

import { blockSourceOf } from "../../../chain/HeadWatcher.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { L1SideError } from "./L1SideError.ts";

/**
 * Reads several things of one and the same block: `read` must pin its calls to `head.number`.
 * @throws L1SideError `l1/moved` when that block was replaced meanwhile
 */
export async function atHead<T>(provider: JsonRpcApiProvider, read: (head: BlockRef) => Promise<T>): Promise<T> {
  const blocks = blockSourceOf(provider);
  const head = await blocks.latest();
  let result: T;
  try {
    result = await read(head);
  } catch (error) {
    if ((await blocks.byNumber(head.number))?.hash !== head.hash) throw moved(head.number);
    throw error;
  }
  if ((await blocks.byNumber(head.number))?.hash !== head.hash) throw moved(head.number);
  return result;
}

function moved(block: number): L1SideError {
  return new L1SideError("l1/moved", { block }, "retry", { what: `L1 block ${block} was replaced while it was read`, todo: "The next turn reads again" });
}

/**
 * Unix seconds that a block mined now would have at least: the pending block's, where a node has one. A chain that only mines when
 * there are transactions has a head that may be hours old.
 */
export async function nextBlockTime(provider: JsonRpcApiProvider, head: BlockRef): Promise<number> {
  const pending = (await provider.send("eth_getBlockByNumber", ["pending", false])) as { timestamp: string } | null;
  return Math.max(head.timestamp, Number(pending?.timestamp ?? 0));
}
