import { Interface, isCallException, isError } from "ethers";
import type { InterfaceAbi } from "ethers";

import { ChainError } from "./ChainError.ts";

/** The data a call reverted with, wherever the node or ethers has put it; undefined when the error is no revert. */
export function revertDataOf(error: unknown): string | undefined {
  let current: unknown = error;
  for (let level = 0; level < 6 && typeof current === "object" && current !== null; level += 1) {
    const { data } = current as { data?: unknown };
    if (typeof data === "string" && /^0x([0-9a-f]{2})*$/i.test(data)) return data;
    // anvil and Hardhat nest it: { data: { data: "0x…" } } or { info: { error: { data } } }
    const holder = current as { data?: unknown; info?: { error?: unknown }; error?: unknown; cause?: unknown };
    current = [holder.data, holder.info?.error, holder.error, holder.cause].find((next) => typeof next === "object" && next !== null);
  }
  return undefined;
}

const BUILT_IN = new Interface(["error Error(string reason)", "error Panic(uint256 code)"]);

/** Turns revert data into an error with the contract's own error name and values. */
export function decodeRevertData(data: string, abis: readonly InterfaceAbi[]): ChainError {
  const isNamed = data.length >= 10;
  for (const contract of isNamed ? [...abis.map((abi) => Interface.from(abi)), BUILT_IN] : []) {
    const parsed = contract.parseError(data);
    if (parsed === null) continue;
    const values: Record<string, unknown> = { contractError: parsed.name };
    parsed.fragment.inputs.forEach((input, index) => {
      values[input.name === "" ? `arg${index}` : input.name] = parsed.args[index];
    });
    const shown = parsed.args.map(String).join(", ");
    return new ChainError("L1_REVERT", `${parsed.name}(${shown})`, values);
  }
  const detail = data === "0x" ? "without a reason" : `with unknown data ${data.slice(0, 74)}`;
  return new ChainError("L1_REVERT", detail, { contractError: undefined, data });
}

/** What the node itself said, without the request that ethers repeats around it. */
function nodeMessageOf(error: unknown): string | undefined {
  const { error: direct, info } = (typeof error === "object" && error !== null ? error : {}) as { error?: { message?: unknown }; info?: { error?: { message?: unknown } } };
  const message = direct?.message ?? info?.error?.message;
  return typeof message === "string" ? message : undefined;
}

/** Any failure of a call or transaction as a typed error of this layer. */
export function toChainError(error: unknown, abis: readonly InterfaceAbi[] = []): ChainError {
  if (error instanceof ChainError) return error;
  const message = nodeMessageOf(error) ?? (error instanceof Error ? error.message : String(error));
  const data = revertDataOf(error);
  if (isCallException(error) || data !== undefined) return decodeRevertData(data ?? "0x", abis);
  if (isError(error, "INSUFFICIENT_FUNDS") || /(?:insufficient|enough) funds/i.test(message)) return new ChainError("L1_FUNDS", "", {}, error);
  if (isError(error, "NETWORK_ERROR") || isError(error, "TIMEOUT")) return new ChainError("L1_UNREACHABLE", message, {}, error);
  return new ChainError("L1_RPC", message, {}, error);
}
