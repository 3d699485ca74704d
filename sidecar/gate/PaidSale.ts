import { hash } from "node:crypto";

import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { readCallPayload, toHex } from "../../sdk/index.ts";
import { answerHash } from "../../sdk/x402/answerHash.ts";
import { EMPTY_BODY_DIGEST } from "../../sdk/x402/bodyDigest.ts";
import { SidecarError } from "../SidecarError.ts";
import type { SettledPayment, VerifiedPayment, Way, WayName } from "../ways/Way.ts";
import type { Exchange } from "./Exchanges.ts";
import type { Offers } from "./Offers.ts";
import { refusalOf } from "./refusalOf.ts";
import type { CancelReason, HeaderPairs, HeldAnswer, Sale, SettledSale, StreamedAnswer } from "./Sale.ts";
import type { SaleBooks } from "./SaleBooks.ts";
import { failedSettlement, paidHeaders } from "./settlePayment.ts";
import type { PaidFor } from "./settlePayment.ts";

/** A payment that failed after the answer was ready is a conflict on a channel: there the payee's own engine said no. */
const CONFLICT_STATUS = 409;
const DISK_RETRY_SECONDS = 10;

export interface PaidSaleOptions {
  readonly way: Way;
  readonly payment: VerifiedPayment;
  readonly requestHash: Uint8Array;
  readonly settles: "before" | "after";
  readonly bodyDigest: Uint8Array | undefined;
  readonly bodyMs: number;
  /** False: the engine of the channel is the ledger of this payment. */
  readonly isWritten: boolean;
  readonly exchange: Exchange;
  readonly offers: Offers;
}

function contentTypeOf(headers: HeaderPairs): string {
  for (const [name, value] of headers) if (name.length === 12 && name.toLowerCase() === "content-type") return value;
  return "";
}

/** One exchange that is paid with its answer, in the order of docs/SIDECAR.md sections 4 and 5: written, paid, delivered. */
export class PaidSale implements Sale {
  readonly settles: "before" | "after";
  readonly bodyDigest: Uint8Array | undefined;
  readonly bodyMs: number;
  readonly #books: SaleBooks;
  readonly #options: PaidSaleOptions;
  /** Set by whoever ends the sale first. */
  #ending: Promise<unknown> | "settling" | undefined;

  constructor(books: SaleBooks, options: PaidSaleOptions) {
    this.#books = books;
    this.#options = options;
    this.settles = options.settles;
    this.bodyDigest = options.bodyDigest;
    this.bodyMs = options.bodyMs;
  }

  get way(): WayName {
    return this.#options.way.name;
  }

  get payer(): string {
    return this.#options.payment.payer;
  }

  get amount(): bigint {
    return this.#options.payment.amount;
  }

  get upstreamHeaders(): HeaderPairs {
    const { way, payment } = this.#options;
    return [
      ["Agnt2-Payer", payment.payer],
      ["Agnt2-Amount", String(payment.amount)],
      ["Agnt2-Way", way.name],
      ...(way.name === "call" ? this.#callHeaders() : []),
    ];
  }

  /** A call of Layer Core has a name of its own, which A2A gives to the task. */
  #callHeaders(): HeaderPairs {
    const { payment, requestHash } = this.#options;
    const { slot, id } = readCallPayload(payment.payload.payload);
    return [
      ["Agnt2-Payment", payment.key],
      ["Agnt2-Invocation", `${slot}:${id}`],
      ["Agnt2-Request", toHex(requestHash)],
    ];
  }

