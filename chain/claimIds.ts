import { AbiCoder, keccak256 } from "ethers";

const coder = AbiCoder.defaultAbiCoder();

/** The id of a claim, as `Settlement.claimIdOf` has it: the same state in a later round is another claim. */
export function claimIdOf(chain: { readonly chainId: number; readonly inbox: string }, parent: string, round: number, epoch: number, root: string): string {
  return keccak256(coder.encode(["uint256", "address", "bytes32", "uint32", "uint64", "bytes32"], [chain.chainId, chain.inbox, parent, round, epoch, root]));
}

/** The id of a round, as `Settlement.roundIdOf` has it. */
export function roundIdOf(parent: string, round: number): string {
  return keccak256(coder.encode(["bytes32", "uint32"], [parent, round]));
}
