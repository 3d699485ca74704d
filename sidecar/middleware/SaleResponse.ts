import type { ServerResponse } from "node:http";

import type { CancelReason, HeaderPairs, RouteLimits, Sale, SettledSale } from "../gate/Sale.ts";
import { sidecarErrorOf } from "../door/sidecarErrorOf.ts";
import { refusalOf } from "../gate/refusalOf.ts";
import { REPEATABLE_METHODS } from "../gate/RequestContext.ts";
import { SidecarError } from "../SidecarError.ts";
import { HeldResponse } from "./HeldResponse.ts";
import type { HeldEvents } from "./HeldResponse.ts";
import type { MiddlewareLog } from "./serveGated.ts";

/** While the money of a streamed answer moves, so many bytes may wait before the writer is told to. */
const WAITING_BYTES = 65_536;

/** Sells what a handler answers: holds it, moves the money, delivers; or cancels. */
export class SaleResponse implements HeldEvents {
  readonly #held: HeldResponse;
  readonly #sale: Sale;
  readonly #route: RouteLimits;
  readonly #log: MiddlewareLog;
  readonly #timer: NodeJS.Timeout;
  /** Undefined: there is nothing to wait for. */
  #bodyChecked: Promise<SidecarError | undefined> | undefined;
  /** The sale's end has been asked for. */
  #isEnding = false;
  #isOver = false;

  /** @param bodyChecked resolves with an error when the request's body is not what was paid for, or came too late */
  constructor(response: ServerResponse, sale: Sale, route: RouteLimits, bodyChecked: Promise<SidecarError | undefined> | undefined, log: MiddlewareLog) {
    this.#sale = sale;
    this.#route = route;
    this.#log = log;
    this.#held = new HeldResponse(response, this);
    this.#bodyChecked = bodyChecked;
    this.#timer = setTimeout(() => this.fail(new SidecarError("door/upstream-timeout", { timeoutMs: route.timeoutMs }), "upstream-timeout"), route.timeoutMs);
    this.#timer.unref();
    void bodyChecked?.then((problem) => {
      this.#bodyChecked = undefined;
      if (problem !== undefined) this.fail(problem, problem.code === "payment/digest" ? "body-digest" : "body-late");
    });
  }

  onHead(): void {
    if (this.#isEnding || this.#isOver) return;
    const isBefore = this.#sale.settles === "before";
    if (!this.#route.isCharged(this.#held.status)) return this.#cancelAnd("not-charged", () => this.#held.release([]));
    if (isBefore) this.#afterBody(() => this.#settle(this.#sale.settle({ status: this.#held.status, headers: this.#held.headers() })));
  }

  onHeld(bytes: number): void {
    const { holdBytes } = this.#route;
    if (this.#isEnding || this.#sale.settles === "before") {
      if (bytes > WAITING_BYTES) this.#held.block();
      return;
    }
    if (bytes <= holdBytes) return;
    this.#log.warn({ limitBytes: holdBytes }, "An answer was too large to be paid after it: this route should be `stream`.");
    this.fail(new SidecarError("sale/answer-too-large", { limitBytes: holdBytes }), "answer-too-large");
  }

  onEnd(): void {
    if (this.#isEnding || this.#isOver || this.#sale.settles === "before") return;
    this.#afterBody(() => this.#settle(this.#sale.settle({ status: this.#held.status, headers: this.#held.headers(), body: this.#held.body() })));
  }

  /** The handler cannot answer, or must not be heard: the sale is cancelled, the client told. */
  fail(error: SidecarError, reason: CancelReason): void {
    this.#cancelAnd(reason, () => {
      const { status, headers, body } = refusalOf(error);
      this.#held.replace(status, headers, body);
    });
  }

  /** The handler threw. */
  onThrown(thrown: unknown): void {
    this.#log.error({ err: thrown }, "A handler of a paid route threw.");
    if (!this.#isEnding) return this.fail(new SidecarError("door/failed", {}, { cause: thrown }), "upstream-failed");
    // Sold with its head, it breaks; sold whole, what is thrown afterwards takes nothing from it.
    if (!this.#held.isEnded) this.#held.abort();
  }

  /** Nothing is sold before the body that was paid for is known to be the one that came. */
  #afterBody(then: () => void): void {
    if (this.#bodyChecked === undefined) return then();
    this.#held.response.req.resume();
    void this.#bodyChecked.then((problem) => (problem === undefined && !this.#isOver && !this.#isEnding ? then() : undefined));
  }

  #settle(settled: Promise<SettledSale>): void {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    settled.then(
      (outcome) => {
        if (outcome.kind === "paid") return this.#deliver(outcome.headers);
        this.#isOver = true;
        const { status, headers, body } = outcome.refusal;
        this.#held.replace(status, headers, body);
      },
      (thrown: unknown) => {
        const { error, isOurs } = sidecarErrorOf(thrown);
        if (!isOurs) this.#log.error({ err: thrown }, "A sale could not be settled.");
        this.#isEnding = false;
        this.#isOver = false;
        this.fail(error, "upstream-failed");
      },
    );
  }

  #deliver(extra: HeaderPairs): void {
    this.#isOver = true;
    this.#held.release(extra);
  }

  onClose(isByHandler: boolean): boolean {
    if (!isByHandler && this.#isToBeFinished) return true;
    clearTimeout(this.#timer);
    if (!this.#isOver && !this.#isEnding) this.#cancelAnd("client-gone", () => undefined);
    return false;
  }

  /** As at the door: the handler does the work of a request that is not repeated whoever waits for it, so leaving must not make that free. */
  get #isToBeFinished(): boolean {
    const { req } = this.#held.response;
    return this.#sale.settles === "after" && !this.#isOver && !this.#isEnding && this.#bodyChecked === undefined && req.complete && !REPEATABLE_METHODS.has(req.method!);
  }

  #cancelAnd(reason: CancelReason, then: () => void): void {
    if (this.#isEnding || this.#isOver) return;
    this.#isEnding = true;
    clearTimeout(this.#timer);
    this.#sale
      .cancel(reason)
      .catch((error: unknown) => this.#log.error({ err: error, way: this.#sale.way }, "A sale could not be cancelled."))
      .then(() => {
        this.#isOver = true;
        then();
      })
      .catch((error: unknown) => this.#log.error({ err: error }, "An answer could not be sent after its sale was cancelled."));
  }
}
