import type { ChannelView, PairState, PromotionAction, PromotionPolicy } from "./PromotionPolicy.ts";

const NONE: PromotionAction = { kind: "none" };

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** As much as the limits leave; 0: nothing worth a transaction, which is less than the calls that it is for. */
function depositWithin(policy: PromotionPolicy, { depositedInAll, price }: PairState, inChannel: bigint): bigint {
  const room = least(policy.maxPerChannel - inChannel, policy.maxInAll - depositedInAll);
  const amount = least(policy.deposit, room);
  return amount >= price * BigInt(policy.calls) && amount > 0n ? amount : 0n;
}

function decideOpen(policy: PromotionPolicy, state: PairState): PromotionAction {
  if (!state.isOffered || state.price === 0n || state.recentCalls < policy.calls) return NONE;
  const deposit = depositWithin(policy, state, 0n);
  return deposit === 0n ? NONE : { kind: "open", deposit };
}

function decideOn(policy: PromotionPolicy, state: PairState, channel: ChannelView): PromotionAction {
  const { nowMs, price, failures } = state;
  if (channel.phase === "ending" || channel.phase === "new") return NONE;
  const isIdle = nowMs - channel.usedAtMs >= policy.demoteMs;
  if (isIdle) {
    if (failures >= policy.closeTries) return { kind: "end-alone" };
    return channel.openCalls > 0 && channel.phase === "open" ? NONE : { kind: "close" };
  }
  // While the partner is away calls go the other ways; the channel waits for it until it is idle.
  if (channel.phase === "away") return NONE;
  if (price === 0n || channel.capacity >= price * BigInt(policy.lowCalls) || state.recentCalls < policy.calls) return NONE;
  const amount = depositWithin(policy, state, channel.deposited);
  if (amount > 0n) return { kind: "deposit", amount };
  // Nothing more may go in, and it cannot pay a single call: what is left comes back, and a new one may follow.
  return channel.capacity < price && channel.openCalls === 0 ? { kind: "close" } : NONE;
}

/** What to do about a pair now. Pure; one thing at a time, over all pairs. */
export function decidePromotion(policy: PromotionPolicy, state: PairState): PromotionAction {
  if (state.isBusy || state.nowMs < state.nextTryMs) return NONE;
  return state.channel === undefined ? decideOpen(policy, state) : decideOn(policy, state, state.channel);
}

/** When to try again after so many failures in a row. */
export function backoffMs({ backoffMs: first, maxBackoffMs }: Pick<PromotionPolicy, "backoffMs" | "maxBackoffMs">, failures: number): number {
  return failures === 0 ? 0 : Math.min(first * 2 ** Math.min(failures - 1, 30), maxBackoffMs);
}
