import type { TowerState } from "../../../chain/tower/TowerState.ts";

export const CHANNEL_STATUS = { NONE: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;

/** What a chain has of a channel, in one block. Units and seconds. */
export interface ChannelMark {
  readonly status: number;
  readonly isExtended: boolean;
  readonly isUnilateral: boolean;
  readonly deadline: number;
  readonly version: number;
  /** Deposits less withdrawals; zero once it is closed. */
  readonly net: readonly [number, number];
  /** Of the last voucher of each side that was endorsed to change its locks. */
  readonly sequence: readonly [number, number];
  readonly paid: readonly [number, number];
  /** The most that was recorded under the version. */
  readonly highestPaid: readonly [number, number];
  /** 0x-hexadecimal; zero without locks, and once it is closed. */
  readonly locksHash: readonly [string, string];
}

/** A state that can be handed in for a side. */
export interface HeldState {
  readonly state: TowerState;
  /** Last L1 second at which its signatures count. */
  readonly validUntil: number;
  /** End of the promise; 0 for what was sealed, of which none is made. */
  readonly until: number;
}

/** Where an answer under one nonce lane stands. */
export interface LaneUse {
  /** L1 time at which it was asked for, while it is not in the chain. */
  readonly pendingSince: number | undefined;
  /** In the chain; the mark shows what it did. */
  readonly isMined: boolean;
}

/** Everything that decides what to do about one channel, read of one block. */
export interface Dispute {
  readonly channelId: string;
  readonly windowSeconds: number;
  /** L1 time of the head. */
  readonly now: number;
  readonly mark: ChannelMark;
  readonly held: readonly HeldState[];
  /** By lane: the answer to this mark, as far as it was asked for there. */
  readonly lanes: readonly (LaneUse | undefined)[];
  /** By lane: transactions that wait, and whether the oldest has waited for long. */
  readonly load: readonly { readonly pending: number; readonly isStuck: boolean }[];
  /** It was in Layer Core and is in no home any more. */
  readonly isGone?: boolean;
  /** Base units of the asset in a unit; undefined where they are not ETH. */
  readonly unitWei: bigint | undefined;
}

/** Start of the close. */
export function begunAt({ mark, windowSeconds }: Pick<Dispute, "mark" | "windowSeconds">): number {
  return mark.deadline - windowSeconds - (mark.isExtended ? Math.floor(windowSeconds / 2) : 0);
}
