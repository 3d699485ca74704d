import { CHANNEL_ABIS } from "../../chain/channels/connectAdjudicator.ts";
import { toChainError } from "../../chain/decodeRevert.ts";
import { CodedError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createTurns } from "../../runtime/queue/createTurns.ts";
import type { Turns, TurnError } from "../../runtime/queue/createTurns.ts";
import type { WakeQueue } from "../../runtime/queue/WakeQueue.ts";

/** The wake-up of the regular look; every other id is a channel's. */
export const LOOK = "look";

export interface TowerProcessorOptions {
  readonly queue: WakeQueue;
  /** Finds closes and says which channels are to be looked at. */
  readonly look: () => Promise<unknown>;
  /** Reads one channel, decides, and acts; may run at any time and any number of times. */
  readonly channel: (channelId: string) => Promise<unknown>;
  readonly everyMs: number;
  readonly concurrency: number;
  readonly logger: Logger;
  readonly onRetry?: (id: string, error: TurnError) => void;
}

/** One turn at a time for each id. A turn that fails comes again with the next look, and a queue that is down does not put the tower to sleep. */
export function createTowerProcessor({ look, channel, everyMs, ...rest }: TowerProcessorOptions): Turns<string> {
  return createTurns<string>({
    ...rest,
    turn: (id) => (id === LOOK ? look() : channel(id)),
    everyMs: { [LOOK]: everyMs },
    asError: (thrown) => (thrown instanceof CodedError ? thrown : toChainError(thrown, CHANNEL_ABIS)),
    runsUnqueued: true,
  });
}
