import type { Receipt } from "../../sidecar/outbound/Receipt.ts";
import type { LedgerEntry, Sum, WayName } from "./sidecarBooks.ts";

/** Payments of which both sides say the same pair of things. */
export interface Matched extends Sum {
  readonly keys: readonly string[];
}

/**
 * A buyer's receipts and its sellers' ledgers, payment by payment: sums by "state of the receipt / state in the ledger", where "none" is what
 * that side knows nothing of.
 * @param differing told of payments whose amounts differ
 */
export function matchBooks(way: WayName, receipts: readonly Receipt[], entries: readonly LedgerEntry[], differing: (key: string) => void): Map<string, Matched> {
  const rows = new Map(entries.filter((entry) => entry.way === way).map((entry) => [entry.key, entry]));
  const sums = new Map<string, { count: number; amount: bigint; keys: string[] }>();
  const add = (name: string, key: string, amount: bigint): void => {
    const sum = sums.get(name) ?? { count: 0, amount: 0n, keys: [] };
    sums.set(name, { count: sum.count + 1, amount: sum.amount + amount, keys: [...sum.keys, key] });
  };
  for (const receipt of receipts) {
    if (receipt.way !== way) continue;
    const row = rows.get(receipt.key);
    add(`${receipt.state}/${row?.state ?? "none"}`, receipt.key, receipt.amount);
    if (row === undefined) continue;
    rows.delete(receipt.key);
    if (row.amount !== receipt.amount) differing(receipt.key);
  }
  for (const { key, state, amount } of rows.values()) add(`none/${state}`, key, amount);
  return sums;
}
