import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ContractFactory, Interface } from "ethers";
import type { InterfaceAbi, Wallet } from "ethers";

import { connectIdentityRegistry, connectReputationRegistry, connectValidationRegistry } from "../../chain/agents/connectRegistries.ts";
import type { Registries } from "./registryScene.ts";

const AGENTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts", "agents");

/**
 * Deploys the three registries on a chain in a process of its own, with proxies, in the hands of `owner`.
 * @param owner pays, and owns their code; nothing else may send with this account meanwhile
 */
export async function deployRegistriesOn(owner: Wallet): Promise<Registries> {
  let nonce = await owner.getNonce();
  const deploy = async (contract: string, ...args: unknown[]): Promise<string> => {
    const { abi, bytecode } = JSON.parse(readFileSync(join(AGENTS, `${contract}.sol`, `${contract}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
    const made = await new ContractFactory(abi, bytecode, owner).deploy(...args, { nonce: nonce++ });
    return (await made.waitForDeployment()).getAddress();
  };
  const registry = async (contract: string, signature: string, ...args: string[]): Promise<string> => {
    const data = new Interface([`function ${signature}`]).encodeFunctionData("initialize", args);
    return deploy("RegistryProxy", await deploy(contract), data);
  };
  const identity = await registry("IdentityRegistry", "initialize(address)", owner.address);
  const reputation = await registry("ReputationRegistry", "initialize(address,address)", identity, owner.address);
  const validation = await registry("ValidationRegistry", "initialize(address,address)", identity, owner.address);
  return {
    identity: connectIdentityRegistry(identity, owner),
    reputation: connectReputationRegistry(reputation, owner),
    validation: connectValidationRegistry(validation, owner),
  };
}
