import { randomBytes } from "node:crypto";

import { z } from "zod";

import { HOME, channelIdOf } from "../../../core/channel/index.ts";
import type { ChannelConfig } from "../../../core/channel/index.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { ChainError } from "../../../chain/ChainError.ts";
import type { ChainErrorCode } from "../../../chain/ChainError.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Amount, Asset } from "../../amount.ts";
import { toChainUnits } from "../../amount.ts";
import { leastCoreWindowSeconds } from "../../channels/CoreChannelDesk.ts";
import type { ChannelDesk } from "../../channels/ChannelDesk.ts";
import { sdkError } from "../../SdkError.ts";
import { AgentChannel } from "./AgentChannel.ts";
import type { Answer } from "./AgentChannel.ts";
import type { Channel } from "./Channel.ts";
import { CallRecords } from "./CallRecords.ts";
import { ChannelBook } from "./ChannelBook.ts";
import type { BookEntry } from "./ChannelBook.ts";
import { ChannelPeer } from "./ChannelPeer.ts";
import type { OpenOptions } from "./ChannelPeer.ts";
import type { ChannelHome, HomeState } from "./home/ChannelHome.ts";
import type { CoreHome } from "./home/CoreHome.ts";
import { L1Home } from "./home/L1Home.ts";
import type { ChannelSigner } from "./signing/ChannelSigner.ts";
import { ChannelStore } from "./store/ChannelStore.ts";
import { ReceiptFile } from "./towers/ReceiptFile.ts";
import { ChannelTowers } from "./towers/ChannelTowers.ts";
import type { TowersOptions } from "./towers/ChannelTowers.ts";
import type { ChannelTransport } from "./transport/ChannelTransport.ts";
import { defaultTransports } from "./transport/defaultTransports.ts";

/** Of a transaction that was not sent. */
const UNSENT: readonly ChainErrorCode[] = ["L1_REVERT", "L1_FUNDS"];
const LOCAL_CHAIN_IDS = [31337, 1337];
const DEFAULT_CONFIRMATIONS = 12;
const DEFAULT_WINDOW_SECONDS = 86_400;
const LEAST_WINDOW_SECONDS = 600;
const DEFAULT_POLL_MS = 1_000;
/** The one who asked for a cooperative close hands it in; if it does not, the other one does after so long. */
const CLOSE_GRACE_MS = 20_000;
/** Vouchers without an Ack: calls whose answers are collected need more of them on their way than those that are answered at once. */
const MAX_IN_FLIGHT = 64;
const MAX_INTRODUCTION_BYTES = 200;
const ETH = { decimals: 18, symbol: "ETH" };
const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

export interface ChannelAgentOptions {
  /** Folder of the store, one process at a time. */
  readonly dir: string;
  /** The agent's own key: the party of its channels. */
  readonly signer: ChannelSigner;
  /** L1, with a signer of the same address. */
  readonly desk: ChannelDesk;
  /** For channels at home in Layer Core. Default: there are none. */
  readonly core?: CoreHome;
  /** Where others reach this agent, such as `/ip4/0.0.0.0/tcp/7600` (libp2p) or `tls://0.0.0.0:7600`. Default: nowhere, it only dials. */
  readonly listen?: string;
  readonly transports?: readonly ChannelTransport[];
  /** Answers calls on every channel; and what a call costs at least, in units. */
  readonly answer?: Answer;
  readonly priceUnits?: number;
  /** Serves each channel from its beginning on, those in the store too, in place of `answer`. */
  readonly serve?: (channel: AgentChannel) => void;
  /** Which channels that others open with this agent it takes. Default: all with a window long enough. */
  readonly accept?: (config: ChannelConfig) => boolean;
  /** Default 600; 1 on local chains. */
  readonly leastWindowSeconds?: number;
  /** Blocks under which a deposit counts. Default 12; 0 on local chains. */
  readonly confirmations?: number;
  /** L1 block before which no channel was opened. */
  readonly fromBlock?: number;
  readonly pollMs?: number;
  /** Answers closes with an older state than this side has. Default true. */
  readonly isGuarding?: boolean;
  /** Towers that get each channel's newest state and answer closes while this agent is away. Default: none. */
  readonly towers?: TowersOptions;
  /** How amounts of ETH channels, or of another asset, are written. Default: ETH. */
  readonly token?: (asset: string) => Pick<Asset, "decimals" | "symbol">;
  readonly engine?: Omit<OpenOptions, "address">;
  /** Told of what went wrong in the background: an L1 that is away, a partner's close that was answered. */
  readonly onNotice?: (notice: ChannelNotice) => void;
}

