import { CoreError } from "../errors.ts";
import { isSameRoot } from "./firstDisagreement.ts";
import { segmentPoints } from "./segmentPoints.ts";

/** The two entries of a game: the later one opens. */
export type Side = "earlier" | "later";

/** Whether a game awaits the opening, an answer, or the proof of the one step that is left. */
export type GamePhase = "opening" | "answer" | "proof";

/**
 * One pairwise game, by the rules of `BisectionGame` (DISPUTES, section 3). Both sides agree on `loRoot`, the state after `lo` steps;
 * after `hi` steps the side on move said `ownRoot`, the other says the last of `said`.
 */
export interface Game {
  /** Parts of a cut. */
  readonly k: number;
  /** Steps of the whole trace, and what each side claims comes after them. */
  readonly length: number;
  readonly claims: Readonly<Record<Side, Uint8Array>>;
  readonly phase: GamePhase;
  /** In phase proof it is anybody's turn; then this is the side that did not move last. */
  readonly toMove: Side;
  readonly lo: number;
  readonly hi: number;
  readonly loRoot: Uint8Array;
  readonly ownRoot: Uint8Array;
  /** Of the other side: its roots at the ends of the parts of lo … hi. In phase opening only the last. */
  readonly said: readonly Uint8Array[];
}

/** The opener's roots at the ends of the parts of the whole trace. */
export interface OpeningMove {
  readonly type: "opening";
  readonly roots: readonly Uint8Array[];
}

/** The first part whose end the mover denies, and its own roots at the ends of the parts of that one. */
export interface AnswerMove {
  readonly type: "answer";
  readonly segment: number;
  readonly roots: readonly Uint8Array[];
}

function other(side: Side): Side {
  return side === "earlier" ? "later" : "earlier";
}

function refuse(message: string): never {
  throw new CoreError("dispute/move", message);
}

/**
 * A game between rival claims on a trace of `length` steps.
 * @throws CoreError dispute/move for a trace of no steps, claims that do not differ, or k below 2
 */
export function openGame(rules: { readonly k: number; readonly length: number }, preRoot: Uint8Array, claims: Readonly<Record<Side, Uint8Array>>): Game {
  if (!Number.isInteger(rules.k) || rules.k < 2) refuse(`A cut has 2 parts or more, not ${rules.k}.`);
  if (rules.length < 1) refuse("A trace of no steps has one end state: the one it begins with.");
  if (isSameRoot(claims.earlier, claims.later)) refuse("Equal claims are one claim.");
  const { k, length } = rules;
  return { k, length, claims, lo: 0, hi: length, loRoot: preRoot, phase: "opening", toMove: "later", ownRoot: claims.later, said: [claims.earlier] };
}

/**
 * The game after a move of the side on move.
 * @throws CoreError dispute/move for a move that the game does not take
 */
export function applyMove(game: Game, move: OpeningMove | AnswerMove): Game {
  if (game.phase !== move.type) refuse(`The game awaits ${game.phase}, not ${move.type}.`);
  const { lo, hi, k, length, claims, said, toMove } = game;
  if (move.type === "opening") {
    const { roots } = move;
    if (roots.length !== segmentPoints(lo, hi, k).length + 1) refuse(`An opening over ${hi - lo} steps has not ${roots.length} roots.`);
    if (!isSameRoot(roots[roots.length - 1], claims.later)) refuse("An opening ends with its own claim.");
    return { ...game, phase: "answer", toMove: other(toMove), ownRoot: said[said.length - 1], said: roots };
  }
  const points = [lo, ...segmentPoints(lo, hi, k), hi];
  const { segment, roots } = move;
  if (!Number.isInteger(segment) || segment < 0 || segment >= said.length) refuse(`There is no part ${segment} of ${said.length}.`);
  const [from, to] = [points[segment], points[segment + 1]];
  if (roots.length !== segmentPoints(from, to, k).length + 1) refuse(`An answer over ${to - from} steps has not ${roots.length} roots.`);
  const end = roots[roots.length - 1];
  if (isSameRoot(end, said[segment])) refuse(`The end of part ${segment} is not denied.`);
  if (to === length && !isSameRoot(end, claims[toMove])) refuse("A side cannot change its own claim.");
  return {
    ...game,
    phase: to - from === 1 ? "proof" : "answer",
    toMove: other(toMove),
    lo: from,
    hi: to,
    loRoot: segment === 0 ? game.loRoot : said[segment - 1],
    ownRoot: said[segment],
    said: roots,
  };
}

/** Who falls when the proven step ends in `postRoot`: whoever said something else, possibly both. */
export function losersOf(game: Game, postRoot: Uint8Array): Side[] {
  if (game.phase !== "proof") refuse(`The game awaits ${game.phase}: no step is left alone yet.`);
  const losers: Side[] = [];
  if (!isSameRoot(game.ownRoot, postRoot)) losers.push(game.toMove);
  if (!isSameRoot(game.said[0], postRoot)) losers.push(other(game.toMove));
  return losers;
}
