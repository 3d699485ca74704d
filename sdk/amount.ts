import { MAX_UNITS } from "../core/generated/protocol.ts";
import { sdkError } from "./SdkError.ts";

/** An amount of the settlement asset: whole units as decimal text ("0.25" is a quarter of an ETH) or base units as a bigint (wei). */
export type Amount = string | bigint;

/** The settlement asset of a chain. */
export interface Asset {
  /** Base units in one unit of the chain. */
  readonly assetScale: bigint;
  /** Decimal places of a whole unit: 18 for ETH. */
  readonly decimals: number;
  readonly symbol: string;
}

/**
 * Base units of an amount.
 * @throws SdkError `SDK_AMOUNT` for text that is no plain decimal number, or more decimal places than the asset has
 */
export function toBaseUnits(amount: Amount, asset: Pick<Asset, "decimals">): bigint {
  if (typeof amount === "bigint") return amount;
  const match = /^(\d+)(?:\.(\d+))?$/.exec(amount.trim());
  if (match === null) throw sdkError("SDK_AMOUNT", `"${amount.slice(0, 40)}" is not a decimal number`, { amount });
  const fraction = match[2] ?? "";
  if (fraction.length > asset.decimals) throw sdkError("SDK_AMOUNT", `more than ${asset.decimals} decimal places`, { amount });
  return BigInt(match[1]! + fraction.padEnd(asset.decimals, "0"));
}

/**
 * Units of the chain, what records hold.
 * @throws SdkError `SDK_AMOUNT` also for an amount that is negative, no multiple of the chain's unit, or above 2^53 - 1 units
 */
export function toChainUnits(amount: Amount, asset: Asset): number {
  const base = toBaseUnits(amount, asset);
  if (base < 0n) throw sdkError("SDK_AMOUNT", "it is negative", { amount });
  if (base % asset.assetScale !== 0n) throw sdkError("SDK_AMOUNT", `it is no multiple of ${asset.assetScale} base units`, { amount });
  const units = base / asset.assetScale;
  if (units > BigInt(MAX_UNITS)) throw sdkError("SDK_AMOUNT", `the chain counts at most ${MAX_UNITS} units`, { amount });
  return Number(units);
}

/** Base units of so many units of the chain. */
export function chainUnitsToBase(units: number | bigint, asset: Pick<Asset, "assetScale">): bigint {
  return BigInt(units) * asset.assetScale;
}

/** Base units as decimal text in whole units, without trailing zeros: "0.25". */
export function formatBaseUnits(base: bigint, asset: Pick<Asset, "decimals">): string {
  const digits = (base < 0n ? -base : base).toString().padStart(asset.decimals + 1, "0");
  const whole = digits.slice(0, digits.length - asset.decimals);
  const fraction = digits.slice(digits.length - asset.decimals).replace(/0+$/, "");
  return `${base < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Units of the chain for people: "0.25 ETH". */
export function describeUnits(units: number | bigint, asset: Asset): string {
  return `${formatBaseUnits(chainUnitsToBase(units, asset), asset)} ${asset.symbol}`;
}
