import { Agent as HttpAgent, request as requestHttp } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

import { toError } from "../errors/CodedError.ts";
import { checkAddresses, checkUrl, pinned } from "./checkTarget.ts";
import { FetchError } from "./FetchError.ts";
import { PUBLIC_POLICY } from "./FetchPolicy.ts";
import type { FetchPolicy } from "./FetchPolicy.ts";

/** As large as any document of a stranger may be, unpacked. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_REDIRECTS = 3;
const MAX_HEADER_BYTES = 16_384;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

export interface SafeRequestOptions {
  /** Default: `PUBLIC_POLICY`. */
  readonly policy?: FetchPolicy | undefined;
  /** For what it redirects to. Default: `policy`. */
  readonly redirectPolicy?: FetchPolicy | undefined;
  /** Default GET. Only a GET follows redirects. */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Most bytes of the answer, unpacked as well as on the wire. Default 256 KiB. */
  readonly maxBytes?: number;
  /** For everything together: names, connections, redirects, the body. Default 10 s. */
  readonly timeoutMs?: number;
  /** Default 3. */
  readonly maxRedirects?: number;
  /** Ends the request from outside. */
  readonly signal?: AbortSignal | undefined;
}

export interface SafeAnswer {
  readonly status: number;
  /** Where it was in the end. */
  readonly url: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Whether it was the caller that ended it. */
  readonly isAborted: () => boolean;
}

async function within<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(toError(deadline.signal.reason));
  if (deadline.signal.aborted) onAbort();
  deadline.signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    deadline.signal.removeEventListener("abort", onAbort);
  }
}

/** Every address of the host; one that is not allowed refuses the host, whatever the others are. */
async function resolveAllowed(host: string, policy: FetchPolicy, deadline: Deadline): Promise<string[]> {
  const literal = host.startsWith("[") ? host.slice(1, -1) : host;
  let addresses: readonly string[] = [literal];
  if (isIP(literal) === 0) {
    try {
      addresses = await within(policy.resolve(host), deadline);
    } catch (error) {
      if (deadline.signal.aborted) throw error;
      throw new FetchError("fetch/dns", { host }, { cause: error });
    }
  }
  checkAddresses(host, addresses, policy);
  return [...addresses];
}

function send(url: URL, addresses: readonly string[], options: SafeRequestOptions, deadline: Deadline): Promise<IncomingMessage> {
  const { method = "GET", body } = options;
  const isHttps = url.protocol === "https:";
  const agent = isHttps ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  const headers = {
    accept: "application/json, */*;q=0.5",
    "accept-encoding": "gzip, deflate, br",
    "user-agent": "agnt2",
    ...options.headers,
    ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = (isHttps ? requestHttps : requestHttp)(url, { agent, method, headers, lookup: pinned(addresses), signal: deadline.signal, maxHeaderSize: MAX_HEADER_BYTES });
  request.once("response", resolve);
  // Stays for good: an error after the answer has ended must not end the process. The first one is the one that counts.
  request.on("error", reject);
  request.once("upgrade", (_response, socket) => socket.destroy(new Error("the server changed the protocol")));
  request.end(body);
  return promise;
}

function unpacked(response: IncomingMessage): Readable {
  const encoding = (response.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return response;
  const unpack = encoding === "gzip" || encoding === "x-gzip" ? createGunzip() : encoding === "deflate" ? createInflate() : encoding === "br" ? createBrotliDecompress() : undefined;
  if (unpack === undefined) throw new FetchError("fetch/encoding", { encoding: encoding.slice(0, 40) });
  response.on("error", (error) => unpack.destroy(error));
  return response.pipe(unpack);
}

/** The body, piece by piece, and no further than the limit: a length that is announced is no promise. */
async function readBody(response: IncomingMessage, url: URL, maxBytes: number, deadline: Deadline): Promise<Uint8Array> {
  const tooLarge = (): FetchError => new FetchError("fetch/tooLarge", { maxBytes });
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const stream = unpacked(response);
  if (stream !== response) {
    // What is packed may be endless and yet unpack to nothing.
    let wireBytes = 0;
    response.on("data", (chunk: Buffer) => {
      wireBytes += chunk.length;
      if (wireBytes > maxBytes) stream.destroy(tooLarge());
    });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof FetchError || deadline.signal.aborted) throw error;
    const code = (error as { code?: unknown }).code;
    if (typeof code === "string" && /^(Z_|ERR__ERROR|ERR_BROTLI)/.test(code)) {
      throw new FetchError("fetch/encoding", { encoding: String(response.headers["content-encoding"]).slice(0, 40) }, { cause: error });
    }
    throw new FetchError("fetch/truncated", { host: url.host }, { cause: error });
  }
  return Buffer.concat(chunks, bytes);
}

async function follow(start: string, options: SafeRequestOptions, deadline: Deadline): Promise<SafeAnswer> {
  const { method = "GET", maxBytes = MAX_DOCUMENT_BYTES, maxRedirects = DEFAULT_REDIRECTS } = options;
  let policy = options.policy ?? PUBLIC_POLICY;
  let url = checkUrl(start, policy);
  for (let redirects = 0; ; redirects += 1) {
    const addresses = await resolveAllowed(url.hostname, policy, deadline);
    let response: IncomingMessage;
    try {
      response = await within(send(url, addresses, options, deadline), deadline);
    } catch (error) {
      if (deadline.signal.aborted) throw error;
      throw new FetchError("fetch/network", { host: url.host }, { cause: error });
    }
    try {
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      if (method !== "GET" || !REDIRECTS.includes(status) || location === undefined) {
        const body = await within(readBody(response, url, maxBytes, deadline), deadline);
        return { status, url: url.href, contentType: response.headers["content-type"], body };
      }
      if (redirects >= maxRedirects) throw new FetchError("fetch/redirects", { host: url.host, most: maxRedirects });
      const next = URL.parse(location, url.href);
      if (next === null) throw new FetchError("fetch/url", { problem: "redirect" });
      if (url.protocol === "https:" && next.protocol === "http:") throw new FetchError("fetch/scheme", { scheme: "http" });
      policy = options.redirectPolicy ?? policy;
      url = checkUrl(next.href, policy);
    } finally {
      // The body's fate is decided; what the broken connection says later is of no use.
      response.on("error", () => undefined);
      response.destroy();
    }
  }
}

/**
 * One request to a URL that a stranger has named. The host's addresses are checked before anything is sent, at each redirect anew, and
 * the connection goes to the addresses that were checked; the answer is read up to `maxBytes`. Any status is an answer.
 * @throws FetchError
 */
export async function safeRequest(url: string, options: SafeRequestOptions = {}): Promise<SafeAnswer> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error("too slow")), timeoutMs);
  const onAbort = (): void => controller.abort(options.signal?.reason);
  if (options.signal?.aborted === true) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  const isAborted = (): boolean => options.signal?.aborted === true;
  try {
    return await follow(url, options, { signal: controller.signal, timeoutMs, isAborted });
  } catch (error) {
    if (error instanceof FetchError) throw error;
    const host = URL.parse(url)?.host ?? "";
    if (isAborted()) throw new FetchError("fetch/aborted", { host }, { cause: error });
    if (controller.signal.aborted) throw new FetchError("fetch/timeout", { host, timeoutMs }, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
  }
}
