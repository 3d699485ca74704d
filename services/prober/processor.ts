import { toChainError } from "../../chain/decodeRevert.ts";
import { UPTIME_ABIS } from "../../chain/uptime/connectUptimeMeter.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createTurns } from "../../runtime/queue/createTurns.ts";
import type { TurnError, Turns } from "../../runtime/queue/createTurns.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** The only wake-up there is. */
export const LOOK = "look";

export interface ProberProcessorOptions {
  readonly queue: WakeQueue;
  /** Reads what there is, decides, and acts; may run at any time and any number of times. */
  readonly look: () => Promise<void>;
  readonly everyMs: number;
  readonly logger: Logger;
  readonly onRetry?: (error: TurnError) => void;
}

/** Looks when it is woken, one look at a time. Nothing ends it. */
export function createProberProcessor({ queue, look, everyMs, logger, onRetry }: ProberProcessorOptions): Turns<typeof LOOK> {
  return createTurns<typeof LOOK>({
    queue, logger,
    turn: look,
    everyMs: { [LOOK]: everyMs },
    isKnown: (id) => id === LOOK,
    concurrency: 1,
    runsUnqueued: true,
    asError: (thrown) => (thrown instanceof CodedError ? thrown : toChainError(thrown, UPTIME_ABIS)),
    ...(onRetry === undefined ? {} : { onRetry: (_id, error) => onRetry(error) }),
  });
}
