import { getU64 } from "../codec/integers.ts";
import { ERROR, RECORD, SETTLEMENT, WORKFLOW, WORKFLOW_STATUS } from "../generated/protocol.ts";
import { credit } from "./balance.ts";
import { WORKFLOW_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteObject } from "./receipt.ts";
import { free, reference } from "./slots.ts";

const R = RECORD.COMPOSE;

/** COMPOSE: by anyone, settles all steps of a workflow or none; its steps are claimed one by one afterwards. */
export function compose(ctx: Context): number {
  const { agents, workflows } = ctx.state;
  const slot = ctx.view.getUint32(ctx.at + R.slot);
  const at = reference(workflows, slot, getU64(ctx.view, ctx.at + R.id)); // CO-1
  if (at < 0) return ERROR.E_REFERENCE;
  if (workflows.u8(at + WORKFLOW.status) !== WORKFLOW_STATUS.OPEN) return ERROR.E_WORKFLOW_ENDED;
  const expected = workflows.u32(at + WORKFLOW.expected);
  const answered = workflows.u32(at + WORKFLOW.answered);
  const hasEnded = answered + workflows.u32(at + WORKFLOW.failed) === expected;
  if (!hasEnded && ctx.l2Time <= workflows.u32(at + WORKFLOW.deadline)) return ERROR.E_WORKFLOW_PENDING; // CO-2

  const isSuccess = answered === expected; // CO-3
  const escrow = workflows.u64(at + WORKFLOW.escrow);
  noteObject(ctx, slot, workflows.u64(at + WORKFLOW.id));
  ctx.amount = escrow;
  ctx.requester = workflows.u32(at + WORKFLOW.owner);
  ctx.settlement = isSuccess ? SETTLEMENT.PAID : SETTLEMENT.REFUNDED;
  workflows.setU8(at + WORKFLOW.status, isSuccess ? WORKFLOW_STATUS.SUCCEEDED : WORKFLOW_STATUS.REFUNDED);
  credit(ctx, agents.touch(ctx.requester), escrow);
  workflows.setU64(at + WORKFLOW.escrow, 0);
  if (workflows.u32(at + WORKFLOW.added) === 0) free(ctx, workflows, WORKFLOW_ALLOCATOR, at, slot);
  return ERROR.OK;
}
