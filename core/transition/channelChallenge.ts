import { CHANNEL, CHANNEL_STATUS, ERROR } from "../generated/protocol.ts";
import { findChannel, ownSide } from "./channels.ts";
import type { Context } from "./Context.ts";

/** Times end with 32 bits. */
const LAST_TIME = 0xffffffff;

/** CHANNEL_CHALLENGE: a party begins to close; the other has the channel's window to answer. */
export function channelChallenge(ctx: Context): number {
  const { channels } = ctx.state;
  const at = findChannel(ctx);
  if (at < 0) return ERROR.E_REFERENCE;
  if (ownSide(ctx) < 0) return ERROR.E_NOT_PARTY; // CH-13
  if (channels.u8(at + CHANNEL.status) !== CHANNEL_STATUS.OPEN) return ERROR.E_CHANNEL_CLOSING;
  channels.setU8(at + CHANNEL.status, CHANNEL_STATUS.CLOSING);
  channels.setU32(at + CHANNEL.deadline, Math.min(ctx.l2Time + channels.u32(at + CHANNEL.window), LAST_TIME));
  return ERROR.OK;
}
