import { getU64 } from "../codec/integers.ts";
import { ERROR, RECORD } from "../generated/protocol.ts";
import { credit, spend } from "./balance.ts";
import type { Context } from "./Context.ts";

const TO = RECORD.TRANSFER.to;
const AMOUNT = RECORD.TRANSFER.amount;

/** TRANSFER: moves units to another agent. */
export function transfer(ctx: Context): number {
  const to = ctx.view.getUint32(ctx.at + TO);
  if (to === 0 || to > ctx.agentCount()) return ERROR.E_UNKNOWN_AGENT; // TR-1
  if (to === ctx.agent) return ERROR.E_SELF; // TR-2
  const amount = getU64(ctx.view, ctx.at + AMOUNT);
  const error = spend(ctx, amount); // TR-3
  if (error !== ERROR.OK) return error;
  credit(ctx, ctx.state.agents.touch(to), amount);
  ctx.slot = to;
  ctx.amount = amount;
  return ERROR.OK;
}
