import { channelDomainSeparator, channelIdOf, createEngine } from "../../../core/channel/index.ts";
import type { ChannelCode, ChannelConfig, EngineOptions } from "../../../core/channel/index.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import { backend, recoverPublicKey } from "../../../runtime/crypto/secp.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import { Channel } from "./Channel.ts";
import type { ChannelHost } from "./Channel.ts";
import type { ChannelMetrics } from "./ChannelMetrics.ts";
import { shellError } from "./ChannelShellError.ts";
import { RECORD, encodeSettings, findSettings } from "./channelRecord.ts";
import type { ChannelSettings } from "./channelRecord.ts";
import { PeerLinks } from "./PeerLinks.ts";
import type { PeerLink } from "./PeerLink.ts";
import { idText } from "./PeerLink.ts";
import type { ChannelSigner } from "./signing/ChannelSigner.ts";
import type { ChannelStore } from "./store/ChannelStore.ts";
import type { ChannelNetwork } from "./transport/authenticate.ts";
import type { ChannelTransport } from "./transport/ChannelTransport.ts";
import { WIRE, channelHead } from "./wire.ts";

const BUSY_TICK_MS = 10;
const SECOND_MS = 1_000;
const DEFAULT_MAX_FRAME_BYTES = 4 << 20;
const DEFAULT_MAX_RUNNING_CALLS = 1_024;
/** How long a channel is not served after its traffic was ended: twice as long each time, until it went well for `CALM_MS`. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5_000;
const CALM_MS = 30_000;

export interface PeerOptions {
  /** May be shared by several peers of one process. */
  readonly store: ChannelStore;
  /** The agent: its principal, or a key that speaks for it. */
  readonly signer: ChannelSigner;
  /** Granted session keys. */
  readonly sessionSigners?: readonly ChannelSigner[] | undefined;
  readonly network: ChannelNetwork;
  readonly transports: readonly ChannelTransport[];
  /** Time of L1 in seconds. Default: this machine's clock. */
  readonly l1Seconds?: (() => number) | undefined;
  /** Asks a contract (ERC-1271) about a signature. Default: no contract's signature counts. */
  readonly verifyByContract?: ((signer: Uint8Array, digest: Uint8Array, signature: Uint8Array) => Promise<boolean>) | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: ChannelMetrics | undefined;
  /** A peer that says nothing for so long is asked; if it stays silent as long again, its connection is cut. Default 10 s. */
  readonly idleMs?: number | undefined;
  readonly handshakeMs?: number | undefined;
  readonly maxConnections?: number | undefined;
}

export interface OpenOptions extends Partial<Omit<EngineOptions, "config" | "separator" | "self">> {
  /** Where the peer listens; this side dials it, and again when the connection is lost. */
  readonly address?: string | undefined;
  /** Keys other than the party that the peer may connect with. */
  readonly peerKeys?: readonly Uint8Array[] | undefined;
  /** Async handlers that run at a time. */
  readonly maxRunningCalls?: number | undefined;
}

interface Entry {
  readonly channel: Channel;
  readonly settings: ChannelSettings;
  /** Agents, as hex, that may speak for the other side. */
  readonly speakers: ReadonlySet<string>;
  readonly head: Uint8Array;
  link: PeerLink | undefined;
  /** Its traffic was ended: no connection serves it before then; 0 while it is served. Of this process's clock. */
  pausedUntilMs: number;
  /** When the last pause ended. */
  pausedLastMs: number;
  nextPauseMs: number;
}

/** Asked when the peer serves a channel that this side has not opened: open it then, if it is wanted. */
export type UnknownChannelListener = (channelId: Uint8Array, agent: Uint8Array) => void;
export type RouteListener = (agent: Uint8Array, bytes: Uint8Array) => void;