export type ChannelNotice =
  | { readonly kind: "opened" | "answered-close" | "settled"; readonly channelId: string }
  | { readonly kind: "close-requested"; readonly channelId: string; readonly deadline: number }
  /** A tower is down or refuses: the channel goes on, without its cover for the newest state. */
  | { readonly kind: "tower-alarm"; readonly channelId: string; readonly url: string; readonly error: Error }
  | { readonly kind: "trouble"; readonly channelId: string | undefined; readonly error: Error };

export interface OpenRequest {
  /** Address of the other agent. */
  readonly partner: string;
  /** Where it listens. */
  readonly peerAddress?: string;
  /** What this side puts in: whole units as text, or base units as a bigint. */
  readonly deposit: Amount;
  /** How long the other side has to answer a close. Default: a day. */
  readonly windowSeconds?: number;
  /** Base units in one unit of the channel. Default 10^9 (gwei). */
  readonly unit?: number;
  /** Token address. Default: ETH. */
  readonly asset?: string;
}

interface Served {
  readonly channel: AgentChannel;
  readonly records: CallRecords;
  readonly home: ChannelHome;
  readonly towers: ChannelTowers | undefined;
  status: string | undefined;
  closeSignedAtMs: number | undefined;
}

export interface OpenInCoreRequest extends Omit<OpenRequest, "unit" | "asset"> {
  /** Take a window in which whoever orders the chain could keep an answer out until it is over. */
  readonly isShortWindowAllowed?: boolean;
}

/** Tells the partner where the leaf of a channel is; the id of the channel alone does not say it. */
const introduction = z.object({ kind: z.literal("introduce"), slot: z.int().min(0), id: z.int().min(0) });

