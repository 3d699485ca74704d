import { exportDigest } from "../channel/index.ts";
import { CHANNEL, CHANNEL_STATUS, ERROR, LEAF_BYTES, SETTLEMENT, SIGNER, WITHDRAWAL, WITHDRAWAL_CAUSE } from "../generated/protocol.ts";
import { keccak256 } from "../hash/index.ts";
import { checkOwnerSigned, findChannel, heldBy, idOfChannel, ownSide, touchSides } from "./channels.ts";
import { CHANNEL_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { free } from "./slots.ts";
import { appendWithdrawal, areWithdrawalsFull } from "./withdrawals.ts";

/** CHANNEL_EXPORT: hands the channel, as it is, to the adjudicator on L1; both agree. */
export function channelExport(ctx: Context): number {
  const { channels, withdrawals } = ctx.state;
  const at = findChannel(ctx);
  if (at < 0) return ERROR.E_REFERENCE;
  const own = ownSide(ctx);
  if (own < 0) return ERROR.E_NOT_PARTY; // CH-24
  if (ctx.signer !== SIGNER.OWNER) return ERROR.E_OWNER_ONLY;
  if (channels.u8(at + CHANNEL.status) !== CHANNEL_STATUS.OPEN) return ERROR.E_CHANNEL_CLOSING;
  const held = heldBy(ctx, at);
  if (held === 0) return ERROR.E_AMOUNT;
  if (areWithdrawalsFull(ctx)) return ERROR.E_FULL;

  touchSides(ctx); // CH-25
  const channelId = idOfChannel(ctx, at);
  const error = checkOwnerSigned(ctx, own === 0 ? 1 : 0, exportDigest(ctx.channels.separator, channelId));
  if (error !== ERROR.OK) return error;

  const { adjudicator } = ctx.channels; // CH-26
  const recipient = new DataView(adjudicator.buffer, adjudicator.byteOffset, 20);
  ctx.id = appendWithdrawal(ctx, recipient, 0, held, ctx.agent, WITHDRAWAL_CAUSE.EXPORT);
  const to = withdrawals.touch(ctx.id);
  withdrawals.bytes.set(channelId, to + WITHDRAWAL.context);
  withdrawals.bytes.set(keccak256(channels.bytes.slice(at, at + LEAF_BYTES)), to + WITHDRAWAL.contextHash);
  free(ctx, channels, CHANNEL_ALLOCATOR, at, ctx.slot);
  ctx.amount = held;
  ctx.settlement = SETTLEMENT.PAID;
  const noted = new Uint8Array(ctx.hashes.buffer);
  noted.fill(0);
  noted.set(channelId);
  ctx.hasHashes = true;
  return ERROR.OK;
}
