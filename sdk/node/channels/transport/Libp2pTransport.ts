import type { Connection, Libp2p, Stream } from "@libp2p/interface";

import { keccak256 } from "../../../../core/hash/index.ts";
import { toError } from "../../../../runtime/errors/CodedError.ts";
import { shellError } from "../ChannelShellError.ts";
import type { ChannelConnection, ChannelListener, ChannelTransport } from "./ChannelTransport.ts";
import { FramedConnection } from "./FramedConnection.ts";

const PROTOCOL = "/agnt2/channel/1";
const MAX_STREAMS = 1_024;
const MAX_CONNECTIONS = 4_096;
/** A paused stream keeps what the window lets through; beyond its read buffer libp2p would reset it. */
const WINDOW_BYTES = 4 << 20;
const READ_BUFFER_BYTES = 4 * WINDOW_BYTES;
const WRITE_BUFFER_BYTES = 64 << 20;
/** At the end of an address: the id of one process, which the next one there does not have. */
const PEER_ID = /\/p2p\/[A-Za-z0-9]+$/;

function wrap(stream: Stream, own: Libp2p, { remotePeer, remoteAddr }: Connection, isDialler: boolean): FramedConnection {
  stream.maxReadBufferLength = READ_BUFFER_BYTES;
  stream.maxWriteBufferLength = WRITE_BUFFER_BYTES;
  const [dialler, listener] = isDialler ? [own.peerId, remotePeer] : [remotePeer, own.peerId];
  // noise has proven both ids to both ends; one in the middle would have to show one of its own to each.
  const binding = keccak256(Buffer.from(`${PROTOCOL}\n${dialler.toString()}\n${listener.toString()}`));
  const connection = new FramedConnection(
    {
      write: (bytes) => {
        // It throws when the stream has ended; the event that tells so is under way then.
        if (stream.status !== "open" || stream.writeStatus !== "writable") return true;
        return stream.send(bytes);
      },
      get waitingBytes() {
        return stream.writeBufferLength;
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => {
        stream.close().catch((error: unknown) => stream.abort(toError(error)));
      },
      destroy: () => stream.abort(new Error("cut")),
    },
    { remote: remoteAddr.toString(), isDialler, binding },
  );
  stream.addEventListener("message", ({ data }) => connection.received(data instanceof Uint8Array ? data : data.subarray()));
  stream.addEventListener("drain", () => connection.drained());
  stream.addEventListener("remoteCloseWrite", () => connection.halfClosed());
  stream.addEventListener("close", ({ error }) => connection.finished(error));
  return connection;
}

/**
 * js-libp2p: TCP, noise, yamux. A peer id lives as long as its process; the agents' signatures are bound to the two ids of the
 * connection (`authenticate`). Addresses are multiaddrs: `/ip4/HOST/tcp/PORT`, with or without `/p2p/ID`:
 * who is there is known by its signature, and the id of an address that was kept is that of a process which may be gone.
 */
export class Libp2pTransport implements ChannelTransport {
  readonly name = "libp2p";
  readonly #nodes = new Set<Libp2p>();
  #dialler: Promise<Libp2p> | undefined;

  speaks(address: string): boolean {
    return address.startsWith("/");
  }

  async #createNode(listen: readonly string[]): Promise<Libp2p> {
    // Loaded when it is needed: a third of a second that every command of the CLI would wait for.
    const [{ createLibp2p }, { tcp }, { noise }, { yamux }] = await Promise.all([import("libp2p"), import("@libp2p/tcp"), import("@libp2p/noise"), import("@libp2p/yamux")]);
    const node = await createLibp2p({
      addresses: { listen: [...listen] },
      transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: WINDOW_BYTES } })],
      connectionManager: { maxConnections: MAX_CONNECTIONS, inboundConnectionThreshold: MAX_CONNECTIONS, maxIncomingPendingConnections: MAX_CONNECTIONS },
      // Channels have their own pings.
      connectionMonitor: { enabled: false },
    });
    this.#nodes.add(node);
    return node;
  }

  async listen(address: string, onConnection: (connection: ChannelConnection) => void): Promise<ChannelListener> {
    let node: Libp2p | undefined;
    try {
      node = await this.#createNode([address]);
      const own = node;
      await own.handle(PROTOCOL, (stream, connection) => onConnection(wrap(stream, own, connection, false)), { maxInboundStreams: MAX_STREAMS });
      const [here] = own.getMultiaddrs();
      if (here === undefined) throw new Error("it has no address");
      return { address: here.toString().replace(PEER_ID, ""), stop: () => this.#stopNode(own) };
    } catch (error) {
      if (node !== undefined) await this.#stopNode(node);
      throw shellError("channel/unreachable", { address }, toError(error).message, error);
    }
  }

  async dial(address: string, timeoutMs: number): Promise<ChannelConnection> {
    try {
      const node = await (this.#dialler ??= this.#createNode([]));
      const signal = AbortSignal.timeout(timeoutMs);
      const { multiaddr } = await import("@multiformats/multiaddr");
      const connection = await node.dial(multiaddr(address.replace(PEER_ID, "")), { signal });
      const stream = await connection.newStream(PROTOCOL, { signal, maxOutboundStreams: MAX_STREAMS });
      return wrap(stream, node, connection, true);
    } catch (error) {
      throw shellError("channel/unreachable", { address }, toError(error).message, error);
    }
  }

  async #stopNode(node: Libp2p): Promise<void> {
    this.#nodes.delete(node);
    await node.stop();
  }

  async stop(): Promise<void> {
    this.#dialler = undefined;
    await Promise.all([...this.#nodes].map((node) => this.#stopNode(node)));
  }
}
