import { getU64 } from "../codec/integers.ts";
import { ERROR, RECORD, SESSION } from "../generated/protocol.ts";
import { SESSION_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteObject } from "./receipt.ts";
import { free, reference } from "./slots.ts";

const R = RECORD.SESSION_CLOSE;

/** SESSION_CLOSE: either side frees a session that has no call outstanding. */
export function sessionClose(ctx: Context): number {
  const sessions = ctx.state.sessions;
  const slot = ctx.view.getUint32(ctx.at + R.slot);
  const at = reference(sessions, slot, getU64(ctx.view, ctx.at + R.id)); // SC-1
  if (at < 0) return ERROR.E_REFERENCE;
  if (sessions.u32(at + SESSION.requester) !== ctx.agent && sessions.u32(at + SESSION.provider) !== ctx.agent) return ERROR.E_NOT_PARTY;
  if (sessions.u32(at + SESSION.outstanding) !== 0) return ERROR.E_SESSION_BUSY; // SC-2
  noteObject(ctx, slot, sessions.u64(at + SESSION.id));
  free(ctx, sessions, SESSION_ALLOCATOR, at, slot);
  return ERROR.OK;
}
