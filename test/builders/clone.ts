import { AbiCoder, concat, toBeHex } from "ethers";
import type { ParamType } from "ethers";

/** Creation code of a minimal proxy with immutable arguments, as `RollupFactory` deploys it. */
export function cloneCode(implementation: string, config: ParamType, values: Readonly<Record<string, unknown>>): string {
  const encoded = AbiCoder.defaultAbiCoder().encode([config], [values]);
  const bytes = (encoded.length - 2) / 2;
  return concat(["0x61", toBeHex(bytes + 45, 2), "0x3d81600a3d39f3", "0x363d3d373d3d3d363d73", implementation, "0x5af43d82803e903d91602b57fd5bf3", encoded]);
}
