import { randomBytes } from "node:crypto";

import { toHex, fromHex } from "../../../../core/codec/hex.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import type { Lock } from "../../../../core/channel/index.ts";
import { answerDigest, invoiceDigest, routeKeyDigest } from "./routeDigests.ts";
import type { DigestSigner, PreimageRegister, RouteJournal, RouteLink } from "./RouteLink.ts";
import { decodeQuote, decodeRouteMessage, encodeAnswer, encodeInvoice, encodeRouteMessage } from "./routeMessages.ts";
import type { RouteMessage } from "./routeMessages.ts";
import { seal, unseal } from "./seal.ts";
import type { SealKey } from "./seal.ts";

export interface RoutePayeeOptions {
  readonly signer: DigestSigner;
  /** EIP-712 separator of the channels. */
  readonly separator: Uint8Array;
  readonly routeKey: SealKey;
  readonly journal: RouteJournal;
  readonly register: PreimageRegister;
  /** Price of a request in units; undefined: it is not answered. */
  readonly price: (request: Uint8Array, from: string) => number | undefined;
  /** Answers a request that is paid for. A status other than 0 costs nothing. */
  readonly handle: (request: Uint8Array, from: string) => Promise<{ readonly status: number; readonly response: Uint8Array }>;
  /** L1 time. */
  readonly nowSeconds: () => number;
  /** How long before a lock's end its preimage goes to L1 if it was not paid. Default 120. */
  readonly registerBeforeSeconds?: number;
  /** Default 1,000. */
  readonly maxInvoices?: number;
}

interface Pending {
  readonly request: Uint8Array;
  readonly from: string;
  readonly replyKey: Uint8Array;
  readonly hashlock: Uint8Array;
  readonly preimage: Uint8Array;
  readonly price: number;
  readonly goodUntil: number;
  /** The hub's id of the route, and the hub. */
  id: string;
  link: RouteLink;
  state: "invoiced" | "running" | "answered" | "failed";
  sealed: Uint8Array;
}

const INVOICE_SECONDS = 60;
/** How long an answer is kept for who asks again. */
const KEPT_SECONDS = 3_600;
const REGISTER_BEFORE_SECONDS = 120;

/** Answers calls that are paid through hubs. What it gives a preimage for is either paid by the hub's voucher, or registered on L1 in time. */
export class RoutePayee {
  readonly #options: RoutePayeeOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #registered = new Set<string>();

  constructor(options: RoutePayeeOptions) {
    this.#options = options;
  }

  /** Tells a hub where requests are sealed to; once a connection. */
  async announce(link: RouteLink): Promise<void> {
    const { signer, separator, routeKey } = this.#options;
    const signature = await signer.sign(routeKeyDigest(separator, fromHex(signer.address, 20), routeKey.publicKey));
    link.sendRoute(encodeRouteMessage({ kind: "card", publicKey: routeKey.publicKey, signature }));
  }

  /** A ROUTE frame of the hub. */
  async receive(link: RouteLink, bytes: Uint8Array): Promise<void> {
    const message = decodeRouteMessage(bytes);
    if (message?.kind === "quote") await this.#quote(link, message);
    if (message?.kind !== "again") return;
    const pending = this.#pending.get(toHex(message.hashlock));
    if (pending === undefined) return this.#refuse(link, message.id, "no answer is kept for it");
    pending.id = message.id;
    if (pending.state === "answered") this.#answer(pending);
  }

