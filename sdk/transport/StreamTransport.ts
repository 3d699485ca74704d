import { encodeSubmissions } from "../../core/codec/stream.ts";
import { ERROR } from "../../core/generated/protocol.ts";
import type { BundleTicket, BundleTransport, DurableAck, RootedAck, SequencedAck } from "../bundles/BundleTransport.ts";
import { refusalError, SdkError, sdkError } from "../SdkError.ts";
import type { AckVerifier } from "./AckVerifier.ts";
import { decodeAcks } from "./frames.ts";
import type { StreamAck } from "./frames.ts";

export interface StreamOptions {
  /** `ws://…/v1/stream`. */
  readonly url: string;
  readonly webSocket: typeof WebSocket;
  /** What checks the signatures of answers; undefined when it is not known who signs. Read once, before the first answer. */
  readonly readVerifier: () => Promise<AckVerifier | undefined>;
  /** First pause before connecting again; doubled up to 5 s. Default 100 ms. */
  readonly reconnectMs?: number;
  /** How long the sequencer may be away before what waits for it fails. Default 60 s. */
  readonly giveUpMs?: number;
}

interface Pending {
  readonly bundle: Uint8Array;
  readonly sequenced: PromiseWithResolvers<SequencedAck>;
  readonly durable: PromiseWithResolvers<DurableAck>;
  readonly rooted: PromiseWithResolvers<RootedAck>;
  durableAck: DurableAck | undefined;
  /** How often the bytes went out. */
  sent: number;
}

const MAX_RECONNECT_MS = 5_000;
const MAX_REQUEST_ID = 0xffff_ffff;

/**
 * One WebSocket to the sequencer. When it breaks, it connects again and sends the bundles without a durable acknowledgement once
 * more, byte for byte: a bundle's nonce lets it run once only.
 */
export class StreamTransport implements BundleTransport {
  readonly #options: StreamOptions;
  readonly #pending = new Map<number, Pending>();
  #socket: WebSocket | undefined;
  #isOpen = false;
  #isClosed = false;
  #nextRequest = 1;
  #outbox: number[] = [];
  #isFlushing = false;
  #verifier: { readonly check: AckVerifier | undefined } | undefined;
  #retryMs: number;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #awaySince: number | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#retryMs = options.reconnectMs ?? 100;
  }

  submit(bundle: Uint8Array): BundleTicket {
    const pending: Pending = {
      bundle,
      sequenced: Promise.withResolvers(),
      durable: Promise.withResolvers(),
      rooted: Promise.withResolvers(),
      durableAck: undefined,
      sent: 0,
    };
    const ticket = { sequenced: pending.sequenced.promise, durable: pending.durable.promise, rooted: pending.rooted.promise };
    for (const promise of Object.values(ticket)) promise.catch(() => undefined);
    if (this.#isClosed) {
      this.#fail(pending, sdkError("SDK_CLOSED", "the client is closed"));
      return ticket;
    }
    const request = this.#nextRequest;
    this.#nextRequest = request === MAX_REQUEST_ID ? 1 : request + 1;
    this.#pending.set(request, pending);
    this.#outbox.push(request);
    if (this.#isOpen) this.#flushSoon();
    else this.#connect();
    return ticket;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    const socket = this.#socket;
    this.#failAll(sdkError("SDK_CLOSED", "the client was closed"));
    if (socket === undefined || socket.readyState === socket.CLOSED) return;
    const ended = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve(), { once: true }));
    socket.close();
    await ended;
  }

  #connect(): void {
    if (this.#socket !== undefined || this.#retryTimer !== undefined || this.#isClosed) return;
    const socket = new this.#options.webSocket(this.#options.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("open", () => void this.#opened(socket));
    socket.addEventListener("message", ({ data }) => this.#received(data));
    // A close event always follows.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", () => this.#lost());
  }

  async #opened(socket: WebSocket): Promise<void> {
    try {
      this.#verifier ??= { check: await this.#options.readVerifier() };
    } catch (error) {
      if (error instanceof SdkError && error.reaction !== "retry") this.#failAll(error);
      socket.close();
      return;
    }
    this.#isOpen = true;
    this.#awaySince = undefined;
    this.#retryMs = this.#options.reconnectMs ?? 100;
    // Everything that waits for an answer, in the order of the nonces.
    this.#outbox = [...this.#pending.keys()];
    this.#flushSoon();
  }

  #lost(): void {
    this.#socket = undefined;
    this.#isOpen = false;
    if (this.#isClosed || this.#pending.size === 0) return;
    this.#awaySince ??= Date.now();
    if (Date.now() - this.#awaySince > (this.#options.giveUpMs ?? 60_000)) {
      this.#failAll(sdkError("SDK_UNREACHABLE", `${this.#options.url}; whether the bundle ran is not known`, { url: this.#options.url }));
      return;
    }
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#connect();
    }, this.#retryMs);
    this.#retryMs = Math.min(MAX_RECONNECT_MS, 2 * this.#retryMs);
  }

  /** Bundles of the same turn of the event loop share one message. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (!this.#isOpen) return;
      const frames = this.#outbox.splice(0).flatMap((request) => {
        const pending = this.#pending.get(request);
        if (pending === undefined) return [];
        pending.sent += 1;
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
      this.#socket?.close();
    }
  }

  #acknowledge(ack: StreamAck): void {
    const pending = this.#pending.get(ack.request);
    if (pending === undefined) return;
    if (ack.level === "parked") return;
    if (ack.level === "rejected") {
      this.#pending.delete(ack.request);
      // It may have run before the connection broke: signing it anew could run it twice.
      const mayHaveRun = ack.code === ERROR.H_NONCE && (pending.sent > 1 || pending.durableAck !== undefined);
      this.#fail(pending, mayHaveRun ? sdkError("SDK_LOST", ack.detail) : refusalError(ack.code, ack.detail));
      return;
    }
    if (ack.level === "sequenced") {
      pending.sequenced.resolve({ level: "sequenced" });
      return;
    }
    try {
      this.#verifier?.check?.check(ack, pending.bundle);
    } catch (error) {
      this.#pending.delete(ack.request);
      this.#fail(pending, error);
      return;
    }
    if (ack.level === "durable") {
      pending.sequenced.resolve({ level: "sequenced" });
      pending.durableAck = { level: "durable", position: ack.position, firstReceipt: ack.firstReceipt, results: ack.results };
      pending.durable.resolve(pending.durableAck);
      return;
    }
    this.#pending.delete(ack.request);
    pending.rooted.resolve({ level: "rooted", position: ack.position, batchCount: ack.batchCount, stateRoot: ack.stateRoot });
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
