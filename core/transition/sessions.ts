import { copyWords } from "../codec/integers.ts";
import { INVOCATION, SESSION } from "../generated/protocol.ts";
import { keccak256 } from "../hash/index.ts";
import { saturatingSum } from "./balance.ts";
import type { Context } from "./Context.ts";

const joined = new Uint8Array(64);
const joinedView = new DataView(joined.buffer);

/** lastHash of the session at `at` = keccak256(lastHash ‖ the 32 bytes at `offset` of `view`). */
export function chainSession(ctx: Context, at: number, view: DataView, offset: number): void {
  const sessions = ctx.state.sessions;
  copyWords(sessions.view, at + SESSION.lastHash, joinedView, 0, 8);
  copyWords(view, offset, joinedView, 32, 8);
  sessions.bytes.set(keccak256(joined), at + SESSION.lastHash);
}

/** R-10 *session answered*: the session of the call at `callAt`, if it has one, goes on with the output hash in the record. */
export function sessionAnswered(ctx: Context, callAt: number, outputHashAt: number): void {
  const calls = ctx.state.invocations;
  if (calls.u64(callAt + INVOCATION.sessionId) === 0) return;
  const at = ctx.state.sessions.touch(calls.u32(callAt + INVOCATION.sessionSlot));
  chainSession(ctx, at, ctx.view, outputHashAt);
}

/** R-10 *session ended*: one call less outstanding; its price counts when it was paid. */
export function sessionEnded(ctx: Context, callAt: number, isPaid: boolean): void {
  const calls = ctx.state.invocations;
  if (calls.u64(callAt + INVOCATION.sessionId) === 0) return;
  const sessions = ctx.state.sessions;
  const at = sessions.touch(calls.u32(callAt + INVOCATION.sessionSlot));
  sessions.setU32(at + SESSION.outstanding, sessions.u32(at + SESSION.outstanding) - 1);
  if (isPaid) {
    const price = calls.u64(callAt + INVOCATION.price);
    sessions.setU64(at + SESSION.paid, saturatingSum(sessions.u64(at + SESSION.paid), price));
  }
}