  #refuse(link: RouteLink, id: string, why: string): void {
    link.sendRoute(encodeRouteMessage({ kind: "refused", id, why }));
  }

  /** The preimage is never shown, so the lock may go before its end. */
  #giveUp(link: RouteLink, { hashlock, id }: Pending, why: string): void {
    link.releaseLock(hashlock);
    this.#refuse(link, id, why);
  }

  async #quote(link: RouteLink, message: Extract<RouteMessage, { kind: "quote" }>): Promise<void> {
    const { routeKey, signer, separator, journal, nowSeconds, maxInvoices = 1_000 } = this.#options;
    const plain = unseal(routeKey, message.sealed);
    const quote = plain === undefined ? undefined : decodeQuote(plain);
    if (plain === undefined || quote === undefined) return this.#refuse(link, message.id, "the request cannot be opened");
    this.#forget();
    if (this.#pending.size >= maxInvoices) return this.#refuse(link, message.id, "too many requests wait to be paid");
    const price = this.#options.price(quote.request, quote.from);
    if (price === undefined || price > quote.maxPrice) return this.#refuse(link, message.id, price === undefined ? "not offered" : "it costs more than allowed");
    const preimage = new Uint8Array(randomBytes(32));
    const hashlock = keccak256(preimage);
    const goodUntil = nowSeconds() + INVOICE_SECONDS;
    // A preimage that is known to nobody any more cannot be shown when it is due.
    await journal.put(hashlock, preimage);
    const signature = await signer.sign(invoiceDigest(separator, { quoteHash: keccak256(plain), hashlock, price, goodUntil }));
    const { request, from, replyKey } = quote;
    this.#pending.set(toHex(hashlock), { request, from, replyKey, hashlock, preimage, price, goodUntil, id: message.id, link, state: "invoiced", sealed: new Uint8Array() });
    link.sendRoute(encodeRouteMessage({ kind: "invoice", id: message.id, sealed: seal(replyKey, encodeInvoice({ hashlock, price, goodUntil, signature })) }));
  }

  #forget(): void {
    const now = this.#options.nowSeconds();
    for (const [name, { goodUntil, state }] of this.#pending) {
      const keptSeconds = state === "invoiced" ? 0 : KEPT_SECONDS;
      if (now > goodUntil + keptSeconds && state !== "running") this.#pending.delete(name);
    }
  }

  /** A lock of the hub is on this side's disk. Runs the request that its hashlock was made for, once. */
  async onLock(link: RouteLink, lock: Lock): Promise<void> {
    const pending = this.#pending.get(toHex(lock.hashlock));
    if (pending === undefined || pending.state !== "invoiced") return;
    const { nowSeconds, signer, separator, registerBeforeSeconds = REGISTER_BEFORE_SECONDS } = this.#options;
    const now = nowSeconds();
    // Less, later or too short a lock is no payment.
    const why = lock.amount < pending.price ? "the lock is for less than the price" : now > pending.goodUntil ? "the invoice is too old" : lock.expiry < now + registerBeforeSeconds ? "the lock ends too soon" : undefined;
    if (why !== undefined) return this.#giveUp(link, pending, why);
    pending.link = link;
    pending.state = "running";
    const { status, response } = await this.#options.handle(pending.request, pending.from).catch((error: unknown) => ({ status: 1, response: new TextEncoder().encode(error instanceof Error ? error.message : String(error)) }));
    const signature = await signer.sign(answerDigest(separator, { hashlock: pending.hashlock, status, responseHash: keccak256(response) }));
    pending.sealed = seal(pending.replyKey, encodeAnswer({ status, response, signature }));
    if (status !== 0) {
      pending.state = "failed";
      return this.#giveUp(link, pending, "the call failed");
    }
    // What takes too long is not paid any more: the preimage must be on L1 in time if the hub is silent.
    if (nowSeconds() >= lock.expiry) {
      pending.state = "failed";
      return;
    }
    pending.state = "answered";
    this.#answer(pending);
  }

  #answer({ link, id, preimage, sealed }: Pending): void {
    link.sendRoute(encodeRouteMessage({ kind: "answer", id, preimage, sealed }));
  }

  /**
   * Looks after what was answered and is not paid: says it again, and shortly before a lock ends registers its preimage on L1, which
   * then pays it. Call it every few seconds, and after a start. @returns hashlocks that had to be registered
   */
  async tick(links: Iterable<RouteLink>): Promise<string[]> {
    const { journal, register, nowSeconds, registerBeforeSeconds = REGISTER_BEFORE_SECONDS } = this.#options;
    const registered: string[] = [];
    for (const link of links) {
      for (const { hashlock, expiry } of link.incomingLocks()) {
        const [name, now] = [toHex(hashlock), nowSeconds()];
        const preimage = journal.get(hashlock);
        const pending = this.#pending.get(name);
        // After a restart the answer is gone; whether it was given is not known, so nothing is claimed for it.
        if (preimage === undefined || pending?.state !== "answered" || now >= expiry) continue;
        if (expiry - now > registerBeforeSeconds) this.#answer(pending);
        else if (!this.#registered.has(name)) {
          await register.register(preimage);
          this.#registered.add(name);
          registered.push(name);
        }
      }
    }
    return registered;
  }
}
