import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import type { ClaimEvent } from "../../../derivation/ChainView.ts";
import type { DueMoney, HeldBond } from "../decide/DisputeState.ts";
import type { DisputeSources } from "./DisputeSources.ts";
import { inGroups } from "./inGroups.ts";

type Entered = Extract<ClaimEvent, { type: "entered" }>;

/** Own entries that hold nothing any more, by round and number; forgotten when a reorganisation takes anything back. */
export type Collected = Set<string>;

interface OwnDue {
  readonly bond: HeldBond | undefined;
  readonly games: DueMoney["games"];
  readonly opening: boolean;
  /** Nothing can come any more. */
  readonly isOver: boolean;
}

const NOTHING: OwnDue = { bond: undefined, games: [], opening: false, isOver: true };

async function readEntry(sources: DisputeSources, own: Entered, round: readonly Entered[], nextEpoch: number, blockTag: number): Promise<OwnDue> {
  const { settlement, game } = sources.contracts;
  const { roundId, n, claimId } = own;
  const at = { blockTag };
  const [entry, claim, isVoid, opening] = await Promise.all([settlement.entries(roundId, n, at), settlement.claims(claimId, at), settlement.isVoid(claimId, at), game.openings(roundId, n, at)]);
  // A dead entry has nothing to get: its bonds are the other side's.
  if (entry.isDead) return NOTHING;
  const isDecided = claim.confirmedAt > 0n || isVoid || Number(claim.epoch) < nextEpoch;
  const rivals = round.filter((other) => other.claimId !== claimId);
  const stored = await inGroups(rivals, async (rival) => {
    const [i, j] = n < rival.n ? [n, rival.n] : [rival.n, n];
    const [played, other] = await Promise.all([game.games(roundId, i, j, at), settlement.entries(roundId, rival.n, at)]);
    return { roundId, i, j, isDue: played.since > 0n && !played.isSettled, isEnded: isDecided || other.isDead };
  });
  const games = stored.filter(({ isDue, isEnded }) => isDue && isEnded).map(({ roundId, i, j }) => ({ roundId, i, j }));
  const isBondHeld = entry.bondWei > 0n;
  let bond: HeldBond | undefined;
  if (isBondHeld && isDecided) bond = { roundId, n, voidParent: undefined };
  else if (isBondHeld && (await settlement.isVoid(claim.parent, at)) && !(await settlement.claims(claim.parent, at)).isVoid) bond = { roundId, n, voidParent: claim.parent };
  const isPotHeld = opening.openedAt > 0n && !opening.isSettled;
  return { bond, games, opening: isPotHeld && isDecided, isOver: isDecided && !isBondHeld && !isPotHeld && stored.every(({ isDue }) => !isDue) };
}

/** Money of ours that nothing is played for any more. */
export async function readDueMoney(sources: DisputeSources, collected: Collected, head: BlockRef): Promise<DueMoney> {
  const { contracts, replica, address } = sources;
  const at = { blockTag: head.number };
  const [latest, creditWei] = await Promise.all([contracts.settlement.latestConfirmed(at), contracts.settlement.credit(address, at)]);
  const entered = replica.view.claimEvents.filter((event) => event.type === "entered");
  const own = entered.filter(({ backer, roundId, n }) => backer.toLowerCase() === address.toLowerCase() && !collected.has(`${roundId}:${n}`));
  const bonds: HeldBond[] = [];
  const games: { roundId: string; i: number; j: number }[] = [];
  const openings: { roundId: string; n: number }[] = [];
  for (const entry of own) {
    const { roundId, n } = entry;
    const due = await readEntry(sources, entry, entered.filter((other) => other.roundId === roundId), Number(latest[1]), head.number);
    if (due.bond !== undefined) bonds.push(due.bond);
    if (due.opening) openings.push({ roundId, n });
    games.push(...due.games);
    if (due.isOver) collected.add(`${roundId}:${n}`);
  }
  return { bonds, games, openings, creditWei };
}
