import type { ChannelUpdate } from "../../../chain/tower/encodeUpdate.ts";
import type { SignedVoucher } from "../../../chain/tower/TowerState.ts";
import type { ChannelMark, HeldState } from "./Dispute.ts";

/** What would be recorded with an update. */
export interface UpdateRank {
  readonly version: number;
  readonly sequence: readonly [number, number];
  readonly paid: readonly [number, number];
}

/**
 * The best that can be handed in against what is recorded, as the adjudicator compares (docs/CHANNELS.md section 2): a base of a higher
 * version, then for each side a voucher of the version that stands, with a higher sequence and no less paid. Undefined when there is nothing.
 */
export function betterUpdate(mark: ChannelMark, held: readonly HeldState[], now: number): { readonly update: ChannelUpdate; readonly rank: UpdateRank } | undefined {
  const alive = held.filter(({ validUntil }) => validUntil >= now).map(({ state }) => state);
  const bases = alive.flatMap(({ base }) => (base === undefined || base.version <= mark.version ? [] : [base]));
  const base = bases.reduce<(typeof bases)[number] | undefined>((best, next) => (best === undefined || next.version > best.version ? next : best), undefined);
  const version = base?.version ?? mark.version;
  const sequence: [number, number] = base === undefined ? [...mark.sequence] : [0, 0];
  const paid: [number, number] = base === undefined ? [...mark.paid] : [base.paidByA, base.paidByB];
  const best: (SignedVoucher | undefined)[] = [undefined, undefined];
  for (const { voucher } of alive) {
    if (voucher === undefined || voucher.version !== version) continue;
    if (voucher.sequence <= sequence[voucher.payer] || voucher.paid < paid[voucher.payer]) continue;
    best[voucher.payer] = voucher;
    [sequence[voucher.payer], paid[voucher.payer]] = [voucher.sequence, voucher.paid];
  }
  const vouchers = best.filter((voucher) => voucher !== undefined);
  if (base === undefined && vouchers.length === 0) return undefined;
  return { update: { ...(base === undefined ? {} : { base }), vouchers }, rank: { version, sequence, paid } };
}
