import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import type { BisectionGame, Bridge, Exodus, Inbox, SequencerSet, Settlement } from "../typechain-types/root/index.ts";
import type { Deployment } from "./Deployment.ts";
import { bisectionGameAbi } from "./generated/abi/BisectionGame.ts";
import { bridgeAbi } from "./generated/abi/Bridge.ts";
import { channelAdjudicatorAbi } from "./generated/abi/ChannelAdjudicator.ts";
import { exodusAbi } from "./generated/abi/Exodus.ts";
import { inboxAbi } from "./generated/abi/Inbox.ts";
import { sequencerSetAbi } from "./generated/abi/SequencerSet.ts";
import { settlementAbi } from "./generated/abi/Settlement.ts";

/** The ABIs whose errors `decodeRevertData` should know. */
export const ROOT_ABIS = [inboxAbi, settlementAbi, bisectionGameAbi, bridgeAbi, exodusAbi, sequencerSetAbi, channelAdjudicatorAbi] as const;

/** Typed clients of one chain's contracts. */
export interface RootContracts {
  readonly inbox: Inbox;
  readonly settlement: Settlement;
  readonly game: BisectionGame;
  readonly bridge: Bridge;
  readonly exodus: Exodus;
}

/** The contracts that users' money passes. */
export type AccountContracts = Pick<RootContracts, "inbox" | "settlement" | "bridge">;

/** @param runner a provider to read, a signer to send as well */
export function connectAccountContracts({ inbox, settlement, bridge }: Readonly<Record<keyof AccountContracts, string>>, runner: ContractRunner): AccountContracts {
  return {
    inbox: new Contract(inbox, inboxAbi, runner) as unknown as Inbox,
    settlement: new Contract(settlement, settlementAbi, runner) as unknown as Settlement,
    bridge: new Contract(bridge, bridgeAbi, runner) as unknown as Bridge,
  };
}

/** @param runner a provider to read, a signer to send as well */
export function connectExodus(address: string, runner: ContractRunner): Exodus {
  return new Contract(address, exodusAbi, runner) as unknown as Exodus;
}

/** @param runner a provider to read, a signer to send as well */
export function connectContracts({ contracts }: Pick<Deployment, "contracts">, runner: ContractRunner): RootContracts {
  return {
    ...connectAccountContracts(contracts, runner),
    game: new Contract(contracts.game, bisectionGameAbi, runner) as unknown as BisectionGame,
    exodus: connectExodus(contracts.exodus, runner),
  };
}

/** The operators of a chain; undefined when it has none, and a single sequencer or anyone posts. */
export function connectSequencerSet({ contracts }: Pick<Deployment, "contracts">, runner: ContractRunner): SequencerSet | undefined {
  const { sequencerSet } = contracts;
  return sequencerSet === undefined ? undefined : (new Contract(sequencerSet, sequencerSetAbi, runner) as unknown as SequencerSet);
}
