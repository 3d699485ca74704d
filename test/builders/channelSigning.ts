import { SigningKey, computeAddress, getBytes } from "ethers";

import {
  baseDigest, channelDomainSeparator, channelIdOf, closeDigest, grantDigest, locksHashOf, voucherDigest, withdrawalDigest,
} from "../../core/channel/index.ts";
import type { Base, ChannelConfig, Close, Grant, Lock, PartialWithdrawal, Side } from "../../core/channel/index.ts";
import type { PartySignature, SignedBase, SignedClose, SignedGrant, SignedVoucher, SignedWithdrawal } from "../../chain/channels/SignedState.ts";

/** Who signs for a party: a private key, with the grant if it is a session key. */
export interface TestSigner {
  readonly key: string;
  readonly grant?: SignedGrant;
}

export interface VoucherFields {
  readonly payer?: Side;
  readonly version?: number;
  readonly sequence?: number;
  readonly paid?: number;
  readonly locks?: readonly Lock[];
  readonly callsHash?: Uint8Array;
  /** The payee's; `true`: by its principal. */
  readonly endorsedBy?: TestSigner | true;
}

/** Signs for the two parties of a channel; each may be overridden to forge. */
export interface ChannelSigning {
  readonly config: ChannelConfig;
  readonly id: Uint8Array;
  base(fields: Base, by?: readonly [TestSigner?, TestSigner?]): SignedBase;
  voucher(fields: VoucherFields, by?: TestSigner): SignedVoucher;
  close(fields: Close, by?: readonly [TestSigner?, TestSigner?]): SignedClose;
  withdrawal(fields: PartialWithdrawal, by?: readonly [string?, string?]): SignedWithdrawal;
  /** A session key of a side, signed by its principal unless `key` says otherwise. */
  grant(side: Side, fields: Grant, key?: string): SignedGrant;
}

export function addressBytes(key: string): Uint8Array {
  return getBytes(computeAddress(key));
}

/** 64 bytes, EIP-2098. */
export function signCompact(key: string, digest: Uint8Array): Uint8Array {
  return getBytes(new SigningKey(key).sign(digest).compactSerialized);
}

/** As `SmartWallet` wants it: 66 bytes. */
export function signForWallet(key: string, digest: Uint8Array): Uint8Array {
  return new Uint8Array([0x71, ...getBytes(new SigningKey(key).sign(digest).serialized)]);
}

/** @param keys private keys of A and B */
export function signingFor(domain: { chainId: number; adjudicator: Uint8Array }, config: ChannelConfig, keys: readonly [string, string]): ChannelSigning {
  const separator = channelDomainSeparator(domain);
  const id = channelIdOf(config);
  const sign = (digest: Uint8Array, side: Side, signer: TestSigner = { key: keys[side] }): PartySignature => ({
    signature: signCompact(signer.key, digest),
    ...(signer.grant === undefined ? {} : { grant: signer.grant }),
  });
  const both = (digest: Uint8Array, by: readonly [TestSigner?, TestSigner?]) => [sign(digest, 0, by[0]), sign(digest, 1, by[1])] as const;
  return {
    config,
    id,
    base: (fields, by = []) => ({ ...fields, signatures: both(baseDigest(separator, id, fields), by) }),
    close: (fields, by = []) => ({ ...fields, signatures: both(closeDigest(separator, id, fields), by) }),
    voucher({ payer = 0, version = 0, sequence = 1, paid = 0, locks = [], callsHash = new Uint8Array(32).fill(0xca), endorsedBy }, by) {
      const voucher = { payer, version, sequence, paid, locksHash: locksHashOf(locks), callsHash };
      const digest = voucherDigest(separator, id, voucher);
      const payee: Side = payer === 0 ? 1 : 0;
      const endorsement = endorsedBy === undefined ? {} : { endorsement: sign(digest, payee, endorsedBy === true ? undefined : endorsedBy) };
      return { ...voucher, locks, by: sign(digest, payer, by), ...endorsement };
    },
    withdrawal(fields, by = []) {
      const digest = withdrawalDigest(separator, id, fields);
      return { ...fields, signatures: [signCompact(by[0] ?? keys[0], digest), signCompact(by[1] ?? keys[1], digest)] };
    },
    grant: (side, fields, key = keys[side]) => ({ ...fields, signature: signCompact(key, grantDigest(separator, id, fields)) }),
  };
}
