import { AbiCoder, keccak256 } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts } from "../../../chain/connectContracts.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import { toHex } from "../../../core/codec/index.ts";
import { nextBlockTime } from "./atHead.ts";
import type { ClaimLimits, ClaimState, EpochView } from "./decideClaims.ts";
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

/** What of the Inbox's configuration claims depend on; it never changes. */
export interface EpochRules {
  readonly maxSteps: number;
  readonly ageSeconds: number;
}

/** The id of a claim, as `Settlement.claimIdOf` has it. */
export function claimIdOf(chainId: number, inboxAddress: string, parent: string, epoch: number, root: string): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["uint256", "address", "bytes32", "uint64", "bytes32"], [chainId, inboxAddress, parent, epoch, root]));
}

/** Our root after `batchEnd` batches, if those on L1 are known to be ours. */
function ownRoot({ roots, checked }: ClaimSources, batchEnd: number): string | undefined {
  if (batchEnd > checked.checkedCount()) return undefined;
  const root = roots.rootAt(batchEnd);
  return root === undefined ? undefined : toHex(root);
}

async function readEpoch(sources: ClaimSources, epoch: number, parent: string | undefined, blockTag: number): Promise<EpochView> {
  const { inbox, settlement } = sources.contracts;
  const at = { blockTag };
  const [end, accumulator] = await Promise.all([inbox.epochEnd(epoch, at), inbox.epochAccumulator(epoch, at)]);
  const batchEnd = Number(end);
  const root = parent === undefined ? undefined : ownRoot(sources, batchEnd);
  if (parent === undefined || root === undefined) {
    return { epoch, batchEnd, accumulator, root: undefined, parent, claimId: undefined, backers: 0, bondWei: 0n, round: { closesAt: 0, liveClaims: 0 }, priceWei: 0n };
  }
  const claimId = claimIdOf(sources.chainId, sources.inboxAddress, parent, epoch, root);
  const [claim, round, bondWei, priceWei] = await Promise.all([
    settlement.claims(claimId, at),
    settlement.rounds(parent, at),
    settlement.bondOf(claimId, sources.address, at),
    settlement.bondFor(parent, at),
  ]);
  const { closesAt, liveClaims } = round;
  return { epoch, batchEnd, accumulator, root, parent, claimId, backers: Number(claim.backers), bondWei, round: { closesAt: Number(closesAt), liveClaims: Number(liveClaims) }, priceWei };
}

/** Confirmed claims, newest first, down to `untilEpoch` (exclusive), that this account has a bond in. */
async function readWithdrawable(sources: ClaimSources, claimId: string, nextEpoch: number, untilEpoch: number, blockTag: number): Promise<string[]> {
  const { settlement } = sources.contracts;
  const found: string[] = [];
  let current = claimId;
  for (let epoch = nextEpoch - 1; epoch > untilEpoch; epoch -= 1) {
    const [claim, bondWei] = await Promise.all([settlement.claims(current, { blockTag }), settlement.bondOf(current, sources.address, { blockTag })]);
    if (bondWei > 0n) found.push(current);
    current = claim.parent;
  }
  return found.reverse();
}

/**
 * Everything that claims are decided from, of one block.
 * @param sweptEpoch no bond is left in the claims up to this epoch; -1 for none
 */
export async function readClaimState(sources: ClaimSources, rules: EpochRules, sweptEpoch: number, head: BlockRef): Promise<ClaimState> {
  const { inbox, settlement } = sources.contracts;
  const at = { blockTag: head.number };
  const [confirmed, epochCount, openedAt, steps, batchCount, l1Time] = await Promise.all([
    settlement.latestConfirmed(at),
    inbox.epochCount(at),
    inbox.openedAt(at),
    inbox.openSteps(at),
    inbox.batchCount(at),
    nextBlockTime(sources.provider, head),
  ]);
  const [claimId, next, root] = [confirmed[0], Number(confirmed[1]), confirmed[2]];
  const confirmedEnd = next === 0 ? 0 : Number(await inbox.epochEnd(next - 1, at));
  const epochs: EpochView[] = [];
  let parent: string | undefined = claimId;
  for (let epoch = next; epoch < Math.min(Number(epochCount), next + sources.limits.maxOpenClaims); epoch += 1) {
    const view = await readEpoch(sources, epoch, parent, head.number);
    epochs.push(view);
    parent = view.claimId;
  }
  return {
    l1Time,
    unpostedCount: sources.sealed.count() - Number(batchCount),
    openEpoch: { epoch: Number(epochCount), openedAt: Number(openedAt), steps: Number(steps), ...rules },
    confirmed: { claimId, nextEpoch: next, root, ownRoot: next === 0 ? undefined : ownRoot(sources, confirmedEnd) },
    epochs,
    withdrawable: await readWithdrawable(sources, claimId, next, sweptEpoch, head.number),
  };
}
