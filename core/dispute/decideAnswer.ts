import { CoreError } from "../errors.ts";
import { firstDisagreement } from "./firstDisagreement.ts";
import type { Position } from "./Position.ts";
import { segmentPoints } from "./segmentPoints.ts";
import type { TraceOracle } from "./TraceOracle.ts";

/** The part that is denied, and what the trace says at the ends of its own parts, the end included. */
export interface Answer {
  readonly part: number;
  readonly from: number;
  readonly size: number;
  readonly states: readonly Uint8Array[];
}

/** States at the ends of the parts of `size` steps from `from` on, the end included: an opening, or an answer. */
export function partStates(oracle: TraceOracle, from: number, size: number, k: number): Uint8Array[] {
  return oracle.rootsAt([...segmentPoints(from, from + size, k), from + size]);
}

/**
 * The answer to a move by the trace that one believes in: the first part whose end it denies.
 * @throws CoreError dispute/move when the trace agrees with all that was said
 */
export function decideAnswer(position: Position, oracle: TraceOracle, k: number): Answer {
  const { from, size, states } = position;
  const ends = [...segmentPoints(from, from + size, k), from + size];
  const part = firstDisagreement(oracle.rootsAt(ends), states);
  if (part < 0) throw new CoreError("dispute/move", `The trace agrees with all that was said from step ${from} to ${from + size}.`);
  const start = part === 0 ? from : ends[part - 1];
  const length = ends[part] - start;
  return { part, from: start, size: length, states: partStates(oracle, start, length, k) };
}
