const BUCKETS = 20;

/** How often something happened within a window, counted in twentieths of it: bounded, however often. */
export class SlidingCount {
  readonly #bucketMs: number;
  readonly #counts = new Float64Array(BUCKETS);
  /** Number of the newest bucket. */
  #newest = 0;

  constructor(windowMs: number) {
    this.#bucketMs = Math.max(1, windowMs / BUCKETS);
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / this.#bucketMs);
    if (bucket <= this.#newest) return;
    const steps = Math.min(bucket - this.#newest, BUCKETS);
    for (let i = 1; i <= steps; i += 1) this.#counts[(bucket - steps + i) % BUCKETS] = 0;
    this.#newest = bucket;
  }

  add(nowMs: number): void {
    this.#advance(nowMs);
    this.#counts[this.#newest % BUCKETS]! += 1;
  }

  total(nowMs: number): number {
    this.#advance(nowMs);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }
}
