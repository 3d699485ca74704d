import { REORG_DEPTH_BLOCKS } from "../../../chain/HeadWatcher.ts";
import type { L1Position } from "../../../derivation/L1Event.ts";
import type { ApiContext } from "../ApiContext.ts";
import { ApiError } from "../ApiError.ts";
import type { FeedEvent } from "./FeedEvent.ts";
import { batchMessage, claimMessage, entryMessage, epochMessage, payoutMessage } from "./feedMessages.ts";

/** Where a client that comes back wants to go on. */
export interface ResumePoint {
  /** L1 block of the last message it has; that block is told again. */
  readonly block: number;
  /** Its hash: tells whether L1 was reorganised meanwhile. */
  readonly blockHash: string | undefined;
}

/** A message that is made when its turn comes. */
export interface PastEvent {
  readonly block: number;
  readonly type: FeedEvent["type"];
  readonly message: () => FeedEvent;
}

/** More are read from the lists instead. */
export const MAX_PAST_EVENTS = 100_000;

/** Those from a block on, of a list in the order of the L1. */
function since<T extends { readonly at: L1Position }>(list: readonly T[], block: number): readonly T[] {
  let low = 0;
  for (let high = list.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.at.blockNumber ?? 0) >= block) high = middle;
    else low = middle + 1;
  }
  return low === 0 ? list : list.slice(low);
}

function hasBlock({ replica }: ApiContext, { block, blockHash }: ResumePoint): boolean {
  const { view } = replica;
  const isThere = (item: { readonly at: L1Position }): boolean => item.at.blockNumber === block && item.at.blockHash === blockHash;
  if (replica.cursors.some((cursor) => cursor.blockNumber === block && cursor.blockHash === blockHash)) return true;
  return [view.entries, view.batches, view.epochs, view.claimEvents].some((list) => since<{ readonly at: L1Position }>(list, block).slice(0, 1).some(isThere));
}

/**
 * What the feed has told from a block on, in the order of the blocks; within one by kind. When that block is no more, a
 * rollback comes first, and everything from there on.
 * @throws ApiError `api/tooOld`
 */
export function pastEvents(context: ApiContext, point: ResumePoint): PastEvent[] {
  const { view, batchCount } = context.replica;
  const isGone = point.blockHash !== undefined && !hasBlock(context, point);
  const from = isGone ? Math.max(0, point.block - REORG_DEPTH_BLOCKS) : point.block;
  const events: PastEvent[] = [];
  const add = <T extends { readonly at: L1Position }>(list: readonly T[], type: (item: T) => FeedEvent["type"], message: (item: T) => FeedEvent): void => {
    const items = since(list, from);
    if (events.length + items.length > MAX_PAST_EVENTS) throw new ApiError("api/tooOld", { block: from, most: MAX_PAST_EVENTS });
    for (const item of items) events.push({ block: item.at.blockNumber, type: type(item), message: () => message(item) });
  };
  add(view.entries, () => "entry", entryMessage);
  add(view.batches.slice(0, batchCount), () => "batch", (batch) => batchMessage(context, batch));
  add(view.epochs, () => "epoch", epochMessage);
  add(view.claimEvents, ({ type }) => type, claimMessage);
  add([...view.payouts.values()], () => "withdrawn", payoutMessage);
  events.sort((a, b) => a.block - b.block);
  if (!isGone) return events;
  const left = view.batches.slice(0, batchCount).filter(({ at }) => at.blockNumber < from).length;
  return [{ block: from - 1, type: "rollback", message: () => ({ type: "rollback", block: from - 1, batchCount: left, blockNumber: from - 1 }) }, ...events];
}
