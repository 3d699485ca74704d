import { payoutOf } from "../../../../core/channel/index.ts";
import type { Evidence } from "../../../../core/channel/index.ts";

/** What the adjudicator would record if both sides hand in their best (docs/CHANNELS.md section 2), without locks. */
export function settleOnChain(evidences: readonly [Evidence, Evidence], nets: readonly [number, number]): { readonly version: number; readonly paid: readonly [number, number]; readonly a: number; readonly b: number } {
  let version = 0;
  let paid: [number, number] = [0, 0];
  for (const { base } of evidences) {
    if (base === undefined || base.base.version <= version || base.signatures.some(({ length }) => length === 0)) continue;
    version = base.base.version;
    paid = [base.base.paidByA, base.base.paidByB];
  }
  for (const { voucher } of evidences) {
    if (voucher === undefined || voucher.voucher.version !== version) continue;
    const { payer } = voucher.voucher;
    paid[payer] = Math.max(paid[payer], voucher.voucher.paid);
  }
  return { version, paid, ...payoutOf({ netA: nets[0], netB: nets[1], paidByA: paid[0], paidByB: paid[1] }) };
}
