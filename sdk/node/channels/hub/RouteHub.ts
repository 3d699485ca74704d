import { randomBytes } from "node:crypto";

import { fromHex, toHex } from "../../../../core/codec/hex.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import { isSignedBy } from "./checkSigner.ts";
import { routeKeyDigest } from "./routeDigests.ts";
import type { Lock } from "../../../../core/channel/index.ts";
import type { PreimageRegister, RouteJournal, RouteLink } from "./RouteLink.ts";
import { decodeRouteMessage, encodeRouteMessage } from "./routeMessages.ts";
import type { RouteMessage } from "./routeMessages.ts";

export interface RouteHubOptions {
  /** EIP-712 separator of the channels. */
  readonly separator: Uint8Array;
  readonly journal: RouteJournal;
  readonly register: PreimageRegister;
  /** L1 time. */
  readonly nowSeconds: () => number;
  /** What it takes a payment, and of a million units. Default 0. */
  readonly feeUnits?: number;
  readonly feePpm?: number;
  /** Added to one and a half windows of the payer's channel: how much earlier the payee's lock ends. Default 120. */
  readonly marginSeconds?: number;
  /** Routes that may wait at a time. Default 1,000. */
  readonly maxRoutes?: number;
}

/** A payment on its way, by its hashlock. */
interface Route {
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly payeeId: string;
  readonly hashlock: Uint8Array;
  readonly amount: number;
  readonly expiry: number;
  state: "announced" | "locked" | "known";
}

interface Relay {
  readonly peer: string;
  readonly id: string;
  readonly atSeconds: number;
}

const MARGIN_SECONDS = 120;
const RELAY_SECONDS = 600;
type Of<K extends RouteMessage["kind"]> = Extract<RouteMessage, { kind: K }>;

/** How long before the payer's lock the payee's must end, so that the hub can show what it learns in the last second. */
export function hubDeltaSeconds(windowSeconds: number, marginSeconds: number): number {
  return Math.ceil(1.5 * windowSeconds) + marginSeconds;
}

/**
 * Passes payments between its channels, and sealed messages with them. It promises the payee money only against the payer's promise
 * under the same hashlock that ends later, so it is never out of pocket; and it has nothing to show for a payment but the payee's
 * preimage, so it takes nothing that it does not pass on.
 */
export class RouteHub {
  readonly #options: RouteHubOptions;
  readonly #links = new Map<string, RouteLink>();
  readonly #cards = new Map<string, Of<"card">>();
  readonly #routes = new Map<string, Route>();
  /** Whom an answer goes to, by the id that the payee was given. */
  readonly #relays = new Map<string, Relay>();

  constructor(options: RouteHubOptions) {
    this.#options = options;
  }

  /** A channel that payments may come from or go to. */
  attach(link: RouteLink): void {
    this.#links.set(link.peer, link);
  }

  detach(link: RouteLink): void {
    if (this.#links.get(link.peer) === link) this.#links.delete(link.peer);
  }

  /** A ROUTE frame of one of the channels. */
  async receive(link: RouteLink, bytes: Uint8Array): Promise<void> {
    const message = decodeRouteMessage(bytes);
    switch (message?.kind) {
      case "card": return this.#card(link, message);
      case "terms": return this.#terms(link, message);
      case "quote":
      case "again": return this.#forward(link, message);
      case "invoice": return this.#backward(message);
      case "refused": return this.#backward(message);
      case "pay": return this.#pay(link, message);
      case "answer": return this.#answer(link, message);
    }
  }

  #send(peer: string, message: RouteMessage): void {
    this.#links.get(peer)?.sendRoute(encodeRouteMessage(message));
  }

  #card(link: RouteLink, card: Of<"card">): void {
    const digest = routeKeyDigest(this.#options.separator, fromHex(link.peer, 20), card.publicKey);
    if (isSignedBy(link.peer, digest, card.signature)) this.#cards.set(link.peer, card);
  }

  #terms(link: RouteLink, { id, to }: Of<"terms">): void {
    const [card, payee] = [this.#cards.get(to), this.#links.get(to)];
    if (card === undefined || payee === undefined) return this.#send(link.peer, { kind: "refused", id, why: "no channel leads there" });
    const { feeUnits = 0, feePpm = 0, marginSeconds = MARGIN_SECONDS } = this.#options;
    const { publicKey, signature } = card;
    this.#send(link.peer, { kind: "offer", id, feeUnits, feePpm, deltaSeconds: hubDeltaSeconds(link.windowSeconds, marginSeconds), windowSeconds: payee.windowSeconds, publicKey, signature });
  }

  #forward(link: RouteLink, message: Of<"quote"> | Of<"again">): void {
    const { id, to } = message;
    if (to === undefined || !this.#links.has(to)) return this.#send(link.peer, { kind: "refused", id, why: "no channel leads there" });
    const payeeId = this.#relay(link.peer, id);
    if (payeeId === undefined) return this.#send(link.peer, { kind: "refused", id, why: "the hub is busy" });
    this.#send(to, message.kind === "quote" ? { kind: "quote", id: payeeId, sealed: message.sealed } : { kind: "again", id: payeeId, hashlock: message.hashlock });
  }

  #relay(peer: string, id: string): string | undefined {
    const now = this.#options.nowSeconds();
    for (const [name, { atSeconds }] of this.#relays) {
      if (now < atSeconds + RELAY_SECONDS) break;
      this.#relays.delete(name);
    }
    if (this.#relays.size >= 4 * (this.#options.maxRoutes ?? 1_000)) return undefined;
    const payeeId = randomBytes(16).toString("hex");
    this.#relays.set(payeeId, { peer, id, atSeconds: now });
    return payeeId;
  }

