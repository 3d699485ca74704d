import type { PaymentRequired, PaymentRequirements } from "@x402/core/types";

import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Route } from "../pricing/Route.ts";
import { SidecarError } from "../SidecarError.ts";
import type { Way } from "../ways/Way.ts";
import type { Asked } from "./matchRequirement.ts";
import { refusalOf } from "./refusalOf.ts";
import type { Refusal } from "./Sale.ts";

/** A payment may take so much longer than the answer. */
export const SETTLE_SECONDS = 60;
const UNAVAILABLE_RETRY_SECONDS = 5;
const REQUIRED_HEADER = "PAYMENT-REQUIRED";
/** Of a request's own URL in its 402. */
const MAX_ECHOED_CHARS = 1_024;

/** A 402 without its last header, and that header's value up to the request's URL; without a start it is whole. */
interface PreparedRefusal {
  readonly refusal: Refusal;
  readonly start: string | undefined;
}

/** What a 402 is made for when the client asks. */
export interface NamedRequest {
  readonly target: string;
  /** 0x-hexadecimal. */
  readonly requestHash: string;
}

/** Grows when ways may ask for something else than before (an address where channels are taken, for example). */
export interface OfferEpoch {
  value: number;
}

/** What one route asks for, and the 402s that say so, each made once for the ways that are ready. */
export class Offers {
  readonly #route: Route;
  readonly #ways: readonly Way[];
  readonly #baseUrl: string;
  /** Where the request's own URL is not named. */
  readonly #place: string;
  readonly #log: Logger;
  /** By way; a way that is not ready yet has none. */
  readonly #asked: (readonly Asked[])[];
  readonly #epochs: number[];
  readonly #epoch: OfferEpoch;
  readonly #unpaid: (PreparedRefusal | undefined)[] = [];
  #all: readonly Asked[] = [];

  constructor(route: Route, ways: readonly Way[], baseUrl: string, log: Logger, epoch: OfferEpoch = { value: 0 }) {
    this.#route = route;
    this.#ways = ways;
    this.#baseUrl = baseUrl;
    this.#place = route.pattern.replace(/\*$/, "");
    this.#log = log;
    this.#epoch = epoch;
    this.#asked = ways.map(() => []);
    this.#epochs = ways.map(() => -1);
  }

  /** All that may be paid with: of ways that are ready, or were. */
  get asked(): readonly Asked[] {
    this.#readyMask();
    return this.#all;
  }

  /** The answer to a request without a payment: made beforehand, but for the request's own URL. */
  unpaid(target: string): Refusal {
    const mask = this.#readyMask();
    const { refusal, start } = (this.#unpaid[mask] ??= this.#prepare(mask));
    if (start === undefined) return refusal;
    const url = JSON.stringify(target.length > MAX_ECHOED_CHARS ? this.#place : target);
    return { status: refusal.status, headers: [...refusal.headers, [REQUIRED_HEADER, start + btoa(`${url.slice(1)}}}`)]], body: refusal.body };
  }

  /** The answer to a payment that is not taken; a 402 says again what is asked for. */
  refused(error: SidecarError): Refusal {
    return error.status === 402 ? this.#refuse(this.#readyMask(), error) : refusalOf(error);
  }

  /** A 402 for this very request. */
  named(request: NamedRequest): Refusal {
    return this.#refuse(this.#readyMask(), new SidecarError("payment/required", {}), request);
  }

  /** Bit i: way i is ready and has its requirements. */
  #readyMask(): number {
    let mask = 0;
    for (let index = 0; index < this.#ways.length; index++) {
      const way = this.#ways[index]!;
      if (!way.isReady) continue;
      if (this.#epochs[index] !== this.#epoch.value) this.#ask(way, index);
      if (this.#asked[index]!.length > 0) mask |= 1 << index;
    }
    return mask;
  }

  #ask(way: Way, index: number): void {
    const isFirst = this.#epochs[index] === -1;
    this.#epochs[index] = this.#epoch.value;
    const seconds = Math.ceil(this.#route.timeoutMs / 1_000) + SETTLE_SECONDS;
    let asked: readonly Asked[] = [];
    try {
      asked = this.#route.pricesFor(way.name).map((price) => ({ way, requirement: way.requirement(price, seconds), amount: price.amount }));
    } catch (error) {
      // A price that this way cannot ask for (no multiple of the chain's unit) does not keep the others from being paid.
      if (isFirst) this.#log.error({ err: error, route: this.#route.match, way: way.name }, "A price cannot be asked for this way; the route is not sold so.");
    }
    if (isSame(asked, this.#asked[index]!)) return;
    this.#asked[index] = asked;
    this.#all = this.#asked.flat();
    this.#unpaid.length = 0;
  }

  #prepare(mask: number): PreparedRefusal {
    const error = new SidecarError("payment/required", {});
    if (mask === 0) return { refusal: this.#refuse(mask, error), start: undefined };
    const text = JSON.stringify(this.#required(mask, error, "")).slice(0, -3);
    // Base64 can be cut after every third byte: blanks bring the text to there, and what follows is encoded by itself.
    const blanks = (3 - (Buffer.byteLength(text) % 3)) % 3;
    return { refusal: refusalOf(error), start: Buffer.from(`{${" ".repeat(blanks)}${text.slice(1)}`).toString("base64") };
  }

  #refuse(mask: number, error: SidecarError, request?: NamedRequest): Refusal {
    if (mask === 0) return refusalOf(new SidecarError("way/unavailable", { way: this.#ways.map(({ name }) => name).join(", "), retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS }));
    const required = this.#required(mask, error, request?.target ?? this.#place, request?.requestHash);
    return refusalOf(error, [[REQUIRED_HEADER, Buffer.from(JSON.stringify(required)).toString("base64")]]);
  }

  /** The URL stands at the very end. */
  #required(mask: number, error: SidecarError, target: string, requestHash?: string): PaymentRequired {
    const { description, mimeType } = this.#route;
    const asked = this.#asked.flatMap((ofWay, index) => ((mask >> index) & 1 ? ofWay : []));
    return {
      x402Version: 2,
      error: error.code,
      accepts: asked.map(({ requirement, way }) => (requestHash === undefined || way.name === "exact" ? requirement : named(requirement, requestHash))),
      resource: { ...(description === undefined ? {} : { description }), ...(mimeType === undefined ? {} : { mimeType }), url: this.#baseUrl + target },
    };
  }
}

function named(requirement: PaymentRequirements, requestHash: string): PaymentRequirements {
  return { ...requirement, extra: { ...requirement.extra, requestHash } };
}

function isSame(a: readonly Asked[], b: readonly Asked[]): boolean {
  return a.length === b.length && a.every(({ requirement }, index) => JSON.stringify(requirement) === JSON.stringify(b[index]!.requirement));
}
