import type { PaymentRequired } from "@x402/core/types";

/** What a seller asked for one route, when it last did. */
export interface KnownOffer {
  readonly offer: PaymentRequired;
  /** Unix milliseconds. */
  readonly at: number;
}

/** Prices that sellers have told, so that the next payment needs no 402 before it. Forgets what was not used longest. */
export class PriceCache {
  readonly #offers = new Map<string, KnownOffer>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  static keyOf(method: string, url: URL): string {
    return `${method} ${url.origin}${url.pathname}`;
  }

  get(key: string): KnownOffer | undefined {
    const known = this.#offers.get(key);
    if (known !== undefined) {
      this.#offers.delete(key);
      this.#offers.set(key, known);
    }
    return known;
  }

  set(key: string, known: KnownOffer): void {
    this.#offers.delete(key);
    this.#offers.set(key, known);
    if (this.#offers.size > this.#most) this.#offers.delete(this.#offers.keys().next().value!);
  }

  delete(key: string): void {
    this.#offers.delete(key);
  }
}
