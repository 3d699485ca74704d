import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { ChannelMetrics } from "./ChannelMetrics.ts";
import { shellError } from "./ChannelShellError.ts";
import type { ChannelShellError } from "./ChannelShellError.ts";
import { PeerLink, idText } from "./PeerLink.ts";
import type { LinkOwner } from "./PeerLink.ts";
import type { ChannelSigner } from "./signing/ChannelSigner.ts";
import { authenticate } from "./transport/authenticate.ts";
import type { ChannelNetwork } from "./transport/authenticate.ts";
import type { ChannelConnection, ChannelListener, ChannelTransport } from "./transport/ChannelTransport.ts";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

export interface LinksOptions {
  readonly network: ChannelNetwork;
  readonly signer: ChannelSigner;
  readonly transports: readonly ChannelTransport[];
  readonly logger: Logger | undefined;
  readonly metrics: ChannelMetrics | undefined;
  readonly idleMs: number;
  readonly handshakeMs: number;
  readonly maxConnections: number;
  readonly maxFrameBytes: number;
}

export interface LinksOwner extends LinkOwner {
  /** A new authenticated connection, before anything of it is read. */
  onLink(link: PeerLink): void;
}

/** An address that is to stay connected. */
interface Target {
  readonly address: string;
  readonly agents: ReadonlySet<string>;
  link: PeerLink | undefined;
  timer: NodeJS.Timeout | undefined;
  retryMs: number;
  isDialling: boolean;
}

/** The connections of one agent: takes them, makes them and makes them again, one for each peer. */
export class PeerLinks {
  readonly #options: LinksOptions;
  readonly #owner: LinksOwner;
  readonly #listeners: ChannelListener[] = [];
  /** The connection in use for each agent. */
  readonly #links = new Map<string, PeerLink>();
  /** Those and the ones that are on their way in or out. */
  readonly #open = new Set<ChannelConnection>();
  readonly #targets = new Map<string, Target>();
  readonly #banned = new Map<string, number>();
  #isStopped = false;

  constructor(options: LinksOptions, owner: LinksOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  #transportOf(address: string): ChannelTransport {
    const transport = this.#options.transports.find((each) => each.speaks(address));
    if (transport === undefined) throw shellError("channel/unreachable", { address }, `no transport speaks it; there are: ${this.#options.transports.map(({ name }) => name).join(", ")}`);
    return transport;
  }

  async listen(address: string): Promise<string> {
    const listener = await this.#transportOf(address).listen(address, (connection) => void this.#incoming(connection));
    this.#listeners.push(listener);
    return listener.address;
  }

  /** The connection to an agent, as hex. */
  to(agent: string): PeerLink | undefined {
    return this.#links.get(agent);
  }

