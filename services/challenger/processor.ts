import { ChainError } from "../../chain/ChainError.ts";
import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** What there is to wake: to play the games, and to collect money. The queue carries these ids and nothing else. */
export const CHALLENGER_TASKS = ["play", "collect"] as const;
export type ChallengerTask = (typeof CHALLENGER_TASKS)[number];

export interface ChallengerProcessorOptions {
  readonly queue: WakeQueue;
  /** Each reads what there is, decides, and acts; may run at any time and any number of times. */
  readonly tasks: Readonly<Record<ChallengerTask, () => Promise<unknown>>>;
  readonly everyMs: Readonly<Record<ChallengerTask, number>>;
  readonly logger: Logger;
  readonly onRetry?: (code: string) => void;
}

export interface ChallengerProcessor {
  start(): Promise<void>;
  /** Ends after the turns under way. The queue itself belongs to the caller. */
  stop(): Promise<void>;
  wake(task: ChallengerTask): void;
  /** Runs a task once, now, or joins the turn under way. */
  run(task: ChallengerTask): Promise<void>;
  /** Its last turn failed. */
  isTroubled(task: ChallengerTask): boolean;
}

function asError(thrown: unknown): Error {
  return thrown instanceof CodedError || thrown instanceof ChainError ? thrown : toChainError(thrown, ROOT_ABIS);
}

/** Runs the tasks when they are woken, one turn at a time: under load wake-ups fall together instead of queueing. Nothing ends it. */
export function createChallengerProcessor({ queue, tasks, everyMs, logger, onRetry }: ChallengerProcessorOptions): ChallengerProcessor {
  const underWay = new Map<ChallengerTask, Promise<void>>();
  const again = new Set<ChallengerTask>();
  const troubles = new Map<ChallengerTask, string>();
  let isRunning = false;

  function report(task: ChallengerTask, thrown: unknown): void {
    const error = asError(thrown);
    const code = (error as { code?: string }).code ?? error.message;
    onRetry?.(code);
    if (troubles.get(task) === code) return;
    troubles.set(task, code);
    if (code === "challenger/moved") logger.debug({ err: error, task }, error.message);
    else logger.warn({ err: error, task }, `The ${task} task failed and is tried again: ${error.message}`);
  }

  async function turn(task: ChallengerTask): Promise<void> {
    do {
      again.delete(task);
      try {
        await tasks[task]();
        if (troubles.delete(task)) logger.debug({ task }, `The ${task} task works again.`);
      } catch (error) {
        report(task, error);
      }
    } while (isRunning && again.has(task));
  }

  function run(task: ChallengerTask): Promise<void> {
    const current = underWay.get(task);
    if (current !== undefined) {
      again.add(task);
      return current;
    }
    const started = turn(task).finally(() => underWay.delete(task));
    underWay.set(task, started);
    return started;
  }

  return {
    async start() {
      isRunning = true;
      const handle = async ({ id }: { readonly id: string }): Promise<void> => {
        const task = CHALLENGER_TASKS.find((name) => name === id);
        if (task !== undefined && isRunning) await run(task);
      };
      await queue.process(handle, { concurrency: CHALLENGER_TASKS.length });
      for (const task of CHALLENGER_TASKS) await queue.every(task, everyMs[task]);
    },
    async stop() {
      isRunning = false;
      await Promise.all(underWay.values());
    },
    wake(task) {
      if (!isRunning) return;
      queue.wake(task).catch((error: unknown) => logger.debug({ err: error, task }, "The wake-up was not taken; the next regular look comes anyway."));
    },
    run,
    isTroubled: (task) => ![undefined, "challenger/moved"].includes(troubles.get(task)),
  };
}
