import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import type { TLSSocket } from "node:tls";

import { toError } from "../../../../runtime/errors/CodedError.ts";
import { shellError } from "../ChannelShellError.ts";
import type { ChannelConnection, ChannelListener, ChannelTransport } from "./ChannelTransport.ts";
import { FramedConnection } from "./FramedConnection.ts";
import { selfSignedCertificate } from "./selfSignedCertificate.ts";

const SCHEME = "tls://";
const EXPORTER_LABEL = "EXPORTER-agnt2-channel";
const HANDSHAKE_MS = 10_000;
/** The 128-bit one first: it costs a third less, and nobody breaks it before the channel's own signatures. */
const TLS = { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384" } as const;

function parse(address: string): { host: string; port: number } {
  try {
    const url = new URL(address);
    if (address.startsWith(SCHEME) && url.port !== "") return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) };
  } catch (error) {
    throw shellError("channel/unreachable", { address }, toError(error).message, error);
  }
  throw shellError("channel/unreachable", { address }, "addresses look like tls://host:port");
}

function wrap(socket: TLSSocket, isDialler: boolean, remote: string): FramedConnection {
  socket.setNoDelay(true);
  const binding = Uint8Array.from(socket.exportKeyingMaterial(32, EXPORTER_LABEL, Buffer.alloc(0)));
  const connection = new FramedConnection(
    {
      write: (bytes) => socket.write(bytes),
      get waitingBytes() {
        return socket.writableLength;
      },
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      end: () => void socket.end(),
      destroy: () => void socket.destroy(),
    },
    { remote, isDialler, binding },
  );
  let failure: Error | undefined;
  socket.on("data", (chunk: Buffer) => connection.received(chunk));
  socket.on("drain", () => connection.drained());
  socket.on("end", () => connection.halfClosed());
  socket.on("error", (error) => (failure = error));
  socket.on("close", () => connection.finished(failure));
  socket.pause();
  return connection;
}

/**
 * TLS 1.3 over TCP with certificates that mean nothing; the exporter (RFC 9266) binds the agents' signatures to the connection.
 * Addresses: `tls://host:port`.
 */
export class TlsTransport implements ChannelTransport {
  readonly name = "tls";
  readonly #own = selfSignedCertificate();
  readonly #listeners = new Set<ChannelListener>();

  speaks(address: string): boolean {
    return address.startsWith(SCHEME);
  }

  async listen(address: string, onConnection: (connection: ChannelConnection) => void): Promise<ChannelListener> {
    const { host, port } = parse(address);
    const sockets = new Set<TLSSocket>();
    const server = createServer({ ...this.#own, ...TLS, handshakeTimeout: HANDSHAKE_MS }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      onConnection(wrap(socket, false, `${SCHEME}${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`));
    });
    try {
      server.listen(port, host);
      await once(server, "listening");
    } catch (error) {
      throw shellError("channel/unreachable", { address }, toError(error).message, error);
    }
    // A peer that fails the handshake has no channel yet: nothing is to be told to anybody.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    const listener: ChannelListener = {
      address: `${SCHEME}${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
      stop: async () => {
        this.#listeners.delete(listener);
        const isClosed = once(server, "close");
        server.close();
        for (const socket of sockets) socket.destroy();
        await isClosed;
      },
    };
    this.#listeners.add(listener);
    return listener;
  }

  async dial(address: string, timeoutMs: number): Promise<ChannelConnection> {
    const { host, port } = parse(address);
    // Any certificate will do, since the agent's signature over the exporter says who is there.
    const socket = connect({ host, port, ...TLS, rejectUnauthorized: false });
    try {
      await once(socket, "secureConnect", { signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      socket.destroy();
      socket.on("error", () => socket.destroy());
      throw shellError("channel/unreachable", { address }, toError(error).message, error);
    }
    return wrap(socket, true, address);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.stop()));
  }
}
