import type { ChannelConfig } from "../../core/channel/index.ts";
import { toHex } from "../../core/codec/hex.ts";
import type { PartySignature, SignedBase, SignedVoucher, TowerState } from "./TowerState.ts";

/** A voucher with its payee's say, if that was given. */
export interface HandedVoucher {
  readonly voucher: SignedVoucher;
  readonly endorsement?: PartySignature | undefined;
}

/** What is handed in: at most one base and a voucher of each side under it. */
export interface ChannelUpdate {
  readonly base?: SignedBase;
  readonly vouchers: readonly HandedVoucher[];
}

function grantList({ grant }: PartySignature): { key: string; cap: number; expiry: number; signature: string }[] {
  return grant === undefined ? [] : [{ key: toHex(grant.key), cap: grant.cap, expiry: grant.expiry, signature: toHex(grant.signature) }];
}

/** A config as the contracts' ABI takes it. */
export function abiConfig({ partyA, partyB, asset, ...rest }: ChannelConfig) {
  return { ...rest, partyA: toHex(partyA), partyB: toHex(partyB), asset: toHex(asset) };
}

/** An update as the contracts' ABI takes it. */
export function abiUpdate({ base, vouchers }: ChannelUpdate) {
  return {
    base:
      base === undefined
        ? []
        : [
            {
              version: base.version,
              paidByA: base.paidByA,
              paidByB: base.paidByB,
              signatureA: toHex(base.signatures[0].signature),
              signatureB: toHex(base.signatures[1].signature),
              grantA: grantList(base.signatures[0]),
              grantB: grantList(base.signatures[1]),
            },
          ],
    vouchers: vouchers.map(({ voucher: { payer, version, sequence, paid, locks, callsHash, by } }) => ({
      payer,
      version,
      sequence,
      paid,
      locks: locks.map(({ hashlock, amount, expiry }) => ({ hashlock: toHex(hashlock), amount, expiry })),
      callsHash: toHex(callsHash),
      signature: toHex(by.signature),
      grant: grantList(by),
    })),
    endorsements: vouchers.flatMap(({ voucher: { payer }, endorsement }) =>
      endorsement === undefined ? [] : [{ payer, signature: toHex(endorsement.signature), grant: grantList(endorsement) }],
    ),
  };
}

/** All that a side's state holds. */
export function updateOf({ base, voucher, endorsement }: TowerState): ChannelUpdate {
  return { ...(base === undefined ? {} : { base }), vouchers: voucher === undefined ? [] : [{ voucher, endorsement }] };
}
