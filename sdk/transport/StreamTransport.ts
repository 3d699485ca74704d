import { encodeSubmissions } from "../../core/codec/stream.ts";
import { ERROR } from "../../core/generated/protocol.ts";
import type { BundleTicket, BundleTransport, DurableAck, RootedAck, SequencedAck } from "../bundles/BundleTransport.ts";
import { createDeferred } from "../bundles/Deferred.ts";
import type { Deferred } from "../bundles/Deferred.ts";
import { refusalError, SdkError, sdkError } from "../SdkError.ts";
import type { AckVerifier } from "./AckVerifier.ts";
import { decodeAcks } from "./frames.ts";
import type { StreamAck } from "./frames.ts";

export interface StreamOptions {
  /** `ws://…/v1/stream`. */
  readonly url: string;
  readonly webSocket: typeof WebSocket;
  /** What checks the signatures of answers. Read once, before the first bundle goes out. */
  readonly readVerifier: () => Promise<AckVerifier>;
  /** First pause before connecting again; doubled up to 5 s. Default 100 ms. */
  readonly reconnectMs?: number;
  /** A connection that is not open, or leaves a bundle without a durable answer, for so long is given up for a new one. Default 15 s. */
  readonly answerMs?: number;
  /** How long a bundle waits for its durable answer over all connections. Default 60 s. */
  readonly giveUpMs?: number;
  /** How long a durable bundle waits for a root. Default 5 min. */
  readonly rootedMs?: number;
}

interface Pending {
  readonly bundle: Uint8Array;
  readonly sequenced: Deferred<SequencedAck>;
  readonly durable: Deferred<DurableAck>;
  readonly rooted: Deferred<RootedAck>;
  durableAck: DurableAck | undefined;
  /** How often the bytes went out. */
  sent: number;
  /** When it was handed over, went out last, and became durable. */
  readonly submittedMs: number;
  sentMs: number;
  durableMs: number;
}

const DEFAULTS = { reconnectMs: 100, answerMs: 15_000, giveUpMs: 60_000, rootedMs: 300_000 };
const MAX_RECONNECT_MS = 5_000;
const MAX_SWEEP_MS = 1_000;
const CLOSE_MS = 1_000;
const MAX_REQUEST_ID = 0xffff_ffff;

/**
 * One WebSocket to the sequencer. When it breaks or falls silent, it connects again and sends the bundles without a durable
 * acknowledgement once more, byte for byte: a bundle's nonce lets it run once only. Every wait ends.
 */
export class StreamTransport implements BundleTransport {
  readonly #options: StreamOptions & typeof DEFAULTS;
  readonly #pending = new Map<number, Pending>();
  #socket: WebSocket | undefined;
  #isOpen = false;
  #isClosed = false;
  #nextRequest = 1;
  #outbox: number[] = [];
  #isFlushing = false;
  #verifier: AckVerifier | undefined;
  #retryMs: number;
  #connectedMs = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;

  constructor(options: StreamOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#retryMs = this.#options.reconnectMs;
  }

