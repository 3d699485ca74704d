import { SdkError, sdkError } from "./SdkError.ts";

/** What any JSON service of the chain answers; checked where it is used. */
export type Json = Readonly<Record<string, unknown>>;

export interface HttpOptions {
  /** How long one request may take. Default 10 s. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
}

/** For one request. */
export interface RequestOptions {
  readonly timeoutMs?: number;
  /** Ends it with `SDK_CLOSED`. */
  readonly signal?: AbortSignal;
}

/** Not found, and not yet. */
const NOT_THERE = [404, 409];
/** More than any answer of the chain's services. */
const MAX_ANSWER_BYTES = 16 << 20;
const MAX_MESSAGE_CHARS = 500;

/** The error of an answer that is no success, in the service's own code where it gives one. */
function errorOf(url: string, { status, headers }: Response, body: unknown): SdkError {
  const wait = Number(headers.get("retry-after") ?? Number.NaN);
  const values = { url, status, ...(wait >= 0 ? { retryAfterSeconds: wait } : {}) };
  const holder = (body as { error?: unknown } | undefined)?.error ?? body;
  const error = (typeof holder === "object" && holder !== null ? holder : {}) as { code?: unknown; message?: unknown; todo?: unknown; reaction?: unknown };
  if (typeof error.code !== "string" || error.code.startsWith("SDK_")) return sdkError("SDK_HTTP", `${url} answered ${status}`, values);
  const textOf = (value: unknown, other: string): string => (typeof value === "string" ? value.slice(0, MAX_MESSAGE_CHARS) : other);
  const reaction = error.reaction === "retry" || error.reaction === "stop" ? error.reaction : status >= 500 || status === 429 ? "retry" : "reject";
  return new SdkError({ code: error.code.slice(0, 80), reaction, what: textOf(error.message, `status ${status}`), why: "", todo: textOf(error.todo, ""), values });
}

/** The text of an answer, read no further than is sensible. */
async function textOf(response: Response, url: string): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.length;
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw sdkError("SDK_RESPONSE", `${url} answered with more than ${MAX_ANSWER_BYTES} bytes`, { url });
    }
    text += decoder.decode(value, { stream: true });
  }
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
  get(path: string, options?: RequestOptions): Promise<Json> {
    return this.#request(path, { method: "GET" }, options);
  }

  /** As {@link get}; undefined when the service has no such thing, or not yet. */
  async find(path: string, options?: RequestOptions): Promise<Json | undefined> {
    try {
      return await this.get(path, options);
    } catch (error) {
      if (error instanceof SdkError && NOT_THERE.includes(Number(error.values["status"]))) return undefined;
      throw error;
    }
  }

  postJson(path: string, body: Json, options?: RequestOptions): Promise<Json> {
    return this.#request(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }, options);
  }

  postBytes(path: string, body: Uint8Array, options?: RequestOptions): Promise<Json> {
    return this.#request(path, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: body as Uint8Array<ArrayBuffer> }, options);
  }

  async #request(path: string, init: RequestInit, { timeoutMs = this.#timeoutMs, signal }: RequestOptions = {}): Promise<Json> {
    const url = this.url + path;
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(url, { ...init, signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]) });
      text = await textOf(response, url);
    } catch (error) {
      if (error instanceof SdkError) throw error;
      if (signal?.aborted === true) throw sdkError("SDK_CLOSED", `${url} had not answered yet`, { url }, error);
      const cause = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
      throw sdkError("SDK_UNREACHABLE", `${url}: ${timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : cause}`, { url }, error);
    }
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch (error) {
      if (!response.ok) throw errorOf(url, response, undefined);
      throw sdkError("SDK_RESPONSE", `${url} did not answer with JSON`, { url }, error);
    }
    if (!response.ok) throw errorOf(url, response, body);
    if (typeof body !== "object" || body === null) throw sdkError("SDK_RESPONSE", `${url} answered with JSON that is no object`, { url });
    return body as Json;
  }
}
