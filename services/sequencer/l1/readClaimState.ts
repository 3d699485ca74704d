import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts } from "../../../chain/connectContracts.ts";
import { claimIdOf, roundIdOf } from "../../../chain/claimIds.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { toHex } from "../../../core/codec/index.ts";
import { nextBlockTime } from "./atHead.ts";
import type { ClaimLimits, ClaimState, EpochView, ReleasableEntry } from "./decideClaims.ts";
import type { CheckedBatches, EpochRoots, SealedBatches } from "./ports.ts";

export interface ClaimSources {
  readonly provider: JsonRpcApiProvider;
  readonly contracts: Pick<RootContracts, "inbox" | "settlement">;
  readonly chainId: number;
  readonly inboxAddress: string;
  /** The claiming account. */
  readonly address: string;
  readonly sealed: Pick<SealedBatches, "count">;
  readonly roots: EpochRoots;
  readonly checked: CheckedBatches;
  readonly limits: ClaimLimits;
}

/** What of the configuration claims depend on; it never changes. */
export interface ClaimRules {
  readonly maxSteps: number;
  readonly ageSeconds: number;
  /** W: rivals may be made as long after a round's first claim. */
  readonly windowSeconds: number;
  /** D: claims may be backed that much longer. */
  readonly joinSeconds: number;
}

/** Live entries of this account whose bond can go back: looked for in so many entries at once. */
const ENTRIES_AT_ONCE = 64;

/** Our root after `batchEnd` batches, if those on L1 are known to be ours. */
function ownRoot({ roots, checked }: ClaimSources, batchEnd: number): string | undefined {
  if (batchEnd > checked.checkedCount()) return undefined;
  const root = roots.rootAt(batchEnd);
  return root === undefined ? undefined : toHex(root);
}

async function readEpoch(sources: ClaimSources, rules: ClaimRules, epoch: number, parent: string | undefined, blockTag: number): Promise<EpochView> {
  const { inbox, settlement } = sources.contracts;
  const at = { blockTag };
  const [end, accumulator] = await Promise.all([inbox.epochEnd(epoch, at), inbox.epochAccumulator(epoch, at)]);
  const batchEnd = Number(end);
  const root = parent === undefined ? undefined : ownRoot(sources, batchEnd);
  if (parent === undefined || root === undefined) {
    const round = { number: 0, rivalsUntil: 0, backedUntil: 0, claimCount: 0, liveClaims: 0 };
    return { epoch, batchEnd, accumulator, root: undefined, parent, claimId: undefined, live: 0, isMade: false, round, priceWei: 0n };
  }
  const number = Number(await settlement.currentRound(parent, at));
  const claimId = claimIdOf({ chainId: sources.chainId, inbox: sources.inboxAddress }, parent, number, epoch, root);
  const [claim, round, priceWei] = await Promise.all([settlement.claims(claimId, at), settlement.rounds(parent, at), settlement.bondFor(parent, at)]);
  const isOpen = Number(round.number) === number;
  const openedAt = Number(round.openedAt);
  return {
    epoch, batchEnd, accumulator, root, parent, claimId, priceWei,
    live: Number(claim.live),
    isMade: claim.claimedAt > 0n,
    round: isOpen
      ? { number, rivalsUntil: openedAt + rules.windowSeconds, backedUntil: openedAt + rules.windowSeconds + rules.joinSeconds, claimCount: Number(round.claimCount), liveClaims: Number(round.liveClaims) }
      : { number, rivalsUntil: Infinity, backedUntil: Infinity, claimCount: 0, liveClaims: 0 },
  };
}

/** This account's entries in a confirmed claim whose bond is still there. */
async function readOwnEntries(sources: ClaimSources, claimId: string, parent: string, round: number, blockTag: number): Promise<ReleasableEntry[]> {
  const { settlement } = sources.contracts;
  const roundId = roundIdOf(parent, round);
  const count = Number((await settlement.rounds(parent, { blockTag })).entryCount);
  const own: ReleasableEntry[] = [];
  for (let first = 0; first < count; first += ENTRIES_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(ENTRIES_AT_ONCE, count - first) }, (_, offset) => first + offset);
    const entries = await Promise.all(numbers.map((n) => settlement.entries(roundId, n, { blockTag })));
    entries.forEach((entry, offset) => {
      const isOwn = entry.backer.toLowerCase() === sources.address.toLowerCase() && entry.claimId === claimId;
      if (isOwn && !entry.isDead && entry.bondWei > 0n) own.push({ roundId, n: first + offset });
    });
  }
  return own;
}

/** Bonds of this account in confirmed claims, oldest first, down to `untilEpoch` (exclusive). */
async function readReleasable(sources: ClaimSources, claimId: string, nextEpoch: number, untilEpoch: number, blockTag: number): Promise<ReleasableEntry[]> {
  const { settlement } = sources.contracts;
  const found: ReleasableEntry[][] = [];
  let current = claimId;
  for (let epoch = nextEpoch - 1; epoch > untilEpoch; epoch -= 1) {
    const claim = await settlement.claims(current, { blockTag });
    found.push(await readOwnEntries(sources, current, claim.parent, Number(claim.round), blockTag));
    current = claim.parent;
  }
  return found.reverse().flat();
}

/**
 * Everything that claims are decided from, of one block.
 * @param sweptEpoch no bond is left in the claims up to this epoch; -1 for none
 */
export async function readClaimState(sources: ClaimSources, rules: ClaimRules, sweptEpoch: number, head: BlockRef): Promise<ClaimState> {
  const { inbox, settlement } = sources.contracts;
  const at = { blockTag: head.number };
  const [confirmed, epochCount, openedAt, steps, batchCount, creditWei, l1Time] = await Promise.all([
    settlement.latestConfirmed(at),
    inbox.epochCount(at),
    inbox.openedAt(at),
    inbox.openSteps(at),
    inbox.batchCount(at),
    settlement.credit(sources.address, at),
    nextBlockTime(sources.provider, head),
  ]);
  const [claimId, next, root] = [confirmed[0], Number(confirmed[1]), confirmed[2]];
  const confirmedEnd = next === 0 ? 0 : Number(await inbox.epochEnd(next - 1, at));
  const epochs: EpochView[] = [];
  let parent: string | undefined = claimId;
  for (let epoch = next; epoch < Math.min(Number(epochCount), next + sources.limits.maxOpenClaims); epoch += 1) {
    const view = await readEpoch(sources, rules, epoch, parent, head.number);
    epochs.push(view);
    parent = view.claimId;
  }
  return {
    l1Time,
    unpostedCount: sources.sealed.count() - Number(batchCount),
    openEpoch: { epoch: Number(epochCount), openedAt: Number(openedAt), steps: Number(steps), maxSteps: rules.maxSteps, ageSeconds: rules.ageSeconds },
    confirmed: { claimId, nextEpoch: next, root, ownRoot: next === 0 ? undefined : ownRoot(sources, confirmedEnd) },
    epochs,
    releasable: await readReleasable(sources, claimId, next, sweptEpoch, head.number),
    creditWei,
  };
}
