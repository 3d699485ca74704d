import { loadDeployment } from "../../chain/Deployment.ts";
import type { HttpService } from "../HttpService.ts";
import { sdkError } from "../SdkError.ts";
import { asJson, numberField } from "../state.ts";

/** The contracts on one L1 by which agents have names and hire each other, as a deployment file calls them. */
export const ECONOMY_CONTRACTS = [
  "inbox", "factory", "identityRegistry", "reputationRegistry", "validationRegistry", "proofOfService", "jobEscrow", "bountyBoard", "batchMeter", "uptimeMeter", "codeVerifier",
] as const;
export type EconomyContract = (typeof ECONOMY_CONTRACTS)[number];

/** Where they are. */
export interface Economy {
  readonly chainId: number;
  readonly contracts: Readonly<Partial<Record<EconomyContract, string>>>;
  /** Nothing of them is in an earlier L1 block. */
  readonly fromBlock: number;
}

/** L1s that hold no money: what runs on them is one's own. */
const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];

function pick(all: Readonly<Record<string, unknown>>): Economy["contracts"] {
  const found = ECONOMY_CONTRACTS.map((name) => [name, all[name]] as const).filter(([, address]) => typeof address === "string" && /^0x[0-9a-fA-F]{40}$/.test(address));
  return Object.fromEntries(found) as Economy["contracts"];
}

/**
 * Where the contracts are: as the deployment says, or, on a local chain only, as a replica's API does. Whoever names these addresses
 * decides where stakes go.
 * @throws SdkError `SDK_UNTRUSTED` when only a server tells and the chain is no local one; ChainError `DEPLOYMENT_INVALID`
 */
export async function readEconomy(from: { readonly deployment?: unknown; readonly api?: HttpService }): Promise<Economy> {
  if (from.deployment !== undefined) {
    const { chainId, contracts, blockNumber } = loadDeployment(from.deployment);
    return { chainId, contracts: pick(contracts), fromBlock: blockNumber };
  }
  if (from.api === undefined) throw sdkError("SDK_UNTRUSTED", "neither a deployment nor an API was named");
  const told = await from.api.get("/v1/config");
  const chainId = numberField(told, "chainId");
  if (!LOCAL_CHAIN_IDS.includes(chainId)) throw sdkError("SDK_UNTRUSTED", `the chain's L1 has id ${chainId}, and no deployment was given`, { chainId });
  return { chainId, contracts: pick(asJson(told["contracts"])), fromBlock: 0 };
}

/** @throws SdkError `SDK_INPUT` when the deployment has no such contract */
export function contractOf({ contracts }: Economy, name: EconomyContract): string {
  const address = contracts[name];
  if (address === undefined) throw sdkError("SDK_INPUT", `the deployment names no ${name}`, { contract: name });
  return address;
}
