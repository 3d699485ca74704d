import { toError } from "../errors/CodedError.ts";
import { LifecycleError } from "./LifecycleError.ts";
import type { Service, StopReason } from "./Service.ts";

/** The order in which parts stop. Start is the reverse: metrics and stores first, intake last. */
export const STOP_ORDER = ["intake", "workers", "transactions", "stores", "metrics"] as const;
export type Stage = (typeof STOP_ORDER)[number];

interface Member {
  readonly name: string;
  readonly stage: Stage;
  readonly service: Service;
}

export interface ServiceGroupOptions {
  /** How long all stops together may take. Default 10 s. */
  readonly stopDeadlineMs?: number;
  /** Told about each step, for logs. */
  readonly onStep?: (step: { readonly action: "starting" | "started" | "stopping" | "stopped"; readonly name: string }) => void;
}

/**
 * Services that live and die together. Within a stage they start in the order they were added and stop in reverse.
 * When one fails while starting, those already started are stopped and `start` rejects; when one ends by itself later,
 * the whole group stops with its reason.
 */
export class ServiceGroup implements Service {
  readonly stopped: Promise<StopReason>;
  readonly #resolveStopped: (reason: StopReason) => void;
  readonly #members: Member[] = [];
  readonly #running: Member[] = [];
  readonly #options: ServiceGroupOptions;
  readonly #stopDeadlineMs: number;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ServiceGroupOptions = {}) {
    const { promise, resolve } = Promise.withResolvers<StopReason>();
    this.stopped = promise;
    this.#resolveStopped = resolve;
    this.#options = options;
    this.#stopDeadlineMs = options.stopDeadlineMs ?? 10_000;
  }

  /** Adds a part; only before `start`. Returns the service, so that it can be named where it is made. */
  add<S extends Service>(stage: Stage, name: string, service: S): S {
    if (this.#starting !== undefined) throw new Error(`${name} was added to a group that has started.`);
    this.#members.push({ name, stage, service });
    return service;
  }

  start(): Promise<void> {
    this.#starting ??= this.#startAll();
    return this.#starting;
  }

  stop(reason: StopReason): Promise<void> {
    this.#stopping ??= this.#stopAll(reason);
    return this.#stopping;
  }

  async #startAll(): Promise<void> {
    const inOrder = STOP_ORDER.toReversed().flatMap((stage) => this.#members.filter((member) => member.stage === stage));
    for (const member of inOrder) {
      if (this.#stopping !== undefined) return;
      this.#options.onStep?.({ action: "starting", name: member.name });
      // Counted as running from here on: one that fails half way has something to release.
      this.#running.push(member);
      try {
        await member.service.start();
      } catch (thrown) {
        const error = toError(thrown);
        await this.stop({ kind: "failed", error });
        throw error;
      }
      this.#options.onStep?.({ action: "started", name: member.name });
      void member.service.stopped.then((reason) => this.stop(reason)).catch(() => {
        // The caller of stop, or of start, gets this very rejection from the shared promise.
        return undefined;
      });
    }
  }

  async #stopAll(reason: StopReason): Promise<void> {
    const failed: { name: string; error: Error }[] = [];
    const pending = new Set<string>();
    const deadline = Promise.withResolvers<"deadline">();
    const timer = setTimeout(() => deadline.resolve("deadline"), this.#stopDeadlineMs);
    try {
      const all = (async () => {
        for (const member of this.#running.toReversed()) {
          this.#options.onStep?.({ action: "stopping", name: member.name });
          pending.add(member.name);
          await member.service.stop(reason).catch((error) => failed.push({ name: member.name, error: toError(error) }));
          pending.delete(member.name);
          this.#options.onStep?.({ action: "stopped", name: member.name });
        }
      })();
      if ((await Promise.race([all, deadline.promise])) === "deadline") {
        throw new LifecycleError("lifecycle/stopDeadline", { members: [...pending], deadlineMs: this.#stopDeadlineMs }, "stop", {
          what: `${[...pending].join(", ")} did not stop within ${this.#stopDeadlineMs} ms`,
          todo: "The process exits without it; what was acknowledged is on disk",
        });
      }
      if (failed.length > 0) {
        throw new LifecycleError(
          "lifecycle/stopFailed",
          { members: failed.map((each) => each.name) },
          "stop",
          { what: failed.map((each) => `${each.name} failed while stopping: ${each.error.message}`).join("; ") },
          { cause: failed[0]!.error },
        );
      }
    } finally {
      clearTimeout(timer);
      this.#resolveStopped(reason);
    }
  }
}
