import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import type { Readable } from "node:stream";

import { FetchError } from "../../../runtime/fetch/FetchError.ts";
import { SidecarError } from "../../SidecarError.ts";
import { outboundHeaders } from "../outboundHeaders.ts";
import type { Buyer } from "../createBuyer.ts";
import type { OutboundAnswer } from "../OutboundRequest.ts";
import { NO_BODY, prepareStream } from "../prepareBody.ts";

const HOP_BY_HOP: readonly string[] = ["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "transfer-encoding", "upgrade"];
/** Header of an answer that was paid for: number of its receipt. */
export const RECEIPT_HEADER = "Agnt2-Receipt";

export interface RelayTarget {
  readonly url: string;
  /** Address of the agent that must be paid. */
  readonly payee: string | undefined;
  /** What stands for the target's origin here, so that its redirects to itself lead back: prefix of the path. */
  readonly prefix: string | undefined;
}

export interface RelayOptions {
  readonly keepBodyBytes: number;
  /** Whether `Authorization` is for this side and goes no further. */
  readonly isAuthorizationOurs: boolean;
}

function headerPairs(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push([raw[i]!, raw[i + 1]!]);
  return pairs;
}

/** What `Connection` names ends here too (RFC 9110, 7.6.1). */
export function endToEnd(raw: readonly string[], connection: string | undefined): [string, string][] {
  const named = new Set((connection ?? "").toLowerCase().split(",").map((name) => name.trim()));
  return headerPairs(raw).filter(([name]) => !HOP_BY_HOP.includes(name.toLowerCase()) && !named.has(name.toLowerCase()));
}

function answerHeaders(answer: OutboundAnswer, { url, prefix }: RelayTarget): [string, string][] {
  const headers = endToEnd(answer.rawHeaders, answer.headers.connection).filter(([name]) => name.toLowerCase() !== RECEIPT_HEADER.toLowerCase());
  if (answer.receiptId !== undefined) headers.push([RECEIPT_HEADER, String(answer.receiptId)]);
  if (prefix === undefined) return headers;
  return headers.map(([name, value]) => {
    const to = name.toLowerCase() === "location" ? URL.parse(value, url) : null;
    return to !== null && to.origin === new URL(url).origin ? [name, `${prefix}${to.pathname}${to.search}${to.hash}`] : [name, value];
  });
}

/** What a caller is told. */
export function toSidecarError(error: unknown): SidecarError {
  if (error instanceof SidecarError) return error;
  if (error instanceof FetchError) return new SidecarError("buy/unreachable", { host: "" }, { cause: error });
  return new SidecarError("door/upstream", { problem: "internal" }, { cause: error });
}

export function refuse(response: ServerResponse, error: unknown, extra: Readonly<Record<string, string>> = {}): void {
  const refusal = toSidecarError(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(refusal.body()));
  const retry = "retryAfterSeconds" in refusal.payload ? { "retry-after": String(refusal.payload.retryAfterSeconds) } : {};
  response.writeHead(refusal.status, { "content-type": "application/json", "content-length": body.length, connection: "close", ...retry, ...extra });
  response.end(body);
}

/** As `refuse`, for a request that wanted another protocol. */
export function refuseSocket(socket: Duplex, error: unknown): void {
  const refusal = toSidecarError(error);
  const body = JSON.stringify(refusal.body());
  socket.end(`HTTP/1.1 ${refusal.status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
}

export function requestHeaders(request: IncomingMessage, { isAuthorizationOurs }: RelayOptions): Record<string, string> {
  const headers = outboundHeaders(endToEnd(request.rawHeaders, request.headers.connection));
  if (isAuthorizationOurs) delete headers["authorization"];
  // Whose page it is, is nobody's business beyond this machine.
  for (const name of Object.keys(headers)) if (name.startsWith("sec-fetch-")) delete headers[name];
  return headers;
}

/** Hands a body on, without ending the answer. Costs a tenth of what `pipeline` does. @returns whether all of it went */
function pump(body: Readable, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    let isOver = false;
    const end = (isWhole: boolean): void => {
      if (isOver) return;
      isOver = true;
      if (!isWhole) body.destroy();
      resolve(isWhole);
    };
    body.on("data", (chunk: Buffer) => {
      if (!response.write(chunk)) body.pause();
    });
    response.on("drain", () => void body.resume());
    body.once("end", () => end(true));
    body.on("error", () => end(false));
    body.once("close", () => end(false));
    response.once("close", () => end(false));
    response.on("error", () => end(false));
    // Over before anybody listened.
    if (body.destroyed || response.destroyed) end(false);
  });
}

/** Buys what a local program asks for, and hands the answer on as it comes. */
export async function relay(buyer: Buyer, request: IncomingMessage, response: ServerResponse, target: RelayTarget, options: RelayOptions): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the caller went away"));
  });
  const headers = requestHeaders(request, options);
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  const body = hasBody ? await prepareStream(request, headers["content-digest"], options.keepBodyBytes) : NO_BODY;
  const answer = await buyer.exchange({ method: request.method ?? "GET", url: target.url, headers, body, payee: target.payee, signal: gone.signal });
  response.writeHead(answer.status, answer.statusText, answerHeaders(answer, target).flat());
  if (!(await pump(answer.body, response))) {
    // The caller sees a body that was cut off; there is no other way to tell it.
    response.destroy();
    return;
  }
  const trailers = Object.entries(answer.trailers()).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // Of an answer with a length there are none.
  if (trailers.length > 0 && answer.headers["content-length"] === undefined) response.addTrailers(trailers);
  response.end();
}

/** As `relay`, for WebSockets and other protocols that begin as HTTP: paid when the other side agrees to them. */
export async function relayUpgrade(buyer: Buyer, request: IncomingMessage, socket: Duplex, head: Buffer, target: RelayTarget, options: RelayOptions): Promise<void> {
  const gone = new AbortController();
  const onGone = (): void => gone.abort(new Error("the caller went away"));
  socket.once("close", onGone);
  const headers = { ...requestHeaders(request, options), connection: "Upgrade", upgrade: request.headers.upgrade ?? "websocket" };
  const answer = await buyer.exchange({ method: request.method ?? "GET", url: target.url, headers, body: NO_BODY, payee: target.payee, isUpgrade: true, signal: gone.signal });
  const lines = answerHeaders(answer, target).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  if (answer.upgraded === undefined) {
    socket.write(`HTTP/1.1 ${answer.status} ${answer.statusText}\r\n${lines}Connection: close\r\n\r\n`);
    pipeline(answer.body, socket, () => socket.destroy());
    return;
  }
  socket.off("close", onGone);
  const { upgraded } = answer;
  socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}Connection: Upgrade\r\nUpgrade: ${answer.headers.upgrade ?? "websocket"}\r\n\r\n`);
  if (upgraded.head.length > 0) socket.write(upgraded.head);
  if (head.length > 0) upgraded.socket.write(head);
  pipeline(upgraded.socket, socket, () => socket.destroy());
  pipeline(socket, upgraded.socket, () => upgraded.socket.destroy());
}
