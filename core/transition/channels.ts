import { hashChannelConfig, HOME, payoutOf } from "../channel/index.ts";
import type { Side } from "../channel/index.ts";
import { getU64 } from "../codec/integers.ts";
import { AGENT, CHANNEL, ERROR, RECORD, SETTLEMENT } from "../generated/protocol.ts";
import { credit } from "./balance.ts";
import { CHANNEL_ALLOCATOR } from "./Context.ts";
import type { Context } from "./Context.ts";
import { free, reference } from "./slots.ts";

// All records on a channel name it at the same place.
const R = RECORD.CHANNEL_CHALLENGE;
const NO_ASSET = new Uint8Array(20);

/** Where the deposit of a side stands in the leaf at `at`. */
export function depositAt(at: number, side: number): number {
  return at + CHANNEL.depositA + side * (CHANNEL.depositB - CHANNEL.depositA);
}

/** Where the total of a side stands. */
export function totalAt(at: number, side: number): number {
  return at + CHANNEL.paidByA + side * (CHANNEL.paidByB - CHANNEL.paidByA);
}

/** Where a side's key stands, with its expiry and cap behind it as for side 0. */
export function keyAt(at: number, side: number): number {
  return at + CHANNEL.keyA + side * (CHANNEL.keyB - CHANNEL.keyA);
}
export const EXPIRY_FROM_KEY = CHANNEL.expiryA - CHANNEL.keyA;
export const CAP_FROM_KEY = CHANNEL.capA - CHANNEL.keyA;

/** CH-4: byte offset of the record's channel, -1 for E_REFERENCE. Notes slot, id and both agents for the receipt. */
export function findChannel(ctx: Context): number {
  const { channels } = ctx.state;
  const slot = ctx.view.getUint32(ctx.at + R.slot);
  const id = getU64(ctx.view, ctx.at + R.id);
  const at = reference(channels, slot, id);
  if (at < 0) return at;
  ctx.slot = slot;
  ctx.id = id;
  ctx.requester = channels.u32(at + CHANNEL.a);
  ctx.provider = channels.u32(at + CHANNEL.b);
  return at;
}

/** The acting agent's side of the channel that was found, -1 for somebody else. */
export function ownSide(ctx: Context): Side | -1 {
  if (ctx.agent === ctx.requester) return 0;
  return ctx.agent === ctx.provider ? 1 : -1;
}

/** Touches both agents of the channel that was found. */
export function touchSides(ctx: Context): void {
  ctx.state.agents.touch(ctx.requester);
  ctx.state.agents.touch(ctx.provider);
}

function ownerOf(ctx: Context, agent: number): Uint8Array {
  const from = ctx.state.agents.touch(agent) + AGENT.owner;
  return ctx.state.agents.bytes.slice(from, from + 20);
}

/** CH-1: channelId of the channel at `at`, both of whose agents were touched. */
export function idOfChannel(ctx: Context, at: number): Uint8Array {
  const { channels } = ctx.state;
  return hashChannelConfig({
    home: HOME.CORE,
    partyA: ownerOf(ctx, ctx.requester),
    partyB: ownerOf(ctx, ctx.provider),
    asset: NO_ASSET,
    unit: 0,
    windowSeconds: channels.u32(at + CHANNEL.window),
    flags: 0,
    salt: ctx.id,
  });
}

function hasAddress(bytes: Uint8Array, offset: number, address: Uint8Array): boolean {
  for (let i = 0; i < 20; i += 1) if (bytes[offset + i] !== address[i]) return false;
  return true;
}

/** CH-2 *signed by owner*: OK or E_SIGNATURE for the carried signature. */
export function checkOwnerSigned(ctx: Context, side: Side, digest: Uint8Array): number {
  const recovered = recoverCarried(ctx, digest);
  return recovered !== null && isOwner(ctx, side, recovered) ? ERROR.OK : ERROR.E_SIGNATURE;
}

/** CH-2 *signed*: OK or E_SIGNATURE; `total` is what the side has paid in all by what it signed. */
export function checkSigned(ctx: Context, at: number, side: Side, digest: Uint8Array, total: number): number {
  const recovered = recoverCarried(ctx, digest);
  if (recovered === null) return ERROR.E_SIGNATURE;
  if (isOwner(ctx, side, recovered)) return ERROR.OK;
  const { channels } = ctx.state;
  const key = keyAt(at, side);
  if (!hasAddress(channels.bytes, key, recovered)) return ERROR.E_SIGNATURE;
  if (ctx.l2Time > channels.u32(key + EXPIRY_FROM_KEY)) return ERROR.E_SIGNATURE;
  return total > channels.u64(key + CAP_FROM_KEY) ? ERROR.E_SIGNATURE : ERROR.OK;
}

/** The address that the carried signature recovers, null for none; never the zero address, which no side has as owner or key. */
function recoverCarried(ctx: Context, digest: Uint8Array): Uint8Array | null {
  const recovered = ctx.recover(digest, ctx.carried.subarray(32, 64), ctx.carried.subarray(64, 96));
  return recovered === null || recovered.every((byte) => byte === 0) ? null : recovered;
}

function isOwner(ctx: Context, side: Side, address: Uint8Array): boolean {
  const { agents } = ctx.state;
  return hasAddress(agents.bytes, agents.touch(side === 0 ? ctx.requester : ctx.provider) + AGENT.owner, address);
}

/** What the channel at `at` holds. */
export function heldBy(ctx: Context, at: number): number {
  const { channels } = ctx.state;
  return channels.u64(depositAt(at, 0)) + channels.u64(depositAt(at, 1));
}

/** CH-3: credits both agents by these totals and frees the channel. */
export function payOut(ctx: Context, at: number, paidByA: number, paidByB: number): void {
  const { agents, channels } = ctx.state;
  const share = payoutOf({ netA: channels.u64(depositAt(at, 0)), netB: channels.u64(depositAt(at, 1)), paidByA, paidByB });
  ctx.amount = heldBy(ctx, at);
  ctx.settlement = SETTLEMENT.PAID;
  credit(ctx, agents.touch(ctx.requester), share.a);
  credit(ctx, agents.touch(ctx.provider), share.b);
  free(ctx, channels, CHANNEL_ALLOCATOR, at, ctx.slot);
}
