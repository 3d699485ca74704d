/**
 * `npm run gas` measures every contract call and writes `snapshots/gas.json`; with `--check` it compares instead.
 * Each `test/gas/AREA.gas.ts` exports `measureGas(): Promise<Record<string, number>>`. Hardhat's network in this process, with a steady
 * clock, is deterministic, so the comparison is exact.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { compareGas, exceedingLimits, formatGas } from "./gas/gasSnapshot.ts";
import type { GasFigures, GasSnapshot } from "./gas/gasSnapshot.ts";
import { useSteadyClock } from "./gas/steadyClock.ts";

const SUFFIX = ".gas.ts";
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "test", "gas");
const snapshotFile = join(root, "snapshots", "gas.json");

async function measure(): Promise<GasSnapshot> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(SUFFIX)) : [];
  const snapshot: Record<string, GasFigures> = {};
  for (const file of files.sort()) {
    const area = file.slice(0, -SUFFIX.length);
    console.log(`Measuring ${area} …`);
    const { measureGas } = (await import(join(folder, file))) as { measureGas: () => Promise<GasFigures> };
    snapshot[area] = await measureGas();
  }
  return snapshot;
}

process.chdir(root);
// Hardhat finds its config from the working folder, so it comes after the change of it.
useSteadyClock((await import("hardhat")).default);
const isCheck = process.argv.includes("--check");
const measured = await measure();
const committed = existsSync(snapshotFile) ? (JSON.parse(readFileSync(snapshotFile, "utf8")) as GasSnapshot) : {};
const changes = compareGas(committed, measured);
const excesses = exceedingLimits(measured);
const count = Object.values(measured).reduce((sum, figures) => sum + Object.keys(figures).length, 0);

for (const line of [...changes, ...excesses]) console.log(line);
if (count === 0) {
  console.log("Nothing was measured: test/gas holds no *.gas.ts with figures.");
  process.exitCode = 1;
} else if (isCheck) {
  console.log(changes.length === 0 ? `${count} figures are current.` : `${changes.length} differ: npm run gas, then commit.`);
  process.exitCode = changes.length + excesses.length > 0 ? 1 : 0;
} else {
  mkdirSync(join(root, "snapshots"), { recursive: true });
  writeFileSync(snapshotFile, formatGas(measured));
  console.log(`Wrote ${count} figures to snapshots/gas.json.`);
  process.exitCode = excesses.length > 0 ? 1 : 0;
}
