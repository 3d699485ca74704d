import { isIP, connect } from "node:net";
import type { Socket } from "node:net";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";

import { checkAddresses, checkedLookup, literalAddress } from "../../../runtime/fetch/checkTarget.ts";
import { PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";
import { SidecarError } from "../../SidecarError.ts";
import type { Buyer } from "../createBuyer.ts";
import { createLocalServer, listen, stopServer } from "../gateway/createGateway.ts";
import { isSameSecret } from "../gateway/localCaller.ts";
import { refuse, refuseSocket, relay, relayUpgrade } from "../gateway/relay.ts";
import type { RelayTarget } from "../gateway/relay.ts";
import { HostList } from "../HostList.ts";

export interface ForwardProxyOptions {
  readonly buyer: Buyer;
  /** Hosts that plain requests may go to; where they may be paid, the buyer's own list says besides. Default: what the buyer allows. */
  readonly hosts?: readonly string[] | undefined;
  /** Hosts that CONNECT may go to. Nothing is paid there: what is said inside is not seen. Default: as `hosts`. */
  readonly tunnelHosts?: readonly string[] | undefined;
  /** Default: 443 only. */
  readonly tunnelPorts?: readonly number[] | undefined;
  /** Addresses that CONNECT may reach. Default: `PUBLIC_POLICY`. */
  readonly policy?: FetchPolicy | undefined;
  /** Password of `Proxy-Authorization` (Basic, any user; or Bearer). Default: none. */
  readonly token?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly keepBodyBytes?: number;
  /** Default 1,024. */
  readonly maxConnections?: number;
  /** Default 256. */
  readonly maxTunnels?: number;
  /** Default 10 s. */
  readonly connectMs?: number;
  /** A tunnel in which nothing moves for so long is ended. Default 5 min. */
  readonly tunnelIdleMs?: number;
}

export interface ForwardProxy {
  readonly port: number;
  readonly tunnels: number;
  stop(): Promise<void>;
}

const AUTHORITY = /^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5})$/;

function tokenOf(header: string | undefined): string | undefined {
  const [, kind = "", value = ""] = /^(Basic|Bearer) ([A-Za-z0-9+/=._~-]+)$/i.exec(header ?? "") ?? [];
  if (kind.toLowerCase() === "bearer") return value;
  if (kind === "") return undefined;
  const text = Buffer.from(value, "base64").toString("utf8");
  return text.slice(text.indexOf(":") + 1);
}

/**
 * A proxy of programs that know how to use one (`http_proxy`): plain HTTP in absolute form is bought, CONNECT is passed through unpaid,
 * since it hides the 402. Web pages cannot use it: a browser sends them there only when its owner says so.
 */
export async function createForwardProxy(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const { buyer, host = "127.0.0.1", policy = PUBLIC_POLICY, connectMs = 10_000, tunnelIdleMs = 300_000, maxTunnels = 256 } = options;
  const hosts = new HostList(options.hosts);
  const tunnelHosts = new HostList(options.tunnelHosts ?? options.hosts);
  const tunnelPorts = options.tunnelPorts ?? [443];
  const tunnels = new Set<Socket>();
  const relaying = { keepBodyBytes: options.keepBodyBytes ?? 1 << 20, isAuthorizationOurs: false };
  const lookup = checkedLookup(policy);

  function requireToken(request: IncomingMessage): void {
    const given = tokenOf(request.headers["proxy-authorization"]);
    if (options.token !== undefined && (given === undefined || !isSameSecret(given, options.token))) throw new SidecarError("proxy/token", {});
  }

  function targetOf(request: IncomingMessage): RelayTarget {
    requireToken(request);
    const url = URL.parse(request.url ?? "");
    // A page of this machine's browser can ask for a path here, but not for another host.
    if (url === null || url.protocol !== "http:") throw new SidecarError("proxy/target", { problem: "not an http URL in absolute form" });
    hosts.require(url);
    return { url: url.href, payee: undefined, prefix: undefined };
  }

  function tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    requireToken(request);
    const [, name, port] = AUTHORITY.exec(request.url ?? "") ?? [];
    if (name === undefined) throw new SidecarError("proxy/target", { problem: "not host:port" });
    if (!tunnelPorts.includes(Number(port))) throw new SidecarError("proxy/target", { problem: `port ${port}` });
    // As the URL parser reads it: 0x7f.1 is an address too.
    const hostname = URL.parse(`http://${name}/`)?.hostname;
    if (hostname === undefined) throw new SidecarError("proxy/target", { problem: "not a host" });
    if (!tunnelHosts.has(hostname, port!)) throw new SidecarError("buy/host", { host: hostname });
    if (tunnels.size >= maxTunnels) throw new SidecarError("buy/busy", { retryAfterSeconds: 1 });
    const literal = literalAddress(hostname);
    if (literal !== undefined) {
      try {
        checkAddresses(hostname, [literal], policy);
      } catch (error) {
        throw new SidecarError("buy/url", { problem: "fetch/address" }, { cause: error });
      }
    }
    const remote = connect({ host: literal ?? hostname, port: Number(port), ...(isIP(literal ?? hostname) === 0 ? { lookup } : {}) });
    tunnels.add(remote);
    const timer = setTimeout(() => remote.destroy(new SidecarError("buy/timeout", { host: hostname, timeoutMs: connectMs })), connectMs);
    let isOpen = false;
    remote.once("connect", () => {
      clearTimeout(timer);
      isOpen = true;
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      if (head.length > 0) remote.write(head);
      remote.setTimeout(tunnelIdleMs, () => remote.destroy());
      pipeline(remote, socket, () => socket.destroy());
      pipeline(socket, remote, () => remote.destroy());
    });
    remote.on("error", (error) => {
      clearTimeout(timer);
      if (isOpen || socket.destroyed) return;
      refuseSocket(socket, error instanceof SidecarError ? error : new SidecarError("buy/unreachable", { host: hostname }, { cause: error }));
    });
    remote.once("close", () => {
      clearTimeout(timer);
      tunnels.delete(remote);
    });
    socket.once("close", () => remote.destroy());
  }

  const { server, sockets } = createLocalServer(options.maxConnections ?? 1_024, {
    onRequest: async (request, response) => {
      try {
        await relay(buyer, request, response, targetOf(request), relaying);
      } catch (error) {
        refuse(response, error, error instanceof SidecarError && error.code === "proxy/token" ? { "proxy-authenticate": 'Basic realm="agnt2"' } : {});
      }
    },
    onUpgrade: async (request, socket, head) => relayUpgrade(buyer, request, socket, head, targetOf(request), relaying),
  });
  server.on("connect", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    try {
      tunnel(request, socket, head);
    } catch (error) {
      refuseSocket(socket, error);
    }
  });
  const port = await listen(server, options.port, host);
  return {
    port,
    get tunnels() {
      return tunnels.size;
    },
    stop: async () => {
      for (const remote of tunnels) remote.destroy();
      await stopServer(server, sockets);
    },
  };
}
