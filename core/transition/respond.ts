import { copyWords, getU64 } from "../codec/integers.ts";
import { AGENT, ERROR, INVOCATION, INVOCATION_STATUS, POLICY, RECORD, RESPONSE, SETTLEMENT, WORKFLOW, WORKFLOW_STATUS } from "../generated/protocol.ts";
import { credit, pay } from "./balance.ts";
import { INVOCATION_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteCall } from "./receipt.ts";
import { sessionAnswered, sessionEnded } from "./sessions.ts";
import { free, reference } from "./slots.ts";

const R = RECORD.RESPOND;

/** RESPOND: the provider answers a call, or says that it failed. */
export function respond(ctx: Context): number {
  const { view, at, state } = ctx;
  const status = view.getUint8(at + R.status);
  if (status > RESPONSE.FAILURE) return ERROR.E_MALFORMED; // RP-1
  const calls = state.invocations;
  const slot = view.getUint32(at + R.slot);
  const callAt = reference(calls, slot, getU64(view, at + R.id)); // RP-2
  if (callAt < 0) return ERROR.E_REFERENCE;
  if (calls.u32(callAt + INVOCATION.provider) !== ctx.agent) return ERROR.E_NOT_PROVIDER; // RP-3
  if (calls.u8(callAt + INVOCATION.status) !== INVOCATION_STATUS.OPEN) return ERROR.E_ANSWERED; // RP-4
  if (ctx.l2Time > calls.u32(callAt + INVOCATION.deadline)) return ERROR.E_DEADLINE; // RP-5
  const isStep = calls.u64(callAt + INVOCATION.workflowId) !== 0;
  let workflowAt = -1;
  if (isStep) {
    workflowAt = state.workflows.touch(calls.u32(callAt + INVOCATION.workflowSlot)); // RP-6
    if (state.workflows.u8(workflowAt + WORKFLOW.status) !== WORKFLOW_STATUS.OPEN) return ERROR.E_WORKFLOW_ENDED;
  }
  const outputHashAt = at + R.outputHash;
  sessionAnswered(ctx, callAt, outputHashAt); // RP-7

  noteCall(ctx, callAt, slot, SETTLEMENT.PENDING);
  copyWords(view, outputHashAt, ctx.hashes, 32, 8);
  if (isStep) {
    answerStep(ctx, callAt, workflowAt, status, outputHashAt); // RP-8
  } else if (status === RESPONSE.FAILURE) {
    state.agents.increment(ctx.agentAt + AGENT.failed); // RP-9
    sessionEnded(ctx, callAt, false);
    credit(ctx, state.agents.touch(ctx.requester), ctx.amount);
    free(ctx, calls, INVOCATION_ALLOCATOR, callAt, slot);
    ctx.settlement = SETTLEMENT.REFUNDED;
  } else if (calls.u8(callAt + INVOCATION.policy) === POLICY.ON_RESPONSE) {
    pay(ctx, ctx.agentAt, ctx.amount); // RP-10
    sessionEnded(ctx, callAt, true);
    free(ctx, calls, INVOCATION_ALLOCATOR, callAt, slot);
    ctx.settlement = SETTLEMENT.PAID;
  } else {
    calls.setU8(callAt + INVOCATION.status, INVOCATION_STATUS.ANSWERED); // RP-11
    copyWords(view, outputHashAt, calls.view, callAt + INVOCATION.outputHash, 8);
    const reviewEnd = ctx.l2Time + calls.u32(callAt + INVOCATION.reviewTime);
    calls.setU32(callAt + INVOCATION.reviewTime, reviewEnd > 0xffffffff ? 0xffffffff : reviewEnd);
  }
  return ERROR.OK;
}

/** RP-8: a step of a workflow keeps its answer until COMPOSE. */
function answerStep(ctx: Context, callAt: number, workflowAt: number, status: number, outputHashAt: number): void {
  const { invocations: calls, workflows } = ctx.state;
  copyWords(ctx.view, outputHashAt, calls.view, callAt + INVOCATION.outputHash, 8);
  if (status === RESPONSE.SUCCESS) {
    calls.setU8(callAt + INVOCATION.status, INVOCATION_STATUS.ANSWERED);
    workflows.increment(workflowAt + WORKFLOW.answered);
  } else {
    calls.setU8(callAt + INVOCATION.status, INVOCATION_STATUS.FAILED);
    workflows.increment(workflowAt + WORKFLOW.failed);
    ctx.state.agents.increment(ctx.agentAt + AGENT.failed);
  }
}
