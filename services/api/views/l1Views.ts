import { z } from "zod";

import { toHex } from "../../../core/codec/hex.ts";
import { OP } from "../../../core/generated/protocol.ts";
import type { KnownBatch, KnownClaim, KnownEntry, KnownEpoch } from "../../../derivation/ChainView.ts";
import type { ApiContext } from "../ApiContext.ts";
import { address, amount, count, hash, position, seconds } from "../schemas.ts";
import { nameOf } from "./names.ts";

export const batchSchema = z
  .object({
    index: count,
    l2Time: seconds,
    slots: count.describe("96-byte slots of data"),
    dataRoot: hash,
    queueEnd: count.describe("Entries consumed so far, this batch included"),
    stateRoot: hash.describe("After the batch, as this replica computed it"),
    receiptCount: count.describe("Receipts after the batch"),
    withdrawalCount: count.describe("Withdrawals after the batch"),
    l1: position,
  })
  .describe("A batch on L1");

/** A batch that has been executed. */
export function batchView({ replica }: ApiContext, batch: KnownBatch): z.output<typeof batchSchema> {
  const { index, l2Time, slots, queueEnd } = batch;
  const { stateRoot, receiptCount, withdrawalCount } = replica.resultAt(index + 1);
  return { index, l2Time, slots, queueEnd, dataRoot: toHex(batch.dataRoot), stateRoot: toHex(stateRoot), receiptCount, withdrawalCount, l1: batch.at };
}

export const entrySchema = z
  .object({
    index: count,
    kind: z.string(),
    sender: address,
    account: address,
    amount: amount.nullable().describe("Of a DEPOSIT"),
    erc8004Id: count.nullable().describe("Of a LINK_AGENT"),
    slots: count,
    dueTime: seconds.describe("A batch of this time or later must consume it"),
    isConsumed: z.boolean(),
    l1: position,
  })
  .describe("An entry of the queue from L1");

export function entryView({ replica, amounts }: ApiContext, entry: KnownEntry): z.output<typeof entrySchema> {
  const { index, kind, value, slots, dueTime } = entry;
  return {
    index,
    kind: nameOf("op", kind),
    sender: toHex(entry.sender),
    account: toHex(entry.account),
    amount: kind === OP.DEPOSIT ? amounts.ofUnits(value) : null,
    erc8004Id: kind === OP.LINK_AGENT ? value : null,
    slots,
    dueTime,
    isConsumed: index < replica.current.machine("inboxCursor"),
    l1: entry.at,
  };
}

export const epochSchema = z
  .object({ epoch: count, batchEnd: count.describe("First batch after it"), steps: count, stateRoot: hash.nullable(), l1: position })
  .describe("A closed epoch: what one claim is about");

export function epochView({ replica }: ApiContext, known: KnownEpoch): z.output<typeof epochSchema> {
  const { epoch, batchEnd, steps, at } = known;
  const root = replica.rootAt(batchEnd);
  return { epoch, batchEnd, steps, stateRoot: root === undefined ? null : toHex(root), l1: at };
}

export const claimSchema = z
  .object({
    claimId: hash,
    parentClaim: hash,
    epoch: count,
    stateRoot: hash,
    round: count.describe("The try to decide the epoch after its parent, from 1"),
    backers: z.array(address).describe("Of its live entries"),
    status: z.enum(["open", "dormant", "lost", "confirmed"]).describe("dormant: no live entry, can be backed again until the round is over; lost: another claim about the epoch is confirmed"),
    isOurs: z.boolean().nullable().describe("Whether the state is the one that this replica computed; null while it does not know"),
    confirmed: position.nullable(),
    l1: position,
  })
  .describe("A claim about the state after an epoch");

function statusOf({ view }: ApiContext["replica"], { epoch, backers, confirmedAt }: KnownClaim): z.output<typeof claimSchema>["status"] {
  if (confirmedAt !== undefined) return "confirmed";
  if ((view.latestConfirmed?.epoch ?? -1) >= epoch) return "lost";
  return backers.length === 0 ? "dormant" : "open";
}

export function claimView({ replica }: ApiContext, claim: KnownClaim): z.output<typeof claimSchema> {
  const { claimId, parentClaim, round, epoch, stateRoot, backers, confirmedAt, at } = claim;
  const batchEnd = replica.batchesOf(claim);
  const own = batchEnd === undefined ? undefined : replica.rootAt(batchEnd);
  return {
    claimId,
    parentClaim,
    epoch,
    stateRoot,
    round,
    backers: [...backers],
    status: statusOf(replica, claim),
    isOurs: own === undefined ? null : toHex(own) === stateRoot,
    confirmed: confirmedAt ?? null,
    l1: at,
  };
}
