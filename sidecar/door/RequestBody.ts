import { SidecarError } from "../SidecarError.ts";
import { BodyCollector } from "./BodyCollector.ts";
import { BodyDigest } from "./BodyDigest.ts";
import type { ClientSide } from "./ClientSide.ts";
import { trailerText } from "./forwardedHeaders.ts";
import type { UpstreamConnection } from "./upstream/UpstreamConnection.ts";

/** The way of one request's body: to the gate, which reads it whole, or to the upstream piece by piece, its end held back until its digest is right. */
export class RequestBody {
  /** Whole, where the gate read it. */
  whole: Buffer | undefined;
  isStarted = false;
  isEnded: boolean;
  /** After this its end goes no further: what pays for it may end before the service is done. */
  untilMs = Infinity;
  readonly #client: ClientSide;
  #collector: BodyCollector | undefined;
  #digest: BodyDigest | undefined;
  #bytes = 0;
  /** When the last piece came. */
  #cameAt = 0;
  /** Since when the upstream takes no more. */
  #pausedAt = Infinity;

  constructor(client: ClientSide) {
    this.#client = client;
    this.isEnded = !client.hasBody;
  }

  /** For the gate. @throws (rejects) SidecarError `door/body-too-large`, `door/body-slow`, `door/body-broken` */
  read(maxBytes: number): Promise<Uint8Array> {
    if (this.whole !== undefined) return Promise.resolve(this.whole);
    if (this.#collector !== undefined) return this.#collector.done;
    if (this.isEnded) return Promise.resolve((this.whole = Buffer.alloc(0)));
    if ((this.#client.contentLength ?? 0) > maxBytes) return Promise.reject(new SidecarError("door/body-too-large", { limitBytes: maxBytes }));
    this.#collector = new BodyCollector(maxBytes);
    this.start();
    return this.#collector.done;
  }

  /** What is known of its length before it came. */
  get announcedBytes(): number {
    return this.whole?.length ?? this.#client.contentLength ?? 0;
  }

  /** It has a digest to be checked that is not checked yet. */
  get isUnchecked(): boolean {
    return this.#digest !== undefined;
  }

  /** @returns false: all of it is known already, and it is another body */
  expect(digest: Uint8Array): boolean {
    this.#digest = new BodyDigest(digest);
    if (!this.isEnded) return true;
    if (this.whole !== undefined) this.#digest.pass(this.whole);
    const isRight = this.#digest.finish() !== undefined;
    this.#digest = undefined;
    return isRight;
  }

  start(): void {
    this.isStarted = true;
    this.#cameAt = Date.now();
    this.#client.startBody();
  }

  /** A piece came for the gate; it is small and has to be whole in time, not only to flow. @returns false: not for the gate */
  collect(chunk: Buffer): boolean {
    if (this.#collector === undefined) return false;
    if (!this.#collector.take(chunk)) this.#client.pauseBody();
    return true;
  }

  /** A piece came for the upstream. @throws SidecarError `door/body-too-large` */
  pass(chunk: Buffer, connection: UpstreamConnection | undefined, maxBytes: number): void {
    this.#cameAt = Date.now();
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes) throw new SidecarError("door/body-too-large", { limitBytes: maxBytes });
    const free = this.#digest === undefined ? chunk : this.#digest.pass(chunk);
    if (free === undefined || connection?.writeBody(free) !== false) return;
    this.#pausedAt = this.#cameAt;
    this.#client.pauseBody();
  }

  /** It is over. @returns false: that was for the gate */
  finishCollecting(): boolean {
    this.isEnded = true;
    if (this.#collector === undefined) return false;
    this.whole = this.#collector.finish();
    return true;
  }

  /** It is over. @throws SidecarError `payment/digest`, `payment/expired`, `door/request` for trailers that are none */
  finish(rawTrailers: readonly string[], connection: UpstreamConnection | undefined): void {
    if (Date.now() > this.untilMs) throw new SidecarError("payment/expired", {});
    if (this.#digest !== undefined) {
      const last = this.#digest.finish();
      if (last === undefined) throw new SidecarError("payment/digest", {});
      this.#digest = undefined;
      connection?.writeBody(last);
    }
    connection?.endBody(trailerText(rawTrailers));
  }

  resume(): void {
    if (!this.isStarted || this.isEnded) return;
    this.#cameAt = Date.now();
    this.#pausedAt = Infinity;
    this.#client.resumeBody();
  }

  /** The gate is done with it. */
  stopCollecting(): void {
    this.#collector = undefined;
  }

  /** The gate reads it. */
  get isAwaited(): boolean {
    return this.#collector !== undefined;
  }

  /** Tells the gate that it does not get it. */
  fail(error: SidecarError): void {
    this.#collector?.fail(error);
  }

  /** The client sends nothing though it may. */
  isSlow(now: number, idleMs: number): boolean {
    return this.isStarted && !this.isEnded && this.#pausedAt === Infinity && now - this.#cameAt > idleMs;
  }

  /** It is not whole, and its time is over. */
  isLate(now: number): boolean {
    return this.isStarted && !this.isEnded && now > this.untilMs;
  }

  /** The upstream takes nothing though it should. */
  isStuck(now: number, timeoutMs: number): boolean {
    return now - this.#pausedAt > timeoutMs;
  }
}
