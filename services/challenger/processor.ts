import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createTurns } from "../../runtime/queue/createTurns.ts";
import type { Turns, TurnError } from "../../runtime/queue/createTurns.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** What there is to wake: to play the games, and to collect money. The queue carries these ids and nothing else. */
export const CHALLENGER_TASKS = ["play", "collect"] as const;
export type ChallengerTask = (typeof CHALLENGER_TASKS)[number];

/** L1 went on while it was read: nothing is wrong. */
export const MOVED = "challenger/moved";

export interface ChallengerProcessorOptions {
  readonly queue: WakeQueue;
  /** Each reads what there is, decides, and acts; may run at any time and any number of times. */
  readonly tasks: Readonly<Record<ChallengerTask, () => Promise<unknown>>>;
  readonly everyMs: Readonly<Record<ChallengerTask, number>>;
  readonly logger: Logger;
  readonly onRetry?: (task: ChallengerTask, error: TurnError) => void;
}

/** Runs the tasks when they are woken, one turn at a time. Nothing ends it. */
export function createChallengerProcessor({ tasks, ...rest }: ChallengerProcessorOptions): Turns<ChallengerTask> {
  return createTurns<ChallengerTask>({
    ...rest,
    turn: (task) => tasks[task](),
    isKnown: (id): id is ChallengerTask => CHALLENGER_TASKS.some((task) => task === id),
    concurrency: CHALLENGER_TASKS.length,
    asError: (thrown) => (thrown instanceof CodedError ? thrown : toChainError(thrown, ROOT_ABIS)),
    quietCodes: [MOVED],
  });
}
