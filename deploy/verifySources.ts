import { verifyContract } from "@nomicfoundation/hardhat-verify/verify";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DeployError } from "./DeployError.ts";
import type { DeploymentFile } from "./deployRollup.ts";
import { verificationJobs } from "./verificationJobs.ts";

/** The explorer that the configuration names for this chain: a Blockscout of its own, or Etherscan. */
function explorerOf(hre: HardhatRuntimeEnvironment, chainId: number): "blockscout" | "etherscan" {
  return hre.config.chainDescriptors.get(BigInt(chainId))?.blockExplorers.blockscout === undefined ? "etherscan" : "blockscout";
}

/**
 * Verifies the sources of everything that was deployed on the block explorer of `--network`.
 * @throws DeployError `KEY_MISSING` without an explorer key, `VERIFICATION_FAILED`
 */
export async function verifySources(hre: HardhatRuntimeEnvironment, file: DeploymentFile, log: (line: string) => void): Promise<void> {
  const provider = explorerOf(hre, file.chainId);
  for (const { name, contract, address, constructorArgs } of verificationJobs(file)) {
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
