import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";

import type { PaymentRequired } from "@x402/core/types";

import { hasErrorCode, toError } from "../../runtime/errors/CodedError.ts";
import { formatContentDigest } from "../../sdk/x402/contentDigest.ts";
import { requestHash } from "../../sdk/x402/requestHash.ts";
import { SidecarError } from "../SidecarError.ts";
import type { Budget } from "./Budget.ts";
import { chooseOffer } from "./chooseOffer.ts";
import type { Candidate } from "./chooseOffer.ts";
import { UNAVAILABLE_STATUS, deliver } from "./deliver.ts";
import type { PaidAnswer } from "./deliver.ts";
import { hexOf } from "./hexOf.ts";
import { portOf } from "./HostList.ts";
import type { HostList } from "./HostList.ts";
import type { LostPayments } from "./LostPayments.ts";
import type { OutboundAnswer, OutboundRequest } from "./OutboundRequest.ts";
import { PaymentEntry } from "./PaymentEntry.ts";
import type { EntryParts } from "./PaymentEntry.ts";
import { PriceCache } from "./PriceCache.ts";
import { sha256 } from "./prepareBody.ts";
import { readOffer } from "./readOffer.ts";
import type { Transport, TransportAnswer } from "./transport/createTransport.ts";
import { UncertainPayment } from "./ways/BuyerWay.ts";
import type { AnswerHead, BuyerWay, Payment } from "./ways/BuyerWay.ts";

/** Payments for one exchange, each made only when the one before it is known to be dead or is replaced by it. */
const MAX_PAYMENTS = 3;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const LONGEST_RETRY_MS = 5_000;
/** Longer 402s are asked for each time: strangers shall not fill the memory of prices. */
const MAX_KEPT_CHARS = 8_192;

export interface ExchangeParts {
  readonly transport: Transport;
  readonly hosts: HostList;
  readonly prices: PriceCache;
  readonly lost: LostPayments;
  readonly budget: Budget;
  readonly entries: EntryParts;
  readonly ways: readonly BuyerWay[];
  readonly agents: ReadonlySet<string> | undefined;
  readonly payeeOf: (url: URL) => string | undefined | Promise<string | undefined>;
  readonly answerMs: number;
  readonly idleMs: number;
  readonly keepBodyBytes: number;
  readonly retries: number;
  readonly retryMs: number;
  readonly now: () => number;
  /** Ends when the buyer is stopped. */
  readonly stopping: AbortSignal;
}

/** A payment and its place in the books. */
export interface Paid {
  readonly payment: Payment;
  readonly entry: PaymentEntry;
  readonly way: BuyerWay;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}

