import { getU64 } from "../codec/integers.ts";
import { AGENT, ERROR, INVOCATION, INVOCATION_STATUS, RECORD, SETTLEMENT, WORKFLOW, WORKFLOW_STATUS } from "../generated/protocol.ts";
import { credit, pay } from "./balance.ts";
import { INVOCATION_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteCall } from "./receipt.ts";
import { sessionEnded } from "./sessions.ts";
import { free, reference } from "./slots.ts";

const R = RECORD.TIMEOUT;

/** TIMEOUT: by anyone, ends a call whose deadline or review window has passed. */
export function timeout(ctx: Context): number {
  const { agents, invocations: calls } = ctx.state;
  const slot = ctx.view.getUint32(ctx.at + R.slot);
  const callAt = reference(calls, slot, getU64(ctx.view, ctx.at + R.id)); // TO-1
  if (callAt < 0) return ERROR.E_REFERENCE;
  const status = calls.u8(callAt + INVOCATION.status);
  const isStep = calls.u64(callAt + INVOCATION.workflowId) !== 0;
  if (status === INVOCATION_STATUS.OPEN) {
    if (ctx.l2Time <= calls.u32(callAt + INVOCATION.deadline)) return ERROR.E_NOT_DUE; // TO-2, TO-3
    if (isStep) return failStep(ctx, callAt, slot);
    noteCall(ctx, callAt, slot, SETTLEMENT.REFUNDED); // TO-2
    agents.increment(agents.touch(ctx.provider) + AGENT.failed);
    credit(ctx, agents.touch(ctx.requester), ctx.amount);
    sessionEnded(ctx, callAt, false);
    free(ctx, calls, INVOCATION_ALLOCATOR, callAt, slot);
    return ERROR.OK;
  }
  if (status !== INVOCATION_STATUS.ANSWERED || isStep) return ERROR.E_ANSWERED; // TO-5
  if (ctx.l2Time <= calls.u32(callAt + INVOCATION.reviewTime)) return ERROR.E_NOT_DUE; // TO-4
  noteCall(ctx, callAt, slot, SETTLEMENT.PAID);
  pay(ctx, agents.touch(ctx.provider), ctx.amount);
  sessionEnded(ctx, callAt, true);
  free(ctx, calls, INVOCATION_ALLOCATOR, callAt, slot);
  return ERROR.OK;
}

/** TO-3: a step only becomes failed; COMPOSE and CLAIM settle it. */
function failStep(ctx: Context, callAt: number, slot: number): number {
  const { agents, invocations: calls, workflows } = ctx.state;
  const workflowAt = workflows.touch(calls.u32(callAt + INVOCATION.workflowSlot));
  if (workflows.u8(workflowAt + WORKFLOW.status) !== WORKFLOW_STATUS.OPEN) return ERROR.E_WORKFLOW_ENDED;
  workflows.increment(workflowAt + WORKFLOW.failed);
  calls.setU8(callAt + INVOCATION.status, INVOCATION_STATUS.FAILED);
  noteCall(ctx, callAt, slot, SETTLEMENT.PENDING);
  agents.increment(agents.touch(ctx.provider) + AGENT.failed);
  return ERROR.OK;
}
