import { CoreError } from "../errors.ts";
import { firstDisagreement } from "./firstDisagreement.ts";
import type { AnswerMove, Game, OpeningMove, Side } from "./Game.ts";
import type { RecordedStep } from "./recordStep.ts";
import { segmentPoints } from "./segmentPoints.ts";
import type { TraceOracle } from "./TraceOracle.ts";

/** Proves the one step that is left. */
export interface ProofMove {
  readonly type: "proof";
  /** State before the step. */
  readonly step: number;
  readonly recorded: RecordedStep;
}

export type Move = OpeningMove | AnswerMove | ProofMove;

/**
 * What `side` does next in a game, by the trace that it believes in; null while it is the other's turn. The proof is anybody's.
 * @throws CoreError dispute/move when the trace agrees with all that the other side said: then its claim is ours
 */
export function decideMove(game: Game, side: Side, oracle: TraceOracle): Move | null {
  const { lo, hi, k } = game;
  if (game.phase === "proof") return { type: "proof", step: lo, recorded: oracle.stepProofAt(lo) };
  if (game.toMove !== side) return null;
  const points = segmentPoints(lo, hi, k);
  if (game.phase === "opening") return { type: "opening", roots: oracle.rootsAt(points) };
  const ends = [...points, hi];
  const segment = firstDisagreement(oracle.rootsAt(ends), game.said);
  if (segment < 0) throw new CoreError("dispute/move", `The trace agrees with the other side from step ${lo} to ${hi}.`);
  const from = segment === 0 ? lo : ends[segment - 1];
  const to = ends[segment];
  return { type: "answer", segment, roots: oracle.rootsAt([...segmentPoints(from, to, k), to]) };
}
