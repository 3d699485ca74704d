import { getAddress, isAddress } from "ethers";
import type { Provider } from "ethers";

import { ChainError } from "./ChainError.ts";

/** Where a chain lives on its L1: the content of `deployments/<chainId>.json`. */
export interface Deployment {
  readonly chainId: number;
  /** Hash of the L1's block 0: tells a restarted local chain from the one that was deployed to. */
  readonly genesisHash: string;
  readonly contracts: {
    readonly inbox: string;
    readonly settlement: string;
    readonly game: string;
    readonly bridge: string;
    readonly exodus: string;
    /** What channels are settled by on L1, and the verifying contract of what they sign. */
    readonly adjudicator: string;
    readonly prover: string;
    /** Who may submit batches, in turns; absent on a chain without operators. */
    readonly sequencerSet?: string;
    /** The ERC-8004 registries that the chain's agents are in; absent on a chain without identities. */
    readonly identityRegistry?: string;
    readonly reputationRegistry?: string;
    readonly validationRegistry?: string;
    /** What agents hire each other with; absent on a chain without an economy. */
    readonly proofOfService?: string;
    readonly jobEscrow?: string;
    readonly bountyBoard?: string;
    readonly batchMeter?: string;
    readonly uptimeMeter?: string;
    readonly validatorMeter?: string;
    readonly codeVerifier?: string;
    /** Play money that is paid by signature (EIP-3009); on local chains. */
    readonly testDollar?: string;
    /** The settlement asset; absent when it is ETH. */
    readonly asset?: string;
    readonly [name: string]: string | undefined;
  };
  readonly config: {
    /** Base units of the asset in one unit of the chain. */
    readonly assetScale: bigint;
    /** Fee of each record opcode from FIRST_OPCODE on, in units. */
    readonly feeTable: readonly number[];
    readonly [name: string]: unknown;
  };
  /** L1 block of the deployment: nothing before it is read. */
  readonly blockNumber: number;
}

const REQUIRED = ["inbox", "settlement", "game", "bridge", "exodus", "adjudicator", "prover"] as const;
const FEE_TABLE_ENTRIES = 24;

function invalid(detail: string, values: Record<string, unknown> = {}): ChainError {
  return new ChainError("DEPLOYMENT_INVALID", detail, values);
}

function objectAt(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw invalid(`${name} is missing`, { field: name });
  return value as Record<string, unknown>;
}

function numberAt(value: unknown, name: string): number {
  const number = Number(value);
  if (value === null || value === undefined || !Number.isSafeInteger(number) || number < 0) throw invalid(`${name} is no number`, { field: name });
  return number;
}

/** Words of 8 u32, the first in the most significant bits, as the contracts hold the fees. */
function unpackFees(words: readonly unknown[]): number[] {
  return words.flatMap((word) => Array.from({ length: 8 }, (_, index) => Number((BigInt(word as string) >> BigInt(224 - 32 * index)) & 0xffffffffn)));
}

function feeTableOf(value: unknown): number[] {
  if (!Array.isArray(value)) throw invalid("config.feeTable is missing", { field: "config.feeTable" });
  const fees = value.length === 3 ? unpackFees(value) : value.map((fee) => numberAt(fee, "config.feeTable"));
  if (fees.length !== FEE_TABLE_ENTRIES) throw invalid(`config.feeTable has ${fees.length} entries, not ${FEE_TABLE_ENTRIES}`);
  return fees;
}

/**
 * Checks the content of a deployment file.
 * @throws ChainError `DEPLOYMENT_INVALID`
 */
export function loadDeployment(json: unknown): Deployment {
  const root = objectAt(json, "the deployment");
  const contracts = objectAt(root["contracts"], "contracts");
  const config = objectAt(root["config"], "config");
  const addresses: Record<string, string> = {};
  for (const [name, address] of Object.entries(contracts)) {
    if (address === null || address === undefined || address === "") continue;
    if (typeof address !== "string" || !isAddress(address)) throw invalid(`contracts.${name} is no address`, { field: name });
    addresses[name] = getAddress(address);
  }
  for (const name of REQUIRED) if (addresses[name] === undefined) throw invalid(`contracts.${name} is missing`, { field: name });
  if (/^0x0{40}$/.test(addresses["asset"] ?? "")) delete addresses["asset"];
  const scale = config["assetScale"];
  if (typeof scale !== "string" && typeof scale !== "number") throw invalid("config.assetScale is missing", { field: "assetScale" });
  return {
    chainId: numberAt(root["chainId"], "chainId"),
    genesisHash: String(root["genesisHash"]),
    contracts: addresses as Deployment["contracts"],
    config: { ...config, assetScale: BigInt(scale), feeTable: feeTableOf(config["feeTable"]) },
    blockNumber: numberAt(root["blockNumber"] ?? 0, "blockNumber"),
  };
}

/**
 * Checks that the L1 behind the provider is the one that was deployed to, and that the contracts are there.
 * @throws ChainError `DEPLOYMENT_INVALID`, `L1_UNREACHABLE`
 */
export async function verifyDeployment(provider: Provider, deployment: Deployment): Promise<void> {
  const genesis = await provider.getBlock(0);
  if (genesis?.hash !== deployment.genesisHash) {
    throw invalid("it is of another chain (the local one was restarted?)", { expected: deployment.genesisHash, actual: genesis?.hash });
  }
  for (const name of REQUIRED) {
    const code = await provider.getCode(deployment.contracts[name]);
    if (code === "0x") throw invalid(`there is no code at contracts.${name}`, { field: name });
  }
}
