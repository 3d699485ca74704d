import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

import { toError } from "../../../runtime/errors/CodedError.ts";
import { ApiError } from "../ApiError.ts";
import { clientAddress } from "../clientAddress.ts";
import { FeedClient } from "./FeedClient.ts";
import { FEED_EVENTS, FEED_PATH, feedText } from "./FeedEvent.ts";
import type { FeedEvent } from "./FeedEvent.ts";
import type { PastEvent, ResumePoint } from "./pastEvents.ts";

export interface FeedOptions {
  readonly maxClients?: number;
  readonly maxClientsPerAddress?: number;
  /** A client with more than this waiting is cut off. */
  readonly maxBufferedBytes?: number;
  readonly pingMs?: number;
  readonly trustedProxies?: number;
  /** The first message of every client. */
  readonly hello: () => FeedEvent;
  /** Counts a client's request. @throws ApiError (as a rejection) when it has no more */
  readonly admit?: (request: IncomingMessage) => Promise<void> | undefined;
  /** Something that is not the client's fault. */
  readonly onError?: (error: Error) => void;
  /** What was told from a block on. @throws ApiError */
  readonly past: (point: ResumePoint) => PastEvent[];
}

const DEFAULTS = { maxClients: 1_000, maxClientsPerAddress: 50, maxBufferedBytes: 4 << 20, pingMs: 30_000, trustedProxies: 0, admit: (): undefined => undefined, onError: (): undefined => undefined };
const GOING_AWAY = 1001;
const RETRY_SECONDS = 10;
const STATUS_TEXTS: Readonly<Record<number, string>> = { 400: "Bad Request", 404: "Not Found", 410: "Gone", 429: "Too Many Requests", 503: "Service Unavailable" };
const PARAMETERS = ["types", "resumeBlock", "resumeHash"];

/** What a client asks for. */
interface Wish {
  readonly types: ReadonlySet<string> | undefined;
  readonly resume: ResumePoint | undefined;
}

/** @throws ApiError `api/badRequest` */
function wishOf(url: URL): Wish {
  const query = url.searchParams;
  const problems = [...query.keys()].filter((name) => !PARAMETERS.includes(name)).map((field) => ({ field, problem: "not known" }));
  const types = query.get("types")?.split(",").map((type) => type.trim());
  for (const type of types ?? []) if (!(FEED_EVENTS as readonly string[]).includes(type)) problems.push({ field: "types", problem: `there are no messages of type ${type.slice(0, 40)}` });
  const block = query.get("resumeBlock");
  if (block !== null && !/^\d{1,15}$/.test(block)) problems.push({ field: "resumeBlock", problem: "expected a block number of L1" });
  const blockHash = query.get("resumeHash") ?? undefined;
  if (blockHash !== undefined && !/^0x[0-9a-f]{64}$/.test(blockHash)) problems.push({ field: "resumeHash", problem: "expected 0x and 64 hex digits" });
  if (problems.length > 0) throw new ApiError("api/badRequest", { problems });
  return { types: types === undefined ? undefined : new Set(["hello", ...types]), resume: block === null ? undefined : { block: Number(block), blockHash } };
}

/** Sends what happens to every WebSocket client that wants it. Slow and vanished clients are dropped: with `resumeBlock` they miss nothing. */
export class Feed {
  readonly #options: Required<FeedOptions>;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 1_024 });
  readonly #clients = new Set<FeedClient>();
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
    const text = feedText(event);
    for (const client of this.#clients) {
      // What it is being told of the past is past no more: it comes back and is told anew.
      if (event.type === "rollback" && client.isReplaying) client.drop("L1 was reorganised");
      else client.send(event.type, text);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#http?.off("upgrade", this.#onUpgrade);
    for (const { socket } of this.#clients) socket.close(GOING_AWAY, "the server is stopping");
    for (const { socket } of this.#clients) socket.terminate();
    this.#clients.clear();
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => socket.destroy());
    this.#upgrade(request, socket, head).catch((thrown: unknown) => {
      if (!(thrown instanceof ApiError)) this.#options.onError(toError(thrown));
      refuse(socket, thrown instanceof ApiError ? thrown : new ApiError("api/internal", {}));
    });
  };

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = URL.parse(request.url ?? "/", "http://localhost");
    if (url === null) throw new ApiError("api/badRequest", { problems: [{ field: "path", problem: "not a valid URL" }] });
    if (url.pathname !== FEED_PATH) throw new ApiError("api/unknownRoute", { method: "GET", path: url.pathname });
    const { types, resume } = wishOf(url);
    await this.#options.admit(request);
    const address = clientAddress(request, this.#options.trustedProxies);
    this.#checkRoom(address);
    // From here on all happens in one turn: nothing can come between the past that is read and the first live message.
    const past = resume === undefined ? [] : this.#options.past(resume);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#accept(webSocket, address, { types, resume }, past));
  }

  #checkRoom(address: string): void {
    const { maxClients, maxClientsPerAddress } = this.#options;
    if (this.#clients.size >= maxClients) throw new ApiError("api/notReady", {}, "the feed has as many readers as it takes");
    const own = [...this.#clients].filter((client) => client.address === address).length;
    if (own >= maxClientsPerAddress) throw new ApiError("api/tooMany", { limit: maxClientsPerAddress, retryAfterSeconds: RETRY_SECONDS }, "your address has as many readers of the feed as it may");
  }

  #accept(socket: WebSocket, address: string, { types, resume }: Wish, past: readonly PastEvent[]): void {
    const client = new FeedClient(socket, { address, types, maxBufferedBytes: this.#options.maxBufferedBytes });
    this.#clients.add(client);
    socket.on("pong", () => (client.isAlive = true));
    socket.on("close", () => this.#clients.delete(client));
    socket.on("error", () => socket.terminate());
    client.send("hello", feedText(this.#options.hello()));
    if (resume === undefined) return;
    client.replay(past).catch((thrown: unknown) => {
      this.#options.onError(toError(thrown));
      client.drop("the past cannot be told");
    });
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

function refuse(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify(error.body());
  const retry = error.code === "api/tooMany" || error.status === 503 ? `Retry-After: ${RETRY_SECONDS}\r\n` : "";
  const head = `HTTP/1.1 ${error.status} ${STATUS_TEXTS[error.status] ?? "Refused"}\r\nConnection: close\r\n${retry}`;
  socket.end(`${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
