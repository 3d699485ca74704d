import type { Position } from "../../../core/dispute/index.ts";
import type { Board, DisputeRules, EntryView, GameView } from "../decide/DisputeState.ts";
import type { DisputeSources } from "./DisputeSources.ts";
import { inGroups } from "./inGroups.ts";

/** A game as the contract stores it; `since` is 0 before its first answer. */
interface StoredGame {
  readonly move: string;
  readonly since: number;
  readonly usedEarlier: number;
  readonly usedLater: number;
  readonly movesEarlier: number;
  readonly movesLater: number;
  readonly isLaterOnMove: boolean;
  readonly isLeaf: boolean;
}

/** An entry of ours and a live rival, the earlier one first. */
export interface Pair {
  readonly earlier: EntryView;
  readonly later: EntryView;
}

/** A round, and what its openings are about. */
export interface GamesOf {
  readonly roundId: string;
  readonly claimId: string;
  readonly entries: readonly EntryView[];
  /** By number, for entries that opened: the hash of their move. */
  readonly openings: ReadonlyMap<number, string>;
  readonly fromBlock: number;
  /** Steps of the epoch, and the root before it. */
  readonly steps: number;
  readonly preState: Uint8Array;
}

/** Who is on move and until when, as `BisectionGame.deadline` has it. */
export function clockOf(game: StoredGame, { later }: Pair, { clockSeconds, incrementSeconds }: DisputeRules): { isLaterOnMove: boolean; lateAt: number } {
  if (game.since === 0) {
    if (later.openedAt === 0) return { isLaterOnMove: true, lateAt: later.enteredAt + clockSeconds };
    return { isLaterOnMove: false, lateAt: later.openedAt + clockSeconds };
  }
  const { isLaterOnMove } = game;
  const [moves, used] = isLaterOnMove ? [game.movesLater, game.usedLater] : [game.movesEarlier, game.usedEarlier];
  return { isLaterOnMove, lateAt: game.since + clockSeconds + moves * incrementSeconds - used };
}

/** Every game of our live entries on the true claim with a live rival. */
export function pairsOf({ entries, claimId }: Pick<GamesOf, "entries" | "claimId">): Pair[] {
  const live = entries.filter(({ isDead }) => !isDead);
  const ours = live.filter((entry) => entry.isOurs && entry.claimId === claimId);
  const rivals = live.filter((entry) => entry.claimId !== claimId);
  return ours.flatMap((own) => rivals.map((rival) => (own.n < rival.n ? { earlier: own, later: rival } : { earlier: rival, later: own })));
}

async function readStored(sources: DisputeSources, roundId: string, { earlier, later }: Pair, blockTag: number): Promise<StoredGame> {
  const stored = await sources.contracts.game.games(roundId, earlier.n, later.n, { blockTag });
  return {
    move: stored.move,
    since: Number(stored.since),
    usedEarlier: Number(stored.usedEarlier),
    usedLater: Number(stored.usedLater),
    movesEarlier: Number(stored.movesEarlier),
    movesLater: Number(stored.movesLater),
    isLaterOnMove: stored.isLaterOnMove,
    isLeaf: stored.isLeaf,
  };
}

export async function readGames(sources: DisputeSources, rules: DisputeRules, round: GamesOf, blockTag: number): Promise<GameView[]> {
  const { moves } = sources;
  const { roundId, openings } = round;
  const pairs = pairsOf(round);
  if (pairs.length === 0) return [];
  const stored = await inGroups(pairs, (pair) => readStored(sources, roundId, pair, blockTag));
  const wanted = stored.flatMap((game, at) => (game.since > 0 ? [game.move] : (openings.get(pairs[at]?.later.n ?? -1) ?? [])));
  const ours = new Set(round.entries.filter(({ isOurs }) => isOurs).map(({ n }) => n));
  await moves.read({ roundId, fromBlock: round.fromBlock, toBlock: blockTag, ours }, wanted);
  return pairs.map((pair, at) => {
    const game = stored[at] as StoredGame;
    const { isLaterOnMove, lateAt } = clockOf(game, pair, rules);
    const { earlier, later } = pair;
    return { i: earlier.n, j: later.n, isOurTurn: (isLaterOnMove ? later : earlier).isOurs, lateAt, board: boardOf(sources, round, pair, game) };
  });
}

function boardOf({ moves }: DisputeSources, round: GamesOf, { later }: Pair, game: StoredGame): Board {
  const { roundId, openings, steps, preState } = round;
  if (game.isLeaf) return { phase: "leaf", move: game.move, leaf: moves.leafOf(roundId, game.move) };
  if (game.since > 0) {
    // The first answer may leave a leaf or a position; the opening is never on the board again.
    return { phase: "answer", move: game.move, position: moves.positionOf(roundId, game.move) };
  }
  const move = openings.get(later.n);
  if (move === undefined) return { phase: "opening" };
  const states = moves.openingOf(roundId, move);
  const position: Position | undefined = states === undefined ? undefined : { from: 0, size: steps, preState, states };
  return { phase: "answer", move, position };
}
