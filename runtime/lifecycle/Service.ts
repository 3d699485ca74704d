/** Why a service ended: somebody asked, a signal came, or it could not go on. */
export type StopReason =
  | { readonly kind: "requested"; readonly by: string }
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "failed"; readonly error: Error };

/**
 * Anything that runs. Nothing starts in a constructor. `start` resolves when the service is ready; `stop` may be called
 * at any time and more than once; `stopped` resolves exactly once, also when the service ends by itself.
 */
export interface Service {
  start(): Promise<void>;
  stop(reason: StopReason): Promise<void>;
  readonly stopped: Promise<StopReason>;
}

/** One line for logs. */
export function describeStopReason(reason: StopReason): string {
  if (reason.kind === "requested") return `asked to stop by ${reason.by}`;
  if (reason.kind === "signal") return `stopped by ${reason.signal}`;
  return `failed: ${reason.error.message}`;
}
