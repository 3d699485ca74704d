import { SdkError, sdkError } from "./SdkError.ts";

/** What any JSON service of the chain answers; checked where it is used. */
export type Json = Readonly<Record<string, unknown>>;

export interface HttpOptions {
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
}

/** Not found, and not yet. */
const NOT_THERE = [404, 409];

/** The error of an answer that is no success, in the service's own code where it gives one. */
function errorOf(url: string, status: number, body: unknown): SdkError {
  const holder = (body as { error?: unknown } | undefined)?.error ?? body;
  const error = (typeof holder === "object" && holder !== null ? holder : {}) as { code?: unknown; message?: unknown; todo?: unknown; reaction?: unknown };
  if (typeof error.code !== "string") return sdkError("SDK_HTTP", `${url} answered ${status}`, { url, status });
  const message = typeof error.message === "string" ? error.message : `status ${status}`;
  const reaction = error.reaction === "retry" || error.reaction === "stop" ? error.reaction : status >= 500 || status === 429 ? "retry" : "reject";
  return new SdkError({ code: error.code, reaction, what: message, why: "", todo: typeof error.todo === "string" ? error.todo : "", values: { url, status } });
}

/** A service of the chain over HTTP. */
export class HttpService {
  readonly url: string;
  readonly #timeoutMs: number;
  readonly #fetch: typeof fetch;

  constructor(url: string, options: HttpOptions = {}) {
    this.url = url.replace(/\/+$/, "");
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** @throws SdkError `SDK_UNREACHABLE`, `SDK_HTTP`, `SDK_RESPONSE` or the service's own code */
  get(path: string): Promise<Json> {
    return this.#request(path, { method: "GET" });
  }

  /** As {@link get}; undefined when the service has no such thing, or not yet. */
  async find(path: string): Promise<Json | undefined> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof SdkError && NOT_THERE.includes(Number(error.values["status"]))) return undefined;
      throw error;
    }
  }

  postJson(path: string, body: Json): Promise<Json> {
    return this.#request(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  }

  postBytes(path: string, body: Uint8Array, timeoutMs?: number): Promise<Json> {
    const init = { method: "POST", headers: { "content-type": "application/octet-stream" }, body: body as Uint8Array<ArrayBuffer> };
    return this.#request(path, init, timeoutMs);
  }

  async #request(path: string, init: RequestInit, timeoutMs = this.#timeoutMs): Promise<Json> {
    const url = this.url + path;
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
      text = await response.text();
    } catch (error) {
      const cause = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
      throw sdkError("SDK_UNREACHABLE", `${url}: ${cause}`, { url }, error);
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch (error) {
      if (!response.ok) throw errorOf(url, response.status, undefined);
      throw sdkError("SDK_RESPONSE", `${url} did not answer with JSON`, { url }, error);
    }
    if (!response.ok) throw errorOf(url, response.status, body);
    return body as Json;
  }
}
