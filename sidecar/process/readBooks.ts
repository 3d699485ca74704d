import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { sdkError } from "../../sdk/SdkError.ts";
import { LEDGER_FILE } from "../ledger/createLedger.ts";
import type { LedgerTotal } from "../ledger/LedgerRow.ts";
import { OUTBOUND_FILE } from "../outbound/store/PaymentStore.ts";
import type { Receipt } from "../outbound/Receipt.ts";
import type { WayName } from "../ways/Way.ts";

/** Beside the process that writes it: readers and the writer do not wait for each other (SQLite's WAL). */
function readFrom<T>(file: string, read: (database: DatabaseSync) => T): T {
  if (!existsSync(file)) throw sdkError("SDK_INPUT", `there is no ${file}: name the sidecar's data folder, --data-dir`, { file });
  const database = new DatabaseSync(file, { readOnly: true, timeout: 2_000 });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** What came in: in all, and by payer. @throws SdkError `SDK_INPUT` */
export function readEarnings(dataDir: string): LedgerTotal[] {
  return readFrom(join(dataDir, "ledger", LEDGER_FILE), (database) =>
    database.prepare("SELECT way, asset, payer, count, amount FROM totals ORDER BY way, asset, payer").all().map(({ way, asset, payer, count, amount }) => ({
      way: way as WayName, asset: String(asset), payer: payer === "" ? undefined : String(payer), count: Number(count), amount: BigInt(String(amount)),
    })),
  );
}

/** What was bought, the newest first. @throws SdkError `SDK_INPUT` */
export function readPurchases(dataDir: string, limit: number): Receipt[] {
  return readFrom(join(dataDir, "buyer", OUTBOUND_FILE), (database) =>
    database.prepare("SELECT * FROM payments ORDER BY id DESC LIMIT ?").all(limit).map((row) => ({ ...(row as unknown as Receipt), amount: BigInt(String(row["amount"])) })),
  );
}
