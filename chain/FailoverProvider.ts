import { JsonRpcApiProvider, Network } from "ethers";
import type { JsonRpcError, JsonRpcPayload, JsonRpcResult } from "ethers";

import { ChainError } from "./ChainError.ts";

type JsonRpcAnswer = JsonRpcResult | JsonRpcError;

export interface FailoverOptions {
  /** JSON-RPC endpoints, the preferred one first. */
  readonly urls: readonly string[];
  readonly chainId: number;
  /** A single request is given up, and the next endpoint asked, after this time. */
  readonly timeoutMs?: number;
  /** The preferred endpoint is tried again after this time on another one. */
  readonly returnMs?: number;
  /** Pause between two looks while somebody waits for a receipt. */
  readonly receiptPollMs?: number;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const DEFAULT_RETURN_MS = 60_000;
const DEFAULT_RECEIPT_POLL_MS = 1_000;
/** Answers of a node that is up but cannot serve now: ask another one. */
const BUSY_HTTP_STATUS = new Set([429, 502, 503, 504]);

/** Sends one JSON-RPC body. Throws on anything that is not a JSON answer. */
async function post(url: string, body: string, timeoutMs: number): Promise<unknown> {
  const deadline = new AbortController();
  // Not `AbortSignal.timeout`: its timer runs on after the answer, and then makes an error with its stack for nobody.
  const timer = setTimeout(() => deadline.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body, signal: deadline.signal });
    if (BUSY_HTTP_STATUS.has(response.status)) throw new Error(`HTTP ${response.status}`);
    return await response.json();
  } finally {
    clearTimeout(timer);
  }
}

/** The host of an endpoint: its path often holds an access key, so it is never shown. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an endpoint that is no URL";
}

async function chainIdOf(url: string, timeoutMs: number): Promise<number> {
  const answer = await post(url, JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }), timeoutMs);
  return Number((answer as { result: string }).result);
}

/** Asks the endpoints in turn for the id of their chain. Throws `L1_UNREACHABLE` when none answers. */
export async function readChainId(urls: readonly string[], timeoutMs = DEFAULT_TIMEOUT_MS): Promise<number> {
  const failures: string[] = [];
  for (const url of urls) {
    try {
      return await chainIdOf(url, timeoutMs);
    } catch (error) {
      failures.push(`${hostOf(url)}: ${String(error instanceof Error ? error.message : error)}`);
    }
  }
  throw new ChainError("L1_UNREACHABLE", failures.join("; "), { hosts: urls.map(hostOf) });
}

/**
 * An ethers provider over several endpoints: the first that answers serves, the next ones take over when it is down,
 * and after a while the preferred one gets its chance again. Answers are not cached, so a turn sees the chain as it is.
 * An endpoint of another chain is refused (`L1_WRONG_CHAIN`); when none answers, calls fail with `L1_UNREACHABLE`.
 */
export class FailoverProvider extends JsonRpcApiProvider {
  readonly #urls: readonly string[];
  readonly #chainId: number;
  readonly #timeoutMs: number;
  readonly #returnMs: number;
  readonly #checkedUrls = new Set<string>();
  #active = 0;
  #leftPreferredAtMs = 0;

  constructor(options: FailoverOptions) {
    const pollingInterval = options.receiptPollMs ?? DEFAULT_RECEIPT_POLL_MS;
    super(options.chainId, { staticNetwork: Network.from(options.chainId), cacheTimeout: -1, batchMaxCount: 1, pollingInterval });
    this.#urls = options.urls;
    this.#chainId = options.chainId;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#returnMs = options.returnMs ?? DEFAULT_RETURN_MS;
    this._start();
  }

  /** The host that serves at the moment, for logs and health pages. */
  get activeHost(): string {
    return hostOf(this.#urls[this.#active] ?? "");
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<JsonRpcAnswer[]> {
    const body = JSON.stringify(payload);
    const isReturning = this.#active !== 0 && Date.now() - this.#leftPreferredAtMs >= this.#returnMs;
    const first = isReturning ? 0 : this.#active;
    const failures: string[] = [];
    for (let tried = 0; tried < this.#urls.length; tried += 1) {
      const index = (first + tried) % this.#urls.length;
      const url = this.#urls[index];
      if (url === undefined) continue;
      try {
        await this.#checkChain(url);
        const answer = (await post(url, body, this.#timeoutMs)) as JsonRpcAnswer | JsonRpcAnswer[];
        this.#serveFrom(index);
        return Array.isArray(answer) ? answer : [answer];
      } catch (error) {
        if (error instanceof ChainError && error.code === "L1_WRONG_CHAIN" && this.#urls.length === 1) throw error;
        failures.push(`${hostOf(url)}: ${String(error instanceof Error ? error.message : error)}`);
      }
    }
    throw new ChainError("L1_UNREACHABLE", failures.join("; "), { hosts: this.#urls.map(hostOf) });
  }

  #serveFrom(index: number): void {
    if (index !== 0 && (this.#active === 0 || Date.now() - this.#leftPreferredAtMs >= this.#returnMs)) {
      this.#leftPreferredAtMs = Date.now();
    }
    this.#active = index;
  }

  async #checkChain(url: string): Promise<void> {
    if (this.#checkedUrls.has(url)) return;
    const actual = await chainIdOf(url, this.#timeoutMs);
    if (actual !== this.#chainId) {
      const values = { host: hostOf(url), expected: this.#chainId, actual };
      throw new ChainError("L1_WRONG_CHAIN", `${hostOf(url)} serves chain ${actual}, not ${this.#chainId}`, values);
    }
    this.#checkedUrls.add(url);
  }
}
