import type { JsonRpcApiProvider } from "ethers";

import { ChainError } from "../ChainError.ts";

export type BroadcastResult =
  | { readonly type: "accepted" }
  /** The nonce is used up: the next turn finds out by whom. */
  | { readonly type: "nonce-used" }
  | { readonly type: "underpriced" }
  | { readonly type: "no-funds"; readonly message: string }
  | { readonly type: "refused"; readonly message: string };

/** Nodes agree on the words, not on codes. */
const ANSWERS: readonly (readonly [RegExp, "accepted" | "nonce-used" | "underpriced" | "no-funds"])[] = [
  [/already known|already imported|known transaction|already exists/i, "accepted"],
  [/nonce too low|nonce has already been used|expected nonce to be \d+ but got|nonce is too low/i, "nonce-used"],
  [/underpriced|fee too low|gas price too low|max fee per gas less than block base fee|maxFeePerGas.*too low/i, "underpriced"],
  [/insufficient funds|doesn't have enough funds|sender doesn't have/i, "no-funds"],
];

/** Every text in an error of ethers or a node. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { info, error: inner } = error as { info?: { error?: { message?: string } }; error?: { message?: string } };
  return [error.message, info?.error?.message, inner?.message].filter((text) => text !== undefined).join(" | ");
}

/** Hands a signed transaction to the node and sorts its answer. Throws only when no endpoint answers. */
export async function broadcast(provider: JsonRpcApiProvider, rawTransaction: string): Promise<BroadcastResult> {
  try {
    await provider.send("eth_sendRawTransaction", [rawTransaction]);
    return { type: "accepted" };
  } catch (error) {
    if (error instanceof ChainError) throw error;
    const message = textOf(error);
    const known = ANSWERS.find(([pattern]) => pattern.test(message));
    if (known === undefined) return { type: "refused", message };
    return known[1] === "no-funds" ? { type: "no-funds", message } : { type: known[1] };
  }
}
