import { SidecarError } from "../SidecarError.ts";
import { WaitingRoom } from "../ways/WaitingRoom.ts";
import type { GateLimits } from "./GateOptions.ts";
import type { HeldAnswer } from "./Sale.ts";

/** How an exchange ended, for who waits for it. */
export type ExchangeEnd =
  /** It was paid; `answer` is undefined where nobody holds it. */
  | { readonly kind: "answered"; readonly answer: HeldAnswer | undefined }
  | { readonly kind: "released" }
  /** Whether it was paid is not known yet. */
  | { readonly kind: "doubt" };

export type ExchangeLimits = Pick<GateLimits, "maxExchanges" | "maxExchangesPerAddress" | "maxWaiters" | "maxWaitersPerAddress" | "maxWaitersPerPayment" | "repeatWaitMs">;

/** One payment that is being worked on: by a sale, or by who clears up after a crash. */
export interface Exchange {
  readonly key: string;
  readonly proof: Uint8Array;
  /** Ends it: whoever waits is told, and the payment may be looked up again. */
  finish(end: ExchangeEnd): void;
}

interface Running extends Exchange {
  readonly waiters: Set<(end: ExchangeEnd | undefined) => void>;
}

/** The payments that are being worked on right now: at most one exchange each. */
export class Exchanges {
  readonly #limits: ExchangeLimits;
  readonly #running = new Map<string, Running>();
  readonly #sales: WaitingRoom;
  readonly #waiters: WaitingRoom;

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
    this.#sales = new WaitingRoom(limits.maxExchanges, limits.maxExchangesPerAddress);
    this.#waiters = new WaitingRoom(limits.maxWaiters, limits.maxWaitersPerAddress);
  }

  get size(): number {
    return this.#running.size;
  }

  get waiters(): number {
    return this.#waiters.size;
  }

  /** For a sale to this address. */
  hasRoom(from: string): boolean {
    return this.#sales.hasRoom(from);
  }

  find(key: string): Exchange | undefined {
    return this.#running.get(key);
  }

  /**
   * The caller has looked: there is none with this key, and there is room for it.
   * @param from whom it is sold to; undefined: it is being cleared up after a crash
   */
  begin(key: string, proof: Uint8Array, from?: string): Exchange {
    const isCounted = from !== undefined && this.#sales.enter(from);
    const running: Running = {
      key,
      proof,
      waiters: new Set(),
      finish: (end) => {
        if (this.#running.get(key) !== running) return;
        this.#running.delete(key);
        if (isCounted) this.#sales.leave(from);
        for (const tell of running.waiters) tell(end);
      },
    };
    this.#running.set(key, running);
    return running;
  }

  /** Waits for the end of an exchange. @throws SidecarError `payment/in-progress` when it takes too long, or too many wait */
  wait(exchange: Exchange, from: string): Promise<ExchangeEnd> {
    const { waiters } = exchange as Running;
    if (waiters.size >= this.#limits.maxWaitersPerPayment || !this.#waiters.enter(from)) return Promise.reject(new SidecarError("payment/in-progress", {}));
    return new Promise((resolve, reject) => {
      const tell = (end: ExchangeEnd | undefined): void => {
        waiters.delete(tell);
        this.#waiters.leave(from);
        clearTimeout(timer);
        if (end === undefined) reject(new SidecarError("payment/in-progress", {}));
        else resolve(end);
      };
      const timer = setTimeout(tell, this.#limits.repeatWaitMs, undefined);
      waiters.add(tell);
    });
  }
}
