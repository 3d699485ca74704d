import { z } from "zod";

import { decodeLeaf } from "../../../core/codec/index.ts";
import { KIND } from "../../../core/generated/protocol.ts";
import type { ApiContext } from "../ApiContext.ts";
import { address, amount, count, seconds } from "../schemas.ts";
import { bytes, integer, nameOf } from "./names.ts";

export const channelSchema = z
  .object({
    slot: count,
    id: count,
    a: count.describe("Account index"),
    b: count.describe("Account index"),
    ownerA: address,
    ownerB: address,
    depositA: amount,
    depositB: amount,
    windowSeconds: seconds,
    status: z.enum(["OPEN", "CLOSING"]),
    deadline: seconds.describe("L2 time at which answers to the close end; 0 without a close"),
    version: count,
    paidByA: amount.describe("Recorded so far"),
    paidByB: amount,
  })
  .describe("A channel at home in Layer Core");

export function channelView({ amounts, replica }: ApiContext, slot: number, leaf: Uint8Array): z.output<typeof channelSchema> | undefined {
  const fields = decodeLeaf("CHANNEL", leaf);
  if (integer(fields, "status") === 0) return undefined;
  const ownerOf = (side: "a" | "b"): string => bytes(decodeLeaf("AGENT", replica.current.state.leaf(KIND.AGENT, integer(fields, side))), "owner");
  return {
    slot,
    id: integer(fields, "id"),
    a: integer(fields, "a"),
    b: integer(fields, "b"),
    ownerA: ownerOf("a"),
    ownerB: ownerOf("b"),
    depositA: amounts.ofUnits(integer(fields, "depositA")),
    depositB: amounts.ofUnits(integer(fields, "depositB")),
    windowSeconds: integer(fields, "window"),
    status: nameOf("channelStatus", integer(fields, "status")) as "OPEN" | "CLOSING",
    deadline: integer(fields, "deadline"),
    version: integer(fields, "version"),
    paidByA: amounts.ofUnits(integer(fields, "paidByA")),
    paidByB: amounts.ofUnits(integer(fields, "paidByB")),
  };
}
