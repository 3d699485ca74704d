import { baseDigest, voucherDigest } from "../channel/index.ts";
import type { Side } from "../channel/index.ts";
import { getU64 } from "../codec/integers.ts";
import { CHANNEL, CHANNEL_FLAG, CHANNEL_STATUS, ERROR, MAX_UNITS, RECORD, SETTLEMENT, UPDATE_KIND } from "../generated/protocol.ts";
import { keccak256 } from "../hash/index.ts";
import { checkSigned, findChannel, idOfChannel, totalAt, touchSides } from "./channels.ts";
import type { Context } from "./Context.ts";

const R = RECORD.CHANNEL_UPDATE;
const LAST_TIME = 0xffffffff;
const NO_LOCKS = new Uint8Array(32);

/** A record as `isWellFormed` found it; reused. */
const record = { kind: 0, side: 0 as Side, totals: [0, 0], version: 0, sequence: 0, callsHash: NO_LOCKS as Uint8Array };

/** CHANNEL_UPDATE: by anyone, records a newer state: a base that both signed, or a voucher of a side. */
export function channelUpdate(ctx: Context): number {
  if (!isWellFormed(ctx)) return ERROR.E_MALFORMED; // CH-14
  const { kind, side, totals, version, sequence } = record;
  if (totals[0] > MAX_UNITS || totals[1] > MAX_UNITS || sequence > MAX_UNITS) return ERROR.E_AMOUNT; // CH-15
  const { channels } = ctx.state;
  const at = findChannel(ctx);
  if (at < 0) return ERROR.E_REFERENCE;
  const isClosing = channels.u8(at + CHANNEL.status) === CHANNEL_STATUS.CLOSING;
  if (isClosing && ctx.l2Time >= channels.u32(at + CHANNEL.deadline)) return ERROR.E_DEADLINE; // CH-16
  const known = channels.u32(at + CHANNEL.version); // CH-17
  const isVoucher = kind === UPDATE_KIND.VOUCHER;
  const isNewer = isVoucher ? version === known && totals[side] > channels.u64(totalAt(at, side)) : version > known;
  if (!isNewer) return ERROR.E_STALE;

  touchSides(ctx); // CH-18
  const digest = digestOf(ctx, at);
  const error = checkSigned(ctx, at, side, digest, totals[side]);
  if (error !== ERROR.OK) return error;
  ctx.amount = totals[side];
  if (isVoucher) {
    channels.setU64(totalAt(at, side), totals[side]); // CH-19
  } else if (!isApproved(ctx, digest, 1 - side)) { // CH-20
    ctx.carried.set(approvalOf(digest, side));
    ctx.settlement = SETTLEMENT.PENDING;
    return ERROR.OK;
  } else {
    channels.setU32(at + CHANNEL.version, version);
    channels.setU64(totalAt(at, 0), totals[0]);
    channels.setU64(totalAt(at, 1), totals[1]);
  }
  if (isClosing) extend(ctx, at);
  return ERROR.OK;
}

/** CH-14; leaves the record's fields in `record`. */
function isWellFormed(ctx: Context): boolean {
  const { view, at } = ctx;
  const kind = view.getUint8(at + R.kind);
  const side = view.getUint8(at + R.side);
  if (kind > UPDATE_KIND.VOUCHER || side > 1) return false;
  record.kind = kind;
  record.side = side as Side;
  record.totals[0] = getU64(view, at + R.paidByA);
  record.totals[1] = getU64(view, at + R.paidByB);
  record.version = view.getUint32(at + R.version);
  record.sequence = getU64(view, at + R.sequence);
  record.callsHash = new Uint8Array(view.buffer, view.byteOffset + at + R.callsHash, 32);
  if (kind === UPDATE_KIND.VOUCHER) return record.totals[1 - side] === 0;
  return record.sequence === 0 && record.callsHash.every((byte) => byte === 0);
}

/** CH-1 for what `record` says. */
function digestOf(ctx: Context, at: number): Uint8Array {
  const { separator } = ctx.channels;
  const { kind, side, totals, version, sequence, callsHash } = record;
  const id = idOfChannel(ctx, at);
  if (kind === UPDATE_KIND.BASE) return baseDigest(separator, id, { version, paidByA: totals[0], paidByB: totals[1] });
  return voucherDigest(separator, id, { payer: side, version, sequence, paid: totals[side], locksHash: NO_LOCKS, callsHash });
}

/** CH-20: what the register carries once a side has approved a base. */
function approvalOf(digest: Uint8Array, side: number): Uint8Array {
  const message = new Uint8Array(33);
  message.set(digest);
  message[32] = side;
  return keccak256(message);
}

function isApproved(ctx: Context, digest: Uint8Array, side: number): boolean {
  return approvalOf(digest, side).every((byte, i) => byte === ctx.carried[i]);
}

/** CH-21: an answer in the last quarter of the window leaves the other side time to answer it, once. */
function extend(ctx: Context, at: number): void {
  const { channels } = ctx.state;
  const flags = channels.u8(at + CHANNEL.flags);
  if ((flags & CHANNEL_FLAG.EXTENDED) !== 0) return;
  const window = channels.u32(at + CHANNEL.window);
  const deadline = channels.u32(at + CHANNEL.deadline);
  if (ctx.l2Time + Math.floor(window / 4) < deadline) return;
  channels.setU32(at + CHANNEL.deadline, Math.min(deadline + Math.floor(window / 2), LAST_TIME));
  channels.setU8(at + CHANNEL.flags, flags | CHANNEL_FLAG.EXTENDED);
}
