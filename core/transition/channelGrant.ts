import { grantDigest } from "../channel/index.ts";
import type { Side } from "../channel/index.ts";
import { copyWords, getU64 } from "../codec/integers.ts";
import { ERROR, MAX_UNITS, RECORD } from "../generated/protocol.ts";
import { isZeroAddress } from "./accounts.ts";
import { CAP_FROM_KEY, checkOwnerSigned, EXPIRY_FROM_KEY, findChannel, idOfChannel, keyAt, touchSides } from "./channels.ts";
import type { Context } from "./Context.ts";

const R = RECORD.CHANNEL_GRANT;

/** CHANNEL_GRANT: by anyone, makes known a key that a side's owner lets sign for it in this channel. */
export function channelGrant(ctx: Context): number {
  const { view } = ctx;
  const side = view.getUint8(ctx.at + R.side);
  if (side > 1) return ERROR.E_MALFORMED; // CH-22
  const from = ctx.at + R.key;
  if (isZeroAddress(view, from)) return ERROR.E_ADDRESS;
  const cap = getU64(view, ctx.at + R.cap);
  if (cap > MAX_UNITS) return ERROR.E_AMOUNT;
  const expiry = view.getUint32(ctx.at + R.expiry);
  if (ctx.l2Time > expiry) return ERROR.E_DEADLINE;
  const at = findChannel(ctx);
  if (at < 0) return ERROR.E_REFERENCE;

  touchSides(ctx); // CH-23
  const key = new Uint8Array(view.buffer, view.byteOffset + from, 20);
  const digest = grantDigest(ctx.channels.separator, idOfChannel(ctx, at), { key, cap, expiry });
  const error = checkOwnerSigned(ctx, side as Side, digest);
  if (error !== ERROR.OK) return error;
  const { channels } = ctx.state;
  const to = keyAt(at, side);
  copyWords(view, from, channels.view, to, 5);
  channels.setU32(to + EXPIRY_FROM_KEY, expiry);
  channels.setU64(to + CAP_FROM_KEY, cap);
  return ERROR.OK;
}
