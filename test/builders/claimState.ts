import { ZeroAddress } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import type { RootContracts } from "../../chain/connectContracts.ts";

/** What to claim: `stateRoot` after `epoch`, which is the one after the parent's; the parent is the last confirmed claim unless it is named. */
export interface ClaimedState {
  readonly stateRoot: string;
  readonly parent?: string;
  readonly epoch?: number | bigint;
  /** Default: what the entry costs. */
  readonly valueWei?: bigint;
}

/** A claim in the round under way, by whom `settlement` belongs to; its id and the transaction that makes it. */
export async function claimState(contracts: Pick<RootContracts, "inbox" | "settlement">, state: ClaimedState): Promise<{ claimId: string; made: ContractTransactionResponse }> {
  const { inbox, settlement } = contracts;
  const confirmed = await settlement.latestConfirmed();
  const parent = state.parent ?? confirmed.claimId;
  const epoch = state.epoch ?? confirmed.nextEpoch;
  const [round, accumulator] = await Promise.all([settlement.currentRound(parent), inbox.epochAccumulator(epoch)]);
  const value = state.valueWei ?? (await settlement.bondFor(parent));
  const made = await settlement.claim(parent, round, epoch, state.stateRoot, accumulator, ZeroAddress, { value });
  return { claimId: await settlement.claimIdOf(parent, round, epoch, state.stateRoot), made };
}
