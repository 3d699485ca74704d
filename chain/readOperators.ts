import type { ContractRunner } from "ethers";

import type { SequencerSet } from "../typechain-types/root/index.ts";
import { connectSequencerSet } from "./connectContracts.ts";

/** An operator of a chain. */
export interface KnownOperator {
  readonly address: string;
  /** Key that signs its heads. */
  readonly signer: string;
}

/** The operators in the row of a set, in its order. Those that are leaving are not among them. */
export async function readOperators(set: Pick<SequencerSet, "operatorCount" | "operatorAt" | "operators">): Promise<KnownOperator[]> {
  const count = Number(await set.operatorCount());
  const addresses = await Promise.all(Array.from({ length: count }, async (_, place) => await set.operatorAt(place)));
  return await Promise.all(addresses.map(async (address) => ({ address, signer: (await set.operators(address)).signer })));
}

/** Whose signatures count on a chain with operators, from an L1 that the caller trusts: for a client's `operators`. */
export async function readOperatorSigners(sequencerSet: string, runner: ContractRunner): Promise<string[]> {
  const set = connectSequencerSet({ contracts: { sequencerSet } as Parameters<typeof connectSequencerSet>[0]["contracts"] }, runner);
  return set === undefined ? [] : (await readOperators(set)).map(({ signer }) => signer);
}
