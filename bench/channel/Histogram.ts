/** Bounds grow by a twentieth of an octave: 3.5 % from one to the next. */
const STEPS_PER_OCTAVE = 20;
const FIRST_MS = 0.01;
const BUCKETS = 24 * STEPS_PER_OCTAVE;

/** Latencies in buckets of equal ratio, from 10 µs to minutes. */
export class Histogram {
  readonly counts: Float64Array;

  constructor(counts: Float64Array = new Float64Array(BUCKETS)) {
    this.counts = counts;
  }

  add(ms: number): void {
    const bucket = Math.ceil(Math.log2(Math.max(ms, FIRST_MS) / FIRST_MS) * STEPS_PER_OCTAVE);
    this.counts[Math.min(BUCKETS - 1, bucket)]! += 1;
  }

  /** Upper bound of a bucket. */
  static boundMs(bucket: number): number {
    return FIRST_MS * 2 ** (bucket / STEPS_PER_OCTAVE);
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The latency that a part (0 to 1) of all stays within, in ms; NaN when there are none. */
  quantileMs(part: number): number {
    const wanted = part * this.total;
    let sum = 0;
    for (const [bucket, count] of this.counts.entries()) {
      sum += count;
      if (sum >= wanted && sum > 0) return Histogram.boundMs(bucket);
    }
    return NaN;
  }
}
