import { toError } from "../errors/CodedError.ts";
import type { Logger } from "../logger/Logger.ts";
import { createService } from "./createService.ts";
import type { Service } from "./Service.ts";
import { StartedParts } from "./StartedParts.ts";
import type { StartedPart } from "./StartedParts.ts";

/** What the start of a service is given. */
export interface Staging {
  /**
   * Says how to stop what has just been made. It stops in reverse order, also when the rest of the start fails. Throws when somebody
   * asked to stop meanwhile: the start is broken off there.
   */
  readonly started: (name: string, stop: StartedPart["stop"]) => void;
  /** Ends the service: it cannot go on. Told as the reason why it stopped. */
  readonly fail: (error: Error) => void;
}

export interface StagedServiceOptions {
  readonly logger: Logger;
  /** How long all parts together may take to stop. Default 30 s. */
  readonly stopDeadlineMs?: number;
}

const DEFAULT_STOP_DEADLINE_MS = 30_000;

/**
 * A service that starts part by part, each with its way to stop: intake last, so that it stops first (DESIGN, section 8). A start that
 * fails stops what it had started before it rejects with its own reason; what could not stop then is told to the log.
 */
export function createStagedService({ logger, stopDeadlineMs = DEFAULT_STOP_DEADLINE_MS }: StagedServiceOptions, start: (staging: Staging) => Promise<void>): Service {
  const parts = new StartedParts();
  const ended = Promise.withResolvers<void>();
  let isStopping = false;

  const staging: Staging = {
    started(name, stop) {
      parts.add({ name, stop });
      if (isStopping) throw new Error(`somebody asked to stop before ${name} had started`);
    },
    fail: ended.reject,
  };

  async function cleanUp(error: Error): Promise<void> {
    try {
      await parts.stopAll({ kind: "failed", error }, stopDeadlineMs);
    } catch (stopError) {
      logger.error({ err: toError(stopError) }, "After a start that did not succeed, parts did not stop in order.");
    }
  }

  return createService({
    ended: ended.promise,
    async start() {
      try {
        await start(staging);
      } catch (thrown) {
        await cleanUp(toError(thrown));
        if (!isStopping) throw thrown;
        // Whoever asked to stop got what it asked for; the failure may well come from a part that was taken away.
        logger.info({ err: toError(thrown) }, "The start was broken off.");
      }
    },
    async stop(reason) {
      isStopping = true;
      await parts.stopAll(reason, stopDeadlineMs);
    },
  });
}
