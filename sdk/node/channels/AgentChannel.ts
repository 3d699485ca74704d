import type { ChannelConfig, ChannelEvent, ChannelStatus, Evidence, Side } from "../../../core/channel/index.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import { toChainUnits } from "../../amount.ts";
import type { Amount, Asset } from "../../amount.ts";
import { ChainError } from "../../../chain/ChainError.ts";
import { SdkError, sdkError } from "../../SdkError.ts";
import type { CallRecords } from "./CallRecords.ts";
import type { Channel } from "./Channel.ts";
import type { BookEntry, ChannelBook } from "./ChannelBook.ts";
import type { ChannelHome, HomeState, Settled } from "./home/ChannelHome.ts";
import { STATUS_FAILED } from "./IncomingCalls.ts";
import type { SendAnswer } from "./IncomingCalls.ts";
import type { CallOptions } from "./PendingCalls.ts";
import type { TowerCover } from "./towers/TowerHandover.ts";

/** A call that was paid and answered, with what proves it together with the signatures in the store. */
export interface PaidCall {
  readonly response: Uint8Array;
  readonly sequence: number;
  readonly priceUnits: number;
  readonly requestHash: Uint8Array;
  readonly responseHash: Uint8Array;
}

/** A channel at a glance. Amounts in units. */
export interface ChannelSummary {
  readonly channelId: string;
  readonly home: ChannelHome["name"];
  readonly side: Side;
  readonly partner: string;
  /** As the chain has it; undefined when it has no such channel (yet). */
  readonly status: "open" | "closing" | "closed" | undefined;
  readonly deadline: number | undefined;
  readonly isConnected: boolean;
  readonly depositA: number;
  readonly depositB: number;
  readonly engine: ChannelStatus;
  /** What each tower has promised to answer a close with. */
  readonly towers: readonly TowerCover[];
}

/** Answers a paid request: bytes, or a status other than 0 with which the call has failed and costs nothing. */
export type Answer = (request: Uint8Array, call: { readonly priceUnits: number; readonly from: string; readonly sequence: number; readonly isRepeated: boolean }) => Promise<Uint8Array | { readonly status: number; readonly response: Uint8Array }>;

/** A call whose request came another way: the channel has its hash only. */
export interface HashedCall {
  readonly sequence: number;
  readonly priceUnits: number;
  /** 32 bytes; a view that stays as it is. */
  readonly requestHash: Uint8Array;
  /** It was handed out before, by a process that ended before the answer was durable. */
  readonly isRepeated: boolean;
}

/** Answers one; a status other than 0 costs the partner nothing. @throws ChannelError `channel/result` when it is not open; ChannelShellError */
export type AnswerHashed = (call: HashedCall, status: number, responseHash: Uint8Array) => void;

/** A request of no bytes is a payment and nothing else. */
const PAYMENT = new Uint8Array(0);
const PAYMENT_HASH = keccak256(PAYMENT);
/** Nobody here sells anything. */
export const STATUS_UNSERVED = 2;
/** The call was paid less than it costs. */
export const STATUS_UNDERPAID = 3;
const PARTNER_MS = 30_000;
const WITHDRAWAL_SECONDS = 3_600;
const DUE_POLL_MS = 500;
const DEPOSIT_SEEN_MS = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** The home's clock is behind this machine's, or locks still have their time. */
function isTooEarly(error: unknown): boolean {
  if (error instanceof SdkError) return error.code === "E_NOT_DUE";
  return error instanceof ChainError && error.values["contractError"] === "TooEarly";
}

const refuseCalls: Answer = async () => ({ status: STATUS_UNSERVED, response: new TextEncoder().encode("this agent answers no calls") });

function isPayment(requestHash: Uint8Array): boolean {
  for (let i = 0; i < 32; i += 1) if (requestHash[i] !== PAYMENT_HASH[i]) return false;
  return true;
}

export interface AgentChannelParts {
  readonly channel: Channel;
  readonly home: ChannelHome;
  readonly book: ChannelBook;
  readonly records: CallRecords;
  /** How amounts of this channel are written. */
  readonly asset: Asset;
  /** Has the chain's word read at once, and told to the engine. */
  readonly refresh: () => Promise<HomeState>;
  readonly covers: () => readonly TowerCover[];
}

