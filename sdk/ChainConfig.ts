import { domainSeparator } from "../core/codec/bundle.ts";
import { fromHex } from "../core/codec/hex.ts";
import type { Asset } from "./amount.ts";
import type { BundleDomain } from "./BundleSigner.ts";
import type { Json } from "./HttpService.ts";
import { sdkError } from "./SdkError.ts";

/** What a client has to know of a chain: the sequencer's `/v1/config`. */
export interface ChainConfig {
  readonly domain: BundleDomain;
  readonly asset: Asset & { readonly address: string | undefined };
  readonly contracts: { readonly inbox: string; readonly settlement: string; readonly bridge: string };
  /** Fee in units of each record opcode, from the first on. */
  readonly feeTable: readonly number[];
  /** The address that signs heads and roots; undefined when the sequencer does not say. */
  readonly sequencer: string | undefined;
}

const ETH_DECIMALS = 18;

function addressAt(json: Json, name: string): string {
  const nested = (json["contracts"] as Json | undefined)?.[name];
  const value = json[name] ?? nested;
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value)) throw sdkError("SDK_RESPONSE", `the configuration has no address ${name}`);
  return value;
}

function optionalAddress(json: Json, name: string): string | undefined {
  const value = json[name];
  return typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value) && !/^0x0+$/.test(value) ? value : undefined;
}

/** @throws SdkError `SDK_RESPONSE` */
export function parseChainConfig(json: Json): ChainConfig {
  const chainId = Number(json["chainId"]);
  if (!Number.isSafeInteger(chainId)) throw sdkError("SDK_RESPONSE", "the configuration has no chainId");
  const asset = typeof json["asset"] === "object" && json["asset"] !== null ? (json["asset"] as Json) : undefined;
  const scale = json["assetScale"] ?? asset?.["scale"];
  if (typeof scale !== "string" && typeof scale !== "number") throw sdkError("SDK_RESPONSE", "the configuration has no assetScale");
  const inbox = addressAt(json, "inbox");
  const fees = json["feeTable"];
  const address = asset === undefined ? optionalAddress(json, "asset") : optionalAddress(asset, "address");
  return {
    domain: { chainId, inbox, separator: domainSeparator({ chainId, inbox: fromHex(inbox, 20) }) },
    asset: {
      address,
      assetScale: BigInt(scale),
      decimals: Number(json["assetDecimals"] ?? asset?.["decimals"] ?? ETH_DECIMALS),
      symbol: String(json["assetSymbol"] ?? asset?.["symbol"] ?? (address === undefined ? "ETH" : "tokens")),
    },
    contracts: { inbox, settlement: addressAt(json, "settlement"), bridge: addressAt(json, "bridge") },
    feeTable: Array.isArray(fees) ? fees.map(Number) : [],
    sequencer: optionalAddress(json, "sequencer"),
  };
}
