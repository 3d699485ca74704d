import { toHex } from "../../core/codec/hex.ts";
import { CoreError } from "../../core/errors.ts";
import type { ChannelConfig, Lock } from "../../core/channel/index.ts";
import type {
  ChannelConfigStruct, ClaimStruct, GrantStruct, LockStruct, SignedBaseStruct, SignedCloseStruct, SignedVoucherStruct, SignedWithdrawalStruct, UpdateStruct,
} from "../../typechain-types/channels/ChannelAdjudicator.ts";
import type { ChannelClaim, PartySignature, SignedBase, SignedClose, SignedGrant, SignedUpdate, SignedVoucher, SignedWithdrawal } from "./SignedState.ts";

/** What the adjudicator's calls take, built from what core and the engine have. */
export function configStruct(config: ChannelConfig): ChannelConfigStruct {
  const { home, unit, windowSeconds, flags, salt } = config;
  return { home, partyA: toHex(config.partyA), partyB: toHex(config.partyB), asset: toHex(config.asset), unit, windowSeconds, flags, salt };
}

export function lockStructs(locks: readonly Lock[]): LockStruct[] {
  return locks.map(({ hashlock, amount, expiry }) => ({ hashlock: toHex(hashlock), amount, expiry }));
}

/** A list of none or one, as the contract takes it. */
export function grantStructs(grant: SignedGrant | undefined): GrantStruct[] {
  return grant === undefined ? [] : [{ key: toHex(grant.key), cap: grant.cap, expiry: grant.expiry, signature: toHex(grant.signature) }];
}

function bothSignatures([a, b]: readonly [PartySignature, PartySignature]) {
  return { signatureA: toHex(a.signature), signatureB: toHex(b.signature), grantA: grantStructs(a.grant), grantB: grantStructs(b.grant) };
}

export function baseStruct({ version, paidByA, paidByB, signatures }: SignedBase): SignedBaseStruct {
  return { version, paidByA, paidByB, ...bothSignatures(signatures) };
}

export function voucherStruct(voucher: SignedVoucher): SignedVoucherStruct {
  const { payer, version, sequence, paid, locks, callsHash, by } = voucher;
  return { payer, version, sequence, paid, locks: lockStructs(locks), callsHash: toHex(callsHash), signature: toHex(by.signature), grant: grantStructs(by.grant) };
}

/** Without anything in it, it is good for a challenge only. */
export function updateStruct({ base, vouchers = [] }: SignedUpdate): UpdateStruct {
  return {
    base: base === undefined ? [] : [baseStruct(base)],
    vouchers: vouchers.map(voucherStruct),
    endorsements: vouchers.flatMap(({ payer, endorsement }) =>
      endorsement === undefined ? [] : [{ payer, signature: toHex(endorsement.signature), grant: grantStructs(endorsement.grant) }],
    ),
  };
}

export function closeStruct({ paidByA, paidByB, signatures }: SignedClose): SignedCloseStruct {
  return { paidByA, paidByB, ...bothSignatures(signatures) };
}

export function withdrawalStruct({ nonce, side, amount, validUntil, signatures }: SignedWithdrawal): SignedWithdrawalStruct {
  return { nonce, side, amount, validUntil, signatureA: toHex(signatures[0]), signatureB: toHex(signatures[1]) };
}

/** @throws CoreError codec/length if it is no claim for a batch: it has locks, or a signature of another length than 64 */
export function claimStruct({ config, voucher }: ChannelClaim): ClaimStruct {
  const { version, sequence, paid, callsHash, locks, by } = voucher;
  if (by.signature.length !== 64 || locks.length !== 0) throw new CoreError("codec/length", "A batch takes vouchers without locks, with signatures of 64 bytes.");
  const [r, vs] = [toHex(by.signature.subarray(0, 32)), toHex(by.signature.subarray(32))];
  const { key = new Uint8Array(20), cap = 0, expiry = 0 } = by.grant ?? {};
  return { config: configStruct(config), version, sequence, paid, callsHash: toHex(callsHash), r, vs, key: toHex(key), cap, expiry };
}