  submit(bundle: Uint8Array): BundleTicket {
    const pending: Pending = {
      bundle,
      sequenced: createDeferred(),
      durable: createDeferred(),
      rooted: createDeferred(),
      durableAck: undefined,
      sent: 0,
      submittedMs: Date.now(),
      sentMs: 0,
      durableMs: 0,
    };
    const ticket = { sequenced: pending.sequenced.promise, durable: pending.durable.promise, rooted: pending.rooted.promise };
    for (const promise of Object.values(ticket)) promise.catch(() => undefined);
    if (this.#isClosed) {
      this.#fail(pending, sdkError("SDK_CLOSED", "the client is closed"));
      return ticket;
    }
    this.#pending.set(this.#newRequest(), pending);
    this.#sweepTimer ??= setInterval(() => this.#sweep(), Math.min(MAX_SWEEP_MS, this.#options.answerMs / 4, this.#options.giveUpMs / 4));
    if (this.#isOpen) this.#flushSoon();
    else this.#connect();
    return ticket;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    clearInterval(this.#sweepTimer);
    this.#failAll(sdkError("SDK_CLOSED", "the client was closed"));
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.readyState === socket.CLOSED) return;
    const ended = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve(), { once: true }));
    socket.close();
    // A server that does not say goodbye is not waited for.
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([ended, new Promise((resolve) => (timer = setTimeout(resolve, CLOSE_MS)))]);
    clearTimeout(timer);
  }

  /** A number that no bundle on its way has. */
  #newRequest(): number {
    let request = this.#nextRequest;
    while (this.#pending.has(request)) request = request === MAX_REQUEST_ID ? 1 : request + 1;
    this.#nextRequest = request === MAX_REQUEST_ID ? 1 : request + 1;
    this.#outbox.push(request);
    return request;
  }

  #connect(): void {
    if (this.#socket !== undefined || this.#retryTimer !== undefined || this.#isClosed) return;
    let socket: WebSocket;
    try {
      socket = new this.#options.webSocket(this.#options.url);
    } catch (error) {
      this.#failAll(sdkError("SDK_INPUT", `no WebSocket can be made to ${this.#options.url}: ${String(error)}`, {}, error));
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#connectedMs = Date.now();
    const isCurrent = (): boolean => this.#socket === socket;
    socket.addEventListener("open", () => void this.#opened(socket));
    socket.addEventListener("message", ({ data }) => {
      if (isCurrent()) this.#received(data);
    });
    // A close event always follows.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", () => {
      if (isCurrent()) this.#drop();
    });
  }

  async #opened(socket: WebSocket): Promise<void> {
    try {
      this.#verifier ??= await this.#options.readVerifier();
    } catch (error) {
      if (!(error instanceof SdkError) || error.reaction !== "retry") this.#failAll(error);
      if (this.#socket === socket) this.#drop();
      return;
    }
    if (this.#socket !== socket) return;
    this.#isOpen = true;
    this.#retryMs = this.#options.reconnectMs;
    // Everything that waits for an answer, in the order of the nonces.
    this.#outbox = [...this.#pending.keys()];
    this.#flushSoon();
  }

  /** Forgets the connection, whether or not it notices, and makes another if somebody waits. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    socket?.close();
    if (this.#isClosed || this.#pending.size === 0) return;
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.#connect();
    }, this.#retryMs);
    this.#retryMs = Math.min(MAX_RECONNECT_MS, 2 * this.#retryMs);
  }

  /** Ends the waits that have lasted too long. */
  #sweep(): void {
    const { url, answerMs, giveUpMs, rootedMs } = this.#options;
    const now = Date.now();
    let isSilent = !this.#isOpen && this.#socket !== undefined && now - this.#connectedMs > answerMs;
    for (const [request, pending] of this.#pending) {
      if (pending.durableAck !== undefined) {
        if (now - pending.durableMs <= rootedMs) continue;
        this.#pending.delete(request);
        this.#fail(pending, sdkError("SDK_TIMEOUT", `no signed root after ${rootedMs / 1000} s`));
      } else if (now - pending.submittedMs > giveUpMs) {
        this.#pending.delete(request);
        const isUnsent = pending.sent === 0;
        this.#fail(pending, sdkError(isUnsent ? "SDK_UNREACHABLE" : "SDK_NO_ANSWER", `${url} for ${giveUpMs / 1000} s`, { url }));
      } else if (this.#isOpen && pending.sent > 0 && now - pending.sentMs > answerMs) isSilent = true;
    }
    if (isSilent) this.#drop();
    if (this.#pending.size > 0) return;
    clearInterval(this.#sweepTimer);
    this.#sweepTimer = undefined;
  }

  /** Bundles of the same turn of the event loop share one message. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (!this.#isOpen) return;
      const now = Date.now();
      const frames = this.#outbox.splice(0).flatMap((request) => {
        const pending = this.#pending.get(request);
        if (pending === undefined) return [];
        pending.sent += 1;
        pending.sentMs = now;
        return [{ request, bytes: pending.bundle }];
      });
      if (frames.length > 0) this.#socket?.send(encodeSubmissions(frames) as Uint8Array<ArrayBuffer>);
    });
  }

  #received(data: unknown): void {
    try {
      if (!(data instanceof ArrayBuffer)) throw sdkError("SDK_RESPONSE", "the stream sent text");
      for (const ack of decodeAcks(new Uint8Array(data))) this.#acknowledge(ack);
    } catch (error) {
      // What follows in the stream cannot be made sense of either.
      this.#failAll(error);
      this.#drop();
    }
  }

  #acknowledge(ack: StreamAck): void {
    const pending = this.#pending.get(ack.request);
    if (pending === undefined || ack.level === "parked") return;
    if (ack.level === "sequenced") {
      pending.sequenced.resolve({ level: "sequenced" });
      return;
    }
    try {
      if (ack.level === "rejected") this.#refuse(pending, ack);
      else if (ack.level === "durable") this.#settle(pending, this.#verifier!.durable(ack, pending.bundle));
      else {
        const { durableAck } = pending;
        if (durableAck === undefined) throw sdkError("SDK_RESPONSE", "a root was announced for a bundle that is not durable");
        pending.rooted.resolve(this.#verifier!.rooted(ack, durableAck.position + durableAck.results.length));
        this.#pending.delete(ack.request);
      }
    } catch (error) {
      this.#pending.delete(ack.request);
      this.#fail(pending, error);
    }
  }

  #refuse(pending: Pending, { code, detail }: { code: number; detail: string }): never {
    // It may have run before the connection broke: signing it anew could run it twice.
    const mayHaveRun = code === ERROR.H_NONCE && (pending.sent > 1 || pending.durableAck !== undefined);
    throw mayHaveRun ? sdkError("SDK_LOST", detail) : refusalError(code, detail);
  }

  /** A bundle that was sent twice may be answered twice, but only in the same words. */
  #settle(pending: Pending, ack: DurableAck): void {
    const before = pending.durableAck;
    if (before !== undefined) {
      if (JSON.stringify(before) !== JSON.stringify(ack)) throw sdkError("SDK_BAD_PROOF", `one bundle was answered in two ways, at position ${before.position} and ${ack.position}`);
      return;
    }
    pending.durableAck = ack;
    pending.durableMs = Date.now();
    pending.sequenced.resolve({ level: "sequenced" });
    pending.durable.resolve(ack);
  }

  #fail(pending: Pending, error: unknown): void {
    for (const each of [pending.sequenced, pending.durable, pending.rooted]) each.reject(error);
  }

  #failAll(error: unknown): void {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    this.#outbox = [];
    for (const pending of all) this.#fail(pending, error);
  }
}
