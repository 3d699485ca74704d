/**
 * What each side gets when a channel ends (docs/CHANNELS.md section 1). All in units; total: whatever was signed, the two shares
 * are never negative and sum to what is held.
 * @param netA deposits less withdrawals of side A; may be negative, but netA + netB may not
 * @param paidByA everything that A has paid to B, locks that were won included
 */
export function payoutOf(state: { readonly netA: number; readonly netB: number; readonly paidByA: number; readonly paidByB: number }): { readonly a: number; readonly b: number } {
  const held = state.netA + state.netB;
  // The difference first: it is exact, and a sum that is not any more is beyond what is held.
  const b = Math.min(Math.max(state.netB + (state.paidByA - state.paidByB), 0), held);
  return { a: held - b, b };
}
