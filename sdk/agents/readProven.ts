import { Contract } from "ethers";
import type { Provider } from "ethers";

/** What is proven of an agent and its present owner: calls that it answered and was paid for. */
export interface ProvenService {
  readonly calls: number;
  /** Different accounts that paid. */
  readonly clients: number;
  /** Mean of the feedback that paid calls stand behind, 0 to 100; undefined without any. */
  readonly score: number | undefined;
}

const ABI = ["function provenOf(uint256) view returns (tuple(uint64 calls, uint64 clients, uint64 weight, uint128 weightedScore))"];

/** @param address of the chain's ProofOfService */
export async function readProven(provider: Provider, address: string, agentId: bigint): Promise<ProvenService> {
  const { calls, clients, weight, weightedScore } = (await new Contract(address, ABI, provider).getFunction("provenOf")(agentId)) as { calls: bigint; clients: bigint; weight: bigint; weightedScore: bigint };
  return { calls: Number(calls), clients: Number(clients), score: weight === 0n ? undefined : Number(weightedScore) / Number(weight) };
}
