import { copyWords, getU64 } from "../codec/integers.ts";
import {
  AGENT, ERROR, INVOCATION, INVOCATION_STATUS, INVOKE_FLAG, MAX_CALL_SECONDS, MAX_REVIEW_SECONDS, POLICY, RECORD, SESSION, SETTLEMENT,
  SYSTEM_LEAF, WORKFLOW, WORKFLOW_STATUS,
} from "../generated/protocol.ts";
import { spend } from "./balance.ts";
import { INVOCATION_ALLOCATOR, SESSION_ALLOCATOR, SLOT_LIMIT } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteCall } from "./receipt.ts";
import { chainSession } from "./sessions.ts";
import { allocate, checkFull, reference } from "./slots.ts";

const R = RECORD.INVOKE;
const REVIEW = INVOKE_FLAG.REVIEW;
const IN_WORKFLOW = INVOKE_FLAG.WORKFLOW;
const IN_SESSION = INVOKE_FLAG.SESSION;
const DEPENDENCY = INVOKE_FLAG.DEPENDENCY;
const SECOND = INVOKE_FLAG.SECOND_DEPENDENCY;
const ALL_FLAGS = REVIEW | IN_WORKFLOW | IN_SESSION | DEPENDENCY | SECOND;

/** INVOKE: calls another agent and locks the price. */
export function invoke(ctx: Context): number {
  const { view, at, state } = ctx;
  const flags = view.getUint8(at + R.flags);
  if (!isWellFormed(view, at, flags)) return ERROR.E_MALFORMED; // IV-1
  if ((flags & REVIEW) !== 0) {
    if ((flags & IN_WORKFLOW) !== 0) return ERROR.E_POLICY; // IV-2
    const window = view.getUint32(at + R.reviewWindow);
    if (window === 0 || window > MAX_REVIEW_SECONDS) return ERROR.E_WINDOW; // IV-3
  }
  const provider = view.getUint32(at + R.provider);
  if (provider === 0 || provider > ctx.agentCount()) return ERROR.E_UNKNOWN_AGENT; // IV-4
  if (provider === ctx.agent) return ERROR.E_SELF;
  const deadline = view.getUint32(at + R.deadline);
  if (deadline < ctx.l2Time || deadline > ctx.l2Time + MAX_CALL_SECONDS) return ERROR.E_DEADLINE; // IV-5
  state.system.touch(SYSTEM_LEAF.ALLOCATOR); // IV-6
  let error = checkFull(ctx, INVOCATION_ALLOCATOR);
  if (error !== ERROR.OK) return error;

  if ((flags & DEPENDENCY) !== 0) {
    error = checkDependency(ctx, view.getUint32(at + R.depSlot), getU64(view, at + R.depId)); // IV-7
    if (error !== ERROR.OK) return error;
  }
  if ((flags & SECOND) !== 0) {
    error = checkDependency(ctx, view.getUint32(at + R.auxSlot), getU64(view, at + R.auxId)); // IV-7
    if (error !== ERROR.OK) return error;
  }
  const price = getU64(view, at + R.price);
  let workflowAt = -1;
  if ((flags & IN_WORKFLOW) !== 0) {
    workflowAt = reference(state.workflows, view.getUint32(at + R.workflowSlot), getU64(view, at + R.workflowId)); // IV-8
    if (workflowAt < 0) return ERROR.E_REFERENCE;
    error = checkWorkflow(ctx, workflowAt, deadline, price);
    if (error !== ERROR.OK) return error;
  }
  let sessionAt = -1;
  if ((flags & IN_SESSION) !== 0) {
    const sessionId = getU64(view, at + R.auxId); // IV-9
    if (sessionId === 0) {
      error = checkFull(ctx, SESSION_ALLOCATOR);
      if (error !== ERROR.OK) return error;
    } else {
      const sessions = state.sessions;
      sessionAt = reference(sessions, view.getUint32(at + R.auxSlot), sessionId);
      if (sessionAt < 0) return ERROR.E_REFERENCE;
      if (sessions.u32(sessionAt + SESSION.requester) !== ctx.agent) return ERROR.E_NOT_PARTY;
      if (sessions.u32(sessionAt + SESSION.provider) !== provider) return ERROR.E_NOT_PARTY;
    }
  }
  if (workflowAt < 0) {
    error = spend(ctx, price); // IV-10
    if (error !== ERROR.OK) return error;
  } else {
    const workflows = state.workflows;
    workflows.setU64(workflowAt + WORKFLOW.escrow, workflows.u64(workflowAt + WORKFLOW.escrow) - price);
    workflows.increment(workflowAt + WORKFLOW.added);
  }

  let sessionSlot = 0;
  let sessionId = 0;
  if ((flags & IN_SESSION) !== 0) {
    sessionSlot = view.getUint32(at + R.auxSlot);
    if (sessionAt < 0) {
      sessionAt = openSession(ctx, provider); // IV-11
      sessionSlot = ctx.newSlot;
    }
    sessionId = state.sessions.u64(sessionAt + SESSION.id);
    continueSession(ctx, sessionAt);
  }

  const callAt = allocate(ctx, state.invocations, INVOCATION_ALLOCATOR); // IV-12
  const calls = state.invocations;
  calls.setU32(callAt + INVOCATION.requester, ctx.agent);
  calls.setU32(callAt + INVOCATION.provider, provider);
  calls.setU64(callAt + INVOCATION.price, price);
  calls.setU32(callAt + INVOCATION.deadline, deadline);
  calls.setU32(callAt + INVOCATION.capability, view.getUint32(at + R.capability));
  calls.setU8(callAt + INVOCATION.status, INVOCATION_STATUS.OPEN);
  calls.setU8(callAt + INVOCATION.policy, (flags & REVIEW) !== 0 ? POLICY.ON_ACCEPTANCE : POLICY.ON_RESPONSE);
  calls.setU32(callAt + INVOCATION.reviewTime, view.getUint32(at + R.reviewWindow));
  calls.setU32(callAt + INVOCATION.workflowSlot, view.getUint32(at + R.workflowSlot));
  calls.setU64(callAt + INVOCATION.workflowId, getU64(view, at + R.workflowId));
  calls.setU32(callAt + INVOCATION.sessionSlot, sessionSlot);
  calls.setU64(callAt + INVOCATION.sessionId, sessionId);
  copyWords(view, at + R.inputHash, calls.view, callAt + INVOCATION.inputHash, 8);
  state.agents.increment(ctx.agentAt + AGENT.made);
  noteCall(ctx, callAt, ctx.newSlot, SETTLEMENT.PENDING);
  return ERROR.OK;
}

