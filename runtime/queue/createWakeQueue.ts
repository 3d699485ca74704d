import { UnrecoverableError } from "bullmq";
import type { JobsOptions, Queue, Worker } from "bullmq";

import { CodedError, toError } from "../errors/CodedError.ts";
import type { Logger } from "../logger/Logger.ts";
import type { BullQueues, WakeData } from "./bullQueues.ts";
import { QueueError } from "./QueueError.ts";
import { DELAY_GRAIN_MS } from "./WakeQueue.ts";
import type { ProcessOptions, WakeHandler, WakeQueue } from "./WakeQueue.ts";

const JOB_NAME = "wake";
/** A wake-up is tried until it succeeds or its handler refuses it; no count ends it. */
const ENDLESS = 2 ** 31 - 1;
const CALL_TIMEOUT_MS = 5000;
/** Refused wake-ups that are kept for a look. */
const KEPT_FAILURES = 100;

function jobOptions(id: string, delayMs: number, dedupe: boolean): JobsOptions {
  const common = { attempts: ENDLESS, backoff: { type: "custom" }, removeOnComplete: true, removeOnFail: { count: KEPT_FAILURES } };
  if (delayMs <= 0) {
    // Reschedule: when the pending one is waiting for its retry, it comes now.
    return dedupe ? { ...common, deduplication: { id, keepLastIfActive: true, reschedule: true } } : common;
  }
  const dueMs = Math.ceil((Date.now() + delayMs) / DELAY_GRAIN_MS) * DELAY_GRAIN_MS;
  const delay = dueMs - Date.now();
  return dedupe ? { ...common, delay, deduplication: { id: `${id}@${dueMs}` } } : { ...common, delay };
}

/** The pause before a wake-up comes again. */
export function retryPauseMs(attempt: number, baseMs: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
}

/** The one implementation of {@link WakeQueue}, over any store that BullMQ has. Connects at once. */
export function createWakeQueue(name: string, bull: BullQueues, backendName: string, logger: Logger): WakeQueue {
  const queue: Queue<WakeData> = bull.createQueue(name, {});
  const closing = new AbortController();
  let worker: Worker<WakeData> | undefined;
  let closed: Promise<void> | undefined;
  // A store that is away reports an error with every try to come back; the calls fail on their own.
  queue.on("error", (error) => logger.debug({ err: error, queue: name }, "the queue's store reports an error"));

  async function call<T>(action: string, work: () => Promise<T>): Promise<T> {
    if (closed !== undefined) throw new QueueError("queue/closed", { queue: name }, "reject", { what: `The queue ${name} is closed` });
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(() => deadline.reject(new Error(`no answer within ${CALL_TIMEOUT_MS} ms`)), CALL_TIMEOUT_MS);
    try {
      return await Promise.race([work(), deadline.promise]);
    } catch (error) {
      throw new QueueError("queue/unavailable", { backend: backendName, action }, "retry", {
        what: `The queue on ${backendName} could not ${action}`,
        why: toError(error).message,
        todo: "Check that it runs; the work itself is not lost",
      }, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  function createHandler(handler: WakeHandler, options: ProcessOptions) {
    return async (job: { data: WakeData; attemptsMade: number }): Promise<void> => {
      const wake = { id: job.data.id, attempt: job.attemptsMade + 1, signal: closing.signal };
      try {
        await handler(wake);
      } catch (thrown) {
        const error = toError(thrown);
        const willRetry = !(error instanceof CodedError) || error.reaction === "retry";
        logger.warn({ err: error, queue: name, id: wake.id, attempt: wake.attempt, willRetry }, "a wake-up failed");
        options.onFailure?.(error, { id: wake.id, attempt: wake.attempt, willRetry });
        if (willRetry) throw error;
        throw new UnrecoverableError(error.message);
      }
    };
  }

  return {
    async wake(id, { delayMs = 0, dedupe = true } = {}) {
      await call("take a wake-up", () => queue.add(JOB_NAME, { id }, jobOptions(id, delayMs, dedupe)));
    },
    async every(id, everyMs) {
      const template = { name: JOB_NAME, data: { id }, opts: jobOptions(id, 0, false) };
      await call("take a repeated wake-up", () => queue.upsertJobScheduler(id, { every: everyMs }, template));
    },
    async cancelEvery(id) {
      await call("cancel a repeated wake-up", () => queue.removeJobScheduler(id));
    },
    async process(handler, options = {}) {
      if (worker !== undefined) throw new Error(`The queue ${name} is being processed already.`);
      const lockMs = options.lockMs ?? 10_000;
      const created = bull.createWorker(name, createHandler(handler, options), {
        concurrency: options.concurrency ?? 1,
        lockDuration: lockMs,
        stalledInterval: lockMs,
        // However often its workers are killed, a wake-up is handed on.
        maxStalledCount: ENDLESS,
        settings: { backoffStrategy: (attempt) => retryPauseMs(attempt, options.retryBaseMs ?? 250, options.retryMaxMs ?? 30_000) },
      });
      worker = created;
      created.on("error", (error) => logger.warn({ err: error, queue: name }, "the queue's worker reports an error"));
      created.on("stalled", (jobId) => logger.warn({ queue: name, jobId }, "a wake-up of a worker that died is handed on"));
      await call("start a worker", () => created.waitUntilReady());
    },
    async counts() {
      const { waiting = 0, delayed = 0, active = 0 } = await call("count its wake-ups", () => queue.getJobCounts("waiting", "delayed", "active"));
      return { waiting, delayed, active };
    },
    close() {
      closed ??= (async () => {
        closing.abort(new QueueError("queue/closed", { queue: name }, "retry", { what: `The queue ${name} is closing` }));
        await worker?.close();
        await queue.close();
      })();
      return closed;
    },
  };
}
