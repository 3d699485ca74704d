import { getU64 } from "../codec/integers.ts";
import { AGENT, ERROR, INVOCATION, INVOCATION_STATUS, MAX_RATING, RECORD } from "../generated/protocol.ts";
import type { Context } from "./Context.ts";
import { reference } from "./slots.ts";

// ACCEPT and REJECT have the same fields.
const R = RECORD.ACCEPT;

/** Offset of the call that a review found. */
export const review = { callAt: 0, slot: 0, rating: 0 };

/** AC-1 … AC-4: what ACCEPT and REJECT check alike. Leaves the call in `review`. */
export function checkReview(ctx: Context): number {
  const calls = ctx.state.invocations;
  const rating = ctx.view.getUint8(ctx.at + R.rating);
  if (rating > MAX_RATING) return ERROR.E_MALFORMED; // AC-1
  const slot = ctx.view.getUint32(ctx.at + R.slot);
  const callAt = reference(calls, slot, getU64(ctx.view, ctx.at + R.id)); // AC-2
  if (callAt < 0) return ERROR.E_REFERENCE;
  if (calls.u32(callAt + INVOCATION.requester) !== ctx.agent) return ERROR.E_NOT_REQUESTER;
  if (calls.u64(callAt + INVOCATION.workflowId) !== 0) return ERROR.E_IN_WORKFLOW; // AC-3
  if (calls.u8(callAt + INVOCATION.status) !== INVOCATION_STATUS.ANSWERED) return ERROR.E_NOT_ANSWERED; // AC-4
  review.callAt = callAt;
  review.slot = slot;
  review.rating = rating;
  return ERROR.OK;
}

/** AC-7: a rating above zero counts for the provider at `providerAt`. */
export function rate(ctx: Context, providerAt: number, rating: number): void {
  if (rating === 0) return;
  const agents = ctx.state.agents;
  agents.increment(providerAt + AGENT.ratingCount);
  agents.setU64(providerAt + AGENT.ratingSum, agents.u64(providerAt + AGENT.ratingSum) + rating);
}
