import { request as requestHttp } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { request as requestHttps } from "node:https";

import { toError } from "../../runtime/errors/CodedError.ts";
import { openRequest, sealAnswer, SEALED_TYPE, SdkError } from "../../sdk/index.ts";
import type { AnswerKey, SealedContent, SealSecret } from "../../sdk/index.ts";
import type { RequestHead } from "../gate/RequestHead.ts";
import { SidecarError } from "../SidecarError.ts";

export interface SealedHandlerOptions {
  /** The agent's own address. */
  readonly seller: string;
  /** Keys that open, as they are now. */
  readonly secrets: () => readonly SealSecret[];
  /** Base URL of the service, or `unix:/path/to.sock`. */
  readonly upstream: string;
  /** Of a request's body. */
  readonly maxBodyBytes: number;
  /** Of an answer: it is sealed whole. */
  readonly maxAnswerBytes: number;
  readonly timeoutMs: number;
  readonly onError?: (error: Error) => void;
}

/** Opens sealed requests for the service and seals its answers. */
export interface SealedHandler {
  /** Whether the body is a sealed one. */
  handles(head: Pick<RequestHead, "headers">): boolean;
  /** Answers a request that the gate has let through; its body must not have been read. */
  serve(req: IncomingMessage, res: ServerResponse): void;
}

/** What is said of the sealed body and the connection, and not of what is in it. */
const OUTER = new Set(["content-type", "content-length", "content-encoding", "content-digest", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "accept", "accept-encoding", "host"]);
const ANSWER_OUTER = new Set(["content-type", "content-length", "content-encoding", "content-digest", "content-range", "etag", "transfer-encoding", "connection", "keep-alive", "trailer", "upgrade", "proxy-authenticate"]);

interface PlainAnswer extends SealedContent {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

async function readWhole(stream: IncomingMessage, most: number, tooLarge: () => SidecarError): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** Who has paid, as the gate says it; undefined: it is free. */
function payerOf({ headers }: IncomingMessage): string | undefined {
  const payer = headers["agnt2-payer"];
  return typeof payer === "string" ? payer : undefined;
}

function without(headers: IncomingHttpHeaders, dropped: ReadonlySet<string>): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name, value]) => value !== undefined && !dropped.has(name)));
}

/**
 * Stands between the gate and the service for bodies of type `application/agnt2-sealed`: what is paid for, hashed and kept is the
 * ciphertext; what the service sees is what was in it. An answer has its own status and headers, and its body is sealed whatever they are.
 */
export function createSealedHandler(options: SealedHandlerOptions): SealedHandler {
  const { seller, secrets, upstream, maxBodyBytes, maxAnswerBytes, timeoutMs, onError = () => undefined } = options;
  const socketPath = upstream.startsWith("unix:") ? upstream.slice("unix:".length).replace(/^\/\/(?=\/)/, "") : undefined;
  const base = new URL(socketPath === undefined ? upstream : "http://localhost");
  const send = base.protocol === "https:" ? requestHttps : requestHttp;

  async function ask(req: IncomingMessage, content: SealedContent, signal: AbortSignal): Promise<PlainAnswer> {
    const headers = { ...without(req.headers, OUTER), "accept-encoding": "identity", "content-length": content.body.length, ...(content.contentType === "" ? {} : { "content-type": content.contentType }) };
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const path = `${base.pathname.replace(/\/+$/, "")}${req.url}`;
    const sent = send({ ...(socketPath === undefined ? { host: base.hostname.replace(/^\[|\]$/g, ""), port: base.port } : { socketPath }), method: req.method, path, headers, signal });
    sent.once("response", resolve);
    sent.on("error", reject);
    sent.end(content.body);
    const response = await promise;
    try {
      const type = response.headers["content-type"] ?? "";
      if (type.startsWith("text/event-stream")) throw new SidecarError("sale/answer-too-large", { limitBytes: maxAnswerBytes });
      const body = await readWhole(response, maxAnswerBytes, () => new SidecarError("sale/answer-too-large", { limitBytes: maxAnswerBytes }));
      return { status: response.statusCode ?? 502, headers: response.headers, contentType: type, body };
    } finally {
      response.destroy();
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse, signal: AbortSignal): Promise<void> {
    const sealed = await readWhole(req, maxBodyBytes, () => new SidecarError("door/body-too-large", { limitBytes: maxBodyBytes }));
    const { content, answerKey } = await openRequest(secrets(), { method: req.method ?? "", target: req.url ?? "", seller, payer: payerOf(req) }, sealed);
    let plain: PlainAnswer;
    try {
      plain = await ask(req, content, signal);
    } catch (error) {
      if (error instanceof SidecarError) return await sealRefusal(res, answerKey, error);
      onError(toError(error));
      return await sealRefusal(res, answerKey, signal.aborted ? new SidecarError("door/upstream-timeout", { timeoutMs }) : new SidecarError("door/upstream", { problem: "it cannot be reached" }));
    }
    await write(res, answerKey, plain.status, without(plain.headers, ANSWER_OUTER), plain);
  }

  /** Nobody on the way learns why. */
  function sealRefusal(res: ServerResponse, answerKey: AnswerKey, error: SidecarError): Promise<void> {
    return write(res, answerKey, error.status, {}, { contentType: "application/json", body: Buffer.from(JSON.stringify(error.body())) });
  }

  async function write(res: ServerResponse, answerKey: AnswerKey, status: number, headers: OutgoingHttpHeaders, content: SealedContent): Promise<void> {
    const isBodiless = [204, 205, 304].includes(status);
    const body = isBodiless ? undefined : await sealAnswer(answerKey, status, content);
    res.writeHead(status, { ...headers, ...(body === undefined ? {} : { "content-type": SEALED_TYPE, "content-length": body.length }) }).end(body);
  }

  function refuse(res: ServerResponse, error: unknown): void {
    if (res.headersSent || res.destroyed) return void res.destroy();
    const isOpen = error instanceof SdkError && error.code === "SDK_SEALED";
    if (!isOpen && !(error instanceof SidecarError)) onError(toError(error));
    const known = error instanceof SidecarError ? error : isOpen ? new SidecarError("sealed/closed", {}) : new SidecarError("door/body-broken", {});
    res.writeHead(known.status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(known.body()));
  }

  return {
    handles({ headers }) {
      const type = headers["content-type"];
      return typeof type === "string" && type.split(";")[0]?.trim().toLowerCase() === SEALED_TYPE;
    },
    serve(req, res) {
      const ending = new AbortController();
      const timer = setTimeout(() => ending.abort(), timeoutMs);
      res.once("close", () => {
        clearTimeout(timer);
        ending.abort();
      });
      answer(req, res, ending.signal).catch((error: unknown) => refuse(res, error));
    },
  };
}
