import { getU64 } from "../codec/integers.ts";
import { ERROR, MAX_WORKFLOW_SECONDS, MAX_WORKFLOW_STEPS, RECORD, SETTLEMENT, SYSTEM_LEAF, WORKFLOW, WORKFLOW_STATUS } from "../generated/protocol.ts";
import { spend } from "./balance.ts";
import { WORKFLOW_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteObject } from "./receipt.ts";
import { allocate, checkFull } from "./slots.ts";

const R = RECORD.WORKFLOW_OPEN;

/** WORKFLOW_OPEN: puts money aside for a number of steps that are settled together. */
export function workflowOpen(ctx: Context): number {
  const { view, at } = ctx;
  const expected = view.getUint32(at + R.expected);
  if (expected === 0 || expected > MAX_WORKFLOW_STEPS) return ERROR.E_MALFORMED; // WO-1
  const deadline = view.getUint32(at + R.deadline);
  if (deadline < ctx.l2Time || deadline > ctx.l2Time + MAX_WORKFLOW_SECONDS) return ERROR.E_DEADLINE; // WO-2
  ctx.state.system.touch(SYSTEM_LEAF.ALLOCATOR); // WO-3
  let error = checkFull(ctx, WORKFLOW_ALLOCATOR);
  if (error !== ERROR.OK) return error;
  const escrow = getU64(view, at + R.escrow);
  error = spend(ctx, escrow);
  if (error !== ERROR.OK) return error;
  const workflows = ctx.state.workflows;
  const workflowAt = allocate(ctx, workflows, WORKFLOW_ALLOCATOR);
  workflows.setU32(workflowAt + WORKFLOW.owner, ctx.agent);
  workflows.setU64(workflowAt + WORKFLOW.escrow, escrow);
  workflows.setU64(workflowAt + WORKFLOW.total, escrow);
  workflows.setU32(workflowAt + WORKFLOW.deadline, deadline);
  workflows.setU32(workflowAt + WORKFLOW.expected, expected);
  workflows.setU8(workflowAt + WORKFLOW.status, WORKFLOW_STATUS.OPEN);
  noteObject(ctx, ctx.newSlot, ctx.newId);
  ctx.amount = escrow;
  ctx.requester = ctx.agent;
  ctx.settlement = SETTLEMENT.PENDING;
  return ERROR.OK;
}
