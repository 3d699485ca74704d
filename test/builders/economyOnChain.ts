import { Interface, Wallet } from "ethers";

import type { Deployment } from "../../chain/Deployment.ts";
import { startDeploymentRun } from "./deploymentRun.ts";
import { DEVELOPMENT_KEYS } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { CHAIN_TEST_CONFIG, deployRollupOn } from "./rollupOnChain.ts";

const PROOF_FEE_WEI = 1_000n;
const MAX_WEIGHT = 10n;

/** A rollup, and the contracts by which agents have names and hire each other, on a local chain that mines by itself. */
export async function deployEconomyOn(chain: LocalChain, config: Partial<typeof CHAIN_TEST_CONFIG> = {}): Promise<Deployment> {
  const owner = new Wallet(DEVELOPMENT_KEYS[0]).address;
  const first = await startDeploymentRun(chain, owner);
  const registry = async (name: string, types: string, args: readonly unknown[]): Promise<string> => {
    const data = new Interface([`function initialize(${types})`]).encodeFunctionData("initialize", args as unknown[]);
    return first.deploy("agents", "RegistryProxy", [await first.deploy("agents", name), data]);
  };
  const identityRegistry = await registry("IdentityRegistry", "address", [owner]);
  const reputationRegistry = await registry("ReputationRegistry", "address,address", [identityRegistry, owner]);
  await first.end();
  const { deployment } = await deployRollupOn(chain, { ...config, identityRegistry });
  const { deploy, end } = await startDeploymentRun(chain, owner);
  const jobEscrow = await deploy("bounties", "JobEscrow", [owner, 0, owner]);
  const contracts = {
    ...deployment.contracts, identityRegistry, reputationRegistry, jobEscrow,
    bountyBoard: await deploy("bounties", "BountyBoard", [jobEscrow, identityRegistry, owner, 0, owner]),
    batchMeter: await deploy("bounties", "BatchMeter"),
    proofOfService: await deploy("agents", "ProofOfService", [deployment.contracts.settlement, identityRegistry, reputationRegistry, PROOF_FEE_WEI, MAX_WEIGHT]),
  };
  await end();
  return { ...deployment, contracts };
}
