import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { TLSSocket } from "node:tls";

import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Gate } from "../gate/Gate.ts";
import type { RequestHead } from "../gate/RequestHead.ts";
import { sourceOf } from "../gate/sourceOf.ts";
import { SidecarError } from "../SidecarError.ts";
import { WaitingRoom } from "../ways/WaitingRoom.ts";
import { acceptHttp1, writeRefusal } from "./acceptHttp1.ts";
import { acceptHttp2 } from "./acceptHttp2.ts";
import type { ClientSide } from "./ClientSide.ts";
import { DEFAULT_DOOR_LIMITS } from "./DoorLimits.ts";
import type { DoorLimits } from "./DoorLimits.ts";
import { Exchange } from "./Exchange.ts";
import type { DoorMetrics, DoorService, ExchangeContext } from "./ExchangeContext.ts";
import { RunningExchanges } from "./RunningExchanges.ts";
import { speaksHttp2 } from "./speaksHttp2.ts";
import { parseUpstreamAddress } from "./upstream/UpstreamAddress.ts";
import type { UpstreamAddress } from "./upstream/UpstreamAddress.ts";
import { UpstreamPool } from "./upstream/UpstreamPool.ts";

export interface DoorOptions {
  readonly gate: Gate;
  /** `http://…`, `https://…` or `unix:/path/to.sock`. */
  readonly upstream: string;
  /** A second service of this process, for the requests that it says are its own. */
  readonly side?: { readonly upstream: string; handles(head: RequestHead): boolean } | undefined;
  /** PEM of the authority that the upstream's certificate comes from, if it is not a known one. */
  readonly upstreamCa?: string | undefined;
  readonly limits?: Partial<DoorLimits> | undefined;
  /** PEM; with it the door speaks TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly log: Logger;
  readonly metrics?: DoorMetrics | undefined;
}

/** The paid door before an HTTP service (docs/SIDECAR.md section 7). */
export interface Door {
  /** @throws what `net.Server.listen` does, such as EADDRINUSE */
  listen(host: string, port: number): Promise<void>;
  /** Where it listens. @throws TypeError before it does */
  readonly address: { readonly host: string; readonly port: number };
  /** Exchanges that run now. */
  readonly running: number;
  /** Clients' connections that are open now. */
  readonly connections: number;
  /** Connections to the upstream that are open now. */
  readonly upstreamConnections: number;
  /** No new connections and requests; what runs may end for so long, then it is cancelled. */
  drain(deadlineMs: number): Promise<void>;
  /** Ends everything now; what is not paid is cancelled. */
  close(): Promise<void>;
}

const PREFACE_TRIES_MS = 10;

/** Makes a door; it opens with `listen`. @throws TypeError for an upstream that is not one */
export function createDoor(options: DoorOptions): Door {
  const { gate, log, metrics } = options;
  const limits: DoorLimits = { ...DEFAULT_DOOR_LIMITS, ...options.limits };
  const address = parseUpstreamAddress(options.upstream);
  const poolTo = (to: UpstreamAddress): UpstreamPool =>
    new UpstreamPool({ address: to, ca: options.upstreamCa, maxConnections: limits.upstreamConnections, idleMs: limits.upstreamIdleMs, answerHeaderBytes: limits.answerHeaderBytes, headerCount: limits.headerCount });
  const service: DoorService = { pool: poolTo(address), address };
  const sideAddress = options.side === undefined ? undefined : parseUpstreamAddress(options.side.upstream);
  const side: DoorService | undefined = sideAddress === undefined ? undefined : { pool: poolTo(sideAddress), address: sideAddress };
  const running = new RunningExchanges(limits.running, limits.runningPerAddress);
  const sockets = new Set<Socket>();
  const connections = new WaitingRoom(limits.connections, limits.connectionsPerAddress);
  let isDraining = false;
  let sweeper: NodeJS.Timeout | undefined;

  const context: ExchangeContext = {
    gate,
    serviceFor: (head) => (side !== undefined && options.side!.handles(head) ? side : service),
    limits,
    log,
    metrics,
    running,
    held: { bytes: 0 },
    get isDraining() {
      return isDraining;
    },
  };
  const events = {
    limits,
    isRefused(remoteAddress: string | undefined): SidecarError | undefined {
      if (isDraining) return new SidecarError("door/stopping", {});
      if (running.hasRoom(sourceOf(remoteAddress))) return undefined;
      metrics?.exchange("busy", 0);
      return new SidecarError("door/busy", { retryAfterSeconds: 1 });
    },
    onRequest: (client: ClientSide) => new Exchange(context, client).start(),
    onProblem(error: SidecarError): void {
      metrics?.exchange("refused", 0);
      log.debug({ code: error.code, ...error.payload }, "A request was not let in.");
    },
  };
  const http1 = acceptHttp1(events);
  const http2 = acceptHttp2(events);

  const hand = (socket: Socket, isHttp2: boolean): void => {
    (isHttp2 ? http2.server : http1).emit("connection", socket);
    // What was looked at and put back flows by itself; HTTP/2 reads it on its own.
    if (!isHttp2) socket.resume();
  };

  /** Counts a connection in. @returns false: there are too many, it is told so */
  const admit = (socket: Socket): boolean => {
    const from = sourceOf(socket.remoteAddress);
    if (isDraining || !connections.enter(from)) {
      socket.on("error", () => socket.destroy());
      metrics?.exchange("busy", 0);
      // A TLS client could not read it.
      if (options.tls !== undefined) socket.destroy();
      else writeRefusal(socket, isDraining ? new SidecarError("door/stopping", {}) : new SidecarError("door/busy", { retryAfterSeconds: 1 }));
      return false;
    }
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      connections.leave(from);
    });
    return true;
  };

  const server: Server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    if (!admit(socket)) return;
    if (tlsServer !== undefined) return void tlsServer.emit("connection", socket);
    speaksHttp2(socket, limits.headerMs, (isHttp2) => hand(socket, isHttp2));
  });
  const tlsServer = options.tls === undefined ? undefined : createTlsServer({ ...options.tls, ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: limits.headerMs, minVersion: "TLSv1.2" });
  tlsServer?.on("secureConnection", (socket: TLSSocket) => hand(socket, socket.alpnProtocol === "h2"));
  tlsServer?.on("tlsClientError", (_error, socket) => socket.destroy());

  const shortest = Math.min(limits.bodyIdleMs, limits.stallMs, limits.holdMs, 2_000);
  const sweep = (): void => {
    const now = Date.now();
    for (const exchange of running) exchange.sweep(now);
    service.pool.sweep(now);
    side?.pool.sweep(now);
  };

  const stopListening = (): Promise<void> => new Promise((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));

  const door: Door = {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => {
          server.off("error", reject);
          server.on("error", (error) => log.error({ err: error }, "The door cannot take a connection."));
          sweeper = setInterval(sweep, Math.max(20, shortest / 4));
          resolve();
        });
      }),
    get address() {
      const bound = server.address() as AddressInfo | null;
      if (bound === null) throw new TypeError("The door does not listen.");
      return { host: bound.address, port: bound.port };
    },
    get running() {
      return running.size;
    },
    get connections() {
      return sockets.size;
    },
    get upstreamConnections() {
      return service.pool.size;
    },
    async drain(deadlineMs) {
      isDraining = true;
      const closed = stopListening();
      http1.closeIdleConnections();
      http2.drain();
      const until = Date.now() + deadlineMs;
      while (running.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, PREFACE_TRIES_MS));
      for (const exchange of [...running]) exchange.abort("stopping");
      // Those that are told so have a moment to be written.
      for (let tries = 0; running.size > 0 && tries < 50; tries++) await new Promise((resolve) => setTimeout(resolve, PREFACE_TRIES_MS));
      await door.close();
      await closed;
    },
    async close() {
      isDraining = true;
      clearInterval(sweeper);
      const closed = stopListening();
      for (const exchange of [...running]) exchange.abort("stopping");
      http1.close();
      http2.close();
      for (const socket of sockets) socket.destroy();
      service.pool.close();
      side?.pool.close();
      await closed;
    },
  };
  return door;
}