  #backward(message: Of<"invoice"> | Of<"refused">): void {
    const relay = this.#relays.get(message.id);
    if (relay !== undefined) this.#send(relay.peer, { ...message, id: relay.id });
  }

  async #pay(link: RouteLink, { id, to, hashlock, amount, expiry }: Of<"pay">): Promise<void> {
    const refuse = (why: string): void => this.#send(link.peer, { kind: "refused", id, why });
    const name = toHex(hashlock);
    const payee = this.#links.get(to);
    if (payee === undefined || to === link.peer) return refuse("no channel leads there");
    if (this.#routes.has(name) || this.#options.journal.get(hashlock) !== undefined) return refuse("this hashlock was used");
    if (this.#routes.size >= (this.#options.maxRoutes ?? 1_000)) return refuse("the hub is busy");
    this.#routes.set(name, { from: link.peer, to, id, payeeId: "", hashlock, amount, expiry, state: "announced" });
    const lock = link.incomingLocks().find((each) => toHex(each.hashlock) === name);
    if (lock !== undefined) await this.onLock(link, lock);
  }

  /** A lock of a payer is on this side's disk: the payee gets one under the same hashlock, if there is enough left in it for the hub. */
  async onLock(link: RouteLink, lock: Lock): Promise<void> {
    const route = this.#routes.get(toHex(lock.hashlock));
    if (route === undefined || route.state !== "announced" || route.from !== link.peer) return;
    const refuse = (why: string): void => {
      this.#routes.delete(toHex(lock.hashlock));
      this.#send(link.peer, { kind: "refused", id: route.id, why });
    };
    const { feeUnits = 0, feePpm = 0, marginSeconds = MARGIN_SECONDS, nowSeconds } = this.#options;
    const payee = this.#links.get(route.to);
    if (payee === undefined) return refuse("the payee is away");
    if (lock.amount < route.amount + feeUnits + Math.ceil((route.amount * feePpm) / 1e6)) return refuse("the lock leaves nothing for the hub");
    if (lock.expiry < route.expiry + hubDeltaSeconds(link.windowSeconds, marginSeconds)) return refuse("the lock ends too soon after the payee's");
    if (route.expiry <= nowSeconds()) return refuse("the payee's lock would be over");
    route.state = "locked";
    try {
      await payee.addLock({ hashlock: lock.hashlock, amount: route.amount, expiry: route.expiry });
    } catch (error) {
      // Whether the payee has it is not known: it is looked after until it has ended.
      this.#send(link.peer, { kind: "refused", id: route.id, why: error instanceof Error ? error.message.slice(0, 200) : "the payee is away" });
    }
  }

  /** A payee has given a lock of the hub up: so does the hub with the payer's, which nobody can win any more. */
  onReleased(link: RouteLink, hashlock: Uint8Array): void {
    const route = this.#routes.get(toHex(hashlock));
    if (route?.to === link.peer && route.state === "locked") this.#links.get(route.from)?.releaseLock(hashlock);
  }

  async #answer(link: RouteLink, { id, preimage, sealed }: Of<"answer">): Promise<void> {
    const hashlock = keccak256(preimage);
    const route = this.#routes.get(toHex(hashlock));
    const relay = this.#relays.get(id);
    const payer = relay?.peer ?? route?.from;
    if (payer !== undefined) this.#send(payer, { kind: "answer", id: relay?.id ?? route?.id ?? id, preimage, sealed });
    await this.#learn(link, hashlock, preimage);
  }

  /** The payee's lock is to be paid, and the payer's is the hub's: both hold even if the hub stops here. */
  async #learn(payee: RouteLink, hashlock: Uint8Array, preimage: Uint8Array): Promise<void> {
    const name = toHex(hashlock);
    const isOwed = payee.outgoingLocks().some((lock) => toHex(lock.hashlock) === name);
    if (!isOwed) return;
    await this.#options.journal.put(hashlock, preimage);
    const route = this.#routes.get(name);
    if (route !== undefined) route.state = "known";
    await payee.settleLock(preimage);
  }

  /**
   * Looks after all locks: takes preimages from L1 that a payee has registered there, drops what has ended, and registers what a payer does
   * not pay. Call it every few seconds, and after a start. @returns hashlocks that the hub had to register
   */
  async tick(): Promise<string[]> {
    const { journal, register, nowSeconds, marginSeconds = MARGIN_SECONDS } = this.#options;
    for (const link of this.#links.values()) {
      for (const { hashlock, expiry } of link.outgoingLocks()) {
        const known = journal.get(hashlock);
        if (known !== undefined) await this.#learn(link, hashlock, known);
        if (known !== undefined || nowSeconds() <= expiry) continue;
        const found = await register.find(hashlock);
        if (found !== undefined && found.registeredAt <= expiry) await this.#learn(link, hashlock, found.preimage);
        else await link.dropLock(hashlock);
      }
    }
    const registered: string[] = [];
    for (const link of this.#links.values()) {
      for (const { hashlock, expiry } of link.incomingLocks()) {
        const preimage = journal.get(hashlock);
        if (preimage === undefined || nowSeconds() < expiry - marginSeconds || (await register.find(hashlock)) !== undefined) continue;
        await register.register(preimage);
        registered.push(toHex(hashlock));
      }
    }
    this.#forget();
    return registered;
  }

  /** A route is over when neither channel has a lock of it any more. */
  #forget(): void {
    const now = this.#options.nowSeconds();
    const open = new Set([...this.#links.values()].flatMap((link) => [...link.incomingLocks(), ...link.outgoingLocks()].map(({ hashlock }) => toHex(hashlock))));
    for (const [name, route] of this.#routes) if (!open.has(name) && (route.state !== "announced" || now > route.expiry)) this.#routes.delete(name);
  }
}
