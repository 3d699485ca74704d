import { claimIdOf, roundIdOf } from "../../../chain/claimIds.ts";
import { toHex } from "../../../core/codec/hex.ts";
import type { DisputeRules, EntryView, EpochView } from "../decide/DisputeState.ts";
import type { DisputeSources } from "./DisputeSources.ts";
import { inGroups } from "./inGroups.ts";
import { readGames } from "./readGames.ts";

/** `Settlement.BOND_STEP_ENTRIES`: the bond doubles with so many entries. */
const BOND_STEP_ENTRIES = 32n;

/** What entry n costs (DISPUTES, section 2). */
export function bondOf(n: number, bondWei: bigint): bigint {
  return (bondWei * (BOND_STEP_ENTRIES + BigInt(n)) + BOND_STEP_ENTRIES - 1n) / BOND_STEP_ENTRIES;
}

/** The round that a claim made at `now` has to name, and whether it is the one that is stored. */
export function roundAt(stored: { readonly number: number; readonly openedAt: number; readonly liveClaims: number }, now: number, rules: DisputeRules): { number: number; isOpen: boolean } {
  if (stored.number === 0) return { number: 1, isOpen: false };
  const isOver = stored.liveClaims === 0 && now >= stored.openedAt + rules.windowSeconds + rules.joinSeconds;
  return { number: isOver ? stored.number + 1 : stored.number, isOpen: !isOver };
}

/** An epoch as the child of `parent`; undefined while we do not know its root. */
export async function readEpoch(sources: DisputeSources, rules: DisputeRules, epoch: number, parent: string, now: number, blockTag: number): Promise<EpochView | undefined> {
  const { contracts, replica, chainId, inboxAddress, address, playFor } = sources;
  const { settlement, game, inbox } = contracts;
  const at = { blockTag };
  const known = replica.view.epochs[epoch];
  const root = known === undefined ? undefined : replica.rootAt(known.batchEnd);
  const preState = replica.rootAt(epoch === 0 ? 0 : (replica.view.epochs[epoch - 1]?.batchEnd ?? 0));
  if (known === undefined || root === undefined || preState === undefined) return undefined;
  const [stored, accumulator] = await Promise.all([settlement.rounds(parent, at), inbox.epochAccumulator(epoch, at)]);
  const openedAt = Number(stored.openedAt);
  const { number, isOpen } = roundAt({ number: Number(stored.number), openedAt, liveClaims: Number(stored.liveClaims) }, now, rules);
  const claimId = claimIdOf({ chainId, inbox: inboxAddress }, parent, number, epoch, toHex(root));
  const roundId = roundIdOf(parent, number);
  const base = { epoch, parent, accumulator, root: toHex(root), claimId };
  if (!isOpen) {
    const round = { number, roundId, openedAt: undefined, claimCount: 0, liveClaims: 0, entries: [], priceWei: bondOf(0, rules.bondWei) };
    return { ...base, isMade: false, round, games: [] };
  }
  const isMade = (await settlement.claims(claimId, at)).claimedAt > 0n;
  const numbers = Array.from({ length: Number(stored.entryCount) }, (_, n) => n);
  const openings = new Map<number, string>();
  const entries = await inGroups(numbers, async (n): Promise<EntryView> => {
    const [entry, opening] = await Promise.all([settlement.entries(roundId, n, at), game.openings(roundId, n, at)]);
    const [openedAt, isDead] = [Number(opening.openedAt), entry.isDead];
    if (openedAt > 0) openings.set(n, opening.move);
    const [backer, mover] = [entry.backer.toLowerCase(), entry.mover.toLowerCase()];
    const isOurs = backer === address.toLowerCase() || (mover === address.toLowerCase() && playFor.has(backer));
    return { n, enteredAt: Number(entry.enteredAt), isDead, claimId: entry.claimId, isOurs, openedAt };
  });
  const fromBlock = Math.min(...entries.map((entry) => replica.view.claims.get(entry.claimId)?.at.blockNumber ?? sources.firstBlock));
  const games = await readGames(sources, rules, { roundId, claimId, entries, openings, fromBlock, steps: known.steps, preState }, blockTag);
  const round = { number, roundId, openedAt, claimCount: Number(stored.claimCount), liveClaims: Number(stored.liveClaims), entries, priceWei: bondOf(entries.length, rules.bondWei) };
  return { ...base, isMade, round, games };
}