  /** Dials an address now, and again whenever its connection ends. @param agents who may be there, as hex */
  keepConnected(address: string, agents: ReadonlySet<string>): void {
    if (this.#targets.has(address)) return;
    const target: Target = { address, agents, link: undefined, timer: undefined, retryMs: FIRST_RETRY_MS, isDialling: false };
    this.#targets.set(address, target);
    void this.#dial(target);
  }

  letGo(address: string): void {
    clearTimeout(this.#targets.get(address)?.timer);
    this.#targets.delete(address);
  }

  /** Ends a connection for what its peer did, and takes none from it for a while. */
  ban(link: PeerLink, banMs: number): void {
    if (banMs > 0) this.#banned.set(link.agentText, performance.now() + banMs);
    link.connection.close();
    this.#end(link, undefined);
  }

  /** About once a second. */
  tick(): void {
    const nowMs = performance.now();
    for (const link of this.#links.values()) link.tick(nowMs, this.#options.idleMs);
    for (const [agent, until] of this.#banned) if (until <= nowMs) this.#banned.delete(agent);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const address of [...this.#targets.keys()]) this.letGo(address);
    for (const connection of this.#open) connection.close();
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
  }

  async #incoming(connection: ChannelConnection): Promise<void> {
    if (this.#isStopped || this.#open.size >= this.#options.maxConnections) return connection.close(shellError("channel/flood", { address: connection.remote }, "too many connections"));
    try {
      this.#use(connection, await this.#authenticate(connection));
    } catch (error) {
      this.#options.logger?.info({ remote: connection.remote, error: toError(error).message }, "a connection was refused");
    }
  }

  async #authenticate(connection: ChannelConnection): Promise<Uint8Array> {
    const { network, signer, handshakeMs } = this.#options;
    this.#open.add(connection);
    try {
      const agent = await authenticate(connection, network, signer, handshakeMs);
      const until = this.#banned.get(idText(agent)) ?? 0;
      const forMs = until - performance.now();
      if (forMs <= 0) return agent;
      const error = shellError("channel/banned", { peer: `0x${idText(agent)}`, forMs });
      connection.close(error);
      throw error;
    } catch (error) {
      this.#open.delete(connection);
      throw error;
    }
  }

  async #dial(target: Target): Promise<void> {
    if (this.#isStopped || target.isDialling || this.#targets.get(target.address) !== target) return;
    target.isDialling = true;
    try {
      const connection = await this.#transportOf(target.address).dial(target.address, this.#options.handshakeMs);
      if (this.#isStopped) return connection.close();
      const agent = await this.#authenticate(connection);
      if (!target.agents.has(idText(agent))) {
        const error = shellError("channel/identity", { address: target.address }, `agent 0x${idText(agent)} is there`);
        this.#open.delete(connection);
        connection.close(error);
        throw error;
      }
      target.link = this.#use(connection, agent);
      target.retryMs = FIRST_RETRY_MS;
    } catch (error) {
      this.#options.logger?.info({ address: target.address, error: toError(error).message }, "a peer was not reached");
    } finally {
      target.isDialling = false;
    }
    if (target.link === undefined || target.link.hasEnded) this.#dialLater(target);
  }

  #dialLater(target: Target): void {
    if (this.#isStopped || target.isDialling || this.#targets.get(target.address) !== target) return;
    target.link = undefined;
    clearTimeout(target.timer);
    // Spread out, so that many peers do not come back in the same moment.
    target.timer = setTimeout(() => void this.#dial(target), target.retryMs * (0.5 + Math.random()));
    target.retryMs = Math.min(LAST_RETRY_MS, 2 * target.retryMs);
  }

  /** @returns the connection that is in use for the agent now: the new one, or the one that it had */
  #use(connection: ChannelConnection, agent: Uint8Array): PeerLink {
    const link = new PeerLink(connection, agent, { ...this.#owner, onLinkEnd: (ended, error) => this.#end(ended, error) }, this.#options.maxFrameBytes, performance.now());
    const before = this.#links.get(link.agentText);
    const replaced = shellError("channel/replaced", { peer: `0x${link.agentText}` });
    if (before !== undefined && !before.hasEnded) {
      // Both dialled at once: both keep the one that the lower address dialled. Otherwise the newer one is the one that lives.
      if (before.connection.isDialler !== connection.isDialler && connection.isDialler !== this.#isLowerThan(agent)) {
        this.#open.delete(connection);
        connection.close(replaced);
        return before;
      }
      before.connection.close(replaced);
      this.#end(before, replaced);
    }
    this.#links.set(link.agentText, link);
    this.#options.metrics?.connections(this.#links.size);
    this.#owner.onLink(link);
    link.start();
    return link;
  }

  #isLowerThan(agent: Uint8Array): boolean {
    return Buffer.compare(this.#options.signer.address, agent) < 0;
  }

  #end(link: PeerLink, error: ChannelShellError | undefined): void {
    this.#open.delete(link.connection);
    if (this.#links.get(link.agentText) === link) {
      this.#links.delete(link.agentText);
      this.#options.metrics?.connections(this.#links.size);
      this.#owner.onLinkEnd(link, error);
      if (error !== undefined) this.#options.logger?.info({ remote: link.connection.remote, error: error.message }, "a connection to a peer ended");
    }
    for (const target of this.#targets.values()) if (target.link === link) this.#dialLater(target);
  }
}
