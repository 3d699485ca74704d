import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import { SidecarError } from "../../SidecarError.ts";
import type { Buyer } from "../createBuyer.ts";
import { CachedResolver } from "./AgentResolver.ts";
import type { AgentResolver, ResolvedAgent } from "./AgentResolver.ts";
import { requireLocalCaller } from "./localCaller.ts";
import type { CallerRules } from "./localCaller.ts";
import { refuse, refuseSocket, relay, relayUpgrade } from "./relay.ts";
import type { RelayTarget } from "./relay.ts";
import { relaySealed, SEAL_HEADER } from "./relaySealed.ts";

/** An agent that the configuration names. */
export interface GatewayAgent {
  readonly url: string;
  /** Who must be paid there. */
  readonly address?: string | undefined;
  /** See `ResolvedAgent`. */
  readonly partner?: ResolvedAgent["partner"];
  /** A port of this machine that is this agent's alone, for programs that can be told an origin but no path. */
  readonly port?: number | undefined;
}

export interface GatewayOptions extends CallerRules {
  readonly buyer: Buyer;
  /** By name. */
  readonly agents?: Readonly<Record<string, GatewayAgent>> | undefined;
  /** For names that the configuration does not have. */
  readonly resolver?: AgentResolver | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 1 MiB; see `BuyerOptions.keepBodyBytes`. */
  readonly keepBodyBytes?: number;
  /** Default 60 s. */
  readonly resolveKeepMs?: number;
  /** Default 1,024. */
  readonly maxConnections?: number;
}

export interface Gateway {
  readonly port: number;
  /** Ports of agents that have one of their own, by name. */
  readonly ports: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

interface GatewayTarget extends RelayTarget {
  readonly partner: ResolvedAgent["partner"];
}

const AGENT_PATH = /^\/agents\/([A-Za-z0-9._:~@-]{1,128})(\/[^?]*)?(\?.*)?$/;
/** Would lead out of the agent's own path, in one reading or another. */
const DOTS = /(^|[/\\])(\.|%2e){1,2}([/\\]|%2f|%5c|$)|%2f|%5c/i;
const HEADERS_MS = 10_000;
const STOP_MS = 10_000;

/** The rest of a path below an agent's URL. @throws SidecarError `door/path` */
export function targetUrl(base: string, path: string, query: string): string {
  if (DOTS.test(path)) throw new SidecarError("door/path", { problem: "dots or encoded slashes" });
  const { origin, pathname } = new URL(base);
  return `${origin}${pathname.replace(/\/$/, "")}${path === "" ? "/" : path}${query}`;
}

export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Ends a server: what runs may end, then it is cut. */
export async function stopServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, STOP_MS);
  await closed;
  clearTimeout(timer);
}

/** A server whose sockets are known, so that it can be stopped. */
export function createLocalServer(maxConnections: number, handlers: {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;
}): { readonly server: Server; readonly sockets: ReadonlySet<Socket> } {
  const sockets = new Set<Socket>();
  const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: 0, maxHeaderSize: 32 * 1024, insecureHTTPParser: false }, (request, response) => {
    handlers.onRequest(request, response).catch((error: unknown) => refuse(response, error));
  });
  server.maxConnections = maxConnections;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request, socket, head) => {
    // Stays for good: the other side may break it at any time.
    socket.on("error", () => socket.destroy());
    handlers.onUpgrade(request, socket, head).catch((error: unknown) => refuseSocket(socket, error));
  });
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else socket.destroy();
  });
  return { server, sockets };
}

/**
 * Remote agents at an address of this machine: `http://127.0.0.1:<port>/agents/<name, id or address>/<path>`, paid for out of the buyer's
 * budget. For programs of this machine only: see {@link requireLocalCaller}.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { buyer, agents = {}, host = "127.0.0.1", maxConnections = 1_024, keepBodyBytes = 1 << 20 } = options;
  const resolver = options.resolver === undefined ? undefined : new CachedResolver(options.resolver, options.resolveKeepMs ?? 60_000);
  const relaying = { keepBodyBytes, isAuthorizationOurs: options.token !== undefined };

  async function find(name: string): Promise<ResolvedAgent> {
    const named = Object.hasOwn(agents, name) ? agents[name] : undefined;
    const agent = named === undefined ? await resolver?.resolve(name) : { url: named.url, address: named.address, partner: named.partner };
    if (agent === undefined) throw new SidecarError("gateway/agent", { name });
    return agent;
  }

  async function route(target: string): Promise<GatewayTarget> {
    const [, name, path = "", query = ""] = AGENT_PATH.exec(target) ?? [];
    if (name === undefined) throw new SidecarError("gateway/agent", { name: "" });
    const { url, address, partner } = await find(name);
    return { url: targetUrl(url, path, query), payee: address, prefix: `/agents/${name}`, partner };
  }

  async function routeTo(name: string, target: string): Promise<GatewayTarget> {
    const [, path = "", query = ""] = /^(\/[^?]*)(\?.*)?$/.exec(target) ?? [];
    if (path === "") throw new SidecarError("door/path", { problem: "not an absolute path" });
    const { url, address, partner } = await find(name);
    return { url: targetUrl(url, path, query), payee: address, prefix: "", partner };
  }

  function serve(findTarget: (target: string) => Promise<GatewayTarget>): ReturnType<typeof createLocalServer> {
    return createLocalServer(maxConnections, {
      onRequest: async (request, response) => {
        requireLocalCaller(request, options);
        const target = await findTarget(request.url ?? "");
        if (request.headers[SEAL_HEADER] !== "1") return relay(buyer, request, response, target, relaying);
        if (target.partner === undefined) throw new SidecarError("gateway/seal", { problem: "this agent was not found by the registry or its card" });
        await relaySealed(buyer, request, response, target, target.partner, relaying);
      },
      onUpgrade: async (request, socket, head) => {
        requireLocalCaller(request, options);
        await relayUpgrade(buyer, request, socket, head, await findTarget(request.url ?? ""), relaying);
      },
    });
  }

  const servers = [serve(route)];
  const port = await listen(servers[0]!.server, options.port, host);
  const ports: Record<string, number> = {};
  for (const [name, agent] of Object.entries(agents)) {
    if (agent.port === undefined) continue;
    const own = serve((target) => routeTo(name, target));
    servers.push(own);
    ports[name] = await listen(own.server, agent.port, host);
  }
  return {
    port,
    ports,
    stop: async () => {
      await Promise.all(servers.map(({ server, sockets }) => stopServer(server, sockets)));
    },
  };
}
