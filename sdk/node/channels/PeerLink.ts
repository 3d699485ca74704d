import { shellError } from "./ChannelShellError.ts";
import type { ChannelShellError } from "./ChannelShellError.ts";
import type { ChannelConnection } from "./transport/ChannelTransport.ts";
import { CHANNEL_HEAD_BYTES, MAX_ROUTE_BYTES, WIRE } from "./wire.ts";

/** Frames beside those of channels, of which an honest peer sends few: joins, pings, routes. */
const MAX_CONTROL_PER_SECOND = 2_000;
/** Joined channels that this side does not have (yet). */
const MAX_UNKNOWN = 1_024;

const PING = Uint8Array.of(WIRE.PING);
const PONG = Uint8Array.of(WIRE.PONG);
const ROUTE = Uint8Array.of(WIRE.ROUTE);

export const idText = (channelId: Uint8Array): string => Buffer.from(channelId.buffer, channelId.byteOffset, channelId.length).toString("hex");

/** What a link tells the peer object. Ids are hex without 0x. */
export interface LinkOwner {
  onJoin(link: PeerLink, channelId: string): void;
  onLeave(link: PeerLink, channelId: string): void;
  /** @returns false if the channel is not served over this connection */
  onChannelFrame(link: PeerLink, channelId: string, frame: Uint8Array): boolean;
  onRoute(link: PeerLink, bytes: Uint8Array): void;
  onLinkEnd(link: PeerLink, error: ChannelShellError | undefined): void;
}

/** One authenticated connection: tells apart what goes over it, keeps it alive, and cuts it when it is misused. */
export class PeerLink {
  /** 20 bytes. */
  readonly agent: Uint8Array;
  readonly agentText: string;
  readonly connection: ChannelConnection;
  /** Channels that the peer serves over this connection, and those that we do. */
  readonly theirs = new Set<string>();
  readonly ours = new Set<string>();
  readonly #owner: LinkOwner;
  #lastHeardMs: number;
  #lastPingMs = 0;
  #controlFrames = 0;
  #controlSinceMs: number;
  #nowMs: number;
  #hasEnded = false;

  constructor(connection: ChannelConnection, agent: Uint8Array, owner: LinkOwner, maxFrameBytes: number, nowMs: number) {
    this.connection = connection;
    this.agent = agent;
    this.agentText = idText(agent);
    this.#owner = owner;
    this.#nowMs = this.#lastHeardMs = this.#controlSinceMs = nowMs;
    connection.maxFrameBytes = maxFrameBytes + CHANNEL_HEAD_BYTES;
  }

  /** Begins to read. */
  start(): void {
    this.connection.handle({
      onFrame: (frame) => this.#onFrame(frame),
      onDrain: () => undefined,
      onEnd: (error) => {
        this.#hasEnded = true;
        this.#owner.onLinkEnd(this, error);
      },
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** @param head from `channelHead` */
  send(head: Uint8Array, frame?: Uint8Array): void {
    this.connection.send(head, frame);
  }

  route(bytes: Uint8Array): void {
    this.connection.send(ROUTE, bytes);
  }

  /** About once a second. A peer that said nothing for `idleMs` is asked; one that does not answer for as long again is given up. */
  tick(nowMs: number, idleMs: number): void {
    this.#nowMs = nowMs;
    const silentMs = nowMs - this.#lastHeardMs;
    if (silentMs > 2 * idleMs) return this.connection.close(shellError("channel/stalled", { address: this.connection.remote, waitedMs: silentMs }));
    if (silentMs > idleMs && nowMs - this.#lastPingMs > idleMs) {
      this.#lastPingMs = nowMs;
      this.connection.send(PING);
    }
  }

  #onFrame(frame: Uint8Array): void {
    this.#lastHeardMs = this.#nowMs;
    const kind = frame[0];
    if (kind === WIRE.CHANNEL && frame.length > CHANNEL_HEAD_BYTES) {
      if (this.#owner.onChannelFrame(this, idText(frame.subarray(1, CHANNEL_HEAD_BYTES)), frame.subarray(CHANNEL_HEAD_BYTES))) return;
      // Under way when this side left; more than that is a flood.
      if (this.#isTooMuch()) this.connection.close(shellError("channel/flood", { address: this.connection.remote }));
      return;
    }
    if (this.#isTooMuch()) return this.connection.close(shellError("channel/flood", { address: this.connection.remote }));
    if (kind === WIRE.ROUTE && frame.length <= 1 + MAX_ROUTE_BYTES) return this.#owner.onRoute(this, frame.subarray(1));
    if (kind === WIRE.PING && frame.length === 1) return void this.connection.send(PONG);
    if (kind === WIRE.PONG && frame.length === 1) return;
    if (kind === WIRE.JOIN && frame.length === CHANNEL_HEAD_BYTES) {
      const id = idText(frame.subarray(1));
      if (this.theirs.size >= MAX_UNKNOWN + this.ours.size) return this.connection.close(shellError("channel/flood", { address: this.connection.remote }, "it joins more channels than there can be"));
      this.theirs.add(id);
      return this.#owner.onJoin(this, id);
    }
    if (kind === WIRE.LEAVE && frame.length === CHANNEL_HEAD_BYTES) {
      const id = idText(frame.subarray(1));
      this.theirs.delete(id);
      return this.#owner.onLeave(this, id);
    }
    this.connection.close(shellError("channel/frame", { address: this.connection.remote }, `a frame of kind ${String(kind)} with ${frame.length} bytes`));
  }

  #isTooMuch(): boolean {
    if (this.#nowMs - this.#controlSinceMs >= 1_000) {
      this.#controlSinceMs = this.#nowMs;
      this.#controlFrames = 0;
    }
    this.#controlFrames += 1;
    return this.#controlFrames > MAX_CONTROL_PER_SECOND;
  }
}
