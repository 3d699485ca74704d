import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ContractFactory, Interface, Wallet } from "ethers";
import type { BaseContract, InterfaceAbi } from "ethers";

import type { Deployment } from "../../chain/Deployment.ts";
import { DEVELOPMENT_KEYS } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { CHAIN_TEST_CONFIG, deployRollupOn } from "./rollupOnChain.ts";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts");
const PROOF_FEE_WEI = 1_000n;
const MAX_WEIGHT = 10n;

/** A rollup, and the contracts by which agents have names and hire each other, on a local chain that mines by itself. */
export async function deployEconomyOn(chain: LocalChain, config: Partial<typeof CHAIN_TEST_CONFIG> = {}): Promise<Deployment> {
  const wallet = new Wallet(DEVELOPMENT_KEYS[0], chain.provider);
  const deploy = async (area: string, name: string, args: readonly unknown[] = []): Promise<string> => {
    const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, area, `${name}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
    const contract: BaseContract = await new ContractFactory(abi, bytecode, wallet).deploy(...args);
    await contract.waitForDeployment();
    return contract.getAddress();
  };
  const registry = async (name: string, types: string, args: readonly unknown[]): Promise<string> => {
    const data = new Interface([`function initialize(${types})`]).encodeFunctionData("initialize", args as unknown[]);
    return deploy("agents", "RegistryProxy", [await deploy("agents", name), data]);
  };
  const owner = wallet.address;
  const identityRegistry = await registry("IdentityRegistry", "address", [owner]);
  const reputationRegistry = await registry("ReputationRegistry", "address,address", [identityRegistry, owner]);
  const { deployment } = await deployRollupOn(chain, { ...config, identityRegistry });
  const jobEscrow = await deploy("bounties", "JobEscrow", [owner, 0, owner]);
  const contracts = {
    ...deployment.contracts, identityRegistry, reputationRegistry, jobEscrow,
    bountyBoard: await deploy("bounties", "BountyBoard", [jobEscrow, identityRegistry, owner, 0, owner]),
    batchMeter: await deploy("bounties", "BatchMeter"),
    proofOfService: await deploy("agents", "ProofOfService", [deployment.contracts.settlement, identityRegistry, reputationRegistry, PROOF_FEE_WEI, MAX_WEIGHT]),
  };
  return { ...deployment, contracts };
}