/** IV-1: fields of features that the flags do not name are zero. */
function isWellFormed(view: DataView, at: number, flags: number): boolean {
  if (flags > ALL_FLAGS) return false;
  const hasAux = (flags & (IN_SESSION | SECOND)) !== 0;
  if ((flags & IN_SESSION) !== 0 && (flags & SECOND) !== 0) return false;
  if ((flags & IN_WORKFLOW) === 0 && (view.getUint32(at + R.workflowSlot) !== 0 || getU64(view, at + R.workflowId) !== 0)) return false;
  if ((flags & DEPENDENCY) === 0 && (view.getUint32(at + R.depSlot) !== 0 || getU64(view, at + R.depId) !== 0)) return false;
  if (!hasAux && (view.getUint32(at + R.auxSlot) !== 0 || getU64(view, at + R.auxId) !== 0)) return false;
  if ((flags & REVIEW) === 0 && view.getUint32(at + R.reviewWindow) !== 0) return false;
  if ((flags & IN_SESSION) !== 0 && getU64(view, at + R.auxId) === 0 && view.getUint32(at + R.auxSlot) !== 0) return false;
  return true;
}

/** IV-7 for one dependency. */
function checkDependency(ctx: Context, slot: number, id: number): number {
  if (slot >= SLOT_LIMIT || id === 0) return ERROR.E_REFERENCE;
  if (id > ctx.state.system.u64(INVOCATION_ALLOCATOR)) return ERROR.E_DEP_UNKNOWN;
  const calls = ctx.state.invocations;
  const at = calls.touchHeld(slot);
  if (at < 0 || calls.u64(at + INVOCATION.id) !== id) return ERROR.OK; // that call was settled
  const status = calls.u8(at + INVOCATION.status);
  if (status === INVOCATION_STATUS.OPEN) return ERROR.E_DEP_PENDING;
  return status === INVOCATION_STATUS.FAILED ? ERROR.E_DEP_FAILED : ERROR.OK;
}

/** IV-8 for the workflow at `at`. */
function checkWorkflow(ctx: Context, at: number, deadline: number, price: number): number {
  const workflows = ctx.state.workflows;
  if (workflows.u32(at + WORKFLOW.owner) !== ctx.agent) return ERROR.E_NOT_OWNER;
  if (workflows.u8(at + WORKFLOW.status) !== WORKFLOW_STATUS.OPEN) return ERROR.E_WORKFLOW_ENDED;
  if (workflows.u32(at + WORKFLOW.added) >= workflows.u32(at + WORKFLOW.expected)) return ERROR.E_WORKFLOW_STEPS;
  if (deadline > workflows.u32(at + WORKFLOW.deadline)) return ERROR.E_DEADLINE;
  return price > workflows.u64(at + WORKFLOW.escrow) ? ERROR.E_ESCROW : ERROR.OK;
}

/** IV-11: a new session of the acting agent with `provider`; its byte offset. */
function openSession(ctx: Context, provider: number): number {
  const sessions = ctx.state.sessions;
  const at = allocate(ctx, sessions, SESSION_ALLOCATOR);
  sessions.setU32(at + SESSION.requester, ctx.agent);
  sessions.setU32(at + SESSION.provider, provider);
  return at;
}

/** IV-11: counts the call in its session and chains the input hash. */
function continueSession(ctx: Context, at: number): void {
  const sessions = ctx.state.sessions;
  sessions.setU64(at + SESSION.sequence, sessions.u64(at + SESSION.sequence) + 1);
  sessions.setU32(at + SESSION.outstanding, sessions.u32(at + SESSION.outstanding) + 1);
  chainSession(ctx, at, ctx.view, ctx.at + R.inputHash);
}
