import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";

import { CALL_STATUS, CHANNEL_SCHEME, callHash, channelRequirement, encodeTicket, readChannelPayload } from "../../sdk/index.ts";
import { ChannelShellError } from "../../sdk/node/index.ts";
import type { AgentChannel, AnswerHashed, HashedCall } from "../../sdk/node/index.ts";
import { SidecarError } from "../SidecarError.ts";
import { readPayload } from "./readPayload.ts";
import { WaitingRoom } from "./WaitingRoom.ts";
import type { OfferedPayment, SettledPayment, VerifiedPayment, Way, WayPrice } from "./Way.ts";

export interface ChannelWayOptions {
  /** The L1 and its contract of channels. */
  readonly chainId: number;
  readonly adjudicator: string;
  /** Address of the agent that is paid. */
  readonly payTo: string;
  /** Where the agent listens for channels; a function when that is known later. */
  readonly peer?: string | (() => string | undefined);
  /** Prices are multiples of this many base units. Default 10^9, the unit in which channels are opened by default. */
  readonly unit?: bigint;
  /** A call without its HTTP request fails after so long. Default 10 s. */
  readonly matchMs?: number;
  /** The same for calls that were open when this process began: their buyers have to notice and ask again. Default 30 s. */
  readonly repeatMatchMs?: number;
  /** A request waits so long for its call. Default 2 s. */
  readonly ticketWaitMs?: number;
  /** Requests that wait at once, in all and from one address. Default 1,024 and 256: a busy buyer has one address. */
  readonly maxWaiting?: number;
  readonly maxWaitingEach?: number;
  /** Whether answered calls get a line in the channel's file of calls. Default true. */
  readonly isRecorded?: boolean;
  /**
   * What the ledger says that a call was answered with, by its payment key: a call that comes again after a crash is answered so. "due": the
   * ledger will end it itself.
   */
  readonly recall?: (key: string) => Uint8Array | "due" | undefined;
}

/** A channel that pays us. */
interface Attached {
  readonly channel: AgentChannel;
  readonly answer: AnswerHashed;
  /** Lower case. */
  readonly payer: string;
  /** Base units in one unit. */
  readonly scale: bigint;
  readonly asset: string;
  /** Units that a requirement comes to. */
  readonly least: WeakMap<PaymentRequirements, number>;
  /** The last price in base units: most calls cost the same. */
  lastUnits: number;
  lastAmount: bigint;
}

/** A call of a partner that has no answer yet. */
interface OpenCall {
  readonly on: Attached;
  readonly call: HashedCall;
  /** Of the map of open calls. */
  readonly key: string;
  /** When it is given up if nobody asked for it; as `performance.now`, which no change of the clock moves. Infinity: a ledger has its answer and ends it. */
  failsAtMs: number;
  /** What it was answered with; undefined while it is open. */
  given: { readonly status: number; readonly hash: Uint8Array } | undefined;
}

/** As `find` and `verify` give it. */
interface ChannelPaid extends VerifiedPayment {
  readonly open: OpenCall;
}

interface Waiter {
  readonly from: string;
  readonly endsAtMs: number;
  readonly resolve: (call: OpenCall) => void;
  readonly reject: (error: Error) => void;
}

const SWEEP_MS = 250;
const DELIVERY_MS = 2_000;
const DELIVERY_POLL_MS = 20;
/** Beyond the route's own time a call that was asked for is not kept open. */
const SERVE_GRACE_MS = 30_000;
const NO_HASH = new Uint8Array(32);
const DEFAULT_UNIT = 1_000_000_000n;

/** Maps by the hash's bytes, the cheapest text there is of them. */
const keyOf = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString("latin1");
const paymentKeyOf = (channelId: string, sequence: number): string => `channel:${channelId}:${sequence}`;

