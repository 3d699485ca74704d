import { AGENT, ERROR, INVOCATION, SETTLEMENT } from "../generated/protocol.ts";
import { credit } from "./balance.ts";
import { INVOCATION_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteCall } from "./receipt.ts";
import { checkReview, rate, review } from "./review.ts";
import { sessionEnded } from "./sessions.ts";
import { free } from "./slots.ts";

/** REJECT: the requester refuses the answer within the review window, and has the price back. */
export function reject(ctx: Context): number {
  const error = checkReview(ctx);
  if (error !== ERROR.OK) return error;
  const { callAt, slot, rating } = review;
  const { agents, invocations: calls } = ctx.state;
  if (ctx.l2Time > calls.u32(callAt + INVOCATION.reviewTime)) return ERROR.E_DEADLINE; // AC-6
  noteCall(ctx, callAt, slot, SETTLEMENT.REFUNDED);
  credit(ctx, ctx.agentAt, ctx.amount);
  const providerAt = agents.touch(ctx.provider);
  agents.increment(providerAt + AGENT.disputed);
  sessionEnded(ctx, callAt, false);
  rate(ctx, providerAt, rating);
  free(ctx, calls, INVOCATION_ALLOCATOR, callAt, slot);
  return ERROR.OK;
}
