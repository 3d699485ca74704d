import { Contract } from "ethers";
import type { Provider } from "ethers";

import { DeployError } from "./DeployError.ts";
import type { L1Connection } from "./connectToL1.ts";
import { EconomyModule } from "./EconomyModule.ts";
import type { RollupParameters } from "./parameters.ts";
import { createRegistriesModule } from "./RegistriesModule.ts";
import type { KnownRegistries } from "./RegistriesModule.ts";

type Ignition = L1Connection["connection"]["ignition"];
/** The options of a deployment: journal, sender and confirmations. */
type IgnitionOptions = Pick<NonNullable<Parameters<Ignition["deploy"]>[1]>, "deploymentId" | "defaultSender" | "config">;

export const REGISTRIES = ["identityRegistry", "reputationRegistry", "validationRegistry"] as const;

/** What deployments of one L1 share: how to send, and who pays. */
export interface Deployer {
  readonly ignition: Ignition;
  readonly options: IgnitionOptions;
  readonly provider: Provider;
  readonly address: string;
}

const REGISTRY_VIEW = ["function getIdentityRegistry() view returns (address)"];

/** A registry that a chain is told to use has to be there, and be about the same agents. */
async function checkKnown(provider: Provider, known: KnownRegistries): Promise<void> {
  for (const name of REGISTRIES) {
    const address = known[name];
    if (address === undefined) continue;
    if ((await provider.getCode(address)) === "0x") throw new DeployError("PARAMETERS_INVALID", `there is no code at ${name} ${address}`);
    if (name === "identityRegistry") continue;
    const about = (await new Contract(address, REGISTRY_VIEW, provider).getFunction("getIdentityRegistry")().catch(() => "nothing")) as string;
    if (about.toLowerCase() !== known.identityRegistry?.toLowerCase()) {
      throw new DeployError("PARAMETERS_INVALID", `${name} ${address} is about the agents of ${about}, not of identityRegistry ${known.identityRegistry ?? "(new)"}`);
    }
  }
}

/**
 * The ERC-8004 registries of an L1: those that the parameters name, and new ones for the others.
 * @returns their addresses by name, those of new code as `…Implementation`; empty on a chain without identities
 * @throws DeployError `PARAMETERS_INVALID` when a named one is not there or belongs to other agents
 */
export async function deployRegistries(deployer: Deployer, parameters: RollupParameters): Promise<Record<string, string>> {
  if (parameters.identityRegistry === "none") return {};
  const addresses: Record<string, string> = {};
  for (const name of REGISTRIES) if (parameters[name] !== "deploy") addresses[name] = parameters[name];
  await checkKnown(deployer.provider, addresses);
  if (Object.keys(addresses).length === REGISTRIES.length) return addresses;

  const owner = parameters.registryOwner === "deployer" ? deployer.address : parameters.registryOwner;
  const made = await deployer.ignition.deploy(createRegistriesModule(addresses), { ...deployer.options, parameters: { Registries: { owner } } });
  for (const [name, contract] of Object.entries(made)) addresses[name] = await contract.getAddress();
  return addresses;
}

/** The market's settings as contracts take them; they are in the deployment file too. */
export interface EconomyConfig {
  readonly registryOwner: string;
  readonly marketOwner: string;
  readonly marketFeeBps: number;
  readonly marketFeeRecipient: string;
  readonly proofFeeWei: string;
  readonly maxWeight: number;
  readonly validatorStakeWei: string;
  readonly validatorUnbondingSeconds: number;
}

export function economyConfigOf(parameters: RollupParameters, deployer: string): EconomyConfig {
  const named = (choice: string): string => (choice === "deployer" ? deployer : choice === "none" ? "0x0000000000000000000000000000000000000000" : choice);
  const { marketFeeBps, proofFeeWei, maxWeight, validatorStakeWei, validatorUnbondingSeconds } = parameters;
  return {
    registryOwner: named(parameters.registryOwner), marketOwner: named(parameters.marketOwner), marketFeeBps, marketFeeRecipient: named(parameters.marketFeeRecipient),
    proofFeeWei, maxWeight, validatorStakeWei, validatorUnbondingSeconds,
  };
}

/**
 * Jobs, bounties and meters beside a chain.
 * @param at addresses of the chain and the registries
 * @returns addresses by name
 */
export async function deployEconomy(deployer: Deployer, config: EconomyConfig, at: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const { registryOwner: _, ...market } = config;
  const parameters = {
    ...market,
    proofFeeWei: BigInt(config.proofFeeWei),
    validatorStakeWei: BigInt(config.validatorStakeWei),
    settlement: at["settlement"]!,
    identityRegistry: at["identityRegistry"]!,
    reputationRegistry: at["reputationRegistry"]!,
    validationRegistry: at["validationRegistry"]!,
  };
  const made = await deployer.ignition.deploy(EconomyModule, { ...deployer.options, parameters: { Economy: parameters } });
  const addresses: Record<string, string> = {};
  for (const [name, contract] of Object.entries(made)) addresses[name] = await contract.getAddress();
  return addresses;
}