/** A channel with one other agent: calls and payments off chain, and its end on chain. Made by `ChannelAgent`. */
export class AgentChannel {
  /** 0x and 64 digits. */
  readonly channelId: string;
  readonly asset: Asset;
  readonly #parts: AgentChannelParts;

  constructor(parts: AgentChannelParts) {
    this.channelId = `0x${parts.channel.idText}`;
    this.asset = parts.asset;
    this.#parts = parts;
  }

  get config(): ChannelConfig {
    return this.#parts.channel.config;
  }

  get side(): Side {
    return this.#parts.channel.self;
  }

  /** Address of the other party, lower case. */
  get partner(): string {
    return toHex(this.#parts.channel.peer);
  }

  get home(): ChannelHome["name"] {
    return this.#parts.home.name;
  }

  /** Token in which it counts, lower case; the zero address for ETH. */
  get assetAddress(): string {
    return this.#parts.home.assetAddress(this.config);
  }

  /** The engine's end of it, for what this class does not offer. */
  get channel(): Channel {
    return this.#parts.channel;
  }

  units(amount: Amount): number {
    return toChainUnits(amount, this.asset);
  }

  /**
   * Pays for a request and waits for the signed answer.
   * @param price whole units as text, or base units as a bigint
   * @throws ChannelError (`channel/capacity`, `channel/backpressure`, `channel/frozen`, …), ChannelShellError (`channel/call-failed`: it
   * cost nothing; `channel/call-timeout`), SdkError `SDK_AMOUNT`
   */
  async call(request: Uint8Array, price: Amount, options: CallOptions = {}): Promise<PaidCall> {
    return this.#call(request, this.units(price), options);
  }

  /** Pays without asking for anything. Errors as of `call`. */
  async pay(amount: Amount, options: CallOptions = {}): Promise<PaidCall> {
    return this.#call(PAYMENT, this.units(amount), options);
  }

  async #call(request: Uint8Array, priceUnits: number, options: CallOptions): Promise<PaidCall> {
    const { channel, records } = this.#parts;
    const requestHash = keccak256(request);
    records.requireRoom();
    const { sequence, response, responseHash } = await channel.call(priceUnits, request, options);
    records.add({ direction: "out", sequence, price: priceUnits, status: 0, requestHash, responseHash });
    return { response, sequence, priceUnits, requestHash, responseHash };
  }

  /**
   * Pays for a request that goes another way, and does not wait: what can be told at once is thrown (as of `call`), the rest is the promise's.
   * @param isRecorded whether a paid call gets its line in the file of calls
   */
  begin(requestHash: Uint8Array, priceUnits: number, options: CallOptions & { readonly isRecorded?: boolean } = {}): { readonly sequence: number; readonly answered: Promise<PaidCall> } {
    const { channel, records } = this.#parts;
    const { isRecorded = true } = options;
    if (isRecorded) records.requireRoom();
    const { sequence, result } = channel.begin(priceUnits, requestHash, options);
    const answered = result.then(({ response, responseHash }) => {
      if (isRecorded) records.add({ direction: "out", sequence, price: priceUnits, status: 0, requestHash, responseHash });
      return { response, sequence, priceUnits, requestHash, responseHash };
    });
    return { sequence, answered };
  }

  /**
   * Hands out the partner's calls by their hashes from now on; each is answered when that is known, in any order. Payments are taken, and
   * calls whose request travels on the channel fail as unserved.
   * @param isRecorded whether a paid call gets its line in the file of calls
   */
  serveHashed(take: (call: HashedCall) => void, isRecorded = true): AnswerHashed {
    const { channel, records } = this.#parts;
    let send: SendAnswer | undefined;
    const answer: AnswerHashed = ({ sequence, priceUnits, requestHash }, status, responseHash) => {
      // What costs nothing leaves nothing: a partner must not fill the disk with calls that fail.
      const isKept = isRecorded && status === 0;
      if (isKept) records.requireRoom();
      send!(sequence, status, responseHash, undefined, false);
      if (isKept) records.add({ direction: "in", sequence, price: priceUnits, status, requestHash, responseHash });
    };
    channel.serveBatches((calls, sendAnswer) => {
      send = sendAnswer;
      for (let place = 0; place < calls.count; place += 1) {
        const requestHash = calls.requestHashes.subarray(32 * place, 32 * place + 32);
        const call: HashedCall = { sequence: calls.sequences[place]!, priceUnits: calls.prices[place]!, requestHash, isRepeated: calls.isRepeated };
        try {
          if (isPayment(requestHash)) answer(call, 0, PAYMENT_HASH);
          else if (calls.payloads !== undefined && calls.payloads[place]!.length > 0) answer(call, STATUS_UNSERVED, PAYMENT_HASH);
          else take(call);
        } catch (error) {
          // As a handler that throws: this call fails and costs nothing, the channel goes on.
          if (!channel.isUnanswered(call.sequence)) throw error;
          sendAnswer(call.sequence, STATUS_FAILED, PAYMENT_HASH);
        }
      }
    }, true);
    return answer;
  }

