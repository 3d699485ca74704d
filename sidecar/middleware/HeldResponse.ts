import { OutgoingMessage } from "node:http";
import type { ClientRequest, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";

import { inOnePiece } from "../door/inOnePiece.ts";
import type { HeaderPairs } from "../gate/Sale.ts";

type Callback = (error?: Error | null) => void;
type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Told by a {@link HeldResponse} what the handler does. */
export interface HeldEvents {
  /** Status and headers are settled: `writeHead`, the first write, `flushHeaders` or `end`. */
  onHead(): void;
  /** So many bytes are held now. */
  onHeld(bytes: number): void;
  onEnd(): void;
  /**
   * The connection is gone, or the handler has broken it off.
   * @returns true: the handler goes on, and is not told before this is over
   */
  onClose(isByHandler: boolean): boolean;
}

type Held = ServerResponse & { [HELD]: HeldResponse };

/** Where a response keeps its {@link HeldResponse}: the functions below are shared by all, so that responses stay of one shape. */
const HELD = Symbol("held");
const headersSentOf = Object.getOwnPropertyDescriptor(OutgoingMessage.prototype, "headersSent")!.get!;
const writableEndedOf = Object.getOwnPropertyDescriptor(OutgoingMessage.prototype, "writableEnded")!.get!;

function writeHead(this: Held, status: number, reason?: string | Headers, headers?: Headers): ServerResponse {
  return this[HELD].writeHead(status, reason, headers);
}
function write(this: Held, chunk: unknown, encoding?: BufferEncoding | Callback, done?: Callback): boolean {
  return this[HELD].write(chunk, encoding, done);
}
function end(this: Held, chunk?: unknown, encoding?: BufferEncoding | Callback, done?: Callback): ServerResponse {
  return this[HELD].end(chunk, encoding, done);
}
function flushHeaders(this: Held): void {
  this[HELD].flushHeaders();
}
function addTrailers(this: Held, trailers: OutgoingHttpHeaders): void {
  this[HELD].addTrailers(trailers);
}
function emit(this: Held, name: string | symbol, ...values: unknown[]): boolean {
  return this[HELD].emit(name, values);
}
function destroy(this: Held, error?: Error): Held {
  this[HELD].destroy(error);
  return this;
}
// What handlers and frameworks ask to know how far they are.
const HEADERS_SENT: PropertyDescriptor = {
  configurable: true,
  get: function (this: Held) {
    return this[HELD].isHeld ? this[HELD].isHead : (headersSentOf.call(this) as boolean);
  },
};
const WRITABLE_ENDED: PropertyDescriptor = {
  configurable: true,
  get: function (this: Held) {
    return this[HELD].isHeld ? this[HELD].isEnded : (writableEndedOf.call(this) as boolean);
  },
};

/**
 * Keeps what a handler answers from the client until it is released: `writeHead`, `write`, `end`, `flushHeaders` and so `pipe` work as ever, what
 * they say is collected. Wrappers that were put around the response later (compression) stay in force, since the methods are never put back but
 * pass through after the release.
 */
export class HeldResponse {
  readonly response: ServerResponse;
  readonly #events: HeldEvents;
  readonly #writeHead: ServerResponse["writeHead"];
  readonly #write: ServerResponse["write"];
  readonly #end: ServerResponse["end"];
  readonly #flushHeaders: ServerResponse["flushHeaders"];
  readonly #addTrailers: ServerResponse["addTrailers"];
  readonly #emit: ServerResponse["emit"];
  readonly #destroy: ServerResponse["destroy"];
  #state: "held" | "released" | "dropped" = "held";
  #isHead = false;
  #isEnded = false;
  #hasTrailers = false;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isBlocked = false;
  /** The handler itself has broken it off. */
  #isDestroyed = false;
  /** The client has left, and the handler does not know. */
  #isAlone = false;

  constructor(response: ServerResponse, events: HeldEvents) {
    this.response = response;
    this.#events = events;
    this.#writeHead = response.writeHead;
    this.#write = response.write;
    this.#end = response.end;
    this.#flushHeaders = response.flushHeaders;
    this.#addTrailers = response.addTrailers;
    this.#emit = response.emit;
    this.#destroy = response.destroy;
    (response as Held)[HELD] = this;
    response.writeHead = writeHead as ServerResponse["writeHead"];
    response.write = write as ServerResponse["write"];
    response.end = end as ServerResponse["end"];
    response.flushHeaders = flushHeaders;
    response.addTrailers = addTrailers as ServerResponse["addTrailers"];
    response.emit = emit as ServerResponse["emit"];
    response.destroy = destroy as ServerResponse["destroy"];
    Object.defineProperty(response, "headersSent", HEADERS_SENT);
    Object.defineProperty(response, "writableEnded", WRITABLE_ENDED);
  }

  /** Nothing of it has been let go or thrown away. */
  get isHeld(): boolean {
    return this.#state === "held";
  }

  get isHead(): boolean {
    return this.#isHead;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get status(): number {
    return this.response.statusCode;
  }

  /** In their order and case, without what belongs to the transfer. */
  headers(): HeaderPairs {
    const pairs: [string, string][] = [];
    // Types leave this method out for responses; it is that of all outgoing messages.
    for (const name of (this.response as unknown as ClientRequest).getRawHeaderNames()) {
      const lower = name.toLowerCase();
      if (lower === "transfer-encoding" || lower === "connection" || lower === "keep-alive" || (lower === "content-length" && !this.#isBodiless)) continue;
      const value = this.response.getHeader(name);
      for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, String(one)]);
    }
    return pairs;
  }

  /** What was written so far. */
  body(): Buffer {
    if (this.#isBodiless) return Buffer.alloc(0);
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }

  /** Lets it all go to the client, with `extra` headers, and everything after it. */
  release(extra: HeaderPairs): void {
    if (this.#state !== "held") return;
    if (this.#isAlone) return this.#leave();
    const { response } = this;
    const body = this.body();
    this.#state = "released";
    this.#chunks = [];
    if (response.destroyed) return;
    for (const [name, value] of extra) response.setHeader(name, value);
    if (this.#isEnded) {
      if (!this.#isBodiless && !this.#hasTrailers) {
        response.removeHeader("transfer-encoding");
        response.setHeader("Content-Length", body.length);
      }
      this.#end.call(response, ...((body.length === 0 ? [] : inOnePiece(body)) as unknown as Parameters<ServerResponse["end"]>));
      return;
    }
    if (body.length > 0) this.#write.call(response, body, ...([] as unknown as [BufferEncoding]));
    else this.#flushHeaders.call(response);
    if (this.#isBlocked) response.emit("drain");
  }

  /** Throws it all away and answers this instead; what the handler still says goes nowhere. */
  replace(status: number, headers: HeaderPairs, body: Uint8Array): void {
    if (this.#state !== "held") return;
    if (this.#isAlone) return this.#leave();
    const { response } = this;
    this.#state = "dropped";
    this.#chunks = [];
    if (response.destroyed || response.socket === null) return;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    for (const [name, value] of headers) response.appendHeader(name, value);
    response.setHeader("Content-Length", body.length);
    response.statusCode = status;
    response.statusMessage = "";
    this.#state = "released";
    this.#end.call(response, ...([Buffer.from(body)] as unknown as Parameters<ServerResponse["end"]>));
    this.#state = "dropped";
    if (this.#isBlocked) response.emit("drain");
  }

  /** Cuts the connection: what was sent is not all. */
  abort(): void {
    this.#state = "dropped";
    this.#chunks = [];
    this.response.destroy();
  }

  emit(name: string | symbol, values: readonly unknown[]): boolean {
    if (name === "close" && this.#state === "held" && this.#events.onClose(this.#isDestroyed)) {
      this.#isAlone = true;
      // Pipes and frameworks give up a response that says so.
      this.response.destroyed = false;
      return false;
    }
    return this.#emit.call(this.response, name as string, ...values);
  }

  destroy(error: Error | undefined): void {
    this.#isDestroyed = true;
    this.#destroy.call(this.response, error);
    if (!this.#isAlone) return;
    this.#events.onClose(true);
    this.#leave();
  }

  /** Nobody waits for it any more, and the handler may know. */
  #leave(): void {
    this.#isAlone = false;
    this.#state = "dropped";
    this.#chunks = [];
    this.response.destroyed = true;
    this.response.emit("close");
  }

  get #isBodiless(): boolean {
    const { req, statusCode } = this.response;
    return req.method === "HEAD" || statusCode === 204 || statusCode === 304;
  }

  writeHead(status: number, reason?: string | Headers, headers?: Headers): ServerResponse {
    const { response } = this;
    if (this.#state === "released") return this.#writeHead.call(response, status, ...([reason, headers].filter((part) => part !== undefined) as unknown as []));
    if (this.#state === "dropped") return response;
    if (this.#isHead) throw Object.assign(new Error("Cannot write headers after they are sent to the client"), { code: "ERR_HTTP_HEADERS_SENT" });
    response.statusCode = status;
    if (typeof reason === "string") response.statusMessage = reason;
    const given = typeof reason === "string" ? headers : reason;
    if (Array.isArray(given)) {
      const seen = new Set<string>();
      for (let i = 0; i < given.length; i += 2) {
        const name = String(given[i]);
        if (!seen.has(name.toLowerCase())) response.removeHeader(name);
        seen.add(name.toLowerCase());
        response.appendHeader(name, given[i + 1] as string);
      }
    } else for (const [name, value] of Object.entries(given ?? {})) if (value !== undefined) response.setHeader(name, value);
    this.#takeHead();
    return response;
  }

  #takeHead(): void {
    if (this.#isHead) return;
    // Through the outermost wrapper once, so that those who change headers at the last moment are asked.
    this.#isHead = true;
    this.#events.onHead();
  }

  /** As `write` and `end` do when nobody has called `writeHead`. */
  #implicitHead(): void {
    if (!this.#isHead) this.response.writeHead(this.response.statusCode);
  }

  flushHeaders(): void {
    if (this.#state === "released") return this.#flushHeaders.call(this.response);
    if (this.#state === "held") this.#implicitHead();
  }

  write(chunk: unknown, encoding?: BufferEncoding | Callback, done?: Callback): boolean {
    if (this.#state === "released") return this.#write.call(this.response, chunk, ...([encoding, done].filter((part) => part !== undefined) as unknown as [BufferEncoding]));
    const callback = typeof encoding === "function" ? encoding : done;
    if (this.#state === "held") {
      this.#implicitHead();
      this.#hold(chunk, typeof encoding === "string" ? encoding : "utf8");
    }
    if (callback !== undefined) process.nextTick(callback);
    return !this.#isBlocked;
  }

  end(chunk?: unknown, encoding?: BufferEncoding | Callback, done?: Callback): ServerResponse {
    const { response } = this;
    if (this.#state === "released") return this.#end.call(response, ...([chunk, encoding, done].filter((part) => part !== undefined) as unknown as Parameters<ServerResponse["end"]>));
    if (this.#state === "dropped" || this.#isEnded) return response;
    const callback = [chunk, encoding, done].find((part): part is Callback => typeof part === "function");
    if (callback !== undefined) response.once("finish", callback);
    this.#implicitHead();
    if (chunk !== undefined && chunk !== null && typeof chunk !== "function") this.#hold(chunk, typeof encoding === "string" ? encoding : "utf8");
    this.#isEnded = true;
    if (this.#state === "held") this.#events.onEnd();
    return response;
  }

  addTrailers(trailers: OutgoingHttpHeaders): void {
    this.#hasTrailers = true;
    this.#addTrailers.call(this.response, trailers);
  }

  #hold(chunk: unknown, encoding: BufferEncoding): void {
    // A handler may use its buffer again as soon as this returns.
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk as Uint8Array);
    if (this.#state !== "held") return;
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    this.#events.onHeld(this.#bytes);
  }

  /** From now on writers are told to wait until the release. */
  block(): void {
    this.#isBlocked = true;
  }
}