function headerOf(response: IncomingMessage): (name: string) => string | undefined {
  return (name) => {
    const value = response.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
}

/** The head has said all: the rest of such an answer is not read, however long it is. */
function discard({ response, upgraded }: TransportAnswer): void {
  response.on("error", () => undefined);
  upgraded?.socket.destroy();
  // Little that is there already is read, so that the connection can be used again.
  if (Number(response.headers["content-length"] ?? Infinity) <= 16_384) response.resume();
  else response.destroy();
}

/** One request with all that has to happen for its answer. */
export class Exchange {
  readonly #parts: ExchangeParts;
  readonly #request: OutboundRequest;
  readonly #signal: AbortSignal;
  #url: URL;
  #method: string;
  #headers: OutgoingHttpHeaders;
  #requestHash = new Uint8Array(32);
  #isBodySent = false;

  constructor(parts: ExchangeParts, request: OutboundRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#signal = request.signal === undefined ? parts.stopping : AbortSignal.any([request.signal, parts.stopping]);
    this.#url = parts.transport.check(request.url);
    this.#method = request.method;
    const { content, digest } = request.body;
    this.#headers = { ...(request.headers as OutgoingHttpHeaders) };
    if (digest !== undefined && content !== undefined) this.#headers["content-digest"] = formatContentDigest(digest);
    if (content instanceof Uint8Array) this.#headers["content-length"] = String(content.length);
    else if (content !== undefined) this.#headers["expect"] = "100-continue";
    this.#target(this.#url);
  }

  #target(url: URL): void {
    this.#parts.hosts.require(url);
    this.#url = url;
    const { digest } = this.#request.body;
    const contentType = this.#headers["content-type"] as string | undefined;
    // Without a digest the request cannot be paid for; what it would be is of no use.
    if (digest !== undefined) this.#requestHash = new Uint8Array(requestHash({ method: this.#method, target: url.pathname + url.search, contentType, bodyDigest: digest }));
  }

  /** @throws SidecarError `buy/…`, or what the caller's signal says */
  async run(): Promise<OutboundAnswer> {
    const lost = this.#parts.lost.take(this.#url.origin, this.#requestHash, this.#parts.now());
    if (lost !== undefined) {
      lost.entry.reopen();
      return this.#settle(lost, undefined, [], 1);
    }
    const known = await this.#knownCandidates();
    if (known !== undefined) return this.#buy(known.offer, known.candidates, undefined, 1);
    const answer = await this.#sendUnpaid();
    const header = answer.response.statusCode === 402 ? answer.response.headers["payment-required"] : undefined;
    if (header === undefined) return this.#deliver(answer, undefined);
    discard(answer);
    const offer = readOffer(String(header));
    this.#requireRepeatable();
    this.#remember(offer, String(header));
    return this.#buy(offer, await this.#choose(offer), undefined, 1);
  }

  #requireRepeatable(): void {
    if (this.#request.body.digest === undefined || this.#isBodySent) throw new SidecarError("buy/body", { limitBytes: this.#parts.keepBodyBytes });
  }

  #remember(offer: PaymentRequired, header: string): void {
    if (header.length > MAX_KEPT_CHARS) return;
    this.#parts.prices.set(PriceCache.keyOf(this.#method, this.#url), { offer, at: this.#parts.now() });
  }

  /** A seller that is away, or cannot serve now, is asked for its price before anything more is signed: money in calls that nobody takes is locked. */
  #forgetPrice(): void {
    this.#parts.prices.delete(PriceCache.keyOf(this.#method, this.#url));
  }

  async #choose(offer: PaymentRequired): Promise<readonly Candidate[]> {
    const { ways, agents, budget, payeeOf } = this.#parts;
    const payee = (this.#request.payee ?? (await payeeOf(this.#url)))?.toLowerCase();
    return chooseOffer(offer, { ways, agents, payee, limitsOf: (network, asset) => budget.limitsOf(network, asset), requestHash: hexOf(this.#requestHash) });
  }

  /** What may be paid without asking for the price first. */
  async #knownCandidates(): Promise<{ readonly offer: PaymentRequired; readonly candidates: readonly Candidate[] } | undefined> {
    const { prices, now } = this.#parts;
    const known = prices.get(PriceCache.keyOf(this.#method, this.#url));
    if (known === undefined || this.#request.body.digest === undefined) return undefined;
    try {
      const candidates = await this.#choose(known.offer);
      const [best] = candidates;
      if (best!.way.maxPriceAgeMs !== undefined && now() - known.at > best!.way.maxPriceAgeMs) return undefined;
      return { offer: known.offer, candidates };
    } catch (error) {
      // It may have another price by now: the seller is asked.
      if (error instanceof SidecarError) return undefined;
      throw error;
    }
  }

  async #send(payment: Payment | undefined): Promise<TransportAnswer> {
    const { transport, answerMs, idleMs } = this.#parts;
    const body = this.#request.body.content;
    const headers = payment === undefined ? this.#headers : { ...this.#headers, ...payment.headers };
    try {
      return await transport.send({ url: this.#url, method: this.#method, headers, body, answerMs, idleMs, signal: this.#signal });
    } finally {
      if (body !== undefined && !(body instanceof Uint8Array) && body.readableFlowing !== null) this.#isBodySent = true;
    }
  }

  async #sendUnpaid(): Promise<TransportAnswer> {
    const { maxRedirects = 0 } = this.#request;
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.#send(undefined);
      const { statusCode = 0, headers } = answer.response;
      if (!REDIRECTS.includes(statusCode) || headers.location === undefined || maxRedirects === 0) return answer;
      discard(answer);
      if (redirects >= maxRedirects) throw new SidecarError("buy/url", { problem: "too many redirects" });
      this.#redirect(statusCode, headers.location);
    }
  }

  /** As `fetch` does it; every hop is checked like the first one, and nothing that was meant for the host before goes on. */
  #redirect(status: number, location: string): void {
    const next = URL.parse(location, this.#url.href);
    if (next === null) throw new SidecarError("buy/url", { problem: "a redirect to no URL" });
    if (this.#url.protocol === "https:" && next.protocol === "http:") throw new SidecarError("buy/url", { problem: "a redirect to plain http" });
    const checked = this.#parts.transport.check(next.href);
    const isGet = this.#method === "GET" || this.#method === "HEAD";
    if (!isGet) throw new SidecarError("buy/url", { problem: `a redirect of a ${this.#method} (${status})` });
    if (checked.origin !== this.#url.origin) {
      const { authorization: _authorization, cookie: _cookie, host: _host, ...rest } = this.#headers;
      this.#headers = rest;
    }
    this.#target(checked);
  }

  /** Pays with the best of what may be paid with, and asks. @param replaces the payment that the seller did not take, which may still be played */
  async #buy(offer: PaymentRequired, candidates: readonly Candidate[], replaces: Paid | undefined, payments: number): Promise<OutboundAnswer> {
    let refusal: unknown;
    for (const [place, candidate] of candidates.entries()) {
      let paid: Paid;
      try {
        paid = await this.#pay(offer, candidate, replaces);
      } catch (error) {
        // Nothing is out: another way may do. What the budget says is about all of one asset, and another may have room.
        const isHarmless = hasErrorCode(error, "buy/unpaid") || hasErrorCode(error, "buy/budget");
        if (!isHarmless || this.#signal.aborted) throw error;
        refusal ??= error;
        continue;
      }
      return this.#settle(paid, offer, candidates.slice(place + 1), payments);
    }
    throw refusal;
  }

  async #pay(offer: PaymentRequired, { way, requirement, amount }: Candidate, replaces: Paid | undefined): Promise<Paid> {
    const { entries, now } = this.#parts;
    const url = this.#url;
    let entry: PaymentEntry;
    if (replaces === undefined) {
      entry = await PaymentEntry.reserve(
        entries,
        {
          time: now(), host: `${url.hostname}:${portOf(url)}`, payee: requirement.payTo.toLowerCase(), method: this.#method, url: url.origin + url.pathname,
          queryHash: url.search === "" ? "" : hexOf(sha256(Buffer.from(url.search))), way: way.name, network: requirement.network, asset: requirement.asset.toLowerCase(), amount,
          state: "reserved", key: "", expiresAt: 0, payload: "", requestHash: hexOf(this.#requestHash), answerHash: "", status: 0, attestation: "",
        },
        way.isReservedFirst,
      );
    } else {
      ({ entry } = replaces);
      await entry.raise(amount);
    }
    let payment: Payment;
    try {
      this.#signal.throwIfAborted();
      payment = await way.pay({ requirement, offer, amount, requestHash: this.#requestHash, replaces: replaces?.payment, signal: this.#signal });
    } catch (error) {
      if (error instanceof UncertainPayment) {
        await entry.made(error);
        entry.end("open", { status: 0 });
        throw new SidecarError("buy/lost", { receipt: entry.id }, { cause: error });
      }
      entry.end(replaces === undefined ? "dead" : "open", { status: 0 });
      if (this.#signal.aborted) throw this.#signal.reason;
      throw new SidecarError("buy/unpaid", { way: way.name, reason: toError(error).message.slice(0, 300) }, { cause: error });
    }
    try {
      await entry.made(payment);
    } catch (error) {
      // What was signed here is thrown away; what was sent to the chain is not.
      entry.end((await payment.fate(undefined)) === "paid" ? "paid" : way.name === "exact" && replaces === undefined ? "dead" : "open", { status: 0 });
      throw error;
    }
    return { payment, entry, way };
  }

  /** Asks with a payment until there is an answer, and decides what the answer means for the money. */
  async #settle(paid: Paid, offer: PaymentRequired | undefined, others: readonly Candidate[], payments: number): Promise<OutboundAnswer> {
    const { payment, entry } = paid;
    const answer = await this.#sendPaid(paid);
    const head: AnswerHead = { status: answer.response.statusCode ?? 0, header: headerOf(answer.response), requestHash: this.#requestHash };
    // What a failure did to the money decides what may follow; an answer is handed on meanwhile.
    const isRefusal = head.status === 402 || head.status === 409;
    if (head.status === UNAVAILABLE_STATUS) this.#forgetPrice();
    const telling = payment.fate(head);
    if (!isRefusal) return this.#deliver(answer, { ...paid, telling, head });
    const fate = await telling;
    if (head.status !== 402 && fate !== "dead") return this.#deliver(answer, { ...paid, telling, head });
    if (fate === "paid") return this.#deliver(answer, { ...paid, telling, head });

    if (head.status === 409) {
      if (others.length === 0 || payments >= MAX_PAYMENTS || offer === undefined || this.#isBodySent) return this.#deliver(answer, { ...paid, telling, head });
      discard(answer);
      entry.end("dead", { status: 409 });
      return this.#buy(offer, others, undefined, payments + 1);
    }
    discard(answer);
    const header = head.header("payment-required");
    let asked: PaymentRequired | undefined;
    try {
      asked = header === undefined ? undefined : readOffer(header);
    } catch (error) {
      entry.end(fate, { status: 402 });
      throw error;
    }
    if (asked !== undefined) this.#remember(asked, header!);
    const refused = (): SidecarError => {
      entry.end(fate, { status: 402 });
      const date = Date.parse(head.header("date") ?? "");
      const skewSeconds = Number.isNaN(date) ? 0 : Math.round((date - this.#parts.now()) / 1000);
      return new SidecarError("buy/refused", { reason: (asked?.error ?? "402").slice(0, 300), skewSeconds });
    };
    if (payments >= MAX_PAYMENTS || asked === undefined || this.#isBodySent) throw refused();
    const isSameOffer = offer !== undefined && offer.accepts.some((entryOf) => JSON.stringify(entryOf) === JSON.stringify(payment.requirement)) && asked.accepts.some((entryOf) => JSON.stringify(entryOf) === JSON.stringify(payment.requirement));
    if (isSameOffer) {
      // The price has not changed, and yet the payment is not taken. If it is dead, another way may do.
      if (fate !== "dead" || others.length === 0) throw refused();
      entry.end("dead", { status: 402 });
      return this.#buy(asked, others, undefined, payments + 1);
    }
    let candidates: readonly Candidate[];
    try {
      candidates = await this.#choose(asked);
    } catch (error) {
      entry.end(fate, { status: 402 });
      throw error;
    }
    if (fate === "dead") {
      entry.end("dead", { status: 402 });
      return this.#buy(asked, candidates, undefined, payments + 1);
    }
    // Still playable: only a payment that makes this one worthless may follow it, once.
    const { requirement } = payment;
    const replacing = candidates.filter(({ way, requirement: { network, asset } }) => way.name === "exact" && paid.way.name === "exact" && network === requirement.network && asset.toLowerCase() === requirement.asset.toLowerCase());
    if (replacing.length === 0 || payments > 1) throw refused();
    try {
      return await this.#buy(asked, replacing.slice(0, 1), paid, MAX_PAYMENTS);
    } catch (error) {
      entry.end(fate, { status: 402 });
      throw error;
    }
  }

  /** A lost answer is asked for again with the same payment. @throws SidecarError `buy/lost` */
  async #sendPaid(paid: Paid): Promise<TransportAnswer> {
    const { retries, retryMs, lost, now } = this.#parts;
    const { payment, entry, way } = paid;
    for (let attempt = 0; ; attempt += 1) {
      const waitMs = Math.min(retryMs * 2 ** attempt, LONGEST_RETRY_MS);
      try {
        const answer = await this.#send(payment);
        const { statusCode, headers } = answer.response;
        // Nothing has been decided about the payment, or the request that was lost is still served: it is shown again.
        const isLater = statusCode === UNAVAILABLE_STATUS || (statusCode === 409 && attempt > 0);
        if (!isLater || attempt >= retries || this.#isBodySent || headers["payment-response"] !== undefined) return answer;
        discard(answer);
        const retryAfterMs = Number(headers["retry-after"]) * 1000;
        await pause(Number.isFinite(retryAfterMs) && retryAfterMs >= 0 ? Math.min(Math.max(retryAfterMs, waitMs), LONGEST_RETRY_MS) : waitMs, this.#signal);
      } catch (error) {
        if (attempt < retries && !this.#signal.aborted && !this.#isBodySent && !hasErrorCode(error, "buy/url")) {
          await pause(waitMs, this.#signal);
          if (!this.#signal.aborted) continue;
        }
        this.#forgetPrice();
        const fate = await payment.fate(undefined);
        entry.end(fate, { status: 0 });
        if (fate !== "dead") lost.add(this.#url.origin, this.#requestHash, { payment, entry, way }, now());
        if (this.#signal.aborted) throw this.#signal.reason;
        throw fate === "dead" ? error : new SidecarError("buy/lost", { receipt: entry.id }, { cause: error });
      }
    }
  }

  #deliver(answer: TransportAnswer, paid: (Paid & Pick<PaidAnswer, "telling" | "head">) | undefined): OutboundAnswer {
    const { lost, entries, now } = this.#parts;
    return deliver(answer, this.#url, paid && {
      ...paid,
      requestHash: this.#requestHash,
      isCallerGone: () => this.#signal.aborted,
      // It was answered and not charged: the next time it is asked without a payment.
      onUncharged: () => this.#forgetPrice(),
      onCut: ({ payment, entry, way }) => lost.add(this.#url.origin, this.#requestHash, { payment, entry, way }, now()),
      onTrouble: (error) => entries.onEvent({ kind: "trouble", error }),
    });
  }
}
