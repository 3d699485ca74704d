import type { ContractRunner } from "ethers";

import { connectBountyBoard } from "../bounties/connectBountyBoard.ts";
import { BOUNTY_PHASES } from "../bounties/phaseOf.ts";
import { toChainError } from "../decodeRevert.ts";

/**
 * Whether a bounty pays for work now. A board that knows no phases is believed to.
 * @throws ChainError when the endpoint does not answer
 */
export async function isBountyEngaged(board: string, id: bigint, runner: ContractRunner): Promise<boolean> {
  try {
    return BOUNTY_PHASES[Number(await connectBountyBoard(board, runner).phaseOf(id))] === "ENGAGED";
  } catch (thrown) {
    const error = toChainError(thrown);
    if (error.code === "L1_REVERT" || (thrown as { code?: unknown }).code === "BAD_DATA") return true;
    throw error;
  }
}
