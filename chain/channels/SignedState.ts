import type { Base, ChannelConfig, Close, Grant, Lock, PartialWithdrawal, Side, Voucher } from "../../core/channel/index.ts";

/** A session key as its principal granted it. */
export interface SignedGrant extends Grant {
  /** Of the principal; empty when the grant stands in the adjudicator's register. */
  readonly signature: Uint8Array;
}

/** A party's signature: its own (64 bytes, EIP-2098; any other length is for ERC-1271), or of a key that it granted. */
export interface PartySignature {
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
  /** Of the payee over the same digest: without it a change of the lock list does not count, unless the payee itself sends it. */
  readonly endorsement?: PartySignature;
}

/** What is handed in at once. */
export interface SignedUpdate {
  readonly base?: SignedBase;
  /** At most one of each payer. */
  readonly vouchers?: readonly SignedVoucher[];
}

export interface SignedClose extends Close {
  readonly signatures: readonly [PartySignature, PartySignature];
}

/** Signed by both principals; keys do not count. */
export interface SignedWithdrawal extends PartialWithdrawal {
  readonly signatures: readonly [Uint8Array, Uint8Array];
}

/** B's claim in a ONE_WAY channel, for a batch: a voucher of A without locks, by A (64 bytes) or a key whose grant is registered. */
export interface ChannelClaim {
  readonly config: ChannelConfig;
  readonly voucher: SignedVoucher;
}

/** Whose name a challenge is in, and the key's grant if a key sends it. */
export interface Challenger {
  readonly side: Side;
  readonly grant?: SignedGrant;
}
