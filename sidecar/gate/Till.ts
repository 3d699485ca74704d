import { hash } from "node:crypto";

import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { callHash } from "../../sdk/x402/callHash.ts";
import { decodeTicket } from "../../sdk/x402/ticket.ts";
import type { LedgerRow } from "../ledger/LedgerRow.ts";
import { SidecarError } from "../SidecarError.ts";
import { WaitingRoom } from "../ways/WaitingRoom.ts";
import type { OfferedPayment, VerifiedPayment, Way } from "../ways/Way.ts";
import type { Exchange, ExchangeEnd } from "./Exchanges.ts";
import type { GateLimits } from "./GateOptions.ts";
import { bodyMs } from "./bodyMs.ts";
import { hashRequest } from "./hashRequest.ts";
import type { HashedRequestHead } from "./hashRequest.ts";
import { matchRequirement } from "./matchRequirement.ts";
import type { Asked } from "./matchRequirement.ts";
import { PaidSale } from "./PaidSale.ts";
import { readPaymentHeader } from "./readPaymentHeader.ts";
import { isRepeatable } from "./RequestContext.ts";
import type { RequestContext } from "./RequestContext.ts";
import type { HeldAnswer, Verdict } from "./Sale.ts";
import type { SaleBooks } from "./SaleBooks.ts";
import { Seat } from "./Seat.ts";
import type { Sweeper } from "./Sweeper.ts";

const BUSY_RETRY_SECONDS = 2;
const UNAVAILABLE_RETRY_SECONDS = 5;
/** How often a payment is looked up again because it changed in between. */
const MAX_LOOKS = 4;

/** A payment, read and matched, for a request that is hashed. */
interface Offer {
  readonly way: Way;
  readonly payment: OfferedPayment;
  readonly hashed: HashedRequestHead;
  readonly proof: Uint8Array;
  readonly seat: Seat;
}

export interface TillOptions {
  readonly books: SaleBooks;
  readonly sweeper: Sweeper;
  readonly limits: GateLimits;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** What is asked for here, now and by prices replaced not long ago. */
  readonly askedFor: (request: RequestContext) => readonly Asked[];
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** What stands for a payment without a ticket, and for what it was made for. */
function headerProof(requestHash: Uint8Array, header: string): Uint8Array {
  return hash("sha256", Buffer.concat([requestHash, Buffer.from(header, "latin1")]), "buffer");
}

/** Takes payments: one exchange for each, and the same answer for whoever asks again. Every refusal is thrown. */
export class Till {
  readonly #books: SaleBooks;
  readonly #sweeper: Sweeper;
  readonly #limits: GateLimits;
  readonly #askedFor: TillOptions["askedFor"];
  readonly #now: () => number;
  readonly #verifying: WaitingRoom;

  constructor({ books, sweeper, limits, now, askedFor }: TillOptions) {
    this.#books = books;
    this.#sweeper = sweeper;
    this.#limits = limits;
    this.#now = now;
    this.#askedFor = askedFor;
    this.#verifying = new WaitingRoom(limits.maxVerifying, limits.maxVerifyingPerAddress);
  }

  get verifying(): number {
    return this.#verifying.size;
  }

