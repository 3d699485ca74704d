import type { Clock } from "./Clock.ts";

/** Node clamps longer timers to 1 ms, so a longer sleep is made of several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

function sleepOnce(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, durationMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowSeconds: () => Math.floor(Date.now() / 1000),
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(durationMs, signal) {
    signal?.throwIfAborted();
    let leftMs = Math.max(0, durationMs);
    do {
      const stepMs = Math.min(leftMs, MAX_TIMER_MS);
      await sleepOnce(stepMs, signal);
      leftMs -= stepMs;
    } while (leftMs > 0);
  },
};
