import type { SignedUpdate } from "../../../chain/channels/SignedState.ts";
import { otherSide, rankOf } from "../../../chain/tower/TowerState.ts";
import { payoutOf } from "../../../core/channel/index.ts";
import { betterUpdate } from "./betterUpdate.ts";
import type { UpdateRank } from "./betterUpdate.ts";
import { begunAt, CHANNEL_STATUS } from "./Dispute.ts";
import type { Dispute, HeldState } from "./Dispute.ts";

export interface TowerPolicy {
  /** A backup lets this share of the window pass before it answers itself; 0 for the first tower. */
  readonly actAfter: number;
  /** An answer that has waited for this share of the window goes out by another lane too. */
  readonly laneAfter: number;
  /** Alarm when less than this share of the window is left and the answer is not in the chain. */
  readonly alarmBelow: number;
}

export const DEFAULT_POLICY: TowerPolicy = { actAfter: 0, laneAfter: 0.125, alarmBelow: 0.25 };

export interface Respond {
  readonly type: "respond";
  readonly channelId: string;
  readonly update: SignedUpdate;
  readonly rank: UpdateRank;
  /** Lanes by which it is to go out; those by which it is out already among them. */
  readonly lanes: readonly number[];
  readonly deadline: number;
  readonly windowSeconds: number;
  /** What the clients would lose, in wei; undefined when they hold another asset. */
  readonly riskWei: bigint | undefined;
}

export type TowerAlarm =
  | { readonly code: "tower/late"; readonly channelId: string; readonly version: number; readonly paid: number }
  | { readonly code: "tower/near-deadline"; readonly channelId: string; readonly secondsLeft: number };

export type TowerAction =
  | Respond
  /** A backup's turn comes then, if nobody has answered. */
  | { readonly type: "wait"; readonly until: number }
  /** Nothing to do as it stands; the mark may still change. */
  | { readonly type: "watch" }
  /** The channel is closed, or open again after a reorganisation: over when that is deep enough. */
  | { readonly type: "over"; readonly isClosed: boolean }
  | { readonly type: "alarm"; readonly alarm: TowerAlarm };

/** What to do about one channel now: pure, computed afresh from what the chain and the store say. */
export function decide(dispute: Dispute, policy: TowerPolicy): TowerAction[] {
  const { mark, now, channelId } = dispute;
  if (mark.status === CHANNEL_STATUS.CLOSED) return [...lateAlarms(dispute), { type: "over", isClosed: true }];
  if (mark.status !== CHANNEL_STATUS.CLOSING) return [{ type: "over", isClosed: mark.status === CHANNEL_STATUS.NONE && dispute.isGone === true }];
  const better = betterUpdate(mark, dispute.held, now);
  // At the deadline answers are over; the mark says whether one was missing once the channel is closed.
  if (better === undefined || now >= mark.deadline) return [{ type: "watch" }];
  const start = begunAt(dispute);
  const actAt = start + Math.ceil(dispute.windowSeconds * policy.actAfter);
  const lanes = lanesFor(dispute, policy);
  if (now < actAt && lanes.every((lane) => dispute.lanes[lane] === undefined)) return [{ type: "wait", until: actAt }];
  const secondsLeft = mark.deadline - now;
  const isNear = secondsLeft < dispute.windowSeconds * policy.alarmBelow;
  const riskWei = dispute.unitWei === undefined ? undefined : dispute.unitWei * BigInt(riskUnits(dispute, better.rank));
  return [
    ...(isNear ? [{ type: "alarm", alarm: { code: "tower/near-deadline", channelId, secondsLeft } } as const] : []),
    { type: "respond", channelId, ...better, lanes, deadline: mark.deadline, windowSeconds: dispute.windowSeconds, riskWei },
  ];
}

/** The lanes in use; the least busy one first of all, and one more when all of them have waited for long. */
function lanesFor({ lanes, load, now, windowSeconds }: Dispute, policy: TowerPolicy): number[] {
  const used = lanes.flatMap((use, lane) => (use === undefined ? [] : [lane]));
  const patience = windowSeconds * policy.laneAfter;
  const isWaiting = used.every((lane) => lanes[lane]?.pendingSince !== undefined && now - (lanes[lane]?.pendingSince ?? now) >= patience);
  if (used.length > 0 && !isWaiting) return used;
  const free = load.flatMap((busy, lane) => (used.includes(lane) ? [] : [{ lane, ...busy }]));
  free.sort((a, b) => Number(a.isStuck) - Number(b.isStuck) || a.pending - b.pending || a.lane - b.lane);
  return free[0] === undefined ? used : [...used, free[0].lane];
}

/** What the sides would lose, taken together, if the channel ended as it is recorded. */
function riskUnits({ mark, held }: Dispute, rank: UpdateRank): number {
  const [netA, netB] = mark.net;
  const asIs = payoutOf({ netA, netB, paidByA: mark.paid[0], paidByB: mark.paid[1] });
  const asSigned = payoutOf({ netA, netB, paidByA: rank.paid[0], paidByB: rank.paid[1] });
  const losses = held.map(({ state: { side, voucher } }) => {
    const locked = (voucher?.locks ?? []).reduce((sum, { amount }) => sum + amount, 0);
    return Math.max(0, side === 0 ? asSigned.a - asIs.a : asSigned.b - asIs.b) + locked;
  });
  return Math.min(netA + netB, losses.reduce((sum, loss) => sum + loss, 0));
}

/** Promises that a closed channel broke, as `TowerBond` judges them. */
function lateAlarms(dispute: Dispute): TowerAction[] {
  const { mark, channelId } = dispute;
  if (!mark.isUnilateral) return [];
  const isBroken = ({ state, until }: HeldState): boolean => {
    const { version, sequence, paid } = rankOf(state);
    const payer = otherSide(state.side);
    const endorsed = mark.sequence[payer];
    const isLasting = sequence > 0 && (state.voucher?.endorsement === undefined ? endorsed === 0 : endorsed < sequence);
    const isBelow = mark.version < version || (mark.version === version && isLasting && mark.highestPaid[payer] < paid);
    return isBelow && mark.deadline <= until;
  };
  const { version } = mark;
  return dispute.held.filter(isBroken).map(({ state }) => ({ type: "alarm", alarm: { code: "tower/late", channelId, version, paid: mark.highestPaid[otherSide(state.side)] } }));
}
