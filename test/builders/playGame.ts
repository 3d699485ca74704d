import { applyMove, decideMove, openGame } from "../../core/dispute/index.ts";
import type { Game, ProofMove, Side, TraceOracle } from "../../core/dispute/index.ts";

export interface PlayedGame {
  readonly game: Game;
  /** Moves before the proof: the opening and the answers. */
  readonly moves: number;
  /** Words of roots that the moves posted. */
  readonly words: number;
  /** By the side that was asked for. */
  readonly proof: ProofMove;
}

/** Plays a game between two traces to its end; `prover` proves the last step. */
export function playGame(k: number, players: Readonly<Record<Side, TraceOracle>>, prover: Side): PlayedGame {
  const { length } = players[prover];
  const endOf = (side: Side): Uint8Array => players[side].rootsAt([length])[0]!;
  const [preRoot] = players[prover].rootsAt([0]);
  let game = openGame({ k, length }, preRoot!, { earlier: endOf("earlier"), later: endOf("later") });
  let [moves, words] = [0, 0];
  for (;;) {
    const side = game.phase === "proof" ? prover : game.toMove;
    const move = decideMove(game, side, players[side]);
    if (move === null) throw new Error(`${side} has nothing to do`);
    if (move.type === "proof") return { game, moves, words, proof: move };
    game = applyMove(game, move);
    moves += 1;
    words += move.roots.length;
  }
}
