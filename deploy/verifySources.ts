import { verifyContract } from "@nomicfoundation/hardhat-verify/verify";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DeployError } from "./DeployError.ts";
import type { DeploymentFile } from "./deployRollup.ts";

const CODE = ["prover", "inboxImplementation", "settlementImplementation", "gameImplementation", "bridgeImplementation", "exodusImplementation", "adjudicatorImplementation", "sequencerSetImplementation"] as const;

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
    ...CODE.map((name) => ({ name, address: at(name), constructorArgs: [] as unknown[] })),
    { name: "factory", address: at("factory"), constructorArgs: [implementations, at("prover")] },
  ];
  const provider = explorerOf(hre, file.chainId);
  for (const { name, address, constructorArgs } of jobs) {
    try {
      await verifyContract({ address, constructorArgs, provider }, hre);
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
