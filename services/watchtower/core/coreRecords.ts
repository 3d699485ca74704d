import type { PartySignature, SignedGrant, SignedUpdate } from "../../../chain/channels/SignedState.ts";
import type { Side } from "../../../core/channel/index.ts";
import { encodeRecord } from "../../../core/codec/record.ts";
import { UPDATE_KIND } from "../../../core/generated/protocol.ts";

/** Where a channel is in Layer Core. */
export interface CoreRef {
  readonly slot: number;
  /** Never used again. */
  readonly id: number;
}

function carried({ signature }: { readonly signature: Uint8Array }): Uint8Array {
  return encodeRecord("SIGNATURE", { signatureR: signature.slice(0, 32), signatureVs: signature.slice(32, 64) });
}

function granted(side: Side, ref: CoreRef, grant: SignedGrant): Uint8Array[] {
  const { key, cap, expiry } = grant;
  return [carried(grant), encodeRecord("CHANNEL_GRANT", { side, ...ref, cap, key, expiry })];
}

/** A record after the signature that it needs, and before that the grant of the key that signed: it may not be in the leaf yet. */
function signed(side: Side, ref: CoreRef, by: PartySignature, record: Uint8Array): Uint8Array[] {
  return [...(by.grant === undefined ? [] : granted(side, ref, by.grant)), carried(by), record];
}

/** An update as records of one bundle (RULES CH-14 … CH-21): the base by both sides, then the vouchers. Anyone may send them. */
export function coreRecords({ base, vouchers = [] }: SignedUpdate, { slot, id }: CoreRef): Uint8Array[] {
  const ref = { slot, id };
  const records: Uint8Array[] = [];
  if (base !== undefined) {
    const { version, paidByA, paidByB } = base;
    for (const side of [0, 1] as const) {
      const record = encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.BASE, side, ...ref, version, paidByA, paidByB });
      records.push(...signed(side, ref, base.signatures[side], record));
    }
  }
  for (const { payer, version, sequence, paid, callsHash, by } of vouchers) {
    const totals = payer === 0 ? { paidByA: paid, paidByB: 0 } : { paidByA: 0, paidByB: paid };
    const record = encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.VOUCHER, side: payer, ...ref, version, sequence, callsHash, ...totals });
    records.push(...signed(payer, ref, by, record));
  }
  return records;
}
