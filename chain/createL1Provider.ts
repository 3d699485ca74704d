import { FailoverProvider, readChainId } from "./FailoverProvider.ts";

/**
 * Connects to the L1 through one or several endpoints (separated by commas when given as one string).
 * @param expectedChainId checked on every endpoint; read from the first that answers when absent.
 * @throws ChainError `L1_UNREACHABLE`, `L1_WRONG_CHAIN`.
 */
export async function createL1Provider(
  urls: string | readonly string[],
  expectedChainId?: number,
  options: { timeoutMs?: number; returnMs?: number } = {},
): Promise<FailoverProvider> {
  const list = (typeof urls === "string" ? urls.split(",") : urls).map((url) => url.trim()).filter((url) => url !== "");
  const chainId = expectedChainId ?? (await readChainId(list, options.timeoutMs));
  return new FailoverProvider({ urls: list, chainId, ...options });
}
