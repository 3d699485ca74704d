import { z } from "zod";

import { decodeLeaf } from "../../../core/codec/index.ts";
import { outcomeText } from "../../../core/errors.ts";
import type { ApiContext } from "../ApiContext.ts";
import { amount, count, hash, seconds } from "../schemas.ts";
import { bytes, integer, nameOf } from "./names.ts";

export const receiptSchema = z
  .object({
    number: count,
    op: z.string(),
    outcome: z.string().describe("OK, or why the operation was rejected"),
    todo: z.string().nullable().describe("For rejected ones: what to do"),
    settlement: z.enum(["NONE", "PAID", "REFUNDED", "PENDING"]),
    agent: count.describe("Account index; 0 for an entry from L1 without an account"),
    slot: count,
    id: count,
    amount,
    l2Time: seconds,
    nonce: count.describe("Of the bundle"),
    index: count.describe("In the bundle"),
    batchIndex: count,
    requester: count,
    provider: count,
    capability: count,
    inputHash: hash,
    outputHash: hash,
  })
  .describe("What became of one operation");

export type ReceiptView = z.output<typeof receiptSchema>;

export function receiptView({ amounts }: ApiContext, number: number, leaf: Uint8Array): ReceiptView {
  const fields = decodeLeaf("RECEIPT", leaf);
  const outcome = integer(fields, "outcome");
  return {
    number,
    op: nameOf("op", integer(fields, "op")),
    outcome: nameOf("outcome", outcome),
    todo: outcome === 0 ? null : (outcomeText(outcome)?.todo ?? null),
    settlement: nameOf("settlement", integer(fields, "settlement")) as ReceiptView["settlement"],
    agent: integer(fields, "agent"),
    slot: integer(fields, "slot"),
    id: integer(fields, "id"),
    amount: amounts.ofUnits(integer(fields, "amount")),
    l2Time: integer(fields, "l2Time"),
    nonce: integer(fields, "nonce"),
    index: integer(fields, "index"),
    batchIndex: integer(fields, "batchIndex"),
    requester: integer(fields, "requester"),
    provider: integer(fields, "provider"),
    capability: integer(fields, "capability"),
    inputHash: bytes(fields, "inputHash"),
    outputHash: bytes(fields, "outputHash"),
  };
}
