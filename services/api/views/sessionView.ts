import { z } from "zod";

import { decodeLeaf } from "../../../core/codec/index.ts";
import type { ApiContext } from "../ApiContext.ts";
import { amount, count, hash } from "../schemas.ts";
import { bytes, integer } from "./names.ts";

export const sessionSchema = z
  .object({
    slot: count,
    id: count,
    requester: count.describe("Account index"),
    provider: count.describe("Account index"),
    sequence: count.describe("Calls made in it"),
    outstanding: count,
    paid: amount,
    lastHash: hash.describe("Running hash over inputs and outputs"),
  })
  .describe("The context of a conversation between two agents");

export function sessionView({ amounts }: ApiContext, slot: number, leaf: Uint8Array): z.output<typeof sessionSchema> | undefined {
  const fields = decodeLeaf("SESSION", leaf);
  if (integer(fields, "id") === 0) return undefined;
  return {
    slot,
    id: integer(fields, "id"),
    requester: integer(fields, "requester"),
    provider: integer(fields, "provider"),
    sequence: integer(fields, "sequence"),
    outstanding: integer(fields, "outstanding"),
    paid: amounts.ofUnits(integer(fields, "paid")),
    lastHash: bytes(fields, "lastHash"),
  };
}
