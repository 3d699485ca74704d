import { ChainError } from "./ChainError.ts";

export interface PollingLoopOptions {
  readonly turn: () => Promise<void>;
  readonly pollMs: number;
  /** The pause after failures doubles from `pollMs` (at least 250 ms) up to this. */
  readonly maxBackoffMs?: number;
  readonly onError: (error: unknown) => void;
  /** Told once when a turn succeeds after failures. */
  readonly onRecovered?: () => void;
}

export interface PollingLoop {
  start(): void;
  /** Ends the loop; resolves when the turn under way has ended. */
  stop(): Promise<void>;
  /** Runs a turn as soon as possible without waiting for it. */
  wake(): void;
  /** Runs a turn (after the one under way) and waits for it; its error is thrown to the caller. */
  runNow(): Promise<void>;
}

const MIN_BACKOFF_MS = 250;
const DEFAULT_MAX_BACKOFF_MS = 30_000;

/** A loop with one turn at a time, a timer that it owns, and growing pauses while turns fail. */
export function pollingLoop(options: PollingLoopOptions): PollingLoop {
  const { turn, pollMs, onError, onRecovered, maxBackoffMs = DEFAULT_MAX_BACKOFF_MS } = options;
  let isRunning = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let isQueued = false;
  let failures = 0;

  function schedule(delayMs: number): void {
    if (!isRunning) return;
    clearTimeout(timer);
    timer = setTimeout(wake, delayMs);
  }

  async function guardedTurn(): Promise<void> {
    isQueued = false;
    if (!isRunning) return;
    try {
      await turn();
      if (failures > 0) onRecovered?.();
      failures = 0;
      schedule(pollMs);
    } catch (error) {
      failures += 1;
      onError(error);
      if (error instanceof ChainError && error.reaction === "stop") isRunning = false;
      else schedule(Math.min(Math.max(pollMs, MIN_BACKOFF_MS) * 2 ** Math.min(failures - 1, 16), maxBackoffMs));
    }
  }

  function wake(): void {
    if (!isRunning || isQueued) return;
    isQueued = true;
    underWay = underWay.then(guardedTurn);
  }

  return {
    start() {
      if (isRunning) return;
      isRunning = true;
      wake();
    },
    async stop() {
      isRunning = false;
      clearTimeout(timer);
      await underWay;
    },
    wake,
    async runNow() {
      const run = underWay.then(turn);
      underWay = run.catch(() => undefined);
      await run;
    },
  };
}
