import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import type { UptimeMeter } from "../../typechain-types/bounties/index.ts";
import { uptimeMeterAbi } from "../generated/abi/UptimeMeter.ts";

/** For `toChainError`: the errors of a call are the contract's, with their values. */
export const UPTIME_ABIS = [uptimeMeterAbi] as const;

/** @param runner a provider to read, a signer to send as well */
export function connectUptimeMeter(address: string, runner: ContractRunner): UptimeMeter {
  return new Contract(address, uptimeMeterAbi, runner) as unknown as UptimeMeter;
}
