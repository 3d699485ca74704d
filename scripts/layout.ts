/** `npm run layout` writes the storage layout of the clonable contracts to `snapshots/storageLayout.json`; a test compares it. */
import { mkdirSync, writeFileSync } from "node:fs";

import { storageLayouts } from "./layout/storageLayouts.ts";

/** The contracts whose state outlives a release of their code. */
export const LAID_OUT = ["BisectionGame", "Bridge", "Exodus", "Inbox", "RollupFactory", "SequencerSet", "Settlement"].map((name) => `contracts/root/${name}.sol:${name}`).concat("contracts/channels/ChannelAdjudicator.sol:ChannelAdjudicator", "contracts/bounties/JobEscrow.sol:JobEscrow");
export const LAYOUT_FILE = new URL("../snapshots/storageLayout.json", import.meta.url);

if (import.meta.main) {
  mkdirSync(new URL(".", LAYOUT_FILE), { recursive: true });
  writeFileSync(LAYOUT_FILE, `${JSON.stringify(await storageLayouts(LAID_OUT), null, 2)}\n`);
  console.log("Wrote snapshots/storageLayout.json.");
}
