import { constants } from "node:http2";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";

import type { RequestHead } from "../gate/RequestHead.ts";
import { sourceOf } from "../gate/sourceOf.ts";
import { SidecarError } from "../SidecarError.ts";
import type { CheckedHeaders } from "./checkRequest.ts";
import type { ClientEvents, ClientSide } from "./ClientSide.ts";

export interface Http2Request {
  readonly method: string;
  readonly target: string;
  /** As an HTTP/1.1 request would have them: Host in place of :authority, one Cookie. */
  readonly rawHeaders: readonly string[];
}

const DISCARDED_BYTES = 65_536;
const CONNECTION_SPECIFIC = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/**
 * Reads what HTTP/2 calls a request (RFC 9113 8.2, 8.3) into what HTTP/1.1 does.
 * @param raw name, value, … with pseudo-headers
 * @throws SidecarError `door/request`
 */
export function readHttp2Request(raw: readonly string[]): Http2Request {
  const pseudo = new Map<string, string>();
  const rawHeaders: string[] = [];
  const cookies: string[] = [];
  const hosts: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name.startsWith(":")) {
      if (pseudo.has(name) || rawHeaders.length > 0) throw new SidecarError("door/request", { problem: "its pseudo-headers are not one of each before all others" });
      pseudo.set(name, value);
    } else if (name !== name.toLowerCase() || CONNECTION_SPECIFIC.has(name) || (name === "te" && value.toLowerCase() !== "trailers")) {
      throw new SidecarError("door/request", { problem: "it has a header that HTTP/2 does not have" });
    } else if (name === "cookie") cookies.push(value);
    else if (name === "host") hosts.push(value);
    else rawHeaders.push(name, value);
  }
  const [method, target, scheme, authority] = [":method", ":path", ":scheme", ":authority"].map((name) => pseudo.get(name));
  if (method === undefined || target === undefined || scheme === undefined || pseudo.size > (authority === undefined ? 3 : 4)) {
    throw new SidecarError("door/request", { problem: "its pseudo-headers are not those of a request" });
  }
  const host = authority ?? hosts[0];
  if (host === undefined || hosts.some((other) => other !== host)) throw new SidecarError("door/request", { problem: "there is not one Host" });
  if (cookies.length > 0) rawHeaders.push("cookie", cookies.join("; "));
  return { method, target, rawHeaders: ["host", host, ...rawHeaders] };
}

/** A request of HTTP/2. */
export class Http2Client implements ClientSide, RequestHead {
  events: ClientEvents | undefined;
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly headers: RequestHead["headers"];
  readonly version = "2";
  readonly connection = undefined;
  readonly isUpgrade = false;
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
  readonly awaitsContinue: boolean;
  readonly #stream: ServerHttp2Stream;
  #requestTrailers: readonly string[] = [];
  #answerTrailers: readonly (readonly [string, string])[] = [];
  #isEnded = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, request: Http2Request, checked: CheckedHeaders) {
    this.#stream = stream;
    this.method = request.method;
    this.target = request.target;
    this.rawHeaders = request.rawHeaders;
    this.headers = headers as RequestHead["headers"];
    this.contentLength = checked.contentLength;
    this.hasBody = !stream.endAfterHeaders && checked.contentLength !== 0;
    this.awaitsContinue = this.hasBody && headers.expect?.toLowerCase() === "100-continue";
    // Its close follows an error; there is nothing else to do for it.
    stream.on("error", () => stream.close());
    stream.on("close", () => this.events?.onClientClose());
    stream.on("drain", () => this.events?.onClientDrain());
    stream.on("trailers", (_headers: IncomingHttpHeaders, _flags: number, raw?: string[]) => (this.#requestTrailers = raw ?? []));
    stream.on("wantTrailers", () => this.#sendTrailers());
  }

  get head(): RequestHead {
    return this;
  }

  get remoteAddress(): string {
    return sourceOf(this.#stream.session?.socket.remoteAddress);
  }

  startBody(): void {
    if (this.awaitsContinue && !this.#stream.headersSent) this.#stream.additionalHeaders({ ":status": 100 });
    this.#stream.on("data", (chunk: Buffer) => this.events?.onRequestBody(chunk));
    this.#stream.on("end", () => {
      if (!this.#stream.aborted) this.events?.onRequestEnd(this.#requestTrailers);
    });
  }

  pauseBody(): void {
    this.#stream.pause();
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  writeEarlyHints(rawHeaders: readonly string[]): void {
    const links = rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === "link");
    if (links.length > 0 && !this.#stream.destroyed) this.#stream.additionalHeaders({ ":status": 103, link: links });
  }

  writeHead(status: number, _reason: string, headers: readonly string[], _isLast: boolean): void {
    if (this.#stream.destroyed || this.#stream.headersSent) return;
    const flat: string[] = [":status", String(status)];
    let hasLength = false;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!.toLowerCase();
      hasLength ||= name === "content-length";
      flat.push(name, headers[i + 1]!);
    }
    this.#isEnded = this.method === "HEAD" || status === 204 || status === 304;
    this.#stream.respond(flat as never, { endStream: this.#isEnded, waitForTrailers: !this.#isEnded && !hasLength });
  }

  flush(): void {
    // Heads are frames of their own.
  }

  write(chunk: Uint8Array): boolean {
    return this.#stream.destroyed || this.#isEnded || this.#stream.write(chunk);
  }

  end(last: Uint8Array | undefined, trailers: readonly (readonly [string, string])[] | undefined): void {
    this.#answerTrailers = trailers ?? [];
    if (!this.#stream.destroyed && !this.#isEnded) {
      if (last === undefined) this.#stream.end();
      else this.#stream.end(last);
    }
    if (!this.hasBody || this.#stream.readableEnded) return;
    // What still comes of a body is not wanted any more: a little is thrown away, for more the stream is closed (RFC 9113 8.1).
    this.#stream.resume();
    if ((this.contentLength ?? Infinity) > DISCARDED_BYTES) this.#stream.once("finish", () => setImmediate(() => this.#stream.close(constants.NGHTTP2_NO_ERROR)));
  }

  abort(): void {
    // `close` would end the body properly first.
    this.#stream.destroy(new Error("The answer broke."));
  }

  #sendTrailers(): void {
    const trailers: Record<string, string[]> = {};
    for (const [name, value] of this.#answerTrailers) (trailers[name.toLowerCase()] ??= []).push(value);
    this.#stream.sendTrailers(trailers);
  }
}
