import { Trace } from "./Trace.ts";
import type { TraceOptions, TraceStart } from "./Trace.ts";

/**
 * The state before batch `batchEnd`, from an older one: snapshots are taken when it suits a replica, an epoch begins where it begins.
 * Keeps no checkpoints on the way.
 */
export function advanceStart(options: Pick<TraceOptions, "start" | "batchEnd" | "l1" | "parameters">): TraceStart {
  const trace = new Trace({ ...options, intervalSteps: Infinity });
  return trace.startAt(trace.length);
}
