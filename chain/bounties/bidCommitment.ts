import { AbiCoder, keccak256 } from "ethers";

/** What a bid hides. */
export interface BidSecret {
  readonly agentId: bigint;
  /** Base units of the token: of all the work, or of a unit. */
  readonly price: bigint;
  /** 0x and 32 bytes that nobody can guess. Kept until it is revealed: without it half of the stake is lost. */
  readonly salt: string;
}

/** Where a bid is for. Copied by another bidder, or in another round, it is worth nothing. */
export interface BidPlace {
  readonly chainId: bigint;
  /** Address of the BountyBoard. */
  readonly board: string;
  readonly id: bigint;
  readonly round: number;
  readonly bidder: string;
}

/** The commitment to a bid, as `commitmentOf` of the board computes it. */
export function bidCommitment({ chainId, board, id, round, bidder }: BidPlace, { agentId, price, salt }: BidSecret): string {
  const types = ["uint256", "address", "uint256", "uint8", "address", "uint256", "uint128", "bytes32"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [chainId, board, id, round, bidder, agentId, price, salt]));
}
