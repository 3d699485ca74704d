import { toHex } from "../../../core/codec/hex.ts";
import type { ClaimEvent, KnownBatch, KnownEntry, KnownEpoch, KnownPayout } from "../../../derivation/ChainView.ts";
import type { ApiContext } from "../ApiContext.ts";
import { batchView } from "../views/l1Views.ts";
import type { FeedEvent } from "./FeedEvent.ts";

export function batchMessage(context: ApiContext, batch: KnownBatch): FeedEvent {
  return { type: "batch", block: batch.at.blockNumber, batch: batchView(context, batch) };
}

export function entryMessage({ index, kind, value, dueTime, sender, account, at }: Omit<KnownEntry, "slots" | "dataRoot" | "data">): FeedEvent {
  return { type: "entry", block: at.blockNumber, index, kind, value, dueTime, sender: toHex(sender), account: toHex(account), at };
}

export function epochMessage({ epoch, batchEnd, steps, at }: KnownEpoch): FeedEvent {
  return { type: "epoch", block: at.blockNumber, epoch, batchEnd, steps, at };
}

export function claimMessage(event: ClaimEvent): FeedEvent {
  return { ...event, block: event.at.blockNumber };
}

export function payoutMessage({ index, recipient, amount, paid, at }: KnownPayout): FeedEvent {
  return { type: "withdrawn", block: at.blockNumber, index, recipient, amount, paid, at };
}
