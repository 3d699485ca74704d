import { Contract } from "ethers";
import type { ContractRunner } from "ethers";

import { decodeLeaf } from "../../core/codec/leaf.ts";
import { hexWords } from "../../core/dispute/encodeStepProof.ts";
import { ERROR, OP, SETTLEMENT } from "../../core/generated/protocol.ts";
import type { ProofOfService } from "../../typechain-types/agents/index.ts";
import type { LeafProofStruct } from "../../typechain-types/agents/ProofOfService.ts";
import { proofOfServiceAbi } from "../generated/abi/ProofOfService.ts";

/** Records whose receipt may say that the provider of a call was paid (docs/BOUNTIES.md, section 3). */
const PAYING_OPS: readonly number[] = [OP.RESPOND, OP.ACCEPT, OP.TIMEOUT, OP.CLAIM];

/** The call that a receipt says was paid, and the accounts between which. */
export interface PaidCall {
  /** Account indices. */
  readonly requester: number;
  readonly provider: number;
  /** Units. */
  readonly amount: number;
  readonly capability: number;
}

/** A leaf with its proof, 96 bytes a level from the leaf up (RULES N-4). */
export interface LeafWithProof {
  readonly index: number;
  readonly leaf: Uint8Array;
  readonly proof: Uint8Array;
}

/** What `ProofOfService.prove` takes, all in the state of one confirmed claim. */
export interface ServiceProof {
  readonly claimId: string;
  readonly receipt: LeafWithProof;
  readonly requester: LeafWithProof;
  readonly provider: LeafWithProof;
}

/** @param runner a provider to read, a signer to send as well */
export function connectProofOfService(address: string, runner: ContractRunner): ProofOfService {
  return new Contract(address, proofOfServiceAbi, runner) as unknown as ProofOfService;
}

/** What a RECEIPT leaf says of a call that was paid; undefined for any other receipt, which `prove` refuses with `NotPaidCall`. */
export function paidCallOf(receipt: Uint8Array): PaidCall | undefined {
  const fields = decodeLeaf("RECEIPT", receipt);
  const number = (name: string): number => Number(fields[name]);
  const isPaid = number("outcome") === ERROR.OK && number("settlement") === SETTLEMENT.PAID && number("amount") > 0;
  if (!isPaid || !PAYING_OPS.includes(number("op"))) return undefined;
  return { requester: number("requester"), provider: number("provider"), amount: number("amount"), capability: number("capability") };
}

/** The ERC-8004 id that an AGENT leaf is linked to; undefined if it is not linked. */
export function linkedAgentOf(agent: Uint8Array): bigint | undefined {
  const linkedId = BigInt(decodeLeaf("AGENT", agent)["linkedId"] as number);
  return linkedId === 0n ? undefined : linkedId - 1n;
}

/** The arguments of `ProofOfService.prove`. */
export function proveArguments({ claimId, receipt, requester, provider }: ServiceProof): [string, LeafProofStruct, LeafProofStruct, LeafProofStruct] {
  return [claimId, leafProofOf(receipt), leafProofOf(requester), leafProofOf(provider)];
}

function leafProofOf({ index, leaf, proof }: LeafWithProof): LeafProofStruct {
  return { index, leaf: hexWords(leaf) as unknown as LeafProofStruct["leaf"], siblings: hexWords(proof) };
}
