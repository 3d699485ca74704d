/** The time as services see it; tests put in a {@link ManualClock}. */
export interface Clock {
  /** Wall clock, whole unix seconds. */
  nowSeconds(): number;
  /** Wall clock, unix milliseconds. */
  nowMs(): number;
  /** Milliseconds since some moment, for durations: never goes back, whatever is done to the wall clock. */
  monotonicMs(): number;
  /** Resolves after `durationMs`; rejects with the signal's reason when it is aborted first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
