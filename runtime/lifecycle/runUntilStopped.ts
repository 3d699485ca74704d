import { toError } from "../errors/CodedError.ts";
import type { Service, StopReason } from "./Service.ts";

/** What the helper needs of a process; tests pass an emitter. */
export interface SignalSource {
  on(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, handler: (signal: NodeJS.Signals) => void): unknown;
}

export interface RunOptions {
  readonly signals: SignalSource;
  /** Ends the process at once; called when a second signal comes or when stopping goes over its deadline. */
  readonly exitNow: (exitCode: number) => void;
  readonly onSignal?: (signal: NodeJS.Signals, count: number) => void;
  readonly onError?: (error: Error) => void;
}

/**
 * Runs a service from a main.ts until it has stopped and returns the exit code: 0 when it was asked to stop, 1 when it
 * failed. The first SIGINT or SIGTERM stops it in order, the second ends the process at once with 128 + signal number.
 */
export async function runUntilStopped(service: Service, options: RunOptions): Promise<number> {
  let signalCount = 0;
  let failed = false;
  const report = (thrown: unknown): void => {
    failed = true;
    options.onError?.(toError(thrown));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    signalCount++;
    options.onSignal?.(signal, signalCount);
    if (signalCount > 1) options.exitNow(signal === "SIGINT" ? 130 : 143);
    else void service.stop({ kind: "signal", signal }).catch(report);
  };
  options.signals.on("SIGINT", onSignal);
  options.signals.on("SIGTERM", onSignal);
  try {
    await service.start();
    const reason: StopReason = await service.stopped;
    // Waits for a stop that is under way, and gets its error if it had one.
    await service.stop(reason);
    if (reason.kind === "failed") report(reason.error);
  } catch (thrown) {
    if (!failed) report(thrown);
  } finally {
    options.signals.off("SIGINT", onSignal);
    options.signals.off("SIGTERM", onSignal);
  }
  return failed ? 1 : 0;
}
