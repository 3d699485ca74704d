import { closeDigest } from "../channel/index.ts";
import { getU64 } from "../codec/integers.ts";
import { CHANNEL, CHANNEL_STATUS, CLOSE_MODE, ERROR, MAX_UNITS, RECORD, SIGNER } from "../generated/protocol.ts";
import { checkSigned, findChannel, idOfChannel, ownSide, payOut, totalAt, touchSides } from "./channels.ts";
import type { Context } from "./Context.ts";

const R = RECORD.CHANNEL_CLOSE;

/** CHANNEL_CLOSE: pays out at once by what both agree on, or, by anyone, by what is known when the time to answer is over. */
export function channelClose(ctx: Context): number {
  const mode = ctx.view.getUint8(ctx.at + R.mode);
  const paidByA = getU64(ctx.view, ctx.at + R.paidByA);
  const paidByB = getU64(ctx.view, ctx.at + R.paidByB);
  if (mode > CLOSE_MODE.COOPERATIVE) return ERROR.E_MALFORMED; // CH-10
  if (mode === CLOSE_MODE.FINAL && paidByA + paidByB !== 0) return ERROR.E_MALFORMED;
  if (paidByA > MAX_UNITS || paidByB > MAX_UNITS) return ERROR.E_AMOUNT;
  const at = findChannel(ctx);
  if (at < 0) return ERROR.E_REFERENCE;
  return mode === CLOSE_MODE.FINAL ? closeFinally(ctx, at) : closeCooperatively(ctx, at, paidByA, paidByB);
}

/** CH-11 */
function closeFinally(ctx: Context, at: number): number {
  const { channels } = ctx.state;
  if (channels.u8(at + CHANNEL.status) !== CHANNEL_STATUS.CLOSING) return ERROR.E_NOT_DUE;
  if (ctx.l2Time < channels.u32(at + CHANNEL.deadline)) return ERROR.E_NOT_DUE;
  touchSides(ctx);
  payOut(ctx, at, channels.u64(totalAt(at, 0)), channels.u64(totalAt(at, 1)));
  return ERROR.OK;
}

/** CH-12 */
function closeCooperatively(ctx: Context, at: number, paidByA: number, paidByB: number): number {
  const own = ownSide(ctx);
  if (own < 0) return ERROR.E_NOT_PARTY;
  if (ctx.signer !== SIGNER.OWNER) return ERROR.E_OWNER_ONLY;
  touchSides(ctx);
  const digest = closeDigest(ctx.channels.separator, idOfChannel(ctx, at), { paidByA, paidByB });
  const error = own === 0 ? checkSigned(ctx, at, 1, digest, paidByB) : checkSigned(ctx, at, 0, digest, paidByA);
  if (error !== ERROR.OK) return error;
  payOut(ctx, at, paidByA, paidByB);
  return ERROR.OK;
}
