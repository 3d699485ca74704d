import { z } from "zod";

import { decodeLeaf } from "../../../core/codec/index.ts";
import type { ApiContext } from "../ApiContext.ts";
import { amount, count, hash, seconds } from "../schemas.ts";
import { bytes, integer, nameOf } from "./names.ts";

const reference = z.object({ slot: count, id: count });

export const callSchema = z
  .object({
    slot: count,
    id: count.describe("Never used again, unlike the slot"),
    requester: count.describe("Account index"),
    provider: count.describe("Account index"),
    price: amount,
    deadline: seconds,
    capability: count,
    status: z.enum(["OPEN", "ANSWERED", "FAILED"]),
    policy: z.enum(["ON_RESPONSE", "ON_ACCEPTANCE"]),
    reviewTime: seconds.describe("Until when the requester may reject (while OPEN: the length of the window)"),
    workflow: reference.nullable(),
    session: reference.nullable(),
    inputHash: hash,
    outputHash: hash,
  })
  .describe("A call that is not settled yet");

export type CallView = z.output<typeof callSchema>;

/** The call in that leaf, or undefined when the slot is free. */
export function callView({ amounts }: ApiContext, slot: number, leaf: Uint8Array): CallView | undefined {
  const fields = decodeLeaf("INVOCATION", leaf);
  if (integer(fields, "id") === 0) return undefined;
  const referenceOf = (name: "workflow" | "session"): { slot: number; id: number } | null =>
    integer(fields, `${name}Id`) === 0 ? null : { slot: integer(fields, `${name}Slot`), id: integer(fields, `${name}Id`) };
  return {
    slot,
    id: integer(fields, "id"),
    requester: integer(fields, "requester"),
    provider: integer(fields, "provider"),
    price: amounts.ofUnits(integer(fields, "price")),
    deadline: integer(fields, "deadline"),
    capability: integer(fields, "capability"),
    status: nameOf("invocationStatus", integer(fields, "status")) as CallView["status"],
    policy: nameOf("policy", integer(fields, "policy")) as CallView["policy"],
    reviewTime: integer(fields, "reviewTime"),
    workflow: referenceOf("workflow"),
    session: referenceOf("session"),
    inputHash: bytes(fields, "inputHash"),
    outputHash: bytes(fields, "outputHash"),
  };
}
