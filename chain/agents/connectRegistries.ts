import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import type { IdentityRegistry, ReputationRegistry, ValidationRegistry } from "../../typechain-types/agents/index.ts";
import { identityRegistryAbi } from "../generated/abi/IdentityRegistry.ts";
import { reputationRegistryAbi } from "../generated/abi/ReputationRegistry.ts";
import { validationRegistryAbi } from "../generated/abi/ValidationRegistry.ts";

/** For `toChainError`: what the registries revert with beside their reasons in words. */
export const REGISTRY_ABIS = [identityRegistryAbi, reputationRegistryAbi, validationRegistryAbi] as const;

/**
 * The names of agents (ERC-8004), ours or the one that the L1 had before.
 * @param runner a provider to read, a signer to send as well
 */
export function connectIdentityRegistry(address: string, runner: ContractRunner): IdentityRegistry {
  return new Contract(address, identityRegistryAbi, runner) as unknown as IdentityRegistry;
}

/**
 * What clients say of agents (ERC-8004); no decision about money reads it directly.
 * @param runner a provider to read, a signer to send as well
 */
export function connectReputationRegistry(address: string, runner: ContractRunner): ReputationRegistry {
  return new Contract(address, reputationRegistryAbi, runner) as unknown as ReputationRegistry;
}

/**
 * What validators say of agents' work (ERC-8004).
 * @param runner a provider to read, a signer to send as well
 */
export function connectValidationRegistry(address: string, runner: ContractRunner): ValidationRegistry {
  return new Contract(address, validationRegistryAbi, runner) as unknown as ValidationRegistry;
}
