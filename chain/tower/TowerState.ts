import type { ChannelConfig, Side } from "../../core/channel/index.ts";
import type { SignedBase, SignedUpdate, SignedVoucher } from "../channels/SignedState.ts";

/** The best that a side can hand in: what a tower keeps for it. */
export interface TowerState {
  readonly config: ChannelConfig;
  /** Whom it is for. */
  readonly side: Side;
  /** Absent as long as nothing was co-signed: version 0. */
  readonly base?: SignedBase;
  /** Of the other side, under that base; with the side's own endorsement it may change the list of locks that is recorded. */
  readonly voucher?: SignedVoucher;
}

/** What a state is worth against others of its channel. */
export interface StateRank {
  readonly version: number;
  /** Of the other side's voucher; 0 without one. */
  readonly sequence: number;
  /** What the other side has paid, in units. */
  readonly paid: number;
}

export function otherSide(side: Side): Side {
  return side === 0 ? 1 : 0;
}

export function rankOf({ side, base, voucher }: TowerState): StateRank {
  const basePaid = side === 0 ? base?.paidByB : base?.paidByA;
  return { version: base?.version ?? 0, sequence: voucher?.sequence ?? 0, paid: voucher?.paid ?? basePaid ?? 0 };
}

/** All that a side's state holds, as it is handed in. */
export function updateOf({ base, voucher }: TowerState): SignedUpdate {
  return { ...(base === undefined ? {} : { base }), vouchers: voucher === undefined ? [] : [voucher] };
}

/** The promise of a tower (docs/CHANNELS.md section 5). Times in L1 seconds. */
export interface TowerReceipt extends StateRank {
  /** 32 bytes. */
  readonly channelId: Uint8Array;
  readonly side: Side;
  readonly from: number;
  readonly until: number;
}

/** Where a tower's promises are enforced. */
export interface TowerDomain {
  readonly chainId: number;
  /** The channels' contract, 20 bytes. */
  readonly adjudicator: Uint8Array;
  /** The `TowerBond`, 20 bytes. */
  readonly towerBond: Uint8Array;
}
