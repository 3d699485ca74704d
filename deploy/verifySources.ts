import { verifyContract } from "@nomicfoundation/hardhat-verify/verify";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DeployError } from "./DeployError.ts";
import type { DeploymentFile } from "./deployRollup.ts";

/**
 * Names in the deployment file, and what stands there. Without a name, the plugin would look for it by its code: it reads all that was
 * compiled once for each contract that there is, which takes ten seconds for each that is verified.
 */
const CODE: Readonly<Record<string, string>> = {
  prover: "contracts/root/OneStepProver.sol:OneStepProver",
  inboxImplementation: "contracts/root/Inbox.sol:Inbox",
  settlementImplementation: "contracts/root/Settlement.sol:Settlement",
  gameImplementation: "contracts/root/BisectionGame.sol:BisectionGame",
  bridgeImplementation: "contracts/root/Bridge.sol:Bridge",
  exodusImplementation: "contracts/root/Exodus.sol:Exodus",
  adjudicatorImplementation: "contracts/channels/ChannelAdjudicator.sol:ChannelAdjudicator",
  sequencerSetImplementation: "contracts/root/SequencerSet.sol:SequencerSet",
};
const FACTORY = "contracts/root/RollupFactory.sol:RollupFactory";

/** The explorer that the configuration names for this chain: a Blockscout of its own, or Etherscan. */
function explorerOf(hre: HardhatRuntimeEnvironment, chainId: number): "blockscout" | "etherscan" {
  return hre.config.chainDescriptors.get(BigInt(chainId))?.blockExplorers.blockscout === undefined ? "etherscan" : "blockscout";
}

/**
 * Verifies the sources of the shared code and the factory on the block explorer of `--network`. The clones need none: explorers follow
 * a minimal proxy to its implementation.
 * @throws DeployError `KEY_MISSING` without an explorer key, `VERIFICATION_FAILED`
 */
export async function verifySources(hre: HardhatRuntimeEnvironment, file: DeploymentFile, log: (line: string) => void): Promise<void> {
  const at = (name: string): string => file.contracts[name] ?? "";
  const implementations = {
    inbox: at("inboxImplementation"), settlement: at("settlementImplementation"), game: at("gameImplementation"), bridge: at("bridgeImplementation"), exodus: at("exodusImplementation"),
    adjudicator: at("adjudicatorImplementation"), sequencerSet: at("sequencerSetImplementation"),
  };
  const jobs = [
    ...Object.entries(CODE).map(([name, contract]) => ({ name, contract, address: at(name), constructorArgs: [] as unknown[] })),
    { name: "factory", contract: FACTORY, address: at("factory"), constructorArgs: [implementations, at("prover")] },
  ];
  const provider = explorerOf(hre, file.chainId);
  for (const { name, contract, address, constructorArgs } of jobs) {
    try {
      await verifyContract({ address, contract, constructorArgs, provider }, hre);
      log(`Verified ${name} at ${address}.`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (/already( been)? verified/i.test(text)) {
        log(`${name} at ${address} was verified before.`);
        continue;
      }
      if (/configuration variable/i.test(text)) {
        throw new DeployError("KEY_MISSING", "--verify needs ETHERSCAN_API_KEY (environment, or npx hardhat keystore set ETHERSCAN_API_KEY)", { cause: error });
      }
      throw new DeployError("VERIFICATION_FAILED", `${name} at ${address}: ${text}`, { cause: error });
    }
  }
}
