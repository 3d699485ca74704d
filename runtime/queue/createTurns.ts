import type { Reaction } from "../errors/CodedError.ts";
import type { Logger } from "../logger/Logger.ts";
import type { WakeQueue } from "./WakeQueue.ts";

/** What a turn failed with. */
export type TurnError = Error & { readonly code: string; readonly reaction: Reaction };

export interface TurnsOptions<Id extends string> {
  readonly queue: WakeQueue;
  /** Reads what there is, decides, and acts; may run at any time and any number of times. */
  readonly turn: (id: Id) => Promise<unknown>;
  /** Ids that are woken regularly, with the time between. */
  readonly everyMs: Readonly<Partial<Record<Id, number>>>;
  /** Turns of different ids that may run at the same time. */
  readonly concurrency: number;
  readonly logger: Logger;
  /** Gives what was thrown a code and a reaction. */
  readonly asError: (thrown: unknown) => TurnError;
  /** Which wake-ups are for this service; the queue may still hold others of an earlier version. Default: all. */
  readonly isKnown?: (id: string) => id is Id;
  /** Told with each turn that failed and comes again. */
  readonly onRetry?: (id: Id, error: TurnError) => void;
  /** Failures that are to be expected now and then: told to who debugs only. */
  readonly quietCodes?: readonly string[];
  /** Told of an error whose reaction is `stop`, once: no turn runs after it. Without it such a turn is tried again too. */
  readonly onStop?: (error: TurnError) => void;
  /** Asked before a regular turn: false leaves it out, for there is nothing new. What is woken always runs, and so does what cannot be asked. */
  readonly isDue?: (id: Id) => Promise<boolean>;
  /** What the queue does not take runs without it. Default: it waits for the next regular turn. */
  readonly runsUnqueued?: boolean;
}

export interface Turns<Id extends string> {
  start(): Promise<void>;
  /** Ends after the turns under way. The queue itself belongs to the caller. */
  stop(): Promise<void>;
  /** Looks soon; a queue that is away only delays it to the next regular turn. */
  wake(id: Id): void;
  /** Runs a turn once, now, or joins the one under way, which then looks once more. Never rejects. */
  run(id: Id): Promise<void>;
  /** The code with which the last turn of this id failed. */
  troubleOf(id: Id): string | undefined;
}

/** Runs turns when their ids are woken, one at a time for each: under load wake-ups fall together instead of queueing. */
export function createTurns<Id extends string>(options: TurnsOptions<Id>): Turns<Id> {
  const { queue, logger, quietCodes = [] } = options;
  const regular = Object.entries<number | undefined>(options.everyMs) as [Id, number][];
  const underWay = new Map<Id, Promise<void>>();
  const again = new Set<Id>();
  const troubles = new Map<Id, string>();
  const looks = new Map<Id, Promise<void>>();
  let timers: NodeJS.Timeout[] = [];
  let isRunning = false;

  function report(id: Id, error: TurnError): void {
    if (error.reaction === "stop" && options.onStop !== undefined) {
      if (!isRunning) return;
      isRunning = false;
      logger.error({ err: error, id }, `It cannot go on: ${error.message}`);
      return options.onStop(error);
    }
    options.onRetry?.(id, error);
    if (troubles.get(id) === error.code) return;
    troubles.set(id, error.code);
    logger[quietCodes.includes(error.code) ? "debug" : "warn"]({ err: error, id }, `A turn failed and is tried again: ${error.message}`);
  }

  async function turns(id: Id): Promise<void> {
    do {
      again.delete(id);
      try {
        await options.turn(id);
        const trouble = troubles.get(id);
        if (trouble !== undefined) logger[quietCodes.includes(trouble) ? "debug" : "info"]({ id }, "It works again.");
        troubles.delete(id);
      } catch (thrown) {
        report(id, options.asError(thrown));
      }
    } while (isRunning && again.has(id));
  }

  function run(id: Id): Promise<void> {
    const current = underWay.get(id);
    if (current !== undefined) {
      again.add(id);
      return current;
    }
    const started = turns(id).finally(() => underWay.delete(id));
    underWay.set(id, started);
    return started;
  }

  async function regularTurn(id: Id): Promise<void> {
    const isDue = (await options.isDue?.(id).catch(() => true)) ?? true;
    if (isDue && isRunning) await run(id);
  }

  /** What is regular comes from a timer of this process: it costs a store nothing, and one that is down puts nothing to sleep. */
  function look(id: Id): void {
    if (looks.has(id) || underWay.has(id)) return;
    looks.set(id, regularTurn(id).finally(() => looks.delete(id)));
  }

  return {
    async start() {
      isRunning = true;
      const isKnown = options.isKnown ?? ((id: string): id is Id => id !== "");
      const handle = async ({ id }: { readonly id: string }): Promise<void> => {
        if (isRunning && isKnown(id)) await run(id);
      };
      await queue.process(handle, { concurrency: options.concurrency });
      // Earlier versions had the queue repeat them.
      for (const [id] of regular) await queue.cancelEvery(id);
      for (const [id] of regular) look(id);
      timers = regular.map(([id, everyMs]) => setInterval(look, everyMs, id));
    },
    async stop() {
      isRunning = false;
      timers.forEach(clearInterval);
      await Promise.all([...looks.values(), ...underWay.values()]);
    },
    wake(id) {
      if (!isRunning) return;
      queue.wake(id).catch((error: unknown) => {
        logger[options.runsUnqueued === true ? "warn" : "debug"]({ err: error, id }, "The queue did not take a wake-up.");
        if (options.runsUnqueued === true && isRunning) void run(id);
      });
    },
    run,
    troubleOf: (id) => troubles.get(id),
  };
}
