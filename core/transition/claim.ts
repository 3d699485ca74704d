import { getU64 } from "../codec/integers.ts";
import { AGENT, ERROR, INVOCATION, INVOCATION_STATUS, RECORD, SETTLEMENT, WORKFLOW, WORKFLOW_STATUS } from "../generated/protocol.ts";
import { credit, pay } from "./balance.ts";
import { INVOCATION_ALLOCATOR, WORKFLOW_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteCall } from "./receipt.ts";
import { sessionEnded } from "./sessions.ts";
import { free, reference } from "./slots.ts";

const R = RECORD.CLAIM;

/** CLAIM: by anyone, pays or refunds one step of a composed workflow. */
export function claim(ctx: Context): number {
  const { agents, invocations: calls, workflows } = ctx.state;
  const slot = ctx.view.getUint32(ctx.at + R.slot);
  const callAt = reference(calls, slot, getU64(ctx.view, ctx.at + R.id)); // CL-1
  if (callAt < 0) return ERROR.E_REFERENCE;
  if (calls.u64(callAt + INVOCATION.workflowId) === 0) return ERROR.E_NOT_WORKFLOW;
  const workflowSlot = calls.u32(callAt + INVOCATION.workflowSlot);
  const workflowAt = workflows.touch(workflowSlot); // CL-2
  const status = workflows.u8(workflowAt + WORKFLOW.status);
  if (status === WORKFLOW_STATUS.OPEN) return ERROR.E_WORKFLOW_PENDING;

  const isPaid = status === WORKFLOW_STATUS.SUCCEEDED; // CL-3
  noteCall(ctx, callAt, slot, isPaid ? SETTLEMENT.PAID : SETTLEMENT.REFUNDED);
  const providerAt = agents.touch(ctx.provider);
  if (isPaid) {
    pay(ctx, providerAt, ctx.amount);
  } else {
    if (calls.u8(callAt + INVOCATION.status) === INVOCATION_STATUS.OPEN) agents.increment(providerAt + AGENT.failed);
    credit(ctx, agents.touch(ctx.requester), ctx.amount);
  }
  sessionEnded(ctx, callAt, isPaid); // CL-4
  free(ctx, calls, INVOCATION_ALLOCATOR, callAt, slot);
  workflows.increment(workflowAt + WORKFLOW.claimed);
  if (workflows.u32(workflowAt + WORKFLOW.claimed) === workflows.u32(workflowAt + WORKFLOW.added)) {
    free(ctx, workflows, WORKFLOW_ALLOCATOR, workflowAt, workflowSlot);
  }
  return ERROR.OK;
}
