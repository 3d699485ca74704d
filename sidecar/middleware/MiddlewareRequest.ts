import type { IncomingMessage } from "node:http";

import type { BodyReader, RequestHead } from "../gate/RequestHead.ts";
import type { HeaderPairs } from "../gate/Sale.ts";
import { sourceOf } from "../gate/sourceOf.ts";
import { SidecarError } from "../SidecarError.ts";

/** What frameworks hang on a request of Node's. */
export type FrameworkRequest = IncomingMessage & {
  /** express: the target before routers took their part of it. */
  readonly originalUrl?: string;
  /** The body's bytes, where a parser that ran before kept them. */
  readonly rawBody?: Uint8Array;
};

/** A request within the process: its head, and its body where the gate must read it before the handler does. */
export class MiddlewareRequest implements RequestHead, BodyReader {
  readonly isUpgrade: boolean;
  readonly #request: FrameworkRequest;

  constructor(request: FrameworkRequest, isUpgrade: boolean) {
    this.#request = request;
    this.isUpgrade = isUpgrade;
  }

  get method(): string {
    return this.#request.method!;
  }

  get target(): string {
    return this.#request.originalUrl ?? this.#request.url!;
  }

  get headers(): RequestHead["headers"] {
    return this.#request.headers;
  }

  get remoteAddress(): string {
    return sourceOf(this.#request.socket.remoteAddress);
  }

  /** Reads the body and puts it back, so that the handler finds it where it always does. */
  read(maxBytes: number): Promise<Uint8Array> {
    const request = this.#request;
    if (!hasBody(request)) return Promise.resolve(new Uint8Array(0));
    if (request.rawBody !== undefined) return Promise.resolve(request.rawBody);
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(new SidecarError("door/body-too-large", { limitBytes: maxBytes }));
    if (request.readableDidRead) return Promise.reject(bodyWasRead());
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const finish = (done: () => void): void => {
        request.off("readable", onReadable).off("close", onBroken).off("error", onBroken);
        done();
      };
      const onBroken = (): void => finish(() => reject(new SidecarError("door/body-broken", {})));
      const onReadable = (): void => {
        for (let chunk = request.read() as Buffer | null; chunk !== null; chunk = request.read() as Buffer | null) {
          bytes += chunk.length;
          if (bytes > maxBytes) return finish(() => reject(new SidecarError("door/body-too-large", { limitBytes: maxBytes })));
          chunks.push(chunk);
        }
        if (!request.complete) return;
        const body = Buffer.concat(chunks);
        // Its end has not been told yet, so what was read may go back before it.
        if (body.length > 0) request.unshift(body);
        finish(() => resolve(body));
      };
      request.on("readable", onReadable).on("close", onBroken).on("error", onBroken);
    });
  }
}

/** How the middleware was put in the wrong place. */
export function bodyWasRead(): Error {
  return new Error("The body was read before the gate could: put the gate before body parsers, or let them keep the bytes as `rawBody`.");
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] !== undefined && headers["content-length"] !== "0");
}

/** Takes out what only the gate may say. */
export function dropForgedHeaders(request: IncomingMessage): void {
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    // "agnt2-" in any case; nearly no header has a 2 there.
    if (name.charCodeAt(4) !== 50 || !name.toLowerCase().startsWith("agnt2-")) continue;
    delete request.headers[name.toLowerCase()];
    rawHeaders.splice(i, 2);
    i -= 2;
  }
}

/** Tells the handler who pays, as the door tells an upstream. */
export function addHeaders(request: IncomingMessage, added: HeaderPairs): void {
  for (const [name, value] of added) {
    request.headers[name.toLowerCase()] = value;
    request.rawHeaders.push(name, value);
  }
}
