import { decideAnswer, partStates } from "./decideAnswer.ts";
import type { AnswerMove, Game, OpeningMove, Side } from "./Game.ts";
import type { RecordedStep } from "./recordStep.ts";
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
  if (game.phase === "opening") return { type: "opening", roots: partStates(oracle, lo, hi - lo, k) };
  const { part, states } = decideAnswer({ from: lo, size: hi - lo, preState: game.loRoot, states: game.said }, oracle, k);
  return { type: "answer", segment: part, roots: states };
}