  /** The long form: PAYMENT-SIGNATURE. */
  async takePayment(request: RequestContext, header: string): Promise<Verdict> {
    const payload = readPaymentHeader(header, this.#limits.maxPaymentHeaderBytes);
    const { way, requirement } = matchRequirement(payload.accepted, this.#askedFor(request));
    const payment = way.read(payload, requirement);
    return this.#guarded(this.#seatOf(request), async (seat) => {
      const hashed = await hashRequest(request.head, request.body, request.route, this.#limits.hashBodyBytes);
      const proof = payment.ticket === undefined ? headerProof(hashed.requestHash, header) : callHash(hashed.requestHash, payment.ticket);
      return this.#sell(request, { way, payment, hashed, proof, seat });
    });
  }

  /** The short form: a ticket that finds a call on a channel. Nothing is awaited where nothing has to be. */
  takeTicket(request: RequestContext, text: string): Verdict | Promise<Verdict> {
    const ticket = decodeTicket(text);
    if (ticket === undefined) throw new SidecarError("payment/malformed", { problem: "the ticket is not 22 characters of base64url" });
    let asked: Asked | undefined;
    for (const one of this.#askedFor(request)) if (one.way.find !== undefined && (asked === undefined || one.amount < asked.amount)) asked = one;
    if (asked === undefined) throw new SidecarError("payment/unknown-requirement", {});
    const { way, requirement } = asked;
    const seat = this.#seatOf(request);
    const found = (hashed: HashedRequestHead): Verdict | Promise<Verdict> => {
      const proof = callHash(hashed.requestHash, ticket);
      const isWritten = !isRepeatable(request);
      const earlier = isWritten ? this.#books.ledger.findByProof(way.name, proof) : undefined;
      if (earlier !== undefined) return this.#look(earlier, proof, seat).then((verdict) => verdict ?? Promise.reject(new SidecarError("payment/no-call", {})));
      const recent = isWritten ? undefined : this.#books.recent.find(proof);
      if (recent !== undefined) return this.#repeated(way, recent);
      const payment = way.find!(ticket, hashed.requestHash, requirement, request.head.remoteAddress);
      const sell = (verified: VerifiedPayment): Verdict | Promise<Verdict> => this.#sellVerified(request, { way, payment: verified, hashed, proof, seat }, verified, isWritten, undefined);
      return payment instanceof Promise ? payment.then(sell) : sell(payment);
    };
    const hashed = this.#hashAtOnce(request);
    return hashed === undefined
      ? this.#guarded(seat, async () => found(await hashRequest(request.head, request.body, request.route, this.#limits.hashBodyBytes)))
      : found(hashed);
  }

  #hashAtOnce({ head, body, route }: RequestContext): HashedRequestHead | undefined {
    if (head.headers["content-length"] !== undefined || head.hasBody === true || head.headers["transfer-encoding"] !== undefined) return undefined;
    const hashed = hashRequest(head, body, route, this.#limits.hashBodyBytes);
    return hashed instanceof Promise ? undefined : hashed;
  }

  #seatOf({ head: { remoteAddress } }: RequestContext): Seat {
    return new Seat(this.#verifying, remoteAddress);
  }

  /** Counts who is at it, in all and by address, before anything of a stranger is waited for. */
  async #guarded(seat: Seat, work: (seat: Seat) => Promise<Verdict>): Promise<Verdict> {
    seat.take();
    try {
      return await work(seat);
    } finally {
      seat.leave();
    }
  }

  /** Verifies and sells, or gives what this payment has bought already. */
  async #sell(request: RequestContext, offer: Offer): Promise<Verdict> {
    const { way, payment, hashed, proof } = offer;
    const isWritten = way.name !== "channel" || !isRepeatable(request);
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const known = await this.#known(offer, isWritten);
      if (known.verdict !== undefined) return known.verdict;
      if (!way.isReady) throw new SidecarError("way/unavailable", { way: way.name, retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS });
      let verified: VerifiedPayment;
      try {
        verified = await way.verify(payment, hashed.requestHash, request.head.remoteAddress);
      } catch (error) {
        // Another request has brought the same meanwhile, so here it is refused as used: that one's answer is this one's too.
        const other = this.#books.exchanges.find(payment.key) ?? (isWritten ? this.#books.ledger.find(payment.key) : undefined);
        const isSeenAnew = other !== undefined && (!("state" in other) || other.state !== known.row?.state);
        if (isSeenAnew && isSame(other.proof, proof)) continue;
        throw error;
      }
      if (verified.amount < BigInt(payment.requirement.amount)) throw new SidecarError("payment/underpaid", { asked: payment.requirement.amount, offered: String(verified.amount) });
      // While it was being verified, another request may have brought it.
      if (this.#books.exchanges.find(payment.key) !== undefined) continue;
      const row = isWritten ? this.#books.ledger.find(payment.key) : undefined;
      if (row?.state !== known.row?.state) continue;
      try {
        return await this.#sellVerified(request, offer, verified, isWritten, row);
      } catch (error) {
        if (!hasErrorCode(error, "ledger/state")) throw error;
      }
    }
    throw new SidecarError("payment/in-progress", {});
  }

