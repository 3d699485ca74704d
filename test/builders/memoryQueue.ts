import type { ProcessOptions, WakeHandler, WakeOptions, WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** Wake-ups in memory, for tests of what is woken; the real stores have their own tests. */
export function createMemoryQueue(): WakeQueue {
  const timers = new Map<string, ReturnType<typeof setInterval>>();
  const running = new Set<Promise<void>>();
  let handler: WakeHandler | undefined;
  const closing = new AbortController();

  function run(id: string): void {
    if (handler === undefined || closing.signal.aborted) return;
    const started: Promise<void> = handler({ id, attempt: 1, signal: closing.signal }).finally(() => running.delete(started));
    running.add(started);
  }

  return {
    wake(id: string, { delayMs = 0 }: WakeOptions = {}) {
      setTimeout(() => run(id), delayMs);
      return Promise.resolve();
    },
    every(id: string, everyMs: number) {
      clearInterval(timers.get(id));
      timers.set(id, setInterval(() => run(id), everyMs));
      run(id);
      return Promise.resolve();
    },
    cancelEvery(id: string) {
      clearInterval(timers.get(id));
      return Promise.resolve();
    },
    process(given: WakeHandler, _options?: ProcessOptions) {
      handler = given;
      return Promise.resolve();
    },
    counts: () => Promise.resolve({ waiting: 0, delayed: 0, active: running.size }),
    async close() {
      closing.abort();
      for (const timer of timers.values()) clearInterval(timer);
      await Promise.all(running);
    },
  };
}
