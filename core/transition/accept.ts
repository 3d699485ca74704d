import { ERROR, SETTLEMENT } from "../generated/protocol.ts";
import { pay } from "./balance.ts";
import { INVOCATION_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteCall } from "./receipt.ts";
import { checkReview, rate, review } from "./review.ts";
import { sessionEnded } from "./sessions.ts";
import { free } from "./slots.ts";

/** ACCEPT: the requester takes the answer, and the provider is paid. */
export function accept(ctx: Context): number {
  const error = checkReview(ctx);
  if (error !== ERROR.OK) return error;
  const { callAt, slot, rating } = review;
  noteCall(ctx, callAt, slot, SETTLEMENT.PAID);
  const providerAt = ctx.state.agents.touch(ctx.provider); // AC-5
  pay(ctx, providerAt, ctx.amount);
  sessionEnded(ctx, callAt, true);
  rate(ctx, providerAt, rating);
  free(ctx, ctx.state.invocations, INVOCATION_ALLOCATOR, callAt, slot);
  return ERROR.OK;
}
