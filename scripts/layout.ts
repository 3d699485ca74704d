/** `npm run layout` writes the storage layout of the clonable and upgradeable contracts to `snapshots/storageLayout.json`; a test compares it. */
import { mkdirSync, writeFileSync } from "node:fs";

import { storageLayouts } from "./layout/storageLayouts.ts";

/** The contracts whose state outlives a release of their code. */
export const LAID_OUT = [
  "contracts/root/BisectionGame.sol:BisectionGame",
  "contracts/root/Bridge.sol:Bridge",
  "contracts/root/Exodus.sol:Exodus",
  "contracts/root/Inbox.sol:Inbox",
  "contracts/root/RollupFactory.sol:RollupFactory",
  "contracts/root/SequencerSet.sol:SequencerSet",
  "contracts/root/Settlement.sol:Settlement",
  "contracts/channels/ChannelAdjudicator.sol:ChannelAdjudicator",
  "contracts/bounties/BatchMeter.sol:BatchMeter",
  "contracts/bounties/BountyBoard.sol:BountyBoard",
  "contracts/bounties/BountyIntake.sol:BountyIntake",
  "contracts/bounties/JobEscrow.sol:JobEscrow",
  "contracts/bounties/UptimeMeter.sol:UptimeMeter",
  "contracts/bounties/ValidatorMeter.sol:ValidatorMeter",
  "contracts/agents/ProofOfService.sol:ProofOfService",
  // Behind proxies, with all state in a struct of their own (ERC-7201).
  "contracts/agents/IdentityRegistry.sol:IdentityRegistry.RegistryStorage",
  "contracts/agents/ReputationRegistry.sol:ReputationRegistry.RegistryStorage",
  "contracts/agents/ValidationRegistry.sol:ValidationRegistry.RegistryStorage",
];
export const LAYOUT_FILE = new URL("../snapshots/storageLayout.json", import.meta.url);

if (import.meta.main) {
  mkdirSync(new URL(".", LAYOUT_FILE), { recursive: true });
  writeFileSync(LAYOUT_FILE, `${JSON.stringify(await storageLayouts(LAID_OUT), null, 2)}\n`);
  console.log("Wrote snapshots/storageLayout.json.");
}
