import type { Deployment } from "../chain/Deployment.ts";
import { domainSeparator } from "../core/codec/bundle.ts";
import { fromHex } from "../core/codec/hex.ts";
import type { Asset } from "./amount.ts";
import type { BundleDomain } from "./BundleSigner.ts";
import type { Json } from "./HttpService.ts";
import { sdkError } from "./SdkError.ts";

/** What a client has to know of a chain. */
export interface ChainConfig {
  readonly domain: BundleDomain;
  readonly asset: Asset & { readonly address: string | undefined };
  readonly contracts: { readonly inbox: string; readonly settlement: string; readonly bridge: string; /** Where they are told. */ readonly exodus?: string; readonly adjudicator?: string; readonly towerBond?: string };
  /** The contract of the chain's operators, of whom one signs; undefined when it has none. */
  readonly sequencerSet: string | undefined;
  /** Fee in units of each record opcode, from the first on. */
  readonly feeTable: readonly number[];
  /** The address that signs heads and roots; undefined when it is not named. */
  readonly sequencer: string | undefined;
  /** Of an asset that is not ETH, where they are told. */
  readonly token?: { readonly decimals: number; readonly symbol: string };
}

const ETH = { decimals: 18, symbol: "ETH" };
const MAX_DECIMALS = 77;

function addressAt(json: Json, name: string): string {
  const nested = (json["contracts"] as Json | undefined)?.[name];
  const value = json[name] ?? nested;
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw sdkError("SDK_RESPONSE", `the configuration has no address ${name}`);
  return value;
}

function asContracts(json: Json): Json {
  const contracts = json["contracts"];
  return typeof contracts === "object" && contracts !== null ? (contracts as Json) : {};
}

function optionalAddress(json: Json, name: string): string | undefined {
  const value = json[name];
  return typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value) && !/^0x0+$/.test(value) ? value : undefined;
}

function optionalContract(json: Json, name: "exodus" | "adjudicator" | "towerBond"): { exodus?: string; adjudicator?: string; towerBond?: string } {
  const nested = json["contracts"];
  const found = optionalAddress(typeof nested === "object" && nested !== null ? (nested as Json) : json, name);
  return found === undefined ? {} : { [name]: found };
}

function scaleOf(value: unknown): bigint {
  const isScale = (typeof value === "string" && /^[1-9]\d{0,30}$/.test(value)) || (typeof value === "number" && Number.isSafeInteger(value) && value > 0);
  if (!isScale) throw sdkError("SDK_RESPONSE", "the configuration has no assetScale");
  return BigInt(value as string | number);
}

/** Decimals and symbol, if both are told. */
function tokenOf(decimals: unknown, symbol: unknown): ChainConfig["token"] {
  const isToken = typeof decimals === "number" && Number.isInteger(decimals) && decimals >= 0 && decimals <= MAX_DECIMALS && typeof symbol === "string";
  return isToken ? { decimals, symbol: symbol.slice(0, 20) } : undefined;
}

function domainOf(chainId: number, inbox: string): BundleDomain {
  return { chainId, inbox, separator: domainSeparator({ chainId, inbox: fromHex(inbox, 20) }) };
}

/**
 * The `/v1/config` of a sequencer or a replica.
 * @throws SdkError `SDK_RESPONSE`
 */
export function parseChainConfig(json: Json): ChainConfig {
  const chainId = Number(json["chainId"]);
  if (!Number.isSafeInteger(chainId)) throw sdkError("SDK_RESPONSE", "the configuration has no chainId");
  const asset = typeof json["asset"] === "object" && json["asset"] !== null ? (json["asset"] as Json) : undefined;
  const inbox = addressAt(json, "inbox");
  const fees = json["feeTable"];
  const address = asset === undefined ? optionalAddress(json, "asset") : optionalAddress(asset, "address");
  const token = address === undefined ? undefined : tokenOf(json["assetDecimals"] ?? asset?.["decimals"], json["assetSymbol"] ?? asset?.["symbol"]);
  return {
    domain: domainOf(chainId, inbox),
    asset: { address, assetScale: scaleOf(json["assetScale"] ?? asset?.["scale"]), ...(token ?? ETH) },
    contracts: { inbox, settlement: addressAt(json, "settlement"), bridge: addressAt(json, "bridge"), ...optionalContract(json, "exodus"), ...optionalContract(json, "adjudicator"), ...optionalContract(json, "towerBond") },
    feeTable: Array.isArray(fees) ? fees.map(Number) : [],
    sequencerSet: optionalAddress(asContracts(json), "sequencerSet"),
    sequencer: optionalAddress(json, "sequencer"),
    ...(token === undefined ? {} : { token }),
  };
}

/** What a deployment file says. */
export function configOfDeployment({ chainId, contracts, config }: Deployment): ChainConfig {
  const { inbox, settlement, bridge, exodus, adjudicator, towerBond, asset, sequencerSet } = contracts;
  return {
    domain: domainOf(chainId, inbox),
    asset: { address: asset, assetScale: config.assetScale, ...ETH },
    contracts: { inbox, settlement, bridge, ...(exodus === undefined ? {} : { exodus }), adjudicator, ...(towerBond === undefined ? {} : { towerBond }) },
    feeTable: config.feeTable,
    sequencerSet,
    // Whoever deployed a chain with operators need not be one.
    sequencer: sequencerSet === undefined ? optionalAddress(config, "sequencer") : undefined,
  };
}
