import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import { toChainError } from "../decodeRevert.ts";

/** `Phase.ENGAGED` of the BountyBoard. */
const ENGAGED = 6n;
const ABI = ["function phaseOf(uint256 id) view returns (uint8)"];

/**
 * Whether a bounty pays for work now. A board that knows no phases is believed to.
 * @throws ChainError when the endpoint does not answer
 */
export async function isBountyEngaged(board: string, id: bigint, runner: ContractRunner): Promise<boolean> {
  try {
    return ((await new Contract(board, ABI, runner).getFunction("phaseOf")(id)) as bigint) === ENGAGED;
  } catch (thrown) {
    const error = toChainError(thrown);
    if (error.code === "L1_REVERT" || (thrown as { code?: unknown }).code === "BAD_DATA") return true;
    throw error;
  }
}