  /** Answers the partner's calls from now on (by default it only takes payments); those that ask for less than `priceUnits` fail and cost nothing. */
  serve(answer: Answer = refuseCalls, priceUnits = 0): void {
    const { channel, records } = this.#parts;
    channel.serve(async ({ sequence, price, request = PAYMENT, requestHash, isRepeated }) => {
      records.requireRoom();
      const given = await this.#answer(answer, priceUnits, request, { priceUnits: price, from: this.partner, sequence, isRepeated });
      const { status, response } = given instanceof Uint8Array ? { status: 0, response: given } : given;
      records.add({ direction: "in", sequence, price, status, requestHash: Uint8Array.from(requestHash), responseHash: keccak256(response) });
      return { status, response };
    });
  }

  async #answer(answer: Answer, leastUnits: number, request: Uint8Array, call: Parameters<Answer>[1]): ReturnType<Answer> {
    if (request.length === 0) return PAYMENT;
    if (call.priceUnits < leastUnits) return { status: STATUS_UNDERPAID, response: new TextEncoder().encode(`a call costs ${leastUnits} units`) };
    return answer(request, call);
  }

  /** What the chain and the engine know now. */
  async status(): Promise<ChannelSummary> {
    const { channel, home, refresh, covers } = this.#parts;
    const { view, deadline } = await refresh();
    return {
      channelId: this.channelId, home: home.name, side: this.side, partner: this.partner, status: view?.status, deadline,
      isConnected: channel.isConnected, depositA: view?.netA ?? 0, depositB: view?.netB ?? 0, engine: channel.status(), towers: covers(),
    };
  }

  /** The best that this side can enforce. */
  evidence(): Evidence {
    return this.#parts.channel.evidence();
  }

  /** Resolves when both know what the other has, and calls flow. @throws SdkError `SDK_TIMEOUT` */
  async ready(timeoutMs = PARTNER_MS): Promise<void> {
    await this.#parts.refresh();
    for (const endMs = Date.now() + timeoutMs; !this.#parts.channel.isConnected || this.#parts.channel.status().phase !== "open"; ) {
      if (Date.now() > endMs) throw sdkError("SDK_TIMEOUT", `the partner ${this.partner} is not there after ${timeoutMs / 1000} s`, { channelId: this.channelId });
      await pause(20);
      if (this.#parts.channel.status().phase === "frozen") throw sdkError("SDK_INPUT", "the channel is closing or closed", { channelId: this.channelId });
    }
  }

  /** Waits for an event that `start` brings about. @throws SdkError `SDK_TIMEOUT` */
  #next<N extends ChannelEvent["name"]>(name: N, timeoutMs: number, start: () => void): Promise<Extract<ChannelEvent, { name: N }>> {
    const { channel } = this.#parts;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        stop();
      };
      const timer = setTimeout(() => {
        end();
        reject(sdkError("SDK_TIMEOUT", `the partner ${this.partner} did not answer within ${timeoutMs / 1000} s`, { channelId: this.channelId }));
      }, timeoutMs);
      const stop = channel.on("event", (event) => {
        if (event.name !== name) return;
        end();
        resolve(event as Extract<ChannelEvent, { name: N }>);
      });
      try {
        start();
      } catch (error) {
        end();
        reject(error as Error);
      }
    });
  }

  /** A new co-signed state, after which the vouchers before it are history. */
  async rebase(timeoutMs = PARTNER_MS): Promise<number> {
    return (await this.#next("rebased", timeoutMs, () => this.#parts.channel.rebase())).base.version;
  }

  /** Puts more into a side of it, by default the own one. @throws ChainError, SdkError of an operation */
  async deposit(amount: Amount, side: Side = this.side): Promise<void> {
    const { channel, home, refresh } = this.#parts;
    const before = channel.status().capacityUnits;
    await home.deposit(this.config, side, this.units(amount));
    await refresh();
    // It can be spent when the partner has seen it too; who is away sees it later.
    for (const endMs = Date.now() + DEPOSIT_SEEN_MS; side === this.side && channel.isConnected && channel.status().capacityUnits <= before && Date.now() < endMs; ) await pause(20);
  }

  /** Keeps what both have signed to end the channel: it is worth something until it is on chain. */
  async keepClose({ close, signatures }: Extract<ChannelEvent, { name: "closed" }>): Promise<void> {
    const entry = this.#entry();
    await this.#parts.book.put({ ...entry, close: { paidByA: close.paidByA, paidByB: close.paidByB, signatures: [toHex(signatures[0]), toHex(signatures[1])] } });
  }

  #entry(): BookEntry {
    return this.#parts.book.find(this.channelId);
  }

  /** Hands in the cooperative close that both have signed; undefined when there is none. */
  async submitClose(): Promise<Settled | undefined> {
    const { close } = this.#entry();
    if (close === undefined) return undefined;
    const [a, b] = close.signatures;
    return this.#parts.home.closeCooperatively(this.config, close, [fromHex(a, 64), fromHex(b, 64)]);
  }

  /**
   * Ends the channel with the partner: no more calls, both sign, one transaction (or operation) pays.
   * @throws SdkError `SDK_TIMEOUT` when the partner does not sign: then `dispute` ends it without it
   */
  async close(timeoutMs = PARTNER_MS): Promise<Settled> {
    if (this.#entry().close === undefined) {
      const event = await this.#next("closed", timeoutMs, () => this.#parts.channel.close());
      await this.keepClose(event);
    }
    const settled = (await this.submitClose())!;
    await this.#parts.refresh();
    return settled;
  }

  /** Ends the channel alone: hands in the best that this side has. @returns the deadline of the partner's answers, in the home's seconds */
  async dispute(): Promise<number> {
    const deadline = await this.#parts.home.challenge(this.config, this.side, this.evidence());
    await this.#parts.refresh();
    return deadline;
  }

  /** Waits for the deadline of a close that one side has asked for, and has it paid out. @throws SdkError `SDK_TIMEOUT`, `SDK_INPUT` when nobody asked for it */
  async finish(timeoutMs = 10 * 60_000): Promise<Settled> {
    const { home, refresh } = this.#parts;
    for (const endMs = Date.now() + timeoutMs; ; await pause(DUE_POLL_MS)) {
      const { view, deadline } = await refresh();
      if (view === undefined || view.status === "closed") {
        const settled = await home.settledAs(this.config);
        if (settled !== undefined) return settled;
      }
      if (view?.status === "open") throw sdkError("SDK_INPUT", "nobody has asked for the close: dispute first", { channelId: this.channelId });
      if (deadline !== undefined && (await home.nextSeconds()) >= deadline) {
        const settled = await home.finish(this.config).catch((error: unknown) => (isTooEarly(error) ? undefined : Promise.reject(error as Error)));
        await refresh();
        if (settled !== undefined) return settled;
      }
      if (Date.now() > endMs) throw sdkError("SDK_TIMEOUT", `the close is due at ${deadline}`, { channelId: this.channelId, deadline });
    }
  }

  /**
   * The partner's signature for a part that is paid out to this side while the channel goes on; hand it to `ChannelDesk.withdraw`.
   * @throws SdkError `SDK_TIMEOUT`
   */
  async askWithdrawal(amount: Amount, timeoutMs = PARTNER_MS): Promise<Extract<ChannelEvent, { name: "withdrawal" }>> {
    const validUntil = Math.floor(Date.now() / 1000) + WITHDRAWAL_SECONDS;
    return this.#next("withdrawal", timeoutMs, () => this.#parts.channel.withdraw(this.units(amount), validUntil));
  }

  /** The partner's consent to move the channel from Layer Core to L1. @throws SdkError `SDK_TIMEOUT` */
  async askExport(timeoutMs = PARTNER_MS): Promise<Uint8Array> {
    return (await this.#next("export", timeoutMs, () => this.#parts.channel.askExport())).signature;
  }
}
