import type { DisputeAction } from "./DisputeAction.ts";
import type { DisputePolicy } from "./DisputePolicy.ts";
import type { DisputeRules, EpochView } from "./DisputeState.ts";

/** A share of the bond above the price, so that eight others who enter before do not make the call fail; the surplus is credited. */
const PRICE_MARGIN = 4n;

/**
 * Whether to make or back the true claim (DISPUTES, strategy (a) and (b)): as soon as anybody made another one, because the price
 * only rises, and who enters before the rest opens nothing.
 */
export function decideEntry(view: EpochView, now: number, rules: DisputeRules, policy: DisputePolicy): DisputeAction[] {
  const { epoch, parent, accumulator, root, claimId, isMade, round } = view;
  const ours = round.entries.filter((entry) => entry.isOurs && entry.claimId === claimId);
  // Whose clock ran out in a game falls as soon as anybody says so.
  const isDoomed = (n: number): boolean => view.games.some((game) => game.isOurTurn && now >= game.lateAt && (game.i === n || game.j === n));
  if (ours.some(({ isDead, n }) => !isDead && !isDoomed(n))) return [];
  const rivalClaims = round.claimCount - (isMade ? 1 : 0);
  if (rivalClaims === 0 && policy.backing !== "always") return [];
  const rivalsUntil = round.openedAt === undefined ? Infinity : round.openedAt + rules.windowSeconds;
  const backedUntil = rivalsUntil + rules.joinSeconds;
  const isTooLate = now >= (isMade ? backedUntil : rivalsUntil);
  if (isTooLate) {
    const isStanding = round.entries.some((entry) => !entry.isDead && entry.claimId === claimId);
    const isRivalAlive = round.liveClaims > (isStanding ? 1 : 0);
    return isRivalAlive ? [{ type: "alarm", alarm: { code: "challenger/round-lost", detail: `Nothing of ours stands in the round of epoch ${epoch}, which takes no more entries`, values: { epoch, parent } } }] : [];
  }
  const limit = overLimit(view, ours.length, policy);
  if (limit !== undefined) return [{ type: "alarm", alarm: { code: "challenger/entry-limit", detail: limit, values: { epoch, entries: ours.length, priceWei: round.priceWei } } }];
  const valueWei = round.priceWei + rules.bondWei / PRICE_MARGIN;
  if (isMade) return [{ type: "back", epoch, claimId, attempt: ours.length, valueWei, deadline: backedUntil }];
  return [{ type: "claim", epoch, parent, round: round.number, claimId, root, accumulator, attempt: ours.length, valueWei, deadline: rivalsUntil }];
}

function overLimit({ epoch, round }: EpochView, entries: number, policy: DisputePolicy): string | undefined {
  if (entries >= policy.maxEntries) return `${entries} entries of ours are out in epoch ${epoch}: something is wrong here`;
  if (policy.maxBondWei > 0n && round.priceWei > policy.maxBondWei) return `An entry in epoch ${epoch} costs more than the limit`;
  return undefined;
}