/** Sells for calls on channels: x402's scheme `agnt2-channel` (docs/X402.md). The engines of the channels are its ledger. */
export class ChannelWay implements Way {
  readonly name = "channel";
  readonly scheme = CHANNEL_SCHEME;
  readonly #options: ChannelWayOptions;
  readonly #attached = new Map<string, Attached>();
  readonly #calls = new Map<string, OpenCall>();
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #room: WaitingRoom;
  readonly #matchMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: ChannelWayOptions) {
    this.#options = options;
    this.#matchMs = options.matchMs ?? 10_000;
    this.#room = new WaitingRoom(options.maxWaiting ?? 1_024, options.maxWaitingEach ?? 256);
  }

  get isReady(): boolean {
    return !this.#isClosed;
  }

  /** Calls without an answer, and requests without a call. */
  get counts(): { readonly openCalls: number; readonly waiting: number; readonly channels: number } {
    return { openCalls: this.#calls.size, waiting: this.#room.size, channels: this.#attached.size };
  }

  /** Serves a channel from now on; give it to `ChannelAgent` as `serve`, so that no call is missed. */
  attach(channel: AgentChannel): void {
    const { isRecorded = true } = this.#options;
    // What waited for somebody to serve it comes at once, before there is something to answer with.
    let early: HashedCall[] | undefined = [];
    const on: Attached = {
      channel, payer: channel.partner, scale: channel.asset.assetScale, asset: channel.assetAddress, least: new WeakMap(), lastUnits: 0, lastAmount: 0n,
      answer: channel.serveHashed((call) => void (early === undefined ? this.#take(on, call) : early.push(call)), isRecorded),
    };
    this.#attached.set(channel.channelId, on);
    const waited = early;
    early = undefined;
    for (const call of waited) this.#take(on, call);
  }

  /** Forgets a channel that was closed and paid out. */
  detach(channelId: string): void {
    this.#attached.delete(channelId);
    for (const [key, { on }] of this.#calls) if (on.channel.channelId === channelId) this.#calls.delete(key);
  }

  #take(on: Attached, call: HashedCall): void {
    const hash = keyOf(call.requestHash);
    const isTwice = this.#calls.has(hash);
    const waitMs = isTwice ? 0 : call.isRepeated ? (this.#options.repeatMatchMs ?? 3 * this.#matchMs) : this.#matchMs;
    const open: OpenCall = { on, call, key: isTwice ? `${hash}:${call.sequence}` : hash, failsAtMs: performance.now() + waitMs, given: undefined };
    if (!this.#isRecalled(open) && isTwice) this.#isAnswered(open, CALL_STATUS.TWICE, NO_HASH);
    if (open.given !== undefined || this.#isClosed) return;
    this.#calls.set(open.key, open);
    if (this.#room.size > 0) this.#arrived(open);
    this.#watch();
  }

  /** True for a call that comes again and that the ledger has an answer to: it is paid with that, now or when the channel takes it. */
  #isRecalled(open: OpenCall): boolean {
    const { call, on } = open;
    const known = call.isRepeated ? this.#options.recall?.(paymentKeyOf(on.channel.channelId, call.sequence)) : undefined;
    if (known === undefined) return false;
    if (known === "due") open.failsAtMs = Infinity;
    else this.#isAnswered(open, CALL_STATUS.PAID, known);
    return true;
  }

  #arrived(open: OpenCall): void {
    const waiters = this.#waiters.get(open.key);
    if (waiters === undefined) return;
    this.#waiters.delete(open.key);
    for (const { from, resolve } of waiters) {
      this.#room.leave(from);
      resolve(open);
    }
  }

  /** @throws what the channel throws; the call is as it was then */
  #answer(open: OpenCall, status: number, hash: Uint8Array): void {
    const { on, call, key } = open;
    on.answer(call, status, hash);
    open.given = { status, hash };
    if (this.#calls.get(key) === open) this.#calls.delete(key);
  }

  requirement({ amount, asset }: WayPrice, timeoutSeconds: number): PaymentRequirements {
    const { chainId, adjudicator, payTo, peer, unit = DEFAULT_UNIT } = this.#options;
    const address = typeof peer === "function" ? peer() : peer;
    return channelRequirement({ chainId, adjudicator, payTo, asset, amount, peer: address, unit, maxTimeoutSeconds: timeoutSeconds, matchSeconds: Math.ceil(this.#matchMs / 1_000) });
  }

  read(payload: PaymentPayload, requirement: PaymentRequirements): OfferedPayment {
    const { channelId, sequence, ticket } = readPayload(payload, readChannelPayload);
    return { key: paymentKeyOf(channelId, sequence), expiresAt: undefined, payload, requirement, ticket };
  }

  find(ticket: Uint8Array, requestHash: Uint8Array, requirement: PaymentRequirements, remoteAddress: string): VerifiedPayment | Promise<VerifiedPayment> {
    const key = keyOf(callHash(requestHash, ticket));
    const open = this.#calls.get(key);
    if (open !== undefined) return this.#verified(open, ticket, requirement, undefined);
    return this.#wait(key, remoteAddress).then((arrived) => this.#verified(arrived, ticket, requirement, undefined));
  }

  verify(payment: OfferedPayment, requestHash: Uint8Array, remoteAddress: string): VerifiedPayment | Promise<VerifiedPayment> {
    const { ticket, key: paymentKey, payload, requirement } = payment;
    // A channel that is not there can have no call; a sequence that was answered gets no other.
    const on = this.#attached.get(paymentKey.slice("channel:".length, paymentKey.lastIndexOf(":")));
    if (on === undefined || ticket === undefined) throw new SidecarError("payment/no-call", {});
    const key = keyOf(callHash(requestHash, ticket));
    const proceed = (open: OpenCall): VerifiedPayment => {
      if (paymentKeyOf(open.on.channel.channelId, open.call.sequence) !== paymentKey) throw new SidecarError("payment/no-call", {});
      return this.#verified(open, ticket, requirement, payload);
    };
    const open = this.#calls.get(key);
    return open === undefined ? this.#wait(key, remoteAddress).then(proceed) : proceed(open);
  }

  #wait(key: string, from: string): Promise<OpenCall> {
    if (this.#isClosed || !this.#room.enter(from)) return Promise.reject(new SidecarError("payment/no-call", {}));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { from, endsAtMs: performance.now() + (this.#options.ticketWaitMs ?? 2_000), resolve, reject };
      const others = this.#waiters.get(key);
      if (others === undefined) this.#waiters.set(key, [waiter]);
      else others.push(waiter);
      this.#watch();
    });
  }

  #verified(open: OpenCall, ticket: Uint8Array, requirement: PaymentRequirements, payload: PaymentPayload | undefined): ChannelPaid {
    const { on, call } = open;
    if (open.given !== undefined) throw new SidecarError("payment/no-call", {});
    if (requirement.asset.toLowerCase() !== on.asset) this.#refuse(open, CALL_STATUS.UNSERVED, new SidecarError("payment/wrong-asset", { asset: on.asset }));
    const amount = amountOf(on, call.priceUnits);
    if (call.priceUnits < leastUnits(on, requirement)) this.#refuse(open, CALL_STATUS.UNDERPAID, new SidecarError("payment/underpaid", { asked: requirement.amount, offered: String(amount) }));
    open.failsAtMs = Math.max(open.failsAtMs, performance.now() + 1_000 * requirement.maxTimeoutSeconds + SERVE_GRACE_MS);
    return {
      key: paymentKeyOf(on.channel.channelId, call.sequence), expiresAt: Math.floor(Date.now() / 1_000), payer: on.payer, amount, requirement, ticket, open,
      payload: payload ?? { x402Version: 2, accepted: requirement, payload: { channelId: on.channel.channelId, sequence: call.sequence, ticket: encodeTicket(ticket) } },
    };
  }

  /** Who has the ticket made the call: it is no use to them, so it is given back at once; but for one that is served, for another request with this ticket. */
  #refuse(open: OpenCall, status: number, error: SidecarError): never {
    if (open.failsAtMs !== Infinity) this.#answer(open, status, NO_HASH);
    throw error;
  }

  hold(payment: VerifiedPayment): boolean {
    const open = (payment as Partial<ChannelPaid>).open ?? this.#openOf(payment);
    if (open === undefined || open.given !== undefined) return false;
    open.failsAtMs = Infinity;
    return true;
  }

  settle(payment: VerifiedPayment, answerHash: Uint8Array): SettledPayment | Promise<SettledPayment> {
    const { open } = payment as Partial<ChannelPaid>;
    return open === undefined ? this.#delivered(payment).then((found) => this.#settle(found, answerHash)) : this.#settle(open, answerHash);
  }

  #settle(open: OpenCall, answerHash: Uint8Array): SettledPayment {
    const { on, call } = open;
    if (open.given === undefined) this.#answerOrThrow(open, CALL_STATUS.PAID, answerHash);
    else if (open.given.status !== CALL_STATUS.PAID || Buffer.compare(open.given.hash, answerHash) !== 0) throw new SidecarError("payment/unsettled", { reason: "the call was given up or answered otherwise" });
    return { transaction: `${on.channel.channelId}:${call.sequence}` };
  }

  /** @throws SidecarError `way/unavailable` when the channel cannot take an answer now, `payment/unsettled` when it never will */
  #answerOrThrow(open: OpenCall, status: number, hash: Uint8Array): void {
    const { channel } = open.on.channel;
    try {
      if (channel.failure !== undefined) throw channel.failure;
      this.#answer(open, status, hash);
    } catch (error) {
      if ((error as { code?: string }).code === "channel/result") throw new SidecarError("payment/unsettled", { reason: "the call is not open" }, { cause: error });
      throw new SidecarError("way/unavailable", { way: this.name, retryAfterSeconds: 1 }, { cause: error });
    }
  }

  release(payment: OfferedPayment): void {
    const open = (payment as Partial<ChannelPaid>).open ?? this.#openOf(payment);
    if (open === undefined || open.given !== undefined) return;
    this.#answerOrThrow(open, CALL_STATUS.RELEASED, NO_HASH);
  }

  /** By channel and sequence; rare, so there is no index. */
  #openOf({ key }: OfferedPayment): OpenCall | undefined {
    for (const open of this.#calls.values()) if (paymentKeyOf(open.on.channel.channelId, open.call.sequence) === key) return open;
    return undefined;
  }

  async outcome({ key }: OfferedPayment): Promise<"settled" | "open" | "lost"> {
    const end = key.lastIndexOf(":");
    const on = this.#attached.get(key.slice("channel:".length, end));
    if (on === undefined) return "lost";
    const { channel } = on.channel;
    const sequence = Number(key.slice(end + 1));
    if (channel.isUnanswered(sequence)) return "open";
    return sequence <= channel.status().incoming.sequence ? "settled" : "lost";
  }

  /** After a restart the engine hands out what is open, in a moment. */
  async #delivered(payment: OfferedPayment): Promise<OpenCall> {
    for (const endMs = performance.now() + DELIVERY_MS; ; await new Promise((resolve) => setTimeout(resolve, DELIVERY_POLL_MS))) {
      const open = this.#openOf(payment);
      if (open !== undefined) return open;
      if (performance.now() > endMs || (await this.outcome(payment)) !== "open") throw new SidecarError("payment/unsettled", { reason: "the call is not open" });
    }
  }

  #watch(): void {
    this.#timer ??= setTimeout(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** One for all: no call and no request has a timer of its own. */
  #sweep(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const open of this.#calls.values()) if (open.failsAtMs <= nowMs) this.#giveUp(open);
    for (const [key, waiters] of this.#waiters) {
      const left = waiters.filter((waiter) => waiter.endsAtMs > nowMs || this.#turnAway(waiter));
      if (left.length > 0) this.#waiters.set(key, left);
      else this.#waiters.delete(key);
    }
    if (this.#calls.size > 0 || this.#waiters.size > 0) this.#watch();
  }

  #giveUp(open: OpenCall): void {
    const { channel } = open.on.channel;
    // A channel that ended here hands its calls out again in the next process, or is settled on chain.
    if (channel.failure !== undefined || !channel.isUnanswered(open.call.sequence)) this.#calls.delete(open.key);
    else if (!this.#isRecalled(open)) this.#isAnswered(open, CALL_STATUS.UNSERVED, NO_HASH);
  }

  /** False when the channel cannot take the answer now, its disk being full: then the call stays open, and is looked at again. */
  #isAnswered(open: OpenCall, status: number, hash: Uint8Array): boolean {
    try {
      this.#answer(open, status, hash);
      return true;
    } catch (error) {
      if (!(error instanceof ChannelShellError)) throw error;
      return false;
    }
  }

  #turnAway({ from, reject }: Waiter): false {
    this.#room.leave(from);
    reject(new SidecarError("payment/no-call", {}));
    return false;
  }

  /** Turns away who waits; open calls are left to the next process. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) this.#turnAway(waiter);
    this.#waiters.clear();
    this.#calls.clear();
  }
}

function amountOf(on: Attached, units: number): bigint {
  if (on.lastUnits !== units) [on.lastUnits, on.lastAmount] = [units, BigInt(units) * on.scale];
  return on.lastAmount;
}

/** A price that is no multiple of this channel's unit is rounded up: it is never sold for less. */
function leastUnits(on: Attached, requirement: PaymentRequirements): number {
  const known = on.least.get(requirement);
  if (known !== undefined) return known;
  const least = Number((BigInt(requirement.amount) + on.scale - 1n) / on.scale);
  on.least.set(requirement, least);
  return least;
}
