import { randomBytes } from "node:crypto";

import { fromHex, toHex } from "../../../../core/codec/hex.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import type { Lock } from "../../../../core/channel/index.ts";
import { SdkError, sdkError } from "../../../SdkError.ts";
import { isSignedBy } from "./checkSigner.ts";
import { answerDigest, invoiceDigest, routeKeyDigest } from "./routeDigests.ts";
import type { PreimageRegister, RouteLink } from "./RouteLink.ts";
import { decodeAnswer, decodeInvoice, decodeRouteMessage, encodeQuote, encodeRouteMessage } from "./routeMessages.ts";
import type { RouteMessage } from "./routeMessages.ts";
import { createSealKey, seal, unseal } from "./seal.ts";
import type { SealKey } from "./seal.ts";

export interface RoutePayerOptions {
  readonly link: RouteLink;
  /** Lower case. */
  readonly address: string;
  /** EIP-712 separator of the channels. */
  readonly separator: Uint8Array;
  readonly register: PreimageRegister;
  /** L1 time. */
  readonly nowSeconds: () => number;
  /** Patience for each answer of hub and payee. Default 30,000. */
  readonly timeoutMs?: number;
}

/** A call that was paid through a hub, with what proves it. */
export interface RoutedCall {
  readonly response: Uint8Array;
  /** What the payee gets. */
  readonly priceUnits: number;
  readonly feeUnits: number;
  readonly hashlock: Uint8Array;
  readonly preimage: Uint8Array;
  /** The payee's, over the response. */
  readonly signature: Uint8Array;
}

/** A lock may end at most so many windows from now; half a one is left for clocks and the way. */
const WINDOWS = 3.5;
const TIMEOUT_MS = 30_000;
type Of<K extends RouteMessage["kind"]> = Extract<RouteMessage, { kind: K }>;

interface Waiting {
  readonly to: string;
  readonly replyKey: SealKey;
  /** An answer that came when nobody waited for it any more. */
  late?: Uint8Array;
}

/** Pays for calls of agents without a channel of its own, over the one to a hub. */
export class RoutePayer {
  readonly #options: RoutePayerOptions;
  readonly #answers = new Map<string, (message: RouteMessage) => void>();
  /** Calls whose answer may still be asked for, by hashlock. */
  readonly #paid = new Map<string, Waiting>();

  constructor(options: RoutePayerOptions) {
    this.#options = options;
  }

  /** A ROUTE frame of the hub. */
  async receive(bytes: Uint8Array): Promise<void> {
    const message = decodeRouteMessage(bytes);
    if (message === undefined || !("id" in message)) return;
    const wanted = this.#answers.get(message.id);
    if (wanted !== undefined) wanted(message);
    else if (message.kind === "answer") await this.#receiveLate(message);
  }

