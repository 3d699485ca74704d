import { refusalOf } from "../gate/refusalOf.ts";
import { REPEATABLE_METHODS } from "../gate/RequestContext.ts";
import type { BodyReader } from "../gate/RequestHead.ts";
import type { CancelReason, HeaderPairs, HeldAnswer, Refusal, RouteLimits, Sale, SettledSale, Verdict } from "../gate/Sale.ts";
import { SidecarError } from "../SidecarError.ts";
import type { ClientEvents, ClientSide } from "./ClientSide.ts";
import type { DoorOutcome, DoorService, ExchangeContext, ExchangePhase } from "./ExchangeContext.ts";
import { answerHeaders, pairsOf, requestHeadText, trailerPairs } from "./forwardedHeaders.ts";
import { pathOf } from "./pathOf.ts";
import { RequestBody } from "./RequestBody.ts";
import { sidecarErrorOf } from "./sidecarErrorOf.ts";
import { openTunnel } from "./Tunnel.ts";
import type { AnswerHead } from "./upstream/AnswerParser.ts";
import { AnswerProblem } from "./upstream/AnswerProblem.ts";
import type { AnswerHandler, UpstreamConnection } from "./upstream/UpstreamConnection.ts";

const NOTHING: HeaderPairs = [];
const FRESH_MS = 1_000;

/** One request of a client: decided by the gate, asked of the upstream, paid, answered. */
export class Exchange implements ClientEvents, AnswerHandler, BodyReader {
  readonly #door: ExchangeContext;
  readonly #service: DoorService;
  readonly #client: ClientSide;
  readonly #startedAt = Date.now();
  #phase: ExchangePhase = "deciding";
  #outcome: DoorOutcome = "refused";
  #sale: Sale | undefined;
  /** The sale's end has been asked for. */
  #isEnding = false;
  /** The money may be moving: nobody is told that nothing was charged. */
  #isSettling = false;
  /** The upstream failed while the money moved: the answer ends where it broke. */
  #isBroken = false;
  #route: RouteLimits | undefined;
  #connection: UpstreamConnection | undefined;
  #isRetried = false;
  #isHeadSent = false;
  /** The client has left, and what it asked for is finished without it. */
  #isAlone = false;
  readonly #body: RequestBody;

  #head: AnswerHead | undefined;
  #pieces: Buffer[] = [];
  #heldBytes = 0;
  #isAnswerEnded = false;
  #trailers: readonly string[] = [];

  /** When the upstream is given up; Infinity: not now. */
  #deadline = Infinity;
  #lateError: "door/upstream-timeout" | "sale/answer-too-large" = "door/upstream-timeout";
  /** Since when bytes wait for the client. */
  #blockedAt = Infinity;

  constructor(door: ExchangeContext, client: ClientSide) {
    this.#door = door;
    this.#client = client;
    this.#service = door.serviceFor(client.head);
    this.#body = new RequestBody(client);
    client.events = this;
  }

