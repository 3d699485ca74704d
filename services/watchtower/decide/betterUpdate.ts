import type { SignedUpdate, SignedVoucher } from "../../../chain/channels/SignedState.ts";
import { toHex } from "../../../core/codec/hex.ts";
import type { ChannelMark, HeldState } from "./Dispute.ts";

/** What would be recorded with an update. */
export interface UpdateRank {
  readonly version: number;
  readonly sequence: readonly [number, number];
  readonly paid: readonly [number, number];
}

const NO_LOCKS = `0x${"00".repeat(32)}`;

/**
 * The best that can be handed in against what is recorded, as the adjudicator compares (docs/CHANNELS.md section 2): a base of a higher
 * version; then for each side a voucher of the version that stands, with the recorded locks and more paid, or endorsed with
 * other locks and a higher sequence. Undefined when there is nothing.
 */
export function betterUpdate(mark: ChannelMark, held: readonly HeldState[], now: number): { readonly update: SignedUpdate; readonly rank: UpdateRank } | undefined {
  const alive = held.filter(({ validUntil }) => validUntil >= now).map(({ state }) => state);
  const bases = alive.flatMap(({ base }) => (base === undefined || base.version <= mark.version ? [] : [base]));
  const base = bases.reduce<(typeof bases)[number] | undefined>((best, next) => (best === undefined || next.version > best.version ? next : best), undefined);
  const version = base?.version ?? mark.version;
  const sequence: [number, number] = base === undefined ? [...mark.sequence] : [0, 0];
  const paid: [number, number] = base === undefined ? [...mark.paid] : [base.paidByA, base.paidByB];
  const locksHash: [string, string] = base === undefined ? [...mark.locksHash] : [NO_LOCKS, NO_LOCKS];
  const best: (SignedVoucher | undefined)[] = [undefined, undefined];
  for (const { voucher } of alive) {
    if (voucher === undefined || voucher.version !== version) continue;
    const { payer } = voucher;
    const hash = toHex(voucher.locksHash);
    if (hash === locksHash[payer]) {
      if (voucher.paid <= paid[payer]) continue;
    } else {
      if (voucher.endorsement === undefined || voucher.sequence <= sequence[payer]) continue;
      const locked = voucher.locks.reduce((sum, { amount }) => sum + amount, 0);
      // The other side may have paid more than our client knows: its own say must not lower that.
      if (voucher.paid + locked < paid[payer]) continue;
      [sequence[payer], locksHash[payer]] = [voucher.sequence, hash];
    }
    paid[payer] = voucher.paid;
    best[payer] = voucher;
  }
  const vouchers = best.filter((voucher) => voucher !== undefined);
  if (base === undefined && vouchers.length === 0) return undefined;
  return { update: { ...(base === undefined ? {} : { base }), vouchers }, rank: { version, sequence, paid } };
}
