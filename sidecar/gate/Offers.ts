import type { PaymentRequired, PaymentRequirements } from "@x402/core/types";

import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Route } from "../pricing/Route.ts";
import { SidecarError } from "../SidecarError.ts";
import type { Way } from "../ways/Way.ts";
import type { Asked } from "./matchRequirement.ts";
import { refusalOf } from "./refusalOf.ts";
import type { HeaderPairs, Refusal } from "./Sale.ts";

/** A payment may take so much longer than the answer. */
const SETTLE_SECONDS = 60;
const UNAVAILABLE_RETRY_SECONDS = 5;

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
  readonly #log: Logger;
  /** By way; a way that is not ready yet has none. */
  readonly #asked: (readonly Asked[])[];
  readonly #epochs: number[];
  readonly #epoch: OfferEpoch;
  readonly #refusals: (Refusal | undefined)[] = [];
  #all: readonly Asked[] = [];

  constructor(route: Route, ways: readonly Way[], baseUrl: string, log: Logger, epoch: OfferEpoch = { value: 0 }) {
    this.#route = route;
    this.#ways = ways;
    this.#baseUrl = baseUrl;
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

  /** The answer to a request without a payment. */
  unpaid(): Refusal {
    const mask = this.#readyMask();
    return (this.#refusals[mask] ??= this.#refuse(mask, new SidecarError("payment/required", {})));
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
    this.#refusals.length = 0;
  }

  #refuse(mask: number, error: SidecarError, request?: NamedRequest): Refusal {
    if (mask === 0) return refusalOf(new SidecarError("way/unavailable", { way: this.#ways.map(({ name }) => name).join(", "), retryAfterSeconds: UNAVAILABLE_RETRY_SECONDS }));
    const accepts = this.#asked.flatMap((asked, index) => ((mask >> index) & 1 ? asked : [])).map(({ requirement, way }) => (request === undefined || way.name === "exact" ? requirement : named(requirement, request)));
    const { description, mimeType, pattern } = this.#route;
    const required: PaymentRequired = {
      x402Version: 2,
      error: error.code,
      resource: { url: this.#baseUrl + (request?.target ?? pattern), ...(description === undefined ? {} : { description }), ...(mimeType === undefined ? {} : { mimeType }) },
      accepts,
    };
    const headers: HeaderPairs = [["PAYMENT-REQUIRED", Buffer.from(JSON.stringify(required)).toString("base64")]];
    return refusalOf(error, headers);
  }
}

function named(requirement: PaymentRequirements, { requestHash }: NamedRequest): PaymentRequirements {
  return { ...requirement, extra: { ...requirement.extra, requestHash } };
}

function isSame(a: readonly Asked[], b: readonly Asked[]): boolean {
  return a.length === b.length && a.every(({ requirement }, index) => JSON.stringify(requirement) === JSON.stringify(b[index]!.requirement));
}
