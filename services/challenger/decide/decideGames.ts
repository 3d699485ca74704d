import type { DisputeAction } from "./DisputeAction.ts";
import type { DisputePolicy } from "./DisputePolicy.ts";
import type { DisputeRules, EpochView, GameView } from "./DisputeState.ts";

/**
 * The moves of all our games, none put off: opening, answers and proofs as soon as they are ours to make, timeouts from the deadline
 * on. A proof is made whoever named the leaf: it ends the game at once.
 */
export function decideGames(view: EpochView, now: number, rules: DisputeRules, policy: DisputePolicy): DisputeAction[] {
  return [...decideOpenings(view, now, rules), ...view.games.flatMap((game) => decideGame(view, game, now, rules, policy))];
}

/** One opening serves all games of an entry with earlier rivals. */
function decideOpenings({ epoch, claimId, round }: EpochView, now: number, rules: DisputeRules): DisputeAction[] {
  const rivals = round.entries.filter((entry) => !entry.isDead && entry.claimId !== claimId);
  const waiting = round.entries.filter((entry) => entry.isOurs && !entry.isDead && entry.claimId === claimId && entry.openedAt === 0);
  return waiting.flatMap((entry): DisputeAction[] => {
    const deadline = entry.enteredAt + rules.clockSeconds;
    if (now >= deadline || !rivals.some(({ n }) => n < entry.n)) return [];
    // Rivals may enter until it is mined, and each raises it; what is too much is credited.
    const most = BigInt(rivals.length + Math.max(4, Math.ceil(rivals.length / 4)));
    return [{ type: "open", epoch, claimId, roundId: round.roundId, n: entry.n, valueWei: most * rules.moveBondWei, deadline }];
  });
}

function decideGame({ epoch, round }: EpochView, game: GameView, now: number, rules: DisputeRules, policy: DisputePolicy): DisputeAction[] {
  const { i, j, isOurTurn, lateAt, board } = game;
  const { roundId } = round;
  if (now >= lateAt) {
    if (isOurTurn) return [{ type: "alarm", alarm: { code: "challenger/late", detail: `Our clock ran out in the game of entries ${i} and ${j} of epoch ${epoch}`, values: { epoch, i, j } } }];
    return now >= lateAt + policy.marginSeconds ? [{ type: "timeout", roundId, i, j, valueWei: 0n, deadline: Infinity }] : [];
  }
  if (board.phase === "leaf") {
    if (board.leaf === undefined) return [missingMove(epoch, i, j, board.move)];
    return [{ type: "prove", epoch, roundId, i, j, move: board.move, leaf: board.leaf, valueWei: 0n, deadline: lateAt }];
  }
  if (board.phase !== "answer" || !isOurTurn) return [];
  if (board.position === undefined) return [missingMove(epoch, i, j, board.move)];
  return [{ type: "answer", epoch, roundId, i, j, move: board.move, position: board.position, valueWei: rules.moveBondWei, deadline: lateAt }];
}

function missingMove(epoch: number, i: number, j: number, move: string): DisputeAction {
  const detail = `L1 has the move ${move} of entries ${i} and ${j}, but the endpoint has no event of it`;
  return { type: "alarm", alarm: { code: "challenger/missing-move", detail, values: { epoch, i, j, move } } };
}
