import type { Provider } from "ethers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DeployError } from "./DeployError.ts";

type Connection = Awaited<ReturnType<HardhatRuntimeEnvironment["network"]["getOrCreate"]>>;

export interface L1Connection {
  readonly connection: Connection;
  readonly provider: Provider;
  readonly chainId: number;
  /** Address of the account that pays. */
  readonly deployer: string;
}

/** Runs a step of connecting and names what to do when it fails. */
async function attempt<T>(network: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const variable = /configuration variable "?([A-Z0-9_]+)/i.exec(text)?.[1];
    if (variable !== undefined) {
      const advice = `set ${variable} in the environment, or run: npx hardhat keystore set ${variable}`;
      throw new DeployError("KEY_MISSING", `network ${network} needs ${variable}: ${advice}`, { cause: error });
    }
    if (/HHE706|not find network|doesn't exist|not defined/i.test(text)) {
      const name = network.toUpperCase().replaceAll("-", "_");
      throw new DeployError("WRONG_CHAIN", `there is no network ${network}: set ${name}_RPC_URL to its endpoint, or use one of hardhat.config.ts`, { cause: error });
    }
    throw new DeployError("L1_UNREACHABLE", `network ${network} does not answer: ${text}`, { cause: error });
  }
}

/**
 * Connects to a network of the configuration (default: the one of `--network`) with an account that can pay.
 * @throws DeployError `KEY_MISSING`, `WRONG_CHAIN`, `L1_UNREACHABLE`, `NO_FUNDS`
 */
export async function connectToL1(hre: HardhatRuntimeEnvironment, network?: string): Promise<L1Connection> {
  const name = network ?? hre.globalOptions.network ?? "default";
  const connection = await attempt(name, () => hre.network.getOrCreate(network));
  const provider = connection.ethers.provider as unknown as Provider;
  const chainId = await attempt(name, async () => Number((await provider.getNetwork()).chainId));
  const [signer] = await attempt(name, () => connection.ethers.getSigners());
  if (signer === undefined) {
    throw new DeployError("KEY_MISSING", `network ${name} has no account: give it a key, such as DEPLOYER_KEY, in hardhat.config.ts`);
  }
  const deployer = await signer.getAddress();
  if ((await provider.getBalance(deployer)) === 0n) {
    throw new DeployError("NO_FUNDS", `${deployer} has nothing on chain ${chainId}: send it what the deployment costs (about 60 million gas, half of it for registries, jobs and bounties)`);
  }
  return { connection, provider, chainId, deployer };
}
