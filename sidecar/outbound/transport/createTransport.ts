import { Agent as HttpAgent, request as requestHttp } from "node:http";
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Duplex, Readable } from "node:stream";

import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { checkAddresses, checkUrl, checkedLookup, literalAddress } from "../../../runtime/fetch/checkTarget.ts";
import { LOCAL_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";
import { SidecarError } from "../../SidecarError.ts";

const MAX_HEADER_BYTES = 32 * 1024;
const MAX_URL_LENGTH = 16 * 1024;
/** How long a server that says nothing to `Expect: 100-continue` is waited for (RFC 9110, 10.1.1 lets a client go on). */
const CONTINUE_MS = 1_000;

export interface TransportOptions {
  readonly policy: FetchPolicy;
  /** Origins that the operator has named: they may be on this machine, over plain http. */
  readonly privateOrigins: readonly string[];
  readonly maxConnectionsPerHost: number;
}

export interface TransportRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: OutgoingHttpHeaders;
  /** A stream is sent once the server has said that it wants it. */
  readonly body: Uint8Array | Readable | undefined;
  /** Until the status line and headers of the answer are there. */
  readonly answerMs: number;
  /** Between two pieces of the answer's body. */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportAnswer {
  readonly response: IncomingMessage;
  /** Where the server changed the protocol. */
  readonly upgraded: { readonly socket: Duplex; readonly head: Buffer } | undefined;
}

/** HTTP to sellers: each new connection goes to an address that was checked; connections are kept. */
export interface Transport {
  /** @throws SidecarError `buy/url` */
  check(url: string): URL;
  /** @throws SidecarError `buy/url` (nothing was sent), `buy/unreachable`, `buy/timeout` */
  send(request: TransportRequest): Promise<TransportAnswer>;
  close(): void;
}

function refusedUrl(error: unknown): unknown {
  if (hasErrorCode(error) && error.code.startsWith("fetch/") && error.code !== "fetch/dns") return new SidecarError("buy/url", { problem: error.code }, { cause: error });
  return error;
}

function writeBody(request: ClientRequest, body: Uint8Array | Readable | undefined): void {
  if (body === undefined || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  let isSent = false;
  const send = (): void => {
    clearTimeout(timer);
    if (isSent || request.destroyed) return;
    isSent = true;
    body.once("error", (error) => request.destroy(error));
    body.pipe(request);
  };
  const timer = setTimeout(send, CONTINUE_MS);
  request.once("continue", send);
  // A final answer: the body is not wanted.
  request.once("response", () => {
    clearTimeout(timer);
    if (!isSent) request.end();
    isSent = true;
  });
  request.once("close", () => clearTimeout(timer));
  request.flushHeaders();
}

export function createTransport({ policy, privateOrigins, maxConnectionsPerHost }: TransportOptions): Transport {
  const trusted = new Set(privateOrigins.map((origin) => new URL(origin).origin));
  const settings = { keepAlive: true, keepAliveMsecs: 5_000, maxSockets: maxConnectionsPerHost, maxFreeSockets: maxConnectionsPerHost, scheduling: "lifo" as const };
  const agentsFor = (): { readonly http: HttpAgent; readonly https: HttpsAgent } => ({ http: new HttpAgent(settings), https: new HttpsAgent(settings) });
  // What was connected under the looser rule is not used under the other one.
  const [open, strict] = [agentsFor(), agentsFor()];
  const [openLookup, strictLookup] = [checkedLookup(LOCAL_POLICY), checkedLookup(policy)];
  const isTrusted = (url: URL): boolean => trusted.has(url.origin);

  function check(url: string): URL {
    try {
      const parsed = URL.parse(url);
      const rule = parsed !== null && isTrusted(parsed) ? LOCAL_POLICY : policy;
      const checked = checkUrl(url, rule, MAX_URL_LENGTH);
      const literal = literalAddress(checked.hostname);
      if (literal !== undefined) checkAddresses(checked.hostname, [literal], rule);
      return checked;
    } catch (error) {
      throw refusedUrl(error);
    }
  }

  function send({ url, method, headers, body, answerMs, idleMs, signal }: TransportRequest): Promise<TransportAnswer> {
    check(url.href);
    const isHttps = url.protocol === "https:";
    const agents = isTrusted(url) ? open : strict;
    const request = (isHttps ? requestHttps : requestHttp)(url, {
      method, headers, signal, agent: isHttps ? agents.https : agents.http, lookup: isTrusted(url) ? openLookup : strictLookup, maxHeaderSize: MAX_HEADER_BYTES,
    });
    request.setNoDelay(true);
    const { promise, resolve, reject } = Promise.withResolvers<TransportAnswer>();
    const timer = setTimeout(() => request.destroy(new SidecarError("buy/timeout", { host: url.host, timeoutMs: answerMs })), answerMs);
    request.once("response", (response) => {
      clearTimeout(timer);
      response.setTimeout(idleMs, () => response.destroy(new SidecarError("buy/timeout", { host: url.host, timeoutMs: idleMs })));
      resolve({ response, upgraded: undefined });
    });
    request.once("upgrade", (response, socket, head) => {
      clearTimeout(timer);
      resolve({ response, upgraded: { socket, head } });
    });
    // Stays for good: what a broken connection says after the answer is of no use, and must not end the process.
    request.on("error", (error) => {
      clearTimeout(timer);
      const refused = refusedUrl(error);
      reject(refused instanceof SidecarError ? refused : signal?.aborted === true ? error : new SidecarError("buy/unreachable", { host: url.host }, { cause: error }));
    });
    writeBody(request, body);
    return promise;
  }

  return {
    check,
    send,
    close: () => {
      for (const { http, https } of [open, strict]) {
        http.destroy();
        https.destroy();
      }
    },
  };
}
