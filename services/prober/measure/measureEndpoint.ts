import { toError } from "../../../runtime/errors/CodedError.ts";
import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";
import { parseDocument } from "../../../runtime/fetch/parseDocument.ts";
import { safeRequest } from "../../../runtime/fetch/safeRequest.ts";

export interface MeasureOptions {
  /** Where requests may go: the URL is a stranger's. */
  readonly policy: FetchPolicy;
  readonly timeoutMs: number;
  /** The chain that it must serve; undefined: any. */
  readonly chainId?: number | undefined;
  /** The newest block may be so old; undefined: any age. */
  readonly maxHeadAgeSeconds?: number | undefined;
  readonly nowSeconds: () => number;
  readonly signal?: AbortSignal;
}

export type Sample = { readonly isOk: true; readonly block: number } | { readonly isOk: false; readonly reason: string };

/** @throws Error for what is no answer to the call; FetchError */
async function call(url: string, method: string, params: readonly unknown[], { policy, timeoutMs, signal }: MeasureOptions): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await safeRequest(url, { policy, method: "POST", headers: { "content-type": "application/json" }, body, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`);
  const json = parseDocument(answer.body) as { readonly result?: unknown } | null;
  if (typeof json !== "object" || json?.result === undefined || json.result === null) throw new Error(`no result of ${method}`);
  return json.result;
}

function quantity(value: unknown, what: string): number {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{1,13}$/.test(value)) throw new Error(`${what} is no number`);
  return Number(value);
}

/** One look at a JSON-RPC endpoint: it answers in time, for the right chain, with a head that is not old. Never throws. */
export async function measureEndpoint(url: string, options: MeasureOptions): Promise<Sample> {
  try {
    if (options.chainId !== undefined) {
      const chainId = quantity(await call(url, "eth_chainId", [], options), "the chain id");
      if (chainId !== options.chainId) throw new Error(`it serves chain ${chainId}`);
    }
    if (options.maxHeadAgeSeconds === undefined) return { isOk: true, block: quantity(await call(url, "eth_blockNumber", [], options), "the head") };
    const head = (await call(url, "eth_getBlockByNumber", ["latest", false], options)) as { readonly number?: unknown; readonly timestamp?: unknown };
    const ageSeconds = options.nowSeconds() - quantity(head.timestamp, "the head's time");
    if (ageSeconds > options.maxHeadAgeSeconds) throw new Error(`its head is ${ageSeconds} s old`);
    return { isOk: true, block: quantity(head.number, "the head") };
  } catch (thrown) {
    return { isOk: false, reason: toError(thrown).message };
  }
}
