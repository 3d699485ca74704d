import type { Side } from "../ChannelConfig.ts";
import type { Base, Close, Grant, Voucher } from "../digests.ts";
import type { Lock } from "../locks.ts";

export interface SignedGrant {
  readonly side: Side;
  readonly grant: Grant;
  readonly signature: Uint8Array;
}

export interface SignedBase {
  readonly base: Base;
  /** Of A and B; ours is empty for the moment between the peer's signature and ours. */
  readonly signatures: readonly [Uint8Array, Uint8Array];
  /** The key that made each: 20 bytes. */
  readonly signers: readonly [Uint8Array, Uint8Array];
  readonly digest: Uint8Array;
  /** Session keys of A and B when it was signed. */
  readonly grants: readonly [SignedGrant | undefined, SignedGrant | undefined];
}

export interface SignedVoucher {
  readonly voucher: Voucher;
  readonly locks: readonly Lock[];
  readonly signature: Uint8Array;
  /** 20 bytes. */
  readonly signer: Uint8Array;
  readonly digest: Uint8Array;
}

/**
 * The best that our side can enforce on chain: the newest co-signed base (none: version 0) and the peer's newest voucher under
 * it. Our own vouchers are for the peer to hand in.
 */
export interface Evidence {
  readonly channelId: Uint8Array;
  readonly base: SignedBase | undefined;
  readonly voucher: SignedVoucher | undefined;
  /** A voucher with locks counts only with our endorsement (docs/CHANNELS.md section 2): sign its digest when a tower hands it in. */
  readonly needsEndorsement: boolean;
  /** Of every session key that signed something above. */
  readonly grants: readonly SignedGrant[];
  /** A cooperative close that both signed: it pays out at once. */
  readonly close: { readonly close: Close; readonly signatures: readonly [Uint8Array, Uint8Array] } | undefined;
  /** Last L1 second at which all of it counts if it is not recorded; undefined: for ever. */
  readonly validUntil: number | undefined;
}
