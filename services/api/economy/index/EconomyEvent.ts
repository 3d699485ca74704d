import type { Deployment } from "../../../../chain/Deployment.ts";

/** The contracts whose events are indexed, by the names that a deployment gives them. */
export const ECONOMY_CONTRACTS = ["identityRegistry", "reputationRegistry", "validationRegistry", "proofOfService", "jobEscrow", "bountyBoard"] as const;
export type EconomyContract = (typeof ECONOMY_CONTRACTS)[number];

/** Addresses in lower case; only of those that the deployment has. */
export type EconomyAddresses = Readonly<Partial<Record<EconomyContract, string>>>;

/** Where the agents of this chain are registered; undefined on a chain without registries. */
export function economyAddresses({ contracts }: Pick<Deployment, "contracts">): EconomyAddresses | undefined {
  if (contracts["identityRegistry"] === undefined) return undefined;
  return Object.fromEntries(ECONOMY_CONTRACTS.flatMap((name) => (contracts[name] === undefined ? [] : [[name, contracts[name].toLowerCase()]])));
}

/** A value of an event: integers as bigint, addresses in lower case, bytes as hex, text cleaned. */
export type EventValue = bigint | string | boolean | readonly EventValue[] | { readonly [name: string]: EventValue };

/** An event of one of the contracts, decoded. */
export interface EconomyEvent {
  readonly contract: EconomyContract;
  readonly name: string;
  readonly args: Readonly<Record<string, EventValue>>;
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly transactionHash: string;
  /** Of its block, unix seconds. */
  readonly timestamp: number;
}
