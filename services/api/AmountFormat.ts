/** The asset that a chain settles in. */
export interface AssetInfo {
  /** Undefined for ETH. */
  readonly address: string | undefined;
  readonly symbol: string;
  /** Base units are 10^-decimals of a whole one. */
  readonly decimals: number;
  /** Base units in one unit of the chain. */
  readonly scale: bigint;
}

/** An amount for people (`whole`), for programs on L1 (`base`) and for programs on L2 (`units`). */
export interface ShownAmount {
  readonly whole: string;
  readonly base: string;
  readonly units: number;
}

/** Turns an amount of base units into whole ones, without trailing zeros. */
export function formatWhole(base: bigint, decimals: number): string {
  const divisor = 10n ** BigInt(decimals);
  const rest = (base % divisor).toString().padStart(decimals, "0").replace(/0+$/, "");
  return rest === "" ? String(base / divisor) : `${base / divisor}.${rest}`;
}

/** Shows amounts of one chain. */
export function createAmountFormat(asset: AssetInfo): { ofUnits(units: number): ShownAmount; ofBase(base: bigint): ShownAmount } {
  const show = (base: bigint, units: number): ShownAmount => ({ whole: formatWhole(base, asset.decimals), base: base.toString(), units });
  return {
    ofUnits: (units) => show(BigInt(units) * asset.scale, units),
    ofBase: (base) => show(base, Number(base / asset.scale)),
  };
}