  /** What is known of a payment, before anybody is asked about it. `row` is one that may be served again, or anew. */
  async #known({ way, payment, proof, seat }: Offer, isWritten: boolean): Promise<{ readonly verdict?: Verdict; readonly row?: LedgerRow | undefined }> {
    const exchange = this.#books.exchanges.find(payment.key);
    if (exchange !== undefined) {
      const verdict = await this.#waitFor(way, exchange, proof, seat);
      if (verdict !== undefined) return { verdict };
    }
    if (!isWritten) {
      const recent = this.#books.recent.find(proof);
      return recent === undefined ? {} : { verdict: this.#repeated(way, recent) };
    }
    const row = this.#books.ledger.find(payment.key);
    if (row === undefined) return {};
    const verdict = await this.#look(row, proof, seat);
    return verdict === undefined ? { row: this.#books.ledger.find(payment.key) } : { verdict };
  }

  /** What a payment in the ledger gets; undefined: it may be served again, or anew. */
  async #look(row: LedgerRow, proof: Uint8Array, seat: Seat): Promise<Verdict | undefined> {
    if (row.state === "released" || row.state === "releasing") return this.#ended(row.way, { kind: "released" });
    const running = this.#books.exchanges.find(row.key);
    if (running !== undefined) return this.#waitFor({ name: row.way }, running, proof, seat);
    if (!isSame(row.proof, proof)) throw new SidecarError("payment/used", {});
    if (row.state === "settled") return this.#ended(row.way, { kind: "answered", answer: this.#books.ledger.answer(row) });
    if (row.state === "claimed" && row.isRepeatable) return undefined;
    return this.#ended(row.way, await this.#sweeper.resolve(row));
  }

  async #waitFor(way: Pick<Way, "name">, exchange: Exchange, proof: Uint8Array, seat: Seat): Promise<Verdict | undefined> {
    if (!isSame(exchange.proof, proof)) throw new SidecarError("payment/used", {});
    const waiting = this.#books.exchanges.wait(exchange, seat.from);
    // Those who wait have a limit of their own: nobody is kept from being verified by them.
    seat.leave();
    const verdict = this.#ended(way.name, await waiting);
    if (verdict === undefined) seat.take();
    return verdict;
  }

  /** @returns undefined: it may be tried anew */
  #ended(way: Way["name"], end: ExchangeEnd): Verdict | undefined {
    if (end.kind === "doubt") throw new SidecarError("way/unavailable", { way, retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS });
    if (end.kind === "answered") {
      if (end.answer === undefined) throw new SidecarError("payment/answered", {});
      return this.#repeated({ name: way }, end.answer);
    }
    if (way === "exact") return undefined;
    throw new SidecarError("payment/released", {});
  }

  #repeated(way: Pick<Way, "name">, answer: HeldAnswer): Verdict {
    this.#books.metrics.repeated(way.name);
    return { kind: "repeated", answer };
  }

  /** @param row of this payment, if it has one: claimed (by who died of it) or released */
  #sellVerified(request: RequestContext, { way, hashed, proof, seat }: Offer, payment: VerifiedPayment, isWritten: boolean, row: LedgerRow | undefined): Verdict | Promise<Verdict> {
    const { exchanges, ledger, metrics } = this.#books;
    const running = exchanges.find(payment.key);
    if (running !== undefined) return this.#waitFor(way, running, proof, seat).then((verdict) => verdict ?? Promise.reject(new SidecarError("payment/in-progress", {})));
    if (!exchanges.hasRoom(seat.from) || (isWritten && !ledger.canClaim)) throw new SidecarError("door/busy", { retryAfterSeconds: BUSY_RETRY_SECONDS });
    const exchange = exchanges.begin(payment.key, proof, seat.from);
    const { route, offers, head } = request;
    const sold = (): Verdict => {
      metrics.sold(way.name);
      const settles = route.isStream || head.isUpgrade ? "before" : "after";
      return { kind: "sold", route, sale: new PaidSale(this.#books, { way, payment, requestHash: hashed.requestHash, settles, bodyDigest: hashed.bodyDigest, bodyMs: bodyMs(way.name, payment, route.timeoutMs, this.#now()), isWritten, exchange, offers }) };
    };
    if (!isWritten || row?.state === "claimed") return sold();
    return ledger.claim({ way: way.name, payment, requestHash: hashed.requestHash, proof, isRepeatable: isRepeatable(request) }).then(sold, (error: unknown) => {
      exchange.finish({ kind: "released" });
      throw hasErrorCode(error, "ledger/full") ? new SidecarError("door/busy", { retryAfterSeconds: BUSY_RETRY_SECONDS }, { cause: error }) : error;
    });
  }
}
