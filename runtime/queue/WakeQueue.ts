/** What a handler gets: whom to wake. What there is to do, it reads from where the truth is. */
export interface Wake {
  readonly id: string;
  /** 1 for the first try, counting up with every failure of this wake-up. */
  readonly attempt: number;
  /** Aborted when the queue is closing: finish or stop at a safe point. */
  readonly signal: AbortSignal;
}

/**
 * Reacts to a wake-up. It may run more than once for one wake-up, so it must be idempotent. When it throws, the wake-up
 * comes again after a pause that grows up to a limit; a CodedError with the reaction `reject` or `stop` ends it.
 */
export type WakeHandler = (wake: Wake) => Promise<void>;

export interface WakeOptions {
  /** Not before this much time has passed. Default: now. */
  readonly delayMs?: number;
  /**
   * One pending wake-up per id is enough, so that a second one is dropped (default true). A wake-up that arrives while the
   * handler runs for the same id is kept for afterwards; a delayed one is only the same as another that is due within
   * {@link DELAY_GRAIN_MS}, and is never early.
   */
  readonly dedupe?: boolean;
}

/** Delayed wake-ups are due at multiples of this. */
export const DELAY_GRAIN_MS = 200;

export interface ProcessOptions {
  /** How many handlers may run at the same time. Default 1. */
  readonly concurrency?: number;
  /** Pause after the first failure; it doubles with each. Default 250 ms. */
  readonly retryBaseMs?: number;
  /** The longest pause. Default 30 s. */
  readonly retryMaxMs?: number;
  /** After this time without a sign of life a worker counts as dead and its wake-ups go to others. Default 10 s. */
  readonly lockMs?: number;
  /** Told when a handler failed; `willRetry` says whether it comes again. */
  readonly onFailure?: (error: Error, wake: { readonly id: string; readonly attempt: number; readonly willRetry: boolean }) => void;
}

/** Wake-ups under one name, in order of arrival, at least once each. */
export interface WakeQueue {
  /** @throws QueueError `queue/unavailable` (retry), `queue/closed` */
  wake(id: string, options?: WakeOptions): Promise<void>;
  /**
   * Wakes `id` now and then every `everyMs`, across restarts, until cancelled; asking again changes the interval. Each time costs the
   * store several writes: what comes several times a second is better off with a timer (`createTurns`).
   */
  every(id: string, everyMs: number): Promise<void>;
  /** Ends what `every` began. */
  cancelEvery(id: string): Promise<void>;
  /** Starts handling; once per queue object. Resolves when it is listening. */
  process(handler: WakeHandler, options?: ProcessOptions): Promise<void>;
  /** How many wake-ups are waiting, delayed (also for a retry) and being handled. */
  counts(): Promise<{ readonly waiting: number; readonly delayed: number; readonly active: number }>;
  /** Takes no more, waits for the handlers that are running, then lets go of its connections. */
  close(): Promise<void>;
}

/** Where wake-ups are kept. */
export interface QueueBackend {
  readonly kind: "redis" | "postgres" | "embedded";
  /** Connection URL; holds credentials. For `embedded` and `postgres` also good for indexes of one's own. */
  readonly url: string;
  /** The queue of this name; two objects of one name, in whatever process, share its wake-ups. */
  queue(name: string): WakeQueue;
  /** Closes every queue, then what was started for them. */
  close(): Promise<void>;
}
