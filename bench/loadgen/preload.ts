import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { OP } from "../../core/generated/protocol.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { encodeBatchStart, encodeEnd } from "../../services/sequencer/log/LogEntry.ts";
import { SegmentLog } from "../../services/sequencer/log/SegmentLog.ts";
import { benchAddress } from "./BenchAgents.ts";

/** All balances together stay below 2^53 units. */
const DEPOSIT_UNITS = 8_000_000_000;
const BATCH_ENTRIES = 65_535;

/**
 * Writes a sequencer's log that holds one DEPOSIT for each account, in a data folder that does not exist yet. The sequencer plays it
 * at its start through the same `applyEntry` as deposits of L1; no L1 knows of these deposits.
 */
export async function preload(dataDir: string, agents: number, domainSeparator: string): Promise<void> {
  const done = join(dataDir, "preloaded");
  if (existsSync(done) && readFileSync(done, "utf8") === String(agents)) return;
  const log = new SegmentLog(join(dataDir, "log"), createLogger({ service: "bench", level: "warn", output: process.stderr }));
  for (const _entry of log.recover(undefined)) throw new Error(`${dataDir} has a log already`);
  const l2Time = Math.floor(Date.now() / 1000);
  const none = new Uint8Array(20);
  for (let first = 0; first < agents; first += BATCH_ENTRIES) {
    const count = Math.min(BATCH_ENTRIES, agents - first);
    const entries = Array.from({ length: count }, (_, i) => ({
      kind: OP.DEPOSIT, sender: none, account: benchAddress(first + i + 1, agents), value: DEPOSIT_UNITS,
      slots: 0, dataRoot: new Uint8Array(32), dueTime: l2Time, data: new Uint8Array(0),
    }));
    await log.append([encodeBatchStart({ l2Time, queueEnd: first + count, entries }), encodeEnd()], 0);
  }
  await log.close();
  writeFileSync(join(dataDir, "chain.json"), JSON.stringify({ domainSeparator }));
  writeFileSync(done, String(agents));
}
