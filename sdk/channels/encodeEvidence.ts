import type { ChannelConfig, Evidence, Lock, SignedGrant, Side } from "../../core/channel/index.ts";
import { toHex } from "../../core/codec/hex.ts";
import type { ChannelConfigStruct, GrantStruct, LockStruct, UpdateStruct } from "../../typechain-types/channels/ChannelAdjudicator.ts";

/** A config as the contract takes it. */
export function encodeConfig({ partyA, partyB, asset, ...rest }: ChannelConfig): ChannelConfigStruct {
  return { ...rest, partyA: toHex(partyA), partyB: toHex(partyB), asset: toHex(asset) };
}

export function encodeLocks(locks: readonly Lock[]): LockStruct[] {
  return locks.map(({ hashlock, amount, expiry }) => ({ hashlock: toHex(hashlock), amount, expiry }));
}

/** The grant of the key that signed for a side; none if the principal did. */
export function encodeGrants(grants: readonly SignedGrant[], side: Side, signer: Uint8Array, config: ChannelConfig): GrantStruct[] {
  const key = toHex(signer);
  if (toHex(side === 0 ? config.partyA : config.partyB) === key) return [];
  return grants
    .filter((each) => each.side === side && toHex(each.grant.key) === key)
    .slice(-1)
    .map(({ grant, signature }) => ({ key, cap: grant.cap, expiry: grant.expiry, signature: toHex(signature) }));
}

/**
 * What a side can enforce, as the contract takes it.
 * @param endorsement this side's signature over the voucher's digest, where `evidence.needsEndorsement`
 */
export function encodeEvidence({ base, voucher, grants }: Evidence, config: ChannelConfig, endorsement?: Uint8Array): UpdateStruct {
  return {
    base:
      base === undefined
        ? []
        : [
            {
              ...base.base,
              signatureA: toHex(base.signatures[0]),
              signatureB: toHex(base.signatures[1]),
              grantA: encodeGrants(grants, 0, base.signers[0], config),
              grantB: encodeGrants(grants, 1, base.signers[1], config),
            },
          ],
    vouchers:
      voucher === undefined
        ? []
        : [
            {
              payer: voucher.voucher.payer,
              version: voucher.voucher.version,
              sequence: voucher.voucher.sequence,
              paid: voucher.voucher.paid,
              locks: encodeLocks(voucher.locks),
              callsHash: toHex(voucher.voucher.callsHash),
              signature: toHex(voucher.signature),
              grant: encodeGrants(grants, voucher.voucher.payer, voucher.signer, config),
            },
          ],
    endorsements: voucher === undefined || endorsement === undefined ? [] : [{ payer: voucher.voucher.payer, signature: toHex(endorsement), grant: [] }],
  };
}
