import { getU64 } from "../codec/integers.ts";
import { CHANNEL, CHANNEL_STATUS, ERROR, MAX_CHANNEL_SECONDS, RECORD, SETTLEMENT, SYSTEM_LEAF } from "../generated/protocol.ts";
import { spend } from "./balance.ts";
import { CHANNEL_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { noteObject } from "./receipt.ts";
import { allocate, checkFull } from "./slots.ts";

const R = RECORD.CHANNEL_OPEN;

/** CHANNEL_OPEN: opens a channel with another agent and puts money into it. */
export function channelOpen(ctx: Context): number {
  const { view, at } = ctx;
  const partner = view.getUint32(at + R.partner);
  if (partner === 0 || partner > ctx.agentCount()) return ERROR.E_UNKNOWN_AGENT; // CH-5
  if (partner === ctx.agent) return ERROR.E_SELF;
  const window = view.getUint32(at + R.window);
  if (window === 0 || window > MAX_CHANNEL_SECONDS) return ERROR.E_WINDOW; // CH-6
  ctx.state.system.touch(SYSTEM_LEAF.ALLOCATOR); // CH-7
  let error = checkFull(ctx, CHANNEL_ALLOCATOR);
  if (error !== ERROR.OK) return error;
  const amount = getU64(view, at + R.amount);
  error = spend(ctx, amount);
  if (error !== ERROR.OK) return error;
  const { channels } = ctx.state;
  const channelAt = allocate(ctx, channels, CHANNEL_ALLOCATOR);
  channels.setU32(channelAt + CHANNEL.a, ctx.agent);
  channels.setU32(channelAt + CHANNEL.b, partner);
  channels.setU64(channelAt + CHANNEL.depositA, amount);
  channels.setU32(channelAt + CHANNEL.window, window);
  channels.setU8(channelAt + CHANNEL.status, CHANNEL_STATUS.OPEN);
  noteObject(ctx, ctx.newSlot, ctx.newId);
  ctx.amount = amount;
  ctx.requester = ctx.agent;
  ctx.provider = partner;
  ctx.settlement = SETTLEMENT.PENDING;
  return ERROR.OK;
}
