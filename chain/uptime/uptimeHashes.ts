import { AbiCoder, keccak256 } from "ethers";

/** Which meter on which chain. */
export interface MeterDomain {
  readonly chainId: number;
  readonly meter: string;
}

const coder = AbiCoder.defaultAbiCoder();

/** Which round of which bounty; the first round is 1. */
export function uptimeKey(board: string, id: bigint, round: number): string {
  return keccak256(coder.encode(["address", "uint256", "uint64"], [board, id, round]));
}

/** What a validator commits to. @param salt 32 random bytes, new for every period */
export function uptimeCommitment({ chainId, meter }: MeterDomain, attestation: { readonly key: string; readonly period: number; readonly validator: string; readonly uptimeBps: number; readonly salt: string }): string {
  const { key, period, validator, uptimeBps, salt } = attestation;
  return keccak256(coder.encode(["uint256", "address", "bytes32", "uint32", "address", "uint16", "bytes32"], [chainId, meter, key, period, validator, uptimeBps, salt]));
}

/** The hash of the request that the operator's agent makes of the meter, so that `publish` can answer it. */
export function uptimeRequestHash({ chainId, meter }: MeterDomain, { key, period, salt }: { readonly key: string; readonly period: number; readonly salt: string }): string {
  return keccak256(coder.encode(["uint256", "address", "bytes32", "uint32", "bytes32"], [chainId, meter, key, period, salt]));
}
