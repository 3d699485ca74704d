import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ArgumentType, NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";

/** Of each registry the address of the one that the L1 has already; undefined: one is deployed. */
export interface KnownRegistries {
  readonly identityRegistry?: string;
  readonly reputationRegistry?: string;
  readonly validationRegistry?: string;
}

/**
 * Ignition's plan for the ERC-8004 registries that the L1 does not have: code, and a proxy that is initialised as it is made. Parameter:
 * `owner`, who may replace the code.
 */
export function createRegistriesModule(known: KnownRegistries) {
  return buildModule("Registries", (m) => {
    const owner = m.getParameter("owner");
    const made: Record<string, NamedArtifactContractDeploymentFuture<string>> = {};
    const registry = (name: keyof KnownRegistries, contract: string, ...before: ArgumentType[]): ArgumentType => {
      const address = known[name];
      if (address !== undefined) return address;
      const code = m.contract(contract, [], { id: `${contract}Implementation` });
      const proxy = m.contract("RegistryProxy", [code, m.encodeFunctionCall(code, "initialize", [...before, owner])], { id: contract });
      made[`${name}Implementation`] = code;
      made[name] = proxy;
      return proxy;
    };
    const identities = registry("identityRegistry", "IdentityRegistry");
    registry("reputationRegistry", "ReputationRegistry", identities);
    registry("validationRegistry", "ValidationRegistry", identities);
    return made;
  });
}