  /** Nobody waits any more, but it is owed, and `again` finds the answer. */
  async #receiveLate({ preimage, sealed }: Of<"answer">): Promise<void> {
    const hashlock = keccak256(preimage);
    const waiting = this.#paid.get(toHex(hashlock));
    const { link } = this.#options;
    if (waiting === undefined || !link.outgoingLocks().some((lock) => toHex(lock.hashlock) === toHex(hashlock))) return;
    waiting.late = sealed;
    await link.settleLock(preimage);
  }

  async #ask<K extends RouteMessage["kind"]>(message: RouteMessage & { id: string }, kind: K): Promise<Of<K>> {
    const { link, timeoutMs = TIMEOUT_MS } = this.#options;
    const answer = this.#awaitAnswer(message.id, kind, timeoutMs);
    link.sendRoute(encodeRouteMessage(message));
    return answer;
  }

  #awaitAnswer<K extends RouteMessage["kind"]>(id: string, kind: K, timeoutMs: number): Promise<Of<K>> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#answers.delete(id);
      };
      const timer = setTimeout(() => {
        end();
        reject(sdkError("SDK_TIMEOUT", `no ${kind} came through the hub within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#answers.set(id, (message) => {
        if (message.kind === "refused") {
          end();
          reject(sdkError("SDK_ROUTE", message.why));
        } else if (message.kind === kind) {
          end();
          resolve(message as Of<K>);
        }
      });
    });
  }

  /**
   * Asks for a price, pays it against the answer's preimage, and returns the answer.
   * @throws SdkError `SDK_ROUTE` (refused, or something on the way is not what it has to be; nothing was paid unless `values.paid`),
   * `SDK_TIMEOUT` (with `values.hashlock` a lock is open, which ends by itself or is paid)
   */
  async call(to: string, request: Uint8Array, { maxPriceUnits }: { readonly maxPriceUnits: number }): Promise<RoutedCall> {
    const { link, separator, nowSeconds } = this.#options;
    const payee = to.toLowerCase();
    const id = randomBytes(16).toString("hex");
    const offer = await this.#ask({ kind: "terms", id, to: payee }, "offer");
    if (!isSignedBy(payee, routeKeyDigest(separator, fromHex(payee, 20), offer.publicKey), offer.signature)) throw sdkError("SDK_ROUTE", "the hub names a key that the payee has not signed", { to });

    const replyKey = createSealKey();
    const quote = encodeQuote({ from: this.#options.address, replyKey: replyKey.publicKey, maxPrice: maxPriceUnits, nonce: new Uint8Array(randomBytes(16)), request });
    const invoiced = await this.#ask({ kind: "quote", id, to: payee, sealed: seal(offer.publicKey, quote) }, "invoice");
    const plain = unseal(replyKey, invoiced.sealed);
    const invoice = plain === undefined ? undefined : decodeInvoice(plain);
    if (invoice === undefined || !isSignedBy(payee, invoiceDigest(separator, { ...invoice, quoteHash: keccak256(quote) }), invoice.signature)) {
      throw sdkError("SDK_ROUTE", "the invoice is not the payee's answer to this request", { to });
    }
    const feeUnits = offer.feeUnits + Math.ceil((invoice.price * offer.feePpm) / 1e6);
    if (invoice.price + feeUnits > maxPriceUnits) throw sdkError("SDK_ROUTE", `it costs ${invoice.price + feeUnits} units, more than ${maxPriceUnits}`, { to });

    const { hashlock, price } = invoice;
    const expiry = nowSeconds() + Math.floor(WINDOWS * link.windowSeconds);
    const payeeExpiry = Math.min(expiry - offer.deltaSeconds, nowSeconds() + Math.floor(WINDOWS * offer.windowSeconds));
    if (payeeExpiry <= nowSeconds()) throw sdkError("SDK_ROUTE", "the hub wants more time than the channel's window gives", { deltaSeconds: offer.deltaSeconds });
    this.#paid.set(toHex(hashlock), { to: payee, replyKey });
    const { preimage, sealed } = await this.#payAgainst(id, payee, { hashlock, amount: price + feeUnits, expiry }, { amount: price, expiry: payeeExpiry });
    if (toHex(keccak256(preimage)) !== toHex(hashlock)) throw sdkError("SDK_ROUTE", "the hub shows another payment's preimage", { hashlock: toHex(hashlock) });
    // Owed from here on, whatever the answer is.
    await link.settleLock(preimage);
    const { response, signature } = this.#open(hashlock, sealed);
    return { response, priceUnits: price, feeUnits, hashlock, preimage, signature };
  }

  /** Adds the lock and waits for what it is for. @throws SdkError with `values.hashlock`: the lock may be open, and ends by itself or is paid */
  async #payAgainst(id: string, to: string, lock: Lock, onward: { readonly amount: number; readonly expiry: number }): Promise<Of<"answer">> {
    const { link, timeoutMs = TIMEOUT_MS } = this.#options;
    const answer = this.#awaitAnswer(id, "answer", timeoutMs);
    link.sendRoute(encodeRouteMessage({ kind: "pay", id, to, hashlock: lock.hashlock, ...onward }));
    try {
      const [answered] = await Promise.all([answer, link.addLock(lock)]);
      return answered;
    } catch (error) {
      if (!(error instanceof SdkError)) throw error;
      throw new SdkError({ ...error, why: error.message, values: { ...error.values, hashlock: toHex(lock.hashlock) }, cause: error });
    }
  }

  #open(hashlock: Uint8Array, sealed: Uint8Array): { readonly response: Uint8Array; readonly signature: Uint8Array } {
    const name = toHex(hashlock);
    const { to, replyKey } = this.#paid.get(name)!;
    const plain = unseal(replyKey, sealed);
    const answer = plain === undefined ? undefined : decodeAnswer(plain);
    const isGenuine = answer !== undefined && isSignedBy(to, answerDigest(this.#options.separator, { hashlock, status: answer.status, responseHash: keccak256(answer.response) }), answer.signature);
    if (!isGenuine) throw sdkError("SDK_ROUTE", "the call is paid, and what the hub gave is not the payee's answer: ask for it again", { paid: true, hashlock: name });
    this.#paid.delete(name);
    return answer;
  }

  /** Asks the payee for the answer of a call that was paid. @throws SdkError `SDK_ROUTE`, `SDK_TIMEOUT` */
  async again(hashlock: Uint8Array): Promise<Uint8Array> {
    const waiting = this.#paid.get(toHex(hashlock));
    if (waiting === undefined) throw sdkError("SDK_ROUTE", "no answer is missing for this payment", { hashlock: toHex(hashlock) });
    const sealed = waiting.late ?? (await this.#askAgain(waiting.to, hashlock));
    delete waiting.late;
    return this.#open(hashlock, sealed).response;
  }

  async #askAgain(to: string, hashlock: Uint8Array): Promise<Uint8Array> {
    const { sealed } = await this.#ask({ kind: "again", id: randomBytes(16).toString("hex"), to, hashlock }, "answer");
    return sealed;
  }

  /**
   * Looks after locks that nobody answered: paid if the payee has registered the preimage in time, dropped otherwise. Call it every few
   * seconds, and after a start.
   */
  async tick(): Promise<void> {
    const { link, register, nowSeconds } = this.#options;
    for (const { hashlock, expiry } of link.outgoingLocks()) {
      if (nowSeconds() <= expiry) continue;
      const found = await register.find(hashlock);
      if (found !== undefined && found.registeredAt <= expiry) await link.settleLock(found.preimage);
      else await link.dropLock(hashlock);
    }
  }
}