  start(): void {
    this.#door.running.add(this, this.#client.head.remoteAddress);
    try {
      const verdict = this.#door.gate.decide(this.#client.head, this);
      if (verdict instanceof Promise) verdict.then((later) => this.#guard(() => this.#follow(later)), (error: unknown) => this.#refuse(error));
      else this.#guard(() => this.#follow(verdict));
    } catch (error) {
      this.#refuse(error);
    }
  }

  // The gate reads the body ---------------------------------------------------------------------------------------

  read(maxBytes: number): Promise<Uint8Array> {
    if (this.#phase === "over") return Promise.reject(new SidecarError("door/body-broken", {}));
    return this.#body.read(maxBytes);
  }

  // The client ----------------------------------------------------------------------------------------------------

  onRequestBody(chunk: Buffer): void {
    if (this.#body.collect(chunk) || this.#isClosed) return;
    this.#guard(() => this.#body.pass(chunk, this.#connection, this.#route!.maxBodyBytes));
  }

  onRequestEnd(rawTrailers: readonly string[]): void {
    if (this.#body.finishCollecting() || this.#isClosed) return;
    this.#guard(() => {
      this.#body.finish(rawTrailers, this.#connection);
      if (this.#phase === "asking") this.#deadline = Date.now() + this.#route!.timeoutMs;
      if (this.#phase === "waiting" && !this.#isEnding) this.#judge(this.#head!);
    });
  }

  onRequestBroken(): void {
    this.onClientClose();
  }

  onClientDrain(): void {
    this.#blockedAt = Infinity;
    this.#connection?.resume();
  }

  onClientClose(): void {
    if (this.#isAlone) return;
    if (!this.#isToBeFinished) return this.#leave();
    this.#isAlone = true;
    this.#blockedAt = Infinity;
  }

  /**
   * Whether the service has the whole of a request that it must not get twice: it does its work whoever waits for it, so leaving must not
   * make that free. It is paid, and its answer is had again with the same payment.
   */
  get #isToBeFinished(): boolean {
    const isAtService = (this.#phase === "asking" && this.#connection !== undefined) || this.#phase === "holding" || this.#phase === "waiting";
    return isAtService && this.#sale?.settles === "after" && !this.#isEnding && this.#body.isEnded && !this.#client.head.isUpgrade && !REPEATABLE_METHODS.has(this.#client.head.method);
  }

  #leave(): void {
    if (this.#phase === "over") return;
    const isWhole = this.#phase === "sent";
    const wasDeciding = this.#phase === "deciding";
    this.#phase = "over";
    this.#dropConnection();
    if (this.#body.isAwaited) this.#body.fail(new SidecarError("door/body-broken", {}));
    this.#pieces = [];
    if (!isWhole) {
      this.#outcome = "broken";
      if (!wasDeciding) this.#cancel("client-gone");
    }
    this.#door.held.bytes -= this.#heldBytes;
    this.#door.running.delete(this);
    this.#door.metrics?.exchange(this.#outcome, (Date.now() - this.#startedAt) / 1000);
  }

  // The gate's verdict --------------------------------------------------------------------------------------------

  #follow(verdict: Verdict): void {
    if (this.#phase === "over") {
      if (verdict.kind === "sold") this.#cancelSale(verdict.sale, "client-gone");
      return;
    }
    this.#body.stopCollecting();
    switch (verdict.kind) {
      case "free":
        this.#outcome = "free";
        return this.#forward(verdict.route);
      case "refused":
        return this.#sendWhole(verdict.refusal, []);
      case "repeated":
        this.#outcome = "repeated";
        return this.#sendWhole(verdict.answer, []);
      case "sold":
        this.#outcome = "sold";
        this.#sale = verdict.sale;
        return this.#forward(verdict.route);
    }
  }

  #refuse(thrown: unknown): void {
    if (this.#isClosed) return;
    const { error, isOurs } = sidecarErrorOf(thrown);
    if (!isOurs) this.#door.log.error({ err: thrown }, "A request could not be decided.");
    this.#sendWhole(refusalOf(error), []);
  }

  // To the upstream -----------------------------------------------------------------------------------------------

  #forward(route: RouteLimits): void {
    this.#route = route;
    if (this.#body.announcedBytes > route.maxBodyBytes) throw new SidecarError("door/body-too-large", { limitBytes: route.maxBodyBytes });
    const digest = this.#sale?.bodyDigest;
    if (digest !== undefined && !this.#body.expect(digest)) throw new SidecarError("payment/digest", {});
    this.#phase = "asking";
    this.#deadline = Date.now() + route.timeoutMs;
    if (this.#sale !== undefined) this.#body.untilMs = Date.now() + this.#sale.bodyMs;
    // A request that must not be sent twice does not meet a connection that its service is just closing.
    this.#service.pool.acquire(this, REPEATABLE_METHODS.has(this.#client.head.method) ? Infinity : FRESH_MS);
  }

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection;
    this.#guard(() => {
      const { head: { method, isUpgrade }, contentLength, hasBody } = this.#client;
      const body = this.#body.whole;
      const isToCome = hasBody && body === undefined;
      const isChunked = isToCome && contentLength === undefined;
      const text = requestHeadText(this.#client, this.#service.address, this.#sale?.upstreamHeaders ?? NOTHING, isChunked ? "chunked" : hasBody && body !== undefined ? body.length : undefined);
      connection.send(method, text, isUpgrade, body, isToCome, isChunked);
      if (isToCome) this.#body.start();
    });
  }

  onUpstreamDrain(): void {
    this.#body.resume();
  }

  onUpstreamError(error: Error): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (this.#isClosed) return;
    const isStale = connection !== undefined && connection.uses > 1 && connection.isUntouched;
    if (this.#phase === "asking" && isStale && !this.#isRetried && !this.#body.isStarted && REPEATABLE_METHODS.has(this.#client.head.method)) {
      this.#isRetried = true;
      return this.#service.pool.acquire(this, 0);
    }
    const problem = error instanceof AnswerProblem ? error.problem : this.#head === undefined ? "it cannot be reached" : "the connection broke";
    this.#fail(new SidecarError("door/upstream", { problem }, { cause: error }), "upstream-failed");
  }

  // The answer ----------------------------------------------------------------------------------------------------

  onInformational(status: number, rawHeaders: readonly string[]): void {
    if (status === 103 && this.#phase === "asking" && this.#client.version !== "1.0") this.#client.writeEarlyHints(rawHeaders);
  }

  onAnswerHead(head: AnswerHead): void {
    this.#head = head;
    this.#deadline = Infinity;
    if (!this.#body.isUnchecked) return this.#judge(head);
    // Whoever answers before the end of a body that may be the wrong one is not heard before its digest is known.
    this.#phase = "waiting";
    this.#connection!.pause();
  }

  onAnswerBody(chunk: Buffer): void {
    if (this.#phase === "flowing") return this.#pass(chunk);
    this.#pieces.push(chunk);
    if (this.#phase !== "holding") return;
    this.#heldBytes += chunk.length;
    this.#door.held.bytes += chunk.length;
    if (this.#heldBytes > this.#route!.holdBytes) this.#tooLarge();
    else if (this.#door.held.bytes > this.#door.limits.heldBytes) this.#fail(new SidecarError("door/busy", { retryAfterSeconds: 1 }), "answer-too-large");
  }

  onAnswerEnd(last: Buffer | undefined, trailers: readonly string[]): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#deadline = Infinity;
    if (this.#phase === "flowing") return this.#finish(last, trailers);
    connection?.resume();
    this.#isAnswerEnded = true;
    this.#trailers = trailers;
    if (last !== undefined) this.onAnswerBody(last);
    if (this.#phase === "holding") this.#settleHeld();
  }

  onTunnel(chunk: Buffer): void {
    this.#pieces.push(chunk);
  }

  onTunnelEnd(): void {
    this.onUpstreamError(new AnswerProblem("it ended early"));
  }

  /** The head is there: money first, or bytes. */
  #judge(head: AnswerHead): void {
    const sale = this.#sale;
    if (sale === undefined) return this.#flow([]);
    const isUnpaidUpgrade = this.#client.head.isUpgrade && !head.isUpgrade;
    if (isUnpaidUpgrade || !this.#route!.isCharged(head.status)) {
      this.#outcome = "failed";
      this.#phase = "waiting";
      this.#connection?.pause();
      this.#cancel("not-charged", () => this.#flow([]));
      return;
    }
    if (sale.settles === "before" || head.isUpgrade) {
      this.#phase = "waiting";
      this.#connection?.pause();
      const answer = { status: head.status, headers: pairsOf(answerHeaders(head.rawHeaders, head.minorVersion, true)) };
      return this.#settle(sale.settle(answer), (extra) => this.#flow(extra));
    }
    if ((head.length ?? 0) > this.#route!.holdBytes) return this.#tooLarge();
    this.#phase = "holding";
    this.#connection?.resume();
    this.#lateError = head.length === undefined ? "sale/answer-too-large" : "door/upstream-timeout";
    this.#deadline = Date.now() + (head.length === undefined ? this.#door.limits.holdMs : this.#route!.timeoutMs);
    const early = this.#pieces;
    this.#pieces = [];
    for (const piece of early) this.onAnswerBody(piece);
    if (this.#isAnswerEnded && this.#phase === "holding") this.#settleHeld();
  }

  #tooLarge(): void {
    this.#door.log.warn({ method: this.#client.head.method, path: pathOf(this.#client.head.target), limitBytes: this.#route!.holdBytes }, "An answer was too large to be paid after it, or has no end: this route should be `stream`.");
    this.#fail(new SidecarError("sale/answer-too-large", { limitBytes: this.#route!.holdBytes }), "answer-too-large");
  }

  #settleHeld(): void {
    const head = this.#head!;
    this.#phase = "waiting";
    const isBodiless = this.#isBodiless(head.status);
    const answer: HeldAnswer = {
      status: head.status,
      headers: pairsOf(answerHeaders(head.rawHeaders, head.minorVersion, isBodiless)),
      body: this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces),
    };
    this.#pieces = [];
    this.#settle(this.#sale!.settle(answer), (extra) => this.#sendWhole(answer, extra, trailerPairs(this.#trailers)));
  }

  #settle(settled: Promise<SettledSale>, deliver: (extra: HeaderPairs) => void): void {
    this.#isEnding = true;
    this.#isSettling = true;
    settled.then(
      (outcome) => {
        this.#isSettling = false;
        if (this.#phase === "over") return;
        if (outcome.kind === "paid") return this.#guard(() => deliver(outcome.headers));
        this.#outcome = "refused";
        this.#dropConnection();
        this.#pieces = [];
        this.#sendWhole(outcome.refusal, []);
      },
      (thrown: unknown) => {
        const { error, isOurs } = sidecarErrorOf(thrown);
        if (!isOurs) this.#door.log.error({ err: thrown }, "A sale could not be settled.");
        this.#isEnding = false;
        this.#isSettling = false;
        this.#fail(error, this.#phase === "over" ? "client-gone" : "upstream-failed");
      },
    );
  }

  /** The answer's head goes to the client, and its body as it comes. */
  #flow(extra: HeaderPairs): void {
    if (this.#isClosed) return;
    if (this.#isAlone) return this.#endAlone();
    const head = this.#head!;
    const headers = answerHeaders(head.rawHeaders, head.minorVersion, true);
    for (const [name, value] of extra) headers.push(name, value);
    if (head.isUpgrade && !this.#isBroken) return this.#openTunnel(head, headers);
    this.#phase = "flowing";
    this.#isHeadSent = true;
    this.#client.writeHead(head.status, head.reason, headers, this.#door.isDraining);
    if (head.isAlone) this.#client.flush();
    if (this.#pieces.length === 0 && !this.#isAnswerEnded && !this.#isBroken) {
      if (extra.length > 0 || this.#sale !== undefined) this.#connection?.resume();
      return;
    }
    const pieces = this.#pieces;
    this.#pieces = [];
    for (const piece of pieces) this.#pass(piece);
    if (this.#isBroken) return this.#cut();
    if (this.#isAnswerEnded) this.#finish(undefined, this.#trailers);
    else if (this.#blockedAt === Infinity) this.#connection?.resume();
  }

  #pass(chunk: Buffer): void {
    if (this.#client.write(chunk)) return;
    this.#blockedAt = Date.now();
    this.#connection?.pause();
  }

  #finish(last: Buffer | undefined, trailers: readonly string[]): void {
    this.#phase = "sent";
    this.#blockedAt = Date.now();
    this.#client.end(last, trailers.length === 0 ? undefined : trailerPairs(trailers));
  }

  #openTunnel(head: AnswerHead, headers: string[]): void {
    const connection = this.#connection!;
    this.#connection = undefined;
    this.#phase = "sent";
    const socket = this.#client.openTunnel!(head.reason, headers);
    openTunnel({ socket, connection, early: this.#pieces, idleMs: this.#door.limits.tunnelIdleMs, onClose: () => this.onClientClose() });
    this.#pieces = [];
  }

  /** Sends an answer that is all there. */
  #sendWhole(answer: HeldAnswer | Refusal, extra: HeaderPairs, trailers: HeaderPairs = []): void {
    if (this.#isClosed) return;
    if (this.#isAlone) return this.#endAlone();
    const headers: string[] = [];
    const isBodiless = this.#isBodiless(answer.status);
    for (const [name, value] of answer.headers) {
      if (!isBodiless && name.length === 14 && name.toLowerCase() === "content-length") continue;
      headers.push(name, value);
    }
    for (const [name, value] of extra) headers.push(name, value);
    if (!isBodiless && trailers.length === 0) headers.push("Content-Length", String(answer.body.length));
    this.#phase = "sent";
    this.#isHeadSent = true;
    this.#blockedAt = Date.now();
    this.#client.writeHead(answer.status, "", headers, this.#door.isDraining || (this.#body.isStarted && !this.#body.isEnded));
    this.#client.end(isBodiless || answer.body.length === 0 ? undefined : answer.body, trailers);
  }

  /** There is an answer, and nobody to send it to. */
  #endAlone(): void {
    this.#phase = "sent";
    this.#leave();
  }

  #isBodiless(status: number): boolean {
    return this.#client.head.method === "HEAD" || status === 204 || status === 304;
  }

  // What goes wrong -----------------------------------------------------------------------------------------------

  get #isClosed(): boolean {
    return this.#phase === "over" || this.#phase === "sent";
  }

  /** Called from time to time. */
  sweep(now: number): void {
    if ((this.#phase === "asking" || this.#phase === "waiting") && this.#body.isLate(now)) return this.#fail(new SidecarError("payment/expired", {}), "body-late");
    const { bodyIdleMs, stallMs } = this.#door.limits;
    if (now > this.#deadline && (this.#phase === "asking" || this.#phase === "holding") && (this.#body.isEnded || !this.#body.isStarted)) {
      if (this.#lateError === "sale/answer-too-large") return this.#tooLarge();
      return this.#fail(new SidecarError("door/upstream-timeout", { timeoutMs: this.#route!.timeoutMs }), "upstream-timeout");
    }
    if (this.#phase === "asking" && this.#body.isStuck(now, this.#route!.timeoutMs)) {
      return this.#fail(new SidecarError("door/upstream-timeout", { timeoutMs: this.#route!.timeoutMs }), "upstream-timeout");
    }
    if (!this.#isClosed && this.#body.isSlow(now, bodyIdleMs)) {
      const error = new SidecarError("door/body-slow", {});
      if (this.#phase === "deciding" && this.#body.isAwaited) this.#body.fail(error);
      else this.#fail(error, "client-gone");
      return;
    }
    if (now - this.#blockedAt > stallMs) this.abort("client-gone");
  }

  /** Ends it here and now; nothing is charged that is not yet paid. */
  abort(reason: CancelReason): void {
    if (this.#phase === "over") return;
    if (reason === "stopping" && !this.#isHeadSent && !this.#isSettling) return this.#fail(new SidecarError("door/stopping", {}), reason);
    this.#cancel(reason);
    this.#cut();
  }

  #cut(): void {
    // What is written already goes out in this turn.
    setImmediate(() => this.#client.abort());
    this.#leave();
  }

  #fail(error: SidecarError, reason: CancelReason): void {
    if (this.#phase === "sent") return;
    this.#dropConnection();
    this.#deadline = Infinity;
    if (this.#isSettling) {
      this.#isBroken = true;
      return;
    }
    this.#pieces = [];
    if (this.#phase !== "over") {
      this.#phase = "waiting";
      this.#outcome = "failed";
    }
    if (error.code === "door/upstream") this.#door.log.warn({ path: pathOf(this.#client.head.target), problem: error.message, cause: String(error.cause) }, "The upstream failed.");
    this.#cancel(reason, () => {
      if (this.#isClosed) return;
      if (!this.#isHeadSent) return this.#sendWhole(refusalOf(error), []);
      this.#cut();
    });
  }

  /** Cancels the sale if there is one that has not ended, then goes on. */
  #cancel(reason: CancelReason, then?: () => void): void {
    if (this.#sale === undefined || this.#isEnding) return then?.();
    this.#isEnding = true;
    this.#cancelSale(this.#sale, reason, then);
  }

  #cancelSale(sale: Sale, reason: CancelReason, then?: () => void): void {
    sale
      .cancel(reason)
      .catch((error: unknown) => this.#door.log.error({ err: error, way: sale.way }, "A sale could not be cancelled."))
      .then(() => then === undefined ? undefined : this.#guard(then))
      .catch((error: unknown) => this.#door.log.error({ err: error }, "An exchange failed after its sale was cancelled."));
  }

  #dropConnection(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) this.#service.pool.forget(this);
    else connection.destroy();
  }

  /** A fault of our own in one exchange ends that one. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      const { error, isOurs } = sidecarErrorOf(thrown);
      if (!isOurs) this.#door.log.error({ err: thrown }, "An exchange failed.");
      this.#fail(error, error.code === "payment/digest" ? "body-digest" : error.code === "payment/expired" ? "body-late" : isOurs ? "client-gone" : "upstream-failed");
    }
  }
}
