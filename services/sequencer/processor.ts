import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createTurns } from "../../runtime/queue/createTurns.ts";
import type { Turns, TurnError } from "../../runtime/queue/createTurns.ts";
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
  /** Whether a task that was not woken would see anything new. Default: always. */
  readonly isDue?: (task: L1Task) => Promise<boolean>;
  readonly logger: Logger;
  /** L1 contradicts this sequencer: it must not go on. Told once; no task runs after it. */
  readonly onStop: (error: Error) => void;
  /** Told with each task that failed and comes again. */
  readonly onRetry?: (task: L1Task, error: TurnError) => void;
}

/** Runs the tasks of the L1 side when they are woken, one at a time each. */
export function createL1Processor({ tasks, everyMs, ...rest }: L1ProcessorOptions): Turns<L1Task> {
  return createTurns<L1Task>({
    ...rest,
    turn: (task) => tasks[task](),
    everyMs: { post: everyMs, claim: everyMs, feed: everyMs },
    isKnown: (id): id is L1Task => L1_TASKS.some((task) => task === id),
    concurrency: L1_TASKS.length,
    asError: (thrown) => (thrown instanceof CodedError ? thrown : toChainError(thrown, ROOT_ABIS)),
    quietCodes: ["l1/moved"],
  });
}
