import { Contract } from "ethers";
import type { Provider } from "ethers";

import type { Deployment } from "../../chain/Deployment.ts";
import type { AssetInfo } from "./AmountFormat.ts";

const ERC20 = ["function symbol() view returns (string)", "function decimals() view returns (uint8)"];
const ETH_DECIMALS = 18;

/** Name and decimals of the chain's asset, from L1. */
export async function readAsset(provider: Provider, deployment: Deployment): Promise<AssetInfo> {
  const scale = deployment.config.assetScale;
  const address = deployment.contracts.asset;
  if (address === undefined) return { address, symbol: "ETH", decimals: ETH_DECIMALS, scale };
  const token = new Contract(address, ERC20, provider);
  const [symbol, decimals] = await Promise.all([token.getFunction("symbol")() as Promise<string>, token.getFunction("decimals")() as Promise<bigint>]);
  return { address, symbol, decimals: Number(decimals), scale };
}
