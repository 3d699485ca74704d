import { toError } from "../errors/CodedError.ts";
import { LifecycleError } from "./LifecycleError.ts";
import type { StopReason } from "./Service.ts";

export interface StartedPart {
  readonly name: string;
  readonly stop: (reason: StopReason) => Promise<void> | void;
}

/** What has started, in order. It stops in reverse, each part whatever becomes of the others. */
export class StartedParts {
  readonly #parts: StartedPart[] = [];

  add(part: StartedPart): void {
    this.#parts.push(part);
  }

  /**
   * Stops all that is there, the newest first. A part is stopped once, also when this is called again.
   * @param deadlineMs for all together; what hangs is left behind
   * @throws LifecycleError `lifecycle/stopFailed` when some could not stop, `lifecycle/stopDeadline`
   */
  async stopAll(reason: StopReason, deadlineMs: number): Promise<void> {
    const failed: { readonly name: string; readonly error: Error }[] = [];
    let current = "";
    const deadline = Promise.withResolvers<"deadline">();
    const timer = setTimeout(() => deadline.resolve("deadline"), deadlineMs);
    const all = (async () => {
      for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
        current = part.name;
        try {
          await part.stop(reason);
        } catch (error) {
          failed.push({ name: part.name, error: toError(error) });
        }
      }
    })();
    try {
      if ((await Promise.race([all, deadline.promise])) === "deadline") throw stopLate(current, deadlineMs);
    } finally {
      clearTimeout(timer);
    }
    if (failed[0] !== undefined) throw stopFailed(failed, failed[0].error);
  }
}

function stopLate(member: string, deadlineMs: number): LifecycleError {
  return new LifecycleError("lifecycle/stopDeadline", { members: [member], deadlineMs }, "stop", {
    what: `${member} did not stop within ${deadlineMs} ms`,
    todo: "The process exits without it; what was acknowledged is on disk",
  });
}

function stopFailed(failed: readonly { readonly name: string; readonly error: Error }[], cause: Error): LifecycleError {
  const members = failed.map(({ name }) => name);
  return new LifecycleError("lifecycle/stopFailed", { members }, "stop", { what: failed.map(({ name, error }) => `${name} failed while stopping: ${error.message}`).join("; ") }, { cause });
}
