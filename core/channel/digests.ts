import { hashText, typedDigest, typedDomainSeparator } from "../codec/bundle.ts";
import { setU64 } from "../codec/integers.ts";
import { CHANNEL_EIP712 } from "../generated/protocol.ts";
import { keccak256 } from "../hash/index.ts";
import type { Side } from "./ChannelConfig.ts";

/** What both parties sign: a state of the channel. Amounts in units. */
export interface Base {
  readonly version: number;
  readonly paidByA: number;
  readonly paidByB: number;
}

/** What a payer signs: everything that it has paid, and the chain of its calls. */
export interface Voucher {
  readonly payer: Side;
  /** Of the base that it stands on. */
  readonly version: number;
  /** Entries of the payer's chain, since the channel was opened. */
  readonly sequence: number;
  /** Lifetime total in units. */
  readonly paid: number;
  /** 32 bytes; zero without locks. */
  readonly locksHash: Uint8Array;
  readonly callsHash: Uint8Array;
}

/** What a payee signs: which calls it has, and what it answered. */
export interface Ack {
  readonly payer: Side;
  readonly version: number;
  readonly sequence: number;
  readonly callsHash: Uint8Array;
  /** Calls that were answered. */
  readonly results: number;
  readonly resultsHash: Uint8Array;
}

/** A session key of a party. */
export interface Grant {
  /** 20 bytes. */
  readonly key: Uint8Array;
  /** Lifetime total in units, open locks included, up to which the key may sign. */
  readonly cap: number;
  /** Last L1 time, in seconds, at which it counts. */
  readonly expiry: number;
}

/** The last state, which pays out at once. */
export type Close = Omit<Base, "version">;

/** A part that is paid out while the channel goes on. */
export interface PartialWithdrawal {
  readonly nonce: number;
  readonly side: Side;
  readonly amount: number;
  readonly validUntil: number;
}

const typeHash = {
  base: hashText(CHANNEL_EIP712.Base),
  voucher: hashText(CHANNEL_EIP712.Voucher),
  ack: hashText(CHANNEL_EIP712.Ack),
  grant: hashText(CHANNEL_EIP712.Grant),
  close: hashText(CHANNEL_EIP712.Close),
  withdrawal: hashText(CHANNEL_EIP712.Withdrawal),
  export: hashText(CHANNEL_EIP712.Export),
};

/** A word: a number (big-endian, right-aligned), or bytes (32, or an address of 20). */
type Word = number | Uint8Array;

/** The EIP-712 domain separator of a chain's channels, whatever their home. */
export function channelDomainSeparator(domain: { chainId: number | bigint; adjudicator: Uint8Array }): Uint8Array {
  const { name, version } = CHANNEL_EIP712;
  return typedDomainSeparator({ name, version, chainId: domain.chainId, verifyingContract: domain.adjudicator });
}

function digest(separator: Uint8Array, type: Uint8Array, channelId: Uint8Array, fields: readonly Word[]): Uint8Array {
  const words = new Uint8Array(64 + 32 * fields.length);
  const view = new DataView(words.buffer);
  words.set(type, 0);
  words.set(channelId, 32);
  for (const [place, field] of fields.entries()) {
    const end = 96 + 32 * place;
    if (typeof field === "number") setU64(view, end - 8, field);
    else words.set(field, end - field.length);
  }
  return typedDigest(separator, keccak256(words));
}

/** The 32 bytes that both sign for a base. */
export function baseDigest(separator: Uint8Array, channelId: Uint8Array, base: Base): Uint8Array {
  return digest(separator, typeHash.base, channelId, [base.version, base.paidByA, base.paidByB]);
}

/** The 32 bytes that a payer signs. */
export function voucherDigest(separator: Uint8Array, channelId: Uint8Array, voucher: Voucher): Uint8Array {
  const { payer, version, sequence, paid, locksHash, callsHash } = voucher;
  return digest(separator, typeHash.voucher, channelId, [payer, version, sequence, paid, locksHash, callsHash]);
}

/** The 32 bytes that a payee signs. */
export function ackDigest(separator: Uint8Array, channelId: Uint8Array, ack: Ack): Uint8Array {
  const { payer, version, sequence, callsHash, results, resultsHash } = ack;
  return digest(separator, typeHash.ack, channelId, [payer, version, sequence, callsHash, results, resultsHash]);
}

/** The 32 bytes that a principal signs for a session key. */
export function grantDigest(separator: Uint8Array, channelId: Uint8Array, grant: Grant): Uint8Array {
  return digest(separator, typeHash.grant, channelId, [grant.key, grant.cap, grant.expiry]);
}

/** The 32 bytes that both sign to close at once. */
export function closeDigest(separator: Uint8Array, channelId: Uint8Array, close: Close): Uint8Array {
  return digest(separator, typeHash.close, channelId, [close.paidByA, close.paidByB]);
}

/** The 32 bytes that both principals sign for a partial withdrawal. */
export function withdrawalDigest(separator: Uint8Array, channelId: Uint8Array, withdrawal: PartialWithdrawal): Uint8Array {
  const { nonce, side, amount, validUntil } = withdrawal;
  return digest(separator, typeHash.withdrawal, channelId, [nonce, side, amount, validUntil]);
}

/** The 32 bytes that the other party signs when a channel of Layer Core moves to L1. */
export function exportDigest(separator: Uint8Array, channelId: Uint8Array): Uint8Array {
  return digest(separator, typeHash.export, channelId, []);
}
