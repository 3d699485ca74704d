import { Contract, Interface } from "ethers";
import type { ContractRunner } from "ethers";

import { decodeLeaf } from "../../core/codec/leaf.ts";
import { hexWords } from "../../core/dispute/encodeStepProof.ts";
import { ERROR, OP, RECEIPT, SETTLEMENT } from "../../core/generated/protocol.ts";
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

/** A leaf with its proof, as contracts and the API have it: words in hex. */
export interface LeafWords {
  readonly index: number;
  /** Four. */
  readonly leaf: readonly string[];
  /** Three a level, from the leaf up (RULES N-4). */
  readonly siblings: readonly string[];
}

/** What `ProofOfService.prove` takes, all in the state of one confirmed claim. */
export interface ServiceProof {
  readonly claimId: string;
  /** Says that a call was paid: see `paidCallOf`. */
  readonly receipt: LeafWords;
  /** Accounts that the receipt names. */
  readonly requester: LeafWords;
  readonly provider: LeafWords;
}

const contract = new Interface(proofOfServiceAbi);

/** @param runner a provider to read, a signer to send as well */
export function connectProofOfService(address: string, runner: ContractRunner): ProofOfService {
  return new Contract(address, proofOfServiceAbi, runner) as unknown as ProofOfService;
}

/** What a RECEIPT leaf says of a call that was paid; undefined for any other receipt, which `prove` refuses with `NotPaidCall`. */
export function paidCallOf(receipt: Uint8Array): PaidCall | undefined {
  const isPaid = receipt[RECEIPT.outcome] === ERROR.OK && receipt[RECEIPT.settlement] === SETTLEMENT.PAID;
  if (!isPaid || !PAYING_OPS.includes(receipt[RECEIPT.op] ?? 0)) return undefined;
  const fields = decodeLeaf("RECEIPT", receipt);
  const number = (name: string): number => Number(fields[name]);
  if (number("amount") === 0) return undefined;
  return { requester: number("requester"), provider: number("provider"), amount: number("amount"), capability: number("capability") };
}

/** The ERC-8004 id that an AGENT leaf is linked to; undefined if it is not linked. */
export function linkedAgentOf(agent: Uint8Array): bigint | undefined {
  const linkedId = BigInt(decodeLeaf("AGENT", agent)["linkedId"] as number);
  return linkedId === 0n ? undefined : linkedId - 1n;
}

/** A leaf and its proof in bytes, 96 a level, as contracts and the API have it. */
export function leafWordsOf({ index, leaf, proof }: { readonly index: number; readonly leaf: Uint8Array; readonly proof: Uint8Array }): LeafWords {
  return { index, leaf: hexWords(leaf), siblings: hexWords(proof) };
}

/** The arguments of `ProofOfService.prove`, which is sent with `proofFeeWei`. */
export function proveArguments({ claimId, receipt, requester, provider }: ServiceProof): [string, LeafProofStruct, LeafProofStruct, LeafProofStruct] {
  return [claimId, structOf(receipt), structOf(requester), structOf(provider)];
}

/** The data of a transaction to the contract; its value has to be `proofFeeWei`. */
export function encodeProve(proof: ServiceProof): string {
  return contract.encodeFunctionData("prove", proveArguments(proof));
}

function structOf({ index, leaf, siblings }: LeafWords): LeafProofStruct {
  return { index, leaf: [...leaf] as LeafProofStruct["leaf"], siblings: [...siblings] };
}
