import type { Socket } from "node:net";

import type { RequestHead } from "../gate/RequestHead.ts";

/** What a client's side of an exchange reports. */
export interface ClientEvents {
  onRequestBody(chunk: Buffer): void;
  onRequestEnd(rawTrailers: readonly string[]): void;
  /** The body ended early or cannot be read. */
  onRequestBroken(): void;
  /** The answer's bytes may flow again. */
  onClientDrain(): void;
  /** The client is gone, or has all of its answer. */
  onClientClose(): void;
}

/** One request of a client and the way back to it, whatever version of HTTP it speaks. */
export interface ClientSide {
  readonly head: RequestHead;
  /** name, value, … as they came, without pseudo-headers. */
  readonly rawHeaders: readonly string[];
  /** "1.0", "1.1" or "2". */
  readonly version: string;
  readonly connection: string | undefined;
  readonly contentLength: number | undefined;
  readonly hasBody: boolean;
  /** The client waits for a 100 before it sends its body. */
  readonly awaitsContinue: boolean;
  events: ClientEvents | undefined;
  /** The body begins to flow to `events`; answers an awaited 100. */
  startBody(): void;
  pauseBody(): void;
  resumeBody(): void;
  writeEarlyHints(rawHeaders: readonly string[]): void;
  /** @param isLast the connection is for no other request */
  writeHead(status: number, reason: string, headers: readonly string[], isLast: boolean): void;
  /** Sends the head at once, though no body is there yet. */
  flush(): void;
  /** @returns false: wait for `onClientDrain` */
  write(chunk: Uint8Array): boolean;
  /** @param trailers after a body whose length was not said */
  end(last: Uint8Array | undefined, trailers: readonly (readonly [string, string])[] | undefined): void;
  /** Of an upgrade: answers 101 and hands out the connection. */
  openTunnel?(reason: string, headers: readonly string[]): Socket;
  /** Cuts the answer so that the client sees that it is broken. */
  abort(): void;
}
