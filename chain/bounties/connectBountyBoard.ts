import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import type { BountyBoard, JobEscrow } from "../../typechain-types/bounties/index.ts";
import { bountyBoardAbi } from "../generated/abi/BountyBoard.ts";
import { jobEscrowAbi } from "../generated/abi/JobEscrow.ts";

/** For `toChainError`: the errors of a call are the contract's, with their values. */
export const BOUNTY_ABIS = [bountyBoardAbi, jobEscrowAbi] as const;

/** @param runner a provider to read, a signer to send as well */
export function connectBountyBoard(address: string, runner: ContractRunner): BountyBoard {
  return new Contract(address, bountyBoardAbi, runner) as unknown as BountyBoard;
}

/** @param runner a provider to read, a signer to send as well */
export function connectJobEscrow(address: string, runner: ContractRunner): JobEscrow {
  return new Contract(address, jobEscrowAbi, runner) as unknown as JobEscrow;
}
