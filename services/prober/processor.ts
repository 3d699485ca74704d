import { ChainError } from "../../chain/ChainError.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { UPTIME_ABIS } from "../../chain/uptime/connectUptimeMeter.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** The only wake-up there is. */
const LOOK = "look";
/** Looks that may fail to come before one is run without the queue: a reveal that is late costs stake. */
const SLEEPY_LOOKS = 3;

export interface ProberProcessorOptions {
  readonly queue: WakeQueue;
  /** Reads what there is, decides, and acts; may run at any time and any number of times. */
  readonly look: () => Promise<void>;
  readonly everyMs: number;
  readonly logger: Logger;
  readonly onRetry?: (code: string) => void;
}

export interface ProberProcessor {
  start(): Promise<void>;
  /** Ends after the look under way. The queue itself belongs to the caller. */
  stop(): Promise<void>;
  /** Looks once, now, or joins the look under way. */
  run(): Promise<void>;
  /** The last look failed. */
  readonly isTroubled: boolean;
}

/** Looks when it is woken, one look at a time: under load wake-ups fall together instead of queueing. Nothing ends it. */
export function createProberProcessor({ queue, look, everyMs, logger, onRetry }: ProberProcessorOptions): ProberProcessor {
  let underWay: Promise<void> | undefined;
  let isWanted = false;
  let isRunning = false;
  let trouble: string | undefined;
  let guard: ReturnType<typeof setInterval> | undefined;
  let lookedAtMs = 0;

  function report(thrown: unknown): void {
    const error = thrown instanceof CodedError || thrown instanceof ChainError ? thrown : toChainError(thrown, UPTIME_ABIS);
    onRetry?.(error.code);
    if (trouble === error.code) return;
    trouble = error.code;
    logger.warn({ err: error }, `A look failed and is tried again: ${error.message}`);
  }

  async function looks(): Promise<void> {
    do {
      isWanted = false;
      lookedAtMs = performance.now();
      try {
        await look();
        if (trouble !== undefined) logger.info("Looks succeed again.");
        trouble = undefined;
      } catch (error) {
        report(error);
      }
    } while (isRunning && isWanted);
  }

  function run(): Promise<void> {
    if (underWay !== undefined) isWanted = true;
    else underWay = looks().finally(() => (underWay = undefined));
    return underWay;
  }

  return {
    async start() {
      isRunning = true;
      await queue.process(async () => {
        if (isRunning) await run();
      });
      await queue.every(LOOK, everyMs);
      guard = setInterval(() => {
        if (performance.now() - lookedAtMs > SLEEPY_LOOKS * everyMs) void run();
      }, everyMs);
    },
    async stop() {
      isRunning = false;
      clearInterval(guard);
      await underWay;
    },
    run,
    get isTroubled() {
      return trouble !== undefined;
    },
  };
}
