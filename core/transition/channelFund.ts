import { getU64 } from "../codec/integers.ts";
import { CHANNEL, CHANNEL_STATUS, ERROR, RECORD, SETTLEMENT } from "../generated/protocol.ts";
import { spend } from "./balance.ts";
import { depositAt, findChannel } from "./channels.ts";
import type { Context } from "./Context.ts";

const R = RECORD.CHANNEL_FUND;

/** CHANNEL_FUND: by anyone, adds to what a side has in a channel. */
export function channelFund(ctx: Context): number {
  const side = ctx.view.getUint8(ctx.at + R.side);
  if (side > 1) return ERROR.E_MALFORMED; // CH-8
  const amount = getU64(ctx.view, ctx.at + R.amount);
  if (amount === 0) return ERROR.E_AMOUNT;
  const { channels } = ctx.state;
  const at = findChannel(ctx);
  if (at < 0) return ERROR.E_REFERENCE;
  if (channels.u8(at + CHANNEL.status) !== CHANNEL_STATUS.OPEN) return ERROR.E_CHANNEL_CLOSING; // CH-9
  const error = spend(ctx, amount);
  if (error !== ERROR.OK) return error;
  const heldAt = depositAt(at, side);
  channels.setU64(heldAt, channels.u64(heldAt) + amount);
  ctx.amount = amount;
  ctx.settlement = SETTLEMENT.PENDING;
  return ERROR.OK;
}