/** An agent with channels: opens them, takes those of others, watches the chain for them, and answers closes with an older state. */
export class ChannelAgent {
  /** Lower case. */
  readonly address: string;
  readonly book: ChannelBook;
  readonly peer: ChannelPeer;
  readonly desk: ChannelDesk;
  readonly #options: ChannelAgentOptions;
  readonly #store: ChannelStore;
  readonly #transports: readonly ChannelTransport[];
  readonly #l1: L1Home;
  readonly #served = new Map<string, Served>();
  readonly #clock: { l1Seconds: number; atMs: number };
  #listening: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(options: ChannelAgentOptions, store: ChannelStore, book: ChannelBook, l1Seconds: number) {
    const { signer, desk, transports = defaultTransports() } = options;
    this.#options = options;
    this.#store = store;
    this.#transports = transports;
    this.#clock = { l1Seconds, atMs: Date.now() };
    [this.address, this.desk, this.book] = [toHex(signer.address), desk, book];
    const isLocal = LOCAL_CHAIN_IDS.includes(desk.chainId);
    this.#l1 = new L1Home(desk, { signer, confirmations: options.confirmations ?? (isLocal ? 0 : DEFAULT_CONFIRMATIONS), fromBlock: options.fromBlock ?? 0 });
    this.peer = new ChannelPeer({ store, signer, network: { chainId: desk.chainId, adjudicator: fromHex(desk.address, 20) }, transports, l1Seconds: () => this.#l1Seconds() });
  }

  /**
   * Opens the store, serves the channels in it, and begins to watch the chain.
   * @throws ChannelShellError (`channel/store-locked`, …), SdkError
   */
  static async start(options: ChannelAgentOptions): Promise<ChannelAgent> {
    const sender = await options.desk.sender();
    if (sender !== toHex(options.signer.address)) throw sdkError("SDK_INPUT", `the L1 signer is ${sender}, the channels' key ${toHex(options.signer.address)}`);
    const { timestamp } = await options.desk.head();
    const book = await ChannelBook.open(options.dir);
    const store = ChannelStore.open(options.dir);
    const agent = new ChannelAgent(options, store, book, timestamp);
    try {
      for (const entry of book.list()) if (entry.isSettled !== true) await agent.#serve(entry);
      agent.peer.onUnknownChannel((channelId) => void agent.#take(channelId).catch((error: unknown) => agent.#trouble(undefined, error)));
      agent.peer.onRoute((_from, bytes) => agent.#introduced(bytes));
      if (options.listen !== undefined) agent.#listening = await agent.peer.listen(options.listen);
      await agent.refresh();
      agent.#schedule();
      return agent;
    } catch (error) {
      await agent.stop();
      throw error;
    }
  }

  /** What others dial; undefined when it does not listen. */
  get listening(): string | undefined {
    return this.#listening;
  }

  get channels(): readonly AgentChannel[] {
    return [...this.#served.values()].map(({ channel }) => channel);
  }

  /** By its id, or by the first digits of one. @throws SdkError `SDK_INPUT` */
  channel(idOrStart: string): AgentChannel {
    const { channelId } = this.book.find(idOrStart);
    const served = this.#served.get(channelId);
    if (served === undefined) throw sdkError("SDK_INPUT", "the channel is closed and paid out", { channelId });
    return served.channel;
  }

  /** Time of L1: as its last block says, going on with this machine's clock. */
  #l1Seconds(): number {
    return Math.floor(Math.max(Date.now() / 1000, this.#clock.l1Seconds + (Date.now() - this.#clock.atMs) / 1000));
  }

  /**
   * Opens a channel on L1 with one transaction (and an approval, for a token).
   * @throws SdkError `SDK_AMOUNT`, `SDK_INPUT`; ChainError
   */
  async open(request: OpenRequest): Promise<AgentChannel> {
    const { partner, peerAddress, deposit, windowSeconds = DEFAULT_WINDOW_SECONDS, unit = 1e9, asset = ZERO_ADDRESS } = request;
    this.#requireWindow(windowSeconds);
    const config: ChannelConfig = {
      home: HOME.L1, partyA: fromHex(this.address), partyB: fromHex(partner, 20), asset: fromHex(asset, 20), unit, windowSeconds, flags: 0,
      // Below 2^53, and never the same again.
      salt: Number(randomBytes(8).readBigUInt64BE() >> 11n),
    };
    const units = toChainUnits(deposit, this.#assetOf(config));
    // Known here before it is open there: a crash in between loses no money.
    const entry = { channelId: toHex(channelIdOf(config)), config, peerAddress, leaf: undefined, close: undefined };
    await this.book.put(entry);
    try {
      await this.desk.open(config, 0, units);
    } catch (error) {
      // Where it is not certain that nothing was sent, the channel is looked after, and nobody opens another in its place.
      if (!(error instanceof ChainError && UNSENT.includes(error.code))) await this.#serve(entry);
      throw error;
    }
    return this.adopt(entry);
  }

  /**
   * Opens a channel inside Layer Core: no L1 transaction.
   * @throws SdkError `SDK_INPUT` for a window that is shorter than a forced operation may take, unless that is allowed
   */
  async openInCore(request: OpenInCoreRequest): Promise<AgentChannel> {
    const { core } = this.#options;
    if (core === undefined) throw sdkError("SDK_INPUT", "channels at home in Layer Core need a client of the chain");
    const { partner, peerAddress, deposit, isShortWindowAllowed = false } = request;
    const least = leastCoreWindowSeconds(await core.inclusionDelaySeconds());
    const windowSeconds = request.windowSeconds ?? 2 * least;
    if (windowSeconds < least && !isShortWindowAllowed) {
      throw sdkError("SDK_INPUT", `in a window of ${windowSeconds} s a sequencer could keep an answer out: it takes ${least} s to force one through L1`, { windowSeconds, least });
    }
    const { slot, id } = await (await core.desk.open(partner, deposit, windowSeconds)).durable;
    core.know({ slot, id });
    const { config } = await core.desk.read({ slot, id }).then((found) => found ?? Promise.reject(sdkError("SDK_RESPONSE", `the sequencer has no channel ${id} that it has opened`)));
    return this.adopt({ channelId: toHex(channelIdOf(config)), config, peerAddress, leaf: { slot, id }, close: undefined });
  }

  /** A partner says where a channel of Layer Core is: taken if the chain has it with this agent, and it is wanted. */
  #introduced(bytes: Uint8Array): void {
    const { core } = this.#options;
    const given = core === undefined ? undefined : parseIntroduction(bytes);
    if (core === undefined || given === undefined) return;
    const take = async (): Promise<void> => {
      const found = await core.desk.read(given);
      if (found === undefined) return;
      core.know(given);
      await this.#adoptIfWanted({ channelId: toHex(channelIdOf(found.config)), config: found.config, peerAddress: undefined, leaf: given, close: undefined });
    };
    take().catch((error: unknown) => this.#trouble(undefined, error));
  }

  /** Serves a channel that is open already, on either side of it. */
  async adopt(entry: BookEntry): Promise<AgentChannel> {
    await this.book.put(entry);
    const served = this.#served.get(entry.channelId) ?? (await this.#serve(entry));
    await this.#refreshOne(served);
    return served.channel;
  }

  #requireWindow(windowSeconds: number): void {
    const least = this.#options.leastWindowSeconds ?? (LOCAL_CHAIN_IDS.includes(this.desk.chainId) ? 1 : LEAST_WINDOW_SECONDS);
    if (windowSeconds < least) throw sdkError("SDK_INPUT", `a window of ${windowSeconds} s is too short to answer in: at least ${least} s`, { windowSeconds, least });
  }

  #assetOf(config: ChannelConfig): Asset {
    if (config.home === HOME.CORE && this.#options.core !== undefined) return this.#options.core.asset;
    const address = toHex(config.asset);
    const token = address === ZERO_ADDRESS && this.#options.token === undefined ? ETH : (this.#options.token?.(address) ?? { decimals: 0, symbol: address });
    return { ...token, assetScale: BigInt(config.unit) };
  }

  #homeOf(config: ChannelConfig): ChannelHome {
    if (config.home === HOME.L1) return this.#l1;
    const { core } = this.#options;
    if (core === undefined) throw sdkError("SDK_INPUT", "channels at home in Layer Core need a client of the chain");
    return core;
  }

  async #serve(entry: BookEntry): Promise<Served> {
    const { config, channelId, peerAddress, leaf } = entry;
    if (leaf !== undefined) this.#options.core?.know(leaf);
    const home = this.#homeOf(config);
    const records = await CallRecords.open(this.#options.dir, channelId, (error) => channel.fail(error));
    const receipts = this.#options.towers === undefined ? undefined : await ReceiptFile.open(this.#options.dir, channelId);
    const channel = this.peer.open(config, { maxInFlight: MAX_IN_FLIGHT, ...this.#options.engine, ...(peerAddress === undefined ? {} : { address: peerAddress }) });
    const towers = receipts && this.#towersOf(channel, channelId, receipts);
    const parts = { channel, home, book: this.book, records, asset: this.#assetOf(config), refresh: () => this.#refreshOne(served), covers: () => towers?.covers() ?? [] };
    const served: Served = { channel: new AgentChannel(parts), records, home, towers, status: undefined, closeSignedAtMs: entry.close === undefined ? undefined : Date.now() };
    channel.on("event", (event) => {
      if (event.name !== "closed") return;
      served.closeSignedAtMs = Date.now();
      served.channel.keepClose(event).catch((error: unknown) => this.#trouble(channelId, error));
    });
    if (this.#options.serve === undefined) served.channel.serve(this.#options.answer, this.#options.priceUnits);
    else this.#options.serve(served.channel);
    this.#served.set(channelId, served);
    return served;
  }

  #towersOf(channel: Channel, channelId: string, receipts: ReceiptFile): ChannelTowers | undefined {
    const { towers, signer } = this.#options;
    if (towers === undefined) return undefined;
    const { provider, chainId, address } = this.desk;
    return new ChannelTowers({ ...towers, receipts, channel, signer, provider, chainId, adjudicator: address, onAlarm: (url, error) => this.#options.onNotice?.({ kind: "tower-alarm", channelId, url, error }) });
  }

  /** A partner serves a channel that is not known here: taken if L1 knows it and it is wanted. */
  async #take(channelId: Uint8Array): Promise<void> {
    const name = toHex(channelId);
    const config = await this.desk.configOf(channelId, this.#options.fromBlock);
    if (config !== undefined) await this.#adoptIfWanted({ channelId: name, config, peerAddress: undefined, leaf: undefined, close: undefined });
  }

  async #adoptIfWanted(entry: BookEntry): Promise<void> {
    const { channelId, config } = entry;
    const isParty = [config.partyA, config.partyB].some((party) => toHex(party) === this.address);
    if (!isParty || this.#served.has(channelId) || this.#isStopped || this.book.list().some((each) => each.channelId === channelId && each.isSettled === true)) return;
    this.#requireWindow(config.windowSeconds);
    if (this.#options.accept?.(config) === false) return;
    await this.adopt(entry);
    this.#options.onNotice?.({ kind: "opened", channelId });
  }

  #trouble(channelId: string | undefined, error: unknown): void {
    this.#options.onNotice?.({ kind: "trouble", channelId, error: toError(error) });
  }

  /** Reads the chain for all channels now. */
  async refresh(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      for (const served of [...this.#served.values()]) {
        await this.#refreshOne(served).catch((error: unknown) => this.#trouble(served.channel.channelId, error));
        this.#introduce(served);
        served.towers?.look(this.#l1Seconds());
        await this.#guard(served).catch((error: unknown) => this.#trouble(served.channel.channelId, error));
      }
    });
    return this.#turn;
  }

  #introduce({ channel }: Served): void {
    const { leaf } = this.book.find(channel.channelId);
    if (leaf === undefined || channel.channel.isConnected) return;
    this.peer.sendRoute(fromHex(channel.partner), new TextEncoder().encode(JSON.stringify({ kind: "introduce", ...leaf })));
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.refresh().then(() => this.#schedule()), this.#options.pollMs ?? DEFAULT_POLL_MS);
  }

  async #refreshOne(served: Served): Promise<HomeState> {
    const { channel, home } = served;
    const state = await home.read(channel.config);
    if (!this.#served.has(channel.channelId)) return state;
    if (home === this.#l1) Object.assign(this.#clock, { l1Seconds: state.nowSeconds, atMs: Date.now() });
    const { view, deadline } = state;
    if (view !== undefined && !this.#isStopped) channel.channel.updateChain(view);
    const status = view?.status;
    if (status === served.status) return state;
    served.status = status;
    if (status === "closing") this.#options.onNotice?.({ kind: "close-requested", channelId: channel.channelId, deadline: deadline! });
    if (status === "closed") await this.#settled(served);
    return state;
  }

  /** Nothing is left to say: the connection is for the other channels. */
  async #settled({ channel, records, towers }: Served): Promise<void> {
    const { channelId } = channel;
    await this.book.put({ ...this.book.find(channelId), isSettled: true });
    this.#served.delete(channelId);
    this.peer.leave(channel.channel.idText);
    await towers?.stop(false);
    await records.close();
    this.#options.onNotice?.({ kind: "settled", channelId });
  }

  /** Answers a close with an older state, and hands in a signed close that nobody has handed in. */
  async #guard(served: Served): Promise<void> {
    const { channel, home, status, closeSignedAtMs } = served;
    if (!this.#served.has(channel.channelId)) return;
    if (status === "open" && closeSignedAtMs !== undefined && Date.now() - closeSignedAtMs > CLOSE_GRACE_MS) await channel.submitClose();
    if (status !== "closing" || this.#options.isGuarding === false) return;
    if (await home.respond(channel.config, channel.side, channel.evidence())) this.#options.onNotice?.({ kind: "answered-close", channelId: channel.channelId });
  }

  /** Has a part paid out to this side on L1, with the partner's consent, while the channel goes on. @returns the transaction */
  async withdraw(channel: AgentChannel, amount: Amount): Promise<string> {
    if (channel.home !== "L1") throw sdkError("SDK_INPUT", "parts are paid out on L1 only: close the channel, or export it");
    const { withdrawal, signatures } = await channel.askWithdrawal(amount);
    const transactionHash = await this.desk.withdraw(channel.config, withdrawal, signatures);
    await this.#refreshOne(this.#served.get(channel.channelId)!);
    return transactionHash;
  }

  /** Ends connections, timers and files; what was signed is on disk. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#turn;
    await this.peer.stop();
    await Promise.all([...this.#served.values()].map(async ({ towers }) => towers?.stop(true)));
    for (const transport of this.#transports) await transport.stop();
    await this.#store.close();
    const closed = await Promise.allSettled([...this.#served.values()].map(({ records }) => records.close()));
    this.#served.clear();
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  }
}

function parseIntroduction(bytes: Uint8Array): { readonly slot: number; readonly id: number } | undefined {
  if (bytes.length > MAX_INTRODUCTION_BYTES) return undefined;
  try {
    const { success, data } = introduction.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return success ? { slot: data.slot, id: data.id } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
