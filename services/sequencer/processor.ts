import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { ChainError } from "../../chain/ChainError.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** What there is to wake: the queue carries these ids and nothing else. */
export const L1_TASKS = ["post", "claim", "feed"] as const;
export type L1Task = (typeof L1_TASKS)[number];

export interface L1ProcessorOptions {
  readonly queue: WakeQueue;
  /** Each reads what there is, decides, and acts; may run at any time and any number of times. */
  readonly tasks: Readonly<Record<L1Task, () => Promise<unknown>>>;
  /** How often each task looks without being woken. */
  readonly everyMs: number;
  readonly logger: Logger;
  /** L1 contradicts this sequencer: it must not go on. Told once; no task runs after it. */
  readonly onStop: (error: Error) => void;
  /** Told with each task that failed and comes again. */
  readonly onRetry?: (task: L1Task, error: Error) => void;
}

export interface L1Processor {
  start(): Promise<void>;
  /** Ends after the tasks under way. The queue itself belongs to the caller. */
  stop(): Promise<void>;
  /** Looks soon; a queue that is away only delays it to the next regular look. */
  wake(task: L1Task): void;
}

/** Failures that the next regular look may be free of; they are told when they begin and when they end. */
function asRetry(thrown: unknown): CodedError | ChainError | Error {
  if (thrown instanceof CodedError || thrown instanceof ChainError) return thrown;
  return toChainError(thrown, ROOT_ABIS);
}

/** Runs the tasks of the L1 side when they are woken, one at a time each. */
export function createL1Processor(options: L1ProcessorOptions): L1Processor {
  const { queue, tasks, everyMs, logger, onStop } = options;
  const underWay = new Map<L1Task, Promise<void>>();
  const again = new Set<L1Task>();
  const troubles = new Map<L1Task, string>();
  let isRunning = false;

  function report(task: L1Task, thrown: unknown): void {
    const error = asRetry(thrown);
    const { code, reaction } = error as { code?: string; reaction?: string };
    if (reaction === "stop") {
      if (!isRunning) return;
      isRunning = false;
      logger.error({ err: error, task }, `L1 and this sequencer contradict each other: ${error.message}`);
      onStop(error);
      return;
    }
    options.onRetry?.(task, error);
    const trouble = code ?? error.message;
    if (troubles.get(task) === trouble) return;
    troubles.set(task, trouble);
    if (code === "l1/moved") logger.debug({ err: error, task }, error.message);
    else logger.warn({ err: error, task }, `The ${task} task failed and is tried again: ${error.message}`);
  }

  async function runOnce(task: L1Task): Promise<void> {
    try {
      await tasks[task]();
      if (troubles.delete(task)) logger.info({ task }, `The ${task} task works again.`);
    } catch (error) {
      report(task, error);
    }
  }

  async function run(task: L1Task): Promise<void> {
    do {
      again.delete(task);
      await runOnce(task);
    } while (isRunning && again.has(task));
  }

  /** One at a time: a wake-up that comes meanwhile makes it look once more. */
  function handle(task: L1Task): Promise<void> {
    const current = underWay.get(task);
    if (current !== undefined) {
      again.add(task);
      return current;
    }
    const started = run(task).finally(() => underWay.delete(task));
    underWay.set(task, started);
    return started;
  }

  return {
    async start() {
      isRunning = true;
      await queue.process(
        async ({ id }) => {
          const task = L1_TASKS.find((name) => name === id);
          if (task !== undefined && isRunning) await handle(task);
        },
        { concurrency: L1_TASKS.length },
      );
      for (const task of L1_TASKS) await queue.every(task, everyMs);
    },
    async stop() {
      isRunning = false;
      await Promise.all(underWay.values());
    },
    wake(task) {
      if (!isRunning) return;
      queue.wake(task).catch((error: unknown) => logger.debug({ err: error, task }, "The wake-up was not taken; the next regular look comes anyway."));
    },
  };
}