/** An agent's end of its channels: many channels, with many peers, over one listener and one store. */
export class ChannelPeer {
  /** 20 bytes. */
  readonly agent: Uint8Array;
  readonly #options: PeerOptions;
  readonly #separator: Uint8Array;
  readonly #links: PeerLinks;
  readonly #entries = new Map<string, Entry>();
  readonly #host: ChannelHost;
  readonly #unknown = new Set<UnknownChannelListener>();
  readonly #routes = new Set<RouteListener>();
  #dirty = new Set<Channel>();
  #immediate: NodeJS.Immediate | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #lastSecondMs = 0;
  #isStopped = false;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.agent = options.signer.address;
    this.#separator = channelDomainSeparator({ chainId: options.network.chainId, adjudicator: options.network.adjudicator });
    this.#host = this.#createHost();
    this.#links = new PeerLinks(
      {
        network: options.network, signer: options.signer, transports: options.transports, logger: options.logger, metrics: options.metrics,
        idleMs: options.idleMs ?? 10_000, handshakeMs: options.handshakeMs ?? 10_000, maxConnections: options.maxConnections ?? 1_024,
        maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
      },
      {
        onLink: (link) => this.#joinAll(link),
        onJoin: (link, id) => this.#onJoin(link, id),
        onLeave: (link, id) => this.#onLeave(link, id),
        onChannelFrame: (link, id, frame) => this.#onFrame(link, id, frame),
        onRoute: (link, bytes) => this.#onRoute(link, bytes),
        onLinkEnd: (link) => {
          for (const id of link.ours) this.#detach(this.#entries.get(id), link);
        },
      },
    );
    options.logger?.info({ signatures: backend, agent: `0x${idText(this.agent)}` }, "channels are served");
  }

  /** Takes connections at an address. @returns what others dial */
  async listen(address: string): Promise<string> {
    return await this.#links.listen(address);
  }

  /** Channels in the store that nobody has opened yet. @throws ChannelShellError `channel/store-damaged` */
  stored(): ChannelSettings[] {
    const { store } = this.#options;
    return store.channelIds.map((id) => findSettings(store.peek(id))).filter((settings) => settings !== undefined && this.#sideOf(settings.config) === settings.self) as ChannelSettings[];
  }

  get channels(): readonly Channel[] {
    return [...this.#entries.values()].map(({ channel }) => channel);
  }

  /** @param channelId hex without 0x */
  channel(channelId: string): Channel | undefined {
    return this.#entries.get(channelId)?.channel;
  }

  /**
   * Begins to serve a channel, new or from the store: reads its records, and connects when an address is known.
   * @throws ChannelShellError `channel/exists`, `channel/unknown` when neither party is this agent or its session key's principal; ChannelError `channel/log`
   */
  open(config: ChannelConfig, options: OpenOptions = {}, self = this.#sideOf(config)): Channel {
    if (this.#isStopped) throw shellError("channel/left", { channelId: "" }, "the peer was stopped");
    const id = channelIdOf(config);
    const text = idText(id);
    if (self === undefined) throw shellError("channel/unknown", { channelId: text }, "this agent is none of its parties");
    if (this.#entries.has(text)) throw shellError("channel/exists", { channelId: text });
    const { address: wantedAddress, peerKeys = [], maxRunningCalls, ...engineOptions } = options;
    const { store } = this.#options;
    let entry: Entry | undefined;
    const records = store.attach(id, () => [
      { kind: RECORD.ENGINE, body: entry!.channel.checkpoint() },
      { kind: RECORD.SETTINGS, body: encodeSettings(entry!.settings) },
    ]);
    try {
      const found = findSettings(records);
      const settings: ChannelSettings = { config, self, mode: options.mode ?? found?.mode ?? "chained", address: wantedAddress ?? found?.address };
      const engine = createEngine({ maxFrameBytes: DEFAULT_MAX_FRAME_BYTES, ...engineOptions, mode: settings.mode, config, separator: this.#separator, self });
      for (const { kind, body } of records) if (kind === RECORD.ENGINE) engine.replay(body);
      const channel = new Channel({ id, idText: text, config, self, engine, maxRunningCalls: maxRunningCalls ?? DEFAULT_MAX_RUNNING_CALLS }, this.#host);
      const speakers = new Set([channel.peer, ...peerKeys].map(idText));
      entry = { channel, settings, speakers, head: channelHead(WIRE.CHANNEL, id), link: undefined, pausedUntilMs: 0, pausedLastMs: 0, nextPauseMs: FIRST_PAUSE_MS };
      store.release(id);
      if (found === undefined || found.address !== settings.address || found.mode !== settings.mode) store.append(id, RECORD.SETTINGS, encodeSettings(settings));
      this.#entries.set(text, entry);
      channel.resume(store.instance);
      this.#schedule(channel);
      this.#tickSoon();
      this.#joinEverywhere(entry);
      if (settings.address !== undefined) this.#links.keepConnected(settings.address, speakers);
      return channel;
    } catch (error) {
      if (entry === undefined) store.detach(id);
      throw error;
    }
  }

  /** Stops serving a channel in this process; its records stay. */
  leave(channelId: string): void {
    const entry = this.#entries.get(channelId);
    if (entry === undefined) return;
    for (const speaker of entry.speakers) this.#withdraw(this.#links.to(speaker), entry);
    entry.channel.turn();
    entry.channel.fail(shellError("channel/left", { channelId }));
    this.#entries.delete(channelId);
    this.#dirty.delete(entry.channel);
    const { address } = entry.settings;
    if (address !== undefined && ![...this.#entries.values()].some(({ settings }) => settings.address === address)) this.#links.letGo(address);
    this.#options.store.detach(entry.channel.id);
  }

  /** Told of channels that a peer serves and we do not have. */
  onUnknownChannel(listener: UnknownChannelListener): () => void {
    this.#unknown.add(listener);
    return () => void this.#unknown.delete(listener);
  }

  /** Bytes beside the channels (docs/CHANNELS.md section 4, "Hub"); views, gone after the call. */
  onRoute(listener: RouteListener): () => void {
    this.#routes.add(listener);
    return () => void this.#routes.delete(listener);
  }

  /** Sends such bytes; false when no connection to the agent is up. At most 1 MiB. */
  sendRoute(agent: Uint8Array, bytes: Uint8Array): boolean {
    const link = this.#links.to(idText(agent));
    link?.route(bytes);
    return link !== undefined;
  }

  /** Ends connections and timers; what was appended is still written. The store and the transports are the caller's. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    await this.#links.stop();
    for (const id of [...this.#entries.keys()]) this.leave(id);
    clearTimeout(this.#ticker);
    clearImmediate(this.#immediate);
  }

  #sideOf(config: ChannelConfig): 0 | 1 | undefined {
    const own = idText(this.agent);
    return idText(config.partyA) === own ? 0 : idText(config.partyB) === own ? 1 : undefined;
  }

  #createHost(): ChannelHost {
    const { store, signer, sessionSigners = [], metrics, logger, verifyByContract } = this.#options;
    const signers = new Map([signer, ...sessionSigners].map((each) => [idText(each.address), each]));
    const l1Seconds = this.#options.l1Seconds ?? (() => Math.floor(Date.now() / 1_000));
    return {
      nowMs: () => performance.timeOrigin + performance.now(),
      l1Seconds,
      schedule: (channel) => this.#schedule(channel),
      append: (channel, record) => store.append(channel.id, RECORD.ENGINE, record),
      write: () => store.write(),
      whenDurable: (done) => store.whenDurable(done),
      get isStoreFull() {
        return store.isFull;
      },
      transmit: (channel, frame) => {
        const entry = this.#entries.get(channel.idText);
        metrics?.frameSent(frame.length);
        entry?.link?.send(entry.head, frame);
      },
      signsHere: (key) => signers.get(idText(key))?.isRemote !== true,
      sign: (channel, digest, key, done) => {
        const startMs = performance.now();
        const found = signers.get(idText(key));
        if (found === undefined) return channel.fail(shellError("channel/identity", { address: `0x${idText(key)}` }, "this process has no signer of that key"));
        const signature = found.sign(digest);
        if (signature instanceof Uint8Array) {
          metrics?.signed(1, performance.now() - startMs);
          return done(signature);
        }
        signature.then(done, (error: unknown) => channel.fail(error));
      },
      verify: (digest, signature, address, done) => {
        if (signature.length !== 64) {
          if (verifyByContract === undefined) return done(false);
          verifyByContract(address, digest, signature).then(done, (error: unknown) => {
            logger?.warn({ error: toError(error).message }, "a contract could not be asked about a signature");
            done(false);
          });
          return;
        }
        const startMs = performance.now();
        // Recovered and compared, not verified: the contract recovers, and a wrong parity bit would pass a verification.
        const key = recoverPublicKey(digest, signature);
        metrics?.verified(1, performance.now() - startMs);
        done(key !== null && Buffer.compare(keccak256(key).subarray(12), address) === 0);
      },
      cut: (channel, code, detail, banMs) => this.#cut(channel, code, detail, banMs),
      alarm: (channel, code, detail) => {
        metrics?.alarm(code);
        logger?.warn({ channelId: channel.idText, code, detail }, "a channel asks for attention");
      },
    };
  }

  #schedule(channel: Channel): void {
    this.#dirty.add(channel);
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      const channels = this.#dirty;
      this.#dirty = new Set();
      for (const each of channels) each.turn();
    });
  }

  #tickSoon(): void {
    if (this.#ticker !== undefined || this.#isStopped || this.#entries.size === 0) return;
    this.#ticker = setTimeout(() => {
      this.#ticker = undefined;
      const nowMs = this.#host.nowMs();
      const l1Seconds = this.#host.l1Seconds();
      const isSecond = nowMs - this.#lastSecondMs >= SECOND_MS;
      if (isSecond) {
        this.#lastSecondMs = nowMs;
        this.#links.tick();
      }
      for (const entry of this.#entries.values()) {
        if (isSecond || entry.channel.isBusy) entry.channel.tick(nowMs, l1Seconds, isSecond);
        if (entry.pausedUntilMs > 0 && entry.pausedUntilMs <= performance.now()) this.#serveAgain(entry);
      }
      this.#tickSoon();
    }, BUSY_TICK_MS);
  }

  #joinAll(link: PeerLink): void {
    for (const entry of this.#entries.values()) if (entry.speakers.has(link.agentText)) this.#join(link, entry);
  }

  #joinEverywhere(entry: Entry): void {
    for (const speaker of entry.speakers) {
      const link = this.#links.to(speaker);
      if (link !== undefined) this.#join(link, entry);
    }
  }

  /** Says that we serve the channel over this connection; frames flow when the peer has said so too. */
  #join(link: PeerLink, entry: Entry): void {
    const { idText: id, id: bytes } = entry.channel;
    if (link.ours.has(id) || entry.pausedUntilMs > 0) return;
    link.ours.add(id);
    link.send(channelHead(WIRE.JOIN, bytes));
    if (link.theirs.has(id)) this.#attach(entry, link);
  }

  #onJoin(link: PeerLink, id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      for (const listener of this.#unknown) listener(Buffer.from(id, "hex"), link.agent);
      return;
    }
    if (!entry.speakers.has(link.agentText)) return;
    if (!link.ours.has(id)) return this.#join(link, entry);
    if (entry.link !== link) this.#attach(entry, link);
  }

  /** What we said before counts no more either: we join again when the peer does, so that no frame of before is taken for one of after. */
  #onLeave(link: PeerLink, id: string): void {
    link.ours.delete(id);
    this.#detach(this.#entries.get(id), link);
  }

  /** Says that we do not serve the channel over this connection any more; frames that are on their way are not taken. */
  #withdraw(link: PeerLink | undefined, entry: Entry): void {
    const { idText: id, id: bytes } = entry.channel;
    if (link === undefined || !link.ours.delete(id)) return;
    link.theirs.delete(id);
    link.send(channelHead(WIRE.LEAVE, bytes));
    this.#detach(entry, link);
  }

  #serveAgain(entry: Entry): void {
    // The engine counts its own ban by the time that it was told last.
    entry.channel.tick(this.#host.nowMs(), this.#host.l1Seconds(), false);
    entry.pausedUntilMs = 0;
    this.#joinEverywhere(entry);
  }

  #attach(entry: Entry, link: PeerLink): void {
    if (entry.link !== undefined) this.#detach(entry, entry.link);
    entry.link = link;
    entry.channel.connectionChanged(true);
  }

  #detach(entry: Entry | undefined, link: PeerLink | undefined): void {
    if (entry === undefined || entry.link !== link || link === undefined) return;
    entry.link = undefined;
    entry.channel.connectionChanged(false);
  }

  #onFrame(link: PeerLink, id: string, frame: Uint8Array): boolean {
    const entry = this.#entries.get(id);
    if (entry?.link !== link) return false;
    this.#options.metrics?.frameReceived(frame.length);
    entry.channel.received(frame);
    return true;
  }

  #onRoute(link: PeerLink, bytes: Uint8Array): void {
    for (const listener of this.#routes) listener(link.agent, bytes);
  }

  /** What is wrong with a channel ends the traffic of this one for a while; a flood ends the connection. */
  #cut(channel: Channel, code: ChannelCode, detail: string, banMs: number): void {
    const entry = this.#entries.get(channel.idText);
    const link = entry?.link;
    this.#options.metrics?.cut(code);
    this.#options.logger?.warn({ channelId: channel.idText, code, detail, banMs }, "the traffic of a channel was ended");
    if (entry === undefined || link === undefined) return;
    const nowMs = performance.now();
    if (nowMs - entry.pausedLastMs > CALM_MS) entry.nextPauseMs = FIRST_PAUSE_MS;
    // Spread out, so that the two sides do not meet again and again at the same moment.
    entry.pausedUntilMs = nowMs + Math.max(banMs, entry.nextPauseMs * (0.5 + Math.random()));
    entry.pausedLastMs = entry.pausedUntilMs;
    entry.nextPauseMs = Math.min(LAST_PAUSE_MS, 2 * entry.nextPauseMs);
    this.#withdraw(link, entry);
    if (code === "channel/flood" && banMs > 0) this.#links.ban(link, banMs);
  }
}
