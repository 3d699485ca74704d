import { AGENT, ERROR, MAX_UNITS } from "../generated/protocol.ts";
import { isZeroAddress, lowAccount } from "./accounts.ts";
import type { Context } from "./Context.ts";
import { SENDER_AT } from "./entryLayout.ts";

/** LINK_AGENT: ties the sender's account to its ERC-8004 id (EN-3). */
export function linkAgent(ctx: Context, registryId: number): number {
  if (registryId >= MAX_UNITS) return ERROR.E_AMOUNT;
  if (isZeroAddress(ctx.view, SENDER_AT)) return ERROR.E_ADDRESS;
  const account = lowAccount(ctx, ctx.view, SENDER_AT);
  if (!ctx.state.directory.isOwner(account, ctx.view, SENDER_AT)) return ERROR.E_UNKNOWN_AGENT;
  const agents = ctx.state.agents;
  agents.setU64(agents.touch(account) + AGENT.linkedId, registryId + 1);
  ctx.agent = account;
  return ERROR.OK;
}
