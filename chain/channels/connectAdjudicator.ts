import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import type { ChannelAdjudicator } from "../../typechain-types/channels/index.ts";
import { channelAdjudicatorAbi } from "../generated/abi/ChannelAdjudicator.ts";

/** For `toChainError`: the errors of a call are the contract's, with their values. */
export const CHANNEL_ABIS = [channelAdjudicatorAbi] as const;

/** @param runner a provider to read, a signer to send as well */
export function connectAdjudicator(address: string, runner: ContractRunner): ChannelAdjudicator {
  return new Contract(address, channelAdjudicatorAbi, runner) as unknown as ChannelAdjudicator;
}
