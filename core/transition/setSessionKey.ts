import { copyWords, getU64 } from "../codec/integers.ts";
import { AGENT, ERROR, MAX_UNITS, RECORD, SIGNER } from "../generated/protocol.ts";
import { isZeroAddress } from "./accounts.ts";
import type { Context } from "./Context.ts";

const R = RECORD.SET_SESSION_KEY;

/** SET_SESSION_KEY: lets another key sign for the account, up to an amount and a time; the zero key takes that back. */
export function setSessionKey(ctx: Context): number {
  if (ctx.signer !== SIGNER.OWNER) return ERROR.E_OWNER_ONLY; // SK-1
  const agents = ctx.state.agents;
  const keyAt = ctx.at + R.key;
  copyWords(ctx.view, keyAt, agents.view, ctx.agentAt + AGENT.sessionKey, 5); // SK-2
  const isRevoked = isZeroAddress(ctx.view, keyAt);
  const cap = getU64(ctx.view, ctx.at + R.cap);
  agents.setU32(ctx.agentAt + AGENT.sessionExpiry, isRevoked ? 0 : ctx.view.getUint32(ctx.at + R.expiry));
  agents.setU64(ctx.agentAt + AGENT.sessionCap, isRevoked ? 0 : Math.min(cap, MAX_UNITS));
  return ERROR.OK;
}
