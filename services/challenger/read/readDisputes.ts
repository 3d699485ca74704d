import { toHex } from "../../../core/codec/hex.ts";
import type { BlockRef } from "../../../chain/HeadWatcher.ts";
import type { DisputeRules, DisputeState, EpochView } from "../decide/DisputeState.ts";
import type { DisputeSources } from "./DisputeSources.ts";
import { readEpoch } from "./readEpoch.ts";

interface PendingBlock {
  readonly timestamp: string;
  readonly baseFeePerGas?: string;
}

export async function readRules({ contracts }: Pick<DisputeSources, "contracts">): Promise<DisputeRules> {
  const [settlement, game] = await Promise.all([contracts.settlement.config(), contracts.game.config()]);
  return {
    windowSeconds: Number(settlement.windowSeconds),
    joinSeconds: Number(settlement.joinSeconds),
    clockSeconds: Number(game.clockSeconds),
    incrementSeconds: Number(game.incrementSeconds),
    parts: Number(game.k),
    bondWei: settlement.bondWei,
    moveBondWei: game.moveBondWei,
  };
}

/** Unix seconds that a block mined now would have at least, and its base fee: a chain that mines on demand has an old head. */
async function readNext({ provider }: DisputeSources, head: BlockRef): Promise<{ now: number; baseFeeWei: bigint }> {
  const pending = (await provider.send("eth_getBlockByNumber", ["pending", false])) as PendingBlock | null;
  return { now: Math.max(head.timestamp, Number(pending?.timestamp ?? 0)), baseFeeWei: BigInt(pending?.baseFeePerGas ?? "0") };
}

/** Everything that a turn is decided from, of the block `head`, which the replica has taken over. */
export async function readDisputes(sources: DisputeSources, rules: DisputeRules, head: BlockRef): Promise<DisputeState> {
  const { contracts, replica, provider, address, maxEpochs } = sources;
  const [latest, { now, baseFeeWei }, balance] = await Promise.all([
    contracts.settlement.latestConfirmed({ blockTag: head.number }),
    readNext(sources, head),
    provider.send("eth_getBalance", [address, "latest"]) as Promise<string>,
  ]);
  const [claimId, nextEpoch, root] = [latest[0], Number(latest[1]), latest[2]];
  const confirmedEnd = nextEpoch === 0 ? 0 : replica.view.epochs[nextEpoch - 1]?.batchEnd;
  const own = confirmedEnd === undefined ? undefined : replica.rootAt(confirmedEnd);
  const ownRoot = own === undefined ? undefined : toHex(own);
  const state = { now, balanceWei: BigInt(balance), baseFeeWei, rules, confirmed: { claimId, nextEpoch, root, ownRoot } };
  // On a false state nothing true can stand, and without our own there is nothing to compare.
  if (ownRoot !== root) return { ...state, epochs: [] };
  const epochs: EpochView[] = [];
  let parent = claimId;
  let cutAt: number | undefined;
  for (let epoch = nextEpoch; ; epoch += 1) {
    if (epoch === nextEpoch + maxEpochs) {
      if (replica.view.epochs[epoch] !== undefined) cutAt = epoch;
      break;
    }
    const view = await readEpoch(sources, rules, epoch, parent, now, head.number);
    if (view === undefined) break;
    epochs.push(view);
    if (!view.isMade) break;
    parent = view.claimId;
  }
  sources.moves.keepOnly(new Set(epochs.map(({ round }) => round.roundId)));
  return { ...state, epochs, ...(cutAt === undefined ? {} : { cutAt }) };
}
