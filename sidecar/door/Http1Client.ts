import { STATUS_CODES } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { RequestHead } from "../gate/RequestHead.ts";
import { sourceOf } from "../gate/sourceOf.ts";
import type { CheckedHeaders } from "./checkRequest.ts";
import type { ClientEvents, ClientSide } from "./ClientSide.ts";
import { inOnePiece } from "./inOnePiece.ts";

type Request = IncomingMessage & { agnt2Client?: Http1Client };
type Response = ServerResponse & { agnt2Client?: Http1Client };

/** A larger unread body is not waited for after a refusal: the connection is closed instead. */
const DISCARDED_BYTES = 65_536;
const LINGER_MS = 1_000;
/** What Node takes for an early hint. */
const LINK = /^<[^>\r\n]*>(?:\s*;\s*[^;"\s]+(?:=(?:"[^"]*"|[^;"\s]*))?)*$/;

// One listener each for all requests; what is theirs hangs on the message.
function onData(this: Request, chunk: Buffer): void {
  this.agnt2Client!.events?.onRequestBody(chunk);
}
function onEnd(this: Request): void {
  const client = this.agnt2Client!;
  client.isBodyEnded = true;
  client.events?.onRequestEnd(this.rawTrailers);
}
function onBroken(this: Request): void {
  this.agnt2Client!.events?.onRequestBroken();
}
function onDrain(this: Response): void {
  this.agnt2Client!.events?.onClientDrain();
}
function onClose(this: Response): void {
  this.agnt2Client!.events?.onClientClose();
}

/** A request of HTTP/1.1 or 1.0. */
export class Http1Client implements ClientSide, RequestHead {
  events: ClientEvents | undefined;
  isBodyEnded: boolean;
  readonly awaitsContinue: boolean;
  readonly contentLength: number | undefined;
  readonly connection: string | undefined;
  readonly hasBody: boolean;
  readonly isUpgrade: boolean;
  protected readonly response: Response;
  readonly #request: Request;

  constructor(request: IncomingMessage, response: ServerResponse, checked: CheckedHeaders, awaitsContinue: boolean, isUpgrade: boolean) {
    this.#request = request;
    this.response = response;
    this.#request.agnt2Client = this;
    this.response.agnt2Client = this;
    this.contentLength = checked.contentLength;
    this.connection = checked.connection;
    this.hasBody = checked.isChunked || (checked.contentLength !== undefined && checked.contentLength > 0);
    this.isBodyEnded = !this.hasBody;
    this.awaitsContinue = awaitsContinue && this.hasBody;
    this.isUpgrade = isUpgrade;
    response.on("close", onClose);
    // An aborted request says so even when nobody reads it yet.
    if (this.hasBody) request.on("error", onBroken);
  }

  get head(): RequestHead {
    return this;
  }

  get method(): string {
    return this.#request.method!;
  }

  get target(): string {
    return this.#request.url!;
  }

  get headers(): RequestHead["headers"] {
    return this.#request.headers;
  }

  get remoteAddress(): string {
    return sourceOf(this.#request.socket.remoteAddress);
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  get version(): string {
    return this.#request.httpVersion;
  }

  startBody(): void {
    if (this.awaitsContinue) this.response.writeContinue();
    this.#request.on("data", onData);
    this.#request.on("end", onEnd);
  }

  pauseBody(): void {
    this.#request.pause();
  }

  resumeBody(): void {
    this.#request.resume();
  }

  writeEarlyHints(rawHeaders: readonly string[]): void {
    const hints: Record<string, string | string[]> = {};
    const links: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const lower = rawHeaders[i]!.toLowerCase();
      if (lower === "link") links.push(rawHeaders[i + 1]!);
      else if (lower.startsWith("x-")) hints[lower] = rawHeaders[i + 1]!;
    }
    // Node takes only well-formed links; hints are a courtesy, so others are left out.
    if (links.length > 0 && links.every((link) => LINK.test(link))) this.response.writeEarlyHints({ ...hints, link: links });
  }

  writeHead(status: number, reason: string, headers: readonly string[], isLast: boolean): void {
    const isUnread = !this.isBodyEnded && (isLast || this.awaitsContinue || (this.contentLength ?? Infinity) > DISCARDED_BYTES);
    if (isLast || isUnread) this.response.shouldKeepAlive = false;
    if (isUnread) lingerOnClose(this.#request.socket);
    this.response.writeHead(status, reason === "" ? (STATUS_CODES[status] ?? "") : reason, headers as string[]);
  }

  flush(): void {
    this.response.flushHeaders();
  }

  write(chunk: Uint8Array): boolean {
    const isFree = this.response.write(chunk);
    if (!isFree && this.response.listenerCount("drain") === 0) this.response.on("drain", onDrain);
    return isFree;
  }

  end(last: Uint8Array | undefined, trailers: readonly (readonly [string, string])[] | undefined): void {
    if (trailers !== undefined && trailers.length > 0) this.response.addTrailers(trailers as [string, string][]);
    if (last === undefined) this.response.end();
    else this.response.end(...inOnePiece(last));
  }

  abort(): void {
    const { socket } = this.#request;
    // To HTTP/1.0 the end of the connection is the end of the body: only a reset says that it is not.
    if (this.version === "1.0" && this.response.headersSent && !("encrypted" in socket)) socket.resetAndDestroy();
    else this.response.destroy();
  }
}

/**
 * Who closes while bytes are still coming makes the system reset the connection, and the client may lose the refusal that it was sent:
 * our side is ended, and what comes is thrown away for a moment.
 */
function lingerOnClose(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once("close", () => clearTimeout(timer));
  };
}
