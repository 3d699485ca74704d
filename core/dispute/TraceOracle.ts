import type { RecordedStep } from "./recordStep.ts";

/** What a player of a dispute needs to know of the trace that it defends; `Trace` is one. */
export interface TraceOracle {
  /** Steps of the epoch. */
  readonly length: number;
  /** State roots after these numbers of steps, ascending. */
  rootsAt(steps: readonly number[]): Uint8Array[];
  /** The step from state `step` to the next, with its proof. */
  stepProofAt(step: number): RecordedStep;
}
