import { toError } from "../errors/CodedError.ts";
import type { Service, StopReason } from "./Service.ts";

/** What a part of a service does to start and to stop; both may be left out. */
export interface ServiceParts {
  start?(): Promise<void> | void;
  stop?(reason: StopReason): Promise<void> | void;
  /** Resolves or rejects when the part ends by itself; a rejection counts as a failure. */
  readonly ended?: Promise<void>;
}

/** Makes a {@link Service} of two functions, keeping the promises of that interface: `stop` runs once, `stopped` always resolves. */
export function createService(parts: ServiceParts): Service {
  const { promise: stopped, resolve: resolveStopped } = Promise.withResolvers<StopReason>();
  let stopping: Promise<void> | undefined;

  const stop = (reason: StopReason): Promise<void> => {
    stopping ??= (async () => {
      try {
        await parts.stop?.(reason);
      } finally {
        resolveStopped(reason);
      }
    })();
    return stopping;
  };
  parts.ended?.then(
    () => resolveStopped({ kind: "requested", by: "itself" }),
    (error: Error) => resolveStopped({ kind: "failed", error }),
  );
  const start = async (): Promise<void> => {
    try {
      await parts.start?.();
    } catch (error) {
      resolveStopped({ kind: "failed", error: toError(error) });
      throw error;
    }
  };
  return { start, stop, stopped };
}
