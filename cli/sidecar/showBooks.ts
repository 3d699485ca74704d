import { readEarnings, readPurchases } from "../../sidecar/process/readBooks.ts";
import { formatBaseUnits } from "../../sdk/amount.ts";
import type { Report } from "../Report.ts";

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const ETHER = { decimals: 18 };

/** ETH in whole units; of a token the base units, since its decimals are on L1. For programs base units always. */
function amountOf(report: Report, amount: bigint, asset: string): string {
  return report.isJson ? String(amount) : asset.toLowerCase() === ZERO_ADDRESS ? `${formatBaseUnits(amount, ETHER)} ETH` : `${amount} base units`;
}

/** What came in. @throws SdkError `SDK_INPUT` when the folder has no ledger */
export function showEarnings(report: Report, dataDir: string, isByPayer: boolean): void {
  const rows = readEarnings(dataDir).filter(({ payer }) => isByPayer === (payer !== undefined));
  const shown = rows.map(({ way, asset, payer, count, amount }) => ({ way, asset, ...(isByPayer ? { payer: payer! } : {}), payments: count, amount: amountOf(report, amount, asset) }));
  report.table(rows.length === 0 ? "Nothing has come in yet." : "Earned:", "earnings", shown);
}

/** What was bought, the newest first. @throws SdkError `SDK_INPUT` when the folder has no receipts */
export function showReceipts(report: Report, dataDir: string, limit: number): void {
  const rows = readPurchases(dataDir, limit).map(({ id, time, host, way, state, status, amount, asset, method, url }) => ({
    id, time: new Date(time).toISOString(), host, way, state, status, amount: amountOf(report, amount, asset), request: `${method} ${url}`,
  }));
  report.table(rows.length === 0 ? "Nothing was bought yet." : `${rows.length} receipt${rows.length === 1 ? "" : "s"}:`, "receipts", rows);
}