  settle(answer: HeldAnswer | StreamedAnswer): Promise<SettledSale> {
    if (this.#ending !== undefined) return Promise.resolve(this.#unpaid(new SidecarError("payment/released", {})));
    this.#ending = "settling";
    return this.#settle(answer);
  }

  cancel(reason: CancelReason): Promise<void> {
    if (this.#ending === "settling") return Promise.resolve();
    this.#ending ??= this.#release(reason);
    return this.#ending as Promise<void>;
  }

  async #settle(answer: HeldAnswer | StreamedAnswer): Promise<SettledSale> {
    const { way, payment, requestHash, isWritten } = this.#options;
    const { ledger, metrics } = this.#books;
    const held = "body" in answer ? answer : undefined;
    const bodyDigest = held === undefined || held.body.length === 0 ? EMPTY_BODY_DIGEST : hash("sha256", held.body, "buffer");
    const digest = answerHash({ requestHash, status: answer.status, contentType: contentTypeOf(answer.headers), bodyDigest });
    const sold: PaidFor = { way, payment, requestHash, answerHash: digest };
    if (isWritten) {
      if (way.hold?.(payment) === false) {
        metrics.unsettled(way.name, "payment/unsettled");
        await this.#release("unsettled");
        return this.#unpaid(new SidecarError("payment/unsettled", { reason: "it ended before the answer came" }));
      }
      try {
        await ledger.answered(payment.key, { answerHash: digest, answer: held });
      } catch (error) {
        this.#books.log.error({ err: error, payment: payment.key }, "An answer could not be written; it is withheld and nothing is charged.");
        await this.#release("answer-not-written");
        return this.#unpaid(new SidecarError("door/busy", { retryAfterSeconds: DISK_RETRY_SECONDS }));
      }
    }
    let settled: SettledPayment;
    try {
      const moved = way.settle(payment, digest);
      settled = moved instanceof Promise ? await moved : moved;
    } catch (thrown) {
      return this.#failed(sold, thrown);
    }
    const made = paidHeaders(this.#books, sold, settled);
    const headers = made instanceof Promise ? await made : made;
    metrics.settled(way.name, payment.requirement.asset, payment.amount);
    this.#record(settled, headers, held);
    return { kind: "paid", headers };
  }

  /** The money moved; nobody waits for this to be written: if it is lost, the way is asked. */
  #record(settled: SettledPayment, headers: HeaderPairs, held: HeldAnswer | undefined): void {
    const { payment, exchange, isWritten } = this.#options;
    const { ledger, recent, log } = this.#books;
    const answer = held && { ...held, headers: [...held.headers, ...headers] };
    if (!isWritten) {
      if (answer !== undefined) recent.add(exchange.proof, answer);
      exchange.finish({ kind: "answered", answer });
      return;
    }
    ledger
      .settled(payment.key, { transaction: settled.transaction, headers })
      .catch((error: unknown) => log.error({ err: error, payment: payment.key }, "A payment that was made is not written down yet; it will be asked for."))
      .finally(() => exchange.finish({ kind: "answered", answer }))
      .catch((error: unknown) => log.error({ err: error }, "An exchange could not be ended."));
  }

  async #failed(sold: PaidFor, thrown: unknown): Promise<SettledSale> {
    const { way, exchange, isWritten } = this.#options;
    const failure = failedSettlement(this.#books, sold, thrown);
    if (failure.kind === "paid") return { kind: "paid", headers: failure.headers };
    this.#books.metrics.unsettled(way.name, failure.error.code);
    // What is not written cannot be asked for later: it is given back.
    if (failure.kind === "refused" || !isWritten) await this.#giveBack();
    else exchange.finish({ kind: "doubt" });
    return this.#unpaid(failure.error);
  }

  #unpaid(error: SidecarError): SettledSale {
    const refusal = this.way === "channel" && error.code.startsWith("payment/") ? { ...refusalOf(error), status: CONFLICT_STATUS } : this.#options.offers.refused(error);
    return { kind: "unpaid", refusal };
  }

  /** After its answer was written: that it is given back is written first, as everywhere. */
  async #giveBack(): Promise<void> {
    const { payment, exchange, isWritten } = this.#options;
    try {
      if (isWritten) await this.#books.ledger.released(payment.key, "releasing");
    } catch (error) {
      this.#books.log.error({ err: error, payment: payment.key }, "That a payment is given back could not be written; it is tried again.");
      exchange.finish({ kind: "doubt" });
      return;
    }
    await this.#release("unsettled");
  }

  async #release(reason: CancelReason | "answer-not-written" | "unsettled"): Promise<void> {
    const { way, payment, exchange, isWritten } = this.#options;
    const { ledger, metrics, log } = this.#books;
    let isReleased = true;
    try {
      await way.release(payment);
    } catch (error) {
      isReleased = false;
      if (!hasErrorCode(error, "way/unavailable")) log.error({ err: error, payment: payment.key }, "A payment could not be given back; it is tried again.");
    }
    try {
      if (isWritten) await ledger.released(payment.key, isReleased ? "released" : "releasing");
    } catch (error) {
      log.error({ err: error, payment: payment.key }, "That a payment was given back is not written down yet.");
    }
    if (reason !== "answer-not-written" && reason !== "unsettled") metrics.released(way.name, reason);
    exchange.finish({ kind: "released" });
  }
}
