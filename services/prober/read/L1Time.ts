import type { Clock } from "../../../runtime/clock/Clock.ts";

/**
 * What time the next block will have. That is this machine's time, unless the chain is ahead of it, as a local one is that
 * was told to skip an hour.
 */
export class L1Time {
  readonly #clock: Clock;
  #head: { readonly timestamp: number; readonly seenMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  observe(timestamp: number): void {
    if (this.#head?.timestamp !== timestamp) this.#head = { timestamp, seenMs: this.#clock.monotonicMs() };
  }

  /** Whole seconds. */
  now(): number {
    const own = this.#clock.nowSeconds();
    if (this.#head === undefined) return own;
    return Math.max(own, Math.floor(this.#head.timestamp + (this.#clock.monotonicMs() - this.#head.seenMs) / 1_000));
  }
}
