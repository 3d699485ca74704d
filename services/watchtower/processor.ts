import { ChainError } from "../../chain/ChainError.ts";
import { CHANNEL_ABIS } from "../../chain/channels/connectAdjudicator.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** The wake-up of the regular look; every other id is a channel's. */
export const LOOK = "look";

/** Looks that may fail to come before one is run without the queue. */
const SLEEPY_LOOKS = 3;

export interface TowerProcessorOptions {
  readonly queue: WakeQueue;
  /** Finds closes and says which channels are to be looked at. */
  readonly look: () => Promise<unknown>;
  /** Reads one channel, decides, and acts; may run at any time and any number of times. */
  readonly channel: (channelId: string) => Promise<unknown>;
  readonly everyMs: number;
  readonly concurrency: number;
  readonly logger: Logger;
  readonly onRetry?: (code: string) => void;
}

export interface TowerProcessor {
  start(): Promise<void>;
  /** Ends after the turns under way. The queue itself belongs to the caller. */
  stop(): Promise<void>;
  wake(id: string): void;
  /** Runs a turn once, now, or joins the one under way. */
  run(id: string): Promise<void>;
  /** The last look failed. */
  readonly isTroubled: boolean;
}

function asError(thrown: unknown): Error {
  return thrown instanceof CodedError || thrown instanceof ChainError ? thrown : toChainError(thrown, CHANNEL_ABIS);
}

/** One turn at a time for each id: under load wake-ups fall together instead of queueing. A turn that fails comes again with the next look. */
export function createTowerProcessor({ queue, look, channel, everyMs, concurrency, logger, onRetry }: TowerProcessorOptions): TowerProcessor {
  const underWay = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const troubles = new Map<string, string>();
  let isRunning = false;
  let guard: ReturnType<typeof setInterval> | undefined;
  let lookedAtMs = 0;

  async function turn(id: string): Promise<void> {
    do {
      again.delete(id);
      if (id === LOOK) lookedAtMs = performance.now();
      try {
        await (id === LOOK ? look() : channel(id));
        if (troubles.delete(id)) logger.info({ id }, "It works again.");
      } catch (thrown) {
        const error = asError(thrown);
        const code = (error as { code?: string }).code ?? error.message;
        onRetry?.(code);
        if (troubles.get(id) === code) continue;
        troubles.set(id, code);
        logger.warn({ err: error, id }, `A turn failed and is tried again: ${error.message}`);
      }
    } while (isRunning && again.has(id));
  }

  function run(id: string): Promise<void> {
    const current = underWay.get(id);
    if (current !== undefined) {
      again.add(id);
      return current;
    }
    const started = turn(id).finally(() => underWay.delete(id));
    underWay.set(id, started);
    return started;
  }

  return {
    async start() {
      isRunning = true;
      await queue.process(async ({ id }) => {
        if (isRunning) await run(id);
      }, { concurrency });
      await queue.every(LOOK, everyMs);
      // A queue that is down must not put the tower to sleep.
      guard = setInterval(() => {
        if (performance.now() - lookedAtMs > SLEEPY_LOOKS * everyMs) void run(LOOK);
      }, everyMs);
    },
    async stop() {
      isRunning = false;
      clearInterval(guard);
      await Promise.all(underWay.values());
    },
    wake(id) {
      if (!isRunning) return;
      queue.wake(id).catch((error: unknown) => {
        logger.warn({ err: error, id }, "The queue did not take a wake-up: the turn runs without it.");
        void run(id);
      });
    },
    run,
    get isTroubled() {
      return troubles.has(LOOK);
    },
  };
}
