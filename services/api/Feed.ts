import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocket, WebSocketServer } from "ws";

export const FEED_PATH = "/v1/feed";
export const FEED_EVENTS = ["hello", "batch", "entry", "epoch", "claimed", "backed", "retracted", "confirmed", "withdrawn", "rollback", "divergence"] as const;
export type FeedEvent = { readonly type: (typeof FEED_EVENTS)[number]; readonly [field: string]: unknown };

export interface FeedOptions {
  readonly maxClients?: number;
  /** A client with more than this waiting is cut off. */
  readonly maxBufferedBytes?: number;
  readonly pingMs?: number;
  /** The first message of every client. */
  readonly hello: () => FeedEvent;
}

const DEFAULTS = { maxClients: 1_000, maxBufferedBytes: 4 << 20, pingMs: 30_000 };
const TRY_AGAIN_LATER = 1013;
const GOING_AWAY = 1001;

interface Client {
  readonly socket: WebSocket;
  /** Undefined: all. */
  readonly types: ReadonlySet<string> | undefined;
  isAlive: boolean;
}

function typesOf(request: IncomingMessage): ReadonlySet<string> | undefined {
  const types = new URL(request.url ?? "/", "http://localhost").searchParams.get("types");
  return types === null ? undefined : new Set(types.split(",").map((type) => type.trim()));
}

/** Sends what happens to every WebSocket client that wants it. Slow and vanished clients are dropped: all of it can be read again. */
export class Feed {
  readonly #options: Required<FeedOptions>;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 1_024 });
  readonly #clients = new Set<Client>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #http: Server | undefined;

  constructor(options: FeedOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  attach(http: Server): void {
    this.#http = http;
    http.on("upgrade", this.#onUpgrade);
    this.#timer = setInterval(() => this.#ping(), this.#options.pingMs);
  }

  publish(event: FeedEvent): void {
    if (this.#clients.size === 0) return;
    const text = JSON.stringify(event, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
    for (const client of this.#clients) if (client.types === undefined || client.types.has(event.type)) this.#send(client, text);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#http?.off("upgrade", this.#onUpgrade);
    for (const { socket } of this.#clients) socket.close(GOING_AWAY, "the server is stopping");
    for (const { socket } of this.#clients) socket.terminate();
    this.#clients.clear();
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const refusal = pathname !== FEED_PATH ? "404 Not Found" : this.#clients.size >= this.#options.maxClients ? "503 Service Unavailable" : undefined;
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket, typesOf(request)));
  };

  #accept(socket: WebSocket, types: ReadonlySet<string> | undefined): void {
    const client: Client = { socket, types, isAlive: true };
    this.#clients.add(client);
    socket.on("pong", () => (client.isAlive = true));
    socket.on("close", () => this.#clients.delete(client));
    socket.on("error", () => socket.terminate());
    this.#send(client, JSON.stringify(this.#options.hello()));
  }

  #send({ socket }: Client, text: string): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    if (socket.bufferedAmount > this.#options.maxBufferedBytes) {
      socket.close(TRY_AGAIN_LATER, "too slow");
      socket.terminate();
      return;
    }
    socket.send(text);
  }

  #ping(): void {
    for (const client of this.#clients) {
      if (!client.isAlive) {
        client.socket.terminate();
        continue;
      }
      client.isAlive = false;
      client.socket.ping();
    }
  }
}
