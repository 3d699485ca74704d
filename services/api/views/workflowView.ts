import { z } from "zod";

import { decodeLeaf } from "../../../core/codec/index.ts";
import type { ApiContext } from "../ApiContext.ts";
import { amount, count, seconds } from "../schemas.ts";
import { integer, nameOf } from "./names.ts";

export const workflowSchema = z
  .object({
    slot: count,
    id: count,
    owner: count.describe("Account index"),
    escrow: amount.describe("Not given to a step yet"),
    total: amount,
    deadline: seconds,
    status: z.enum(["OPEN", "SUCCEEDED", "REFUNDED"]),
    steps: z.object({ expected: count, added: count, answered: count, failed: count, claimed: count }),
  })
  .describe("A workflow whose steps are not all claimed yet");

export type WorkflowView = z.output<typeof workflowSchema>;

export function workflowView({ amounts }: ApiContext, slot: number, leaf: Uint8Array): WorkflowView | undefined {
  const fields = decodeLeaf("WORKFLOW", leaf);
  if (integer(fields, "id") === 0) return undefined;
  const steps = (["expected", "added", "answered", "failed", "claimed"] as const).map((name) => [name, integer(fields, name)]);
  return {
    slot,
    id: integer(fields, "id"),
    owner: integer(fields, "owner"),
    escrow: amounts.ofUnits(integer(fields, "escrow")),
    total: amounts.ofUnits(integer(fields, "total")),
    deadline: integer(fields, "deadline"),
    status: nameOf("workflowStatus", integer(fields, "status")) as WorkflowView["status"],
    steps: Object.fromEntries(steps) as WorkflowView["steps"],
  };
}
