import type { Base, ChannelConfig, Grant, Lock, Side, Voucher } from "../../core/channel/index.ts";

/** A session key as its principal granted it. */
export interface SignedGrant extends Grant {
  /** Of the principal, 64 bytes; empty when the grant stands in the adjudicator's register. */
  readonly signature: Uint8Array;
}

/** A party's signature: its own, or of a key that it granted. */
export interface PartySignature {
  /** 64 bytes, EIP-2098. */
  readonly signature: Uint8Array;
  readonly grant?: SignedGrant;
}

/** A co-signed state with both signatures, A's first. */
export interface SignedBase extends Base {
  readonly signatures: readonly [PartySignature, PartySignature];
}

/** What a payer signed, with the list behind its `locksHash`. */
export interface SignedVoucher extends Voucher {
  readonly locks: readonly Lock[];
  readonly by: PartySignature;
}

/** The best that a side can hand in: what a tower keeps for it. */
export interface TowerState {
  readonly config: ChannelConfig;
  /** Whom it is for. */
  readonly side: Side;
  /** Absent as long as nothing was co-signed: version 0. */
  readonly base?: SignedBase;
  /** Of the other side, under that base. */
  readonly voucher?: SignedVoucher;
  /** The side's own signature over the voucher's digest: only with it may a voucher change the list of locks that is recorded. */
  readonly endorsement?: PartySignature;
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
