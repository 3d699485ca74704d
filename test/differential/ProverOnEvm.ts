import type { Contract } from "ethers";
import hre from "hardhat";

import { packFeeTable } from "../../core/dispute/index.ts";
import type { StepProof } from "../../core/dispute/index.ts";
import { TEST_ADJUDICATOR } from "../builders/TestRollup.ts";

/** One step to judge: the state root before it, and its proof. */
export interface Judged {
  readonly preRoot: string;
  readonly proof: StepProof;
}

/** What a proof is judged against besides the inbox. */
export interface Environment {
  readonly domainSeparator: string;
  readonly batchEnd: number;
  readonly feeTable: readonly number[];
}

/** What the EVM said: the state root after the step, or why it refused the proof. */
export type Verdict = { readonly root: string } | { readonly reverted: string };

/** The one-step prover on Hardhat's in-process network, with an inbox double that holds the hashes it is given. */
export class ProverOnEvm {
  readonly #harness: Contract;

  constructor(harness: Contract) {
    this.#harness = harness;
  }

  async setBatch(index: number, hash: string): Promise<void> {
    await this.#harness.getFunction("setBatchHash")(index, hash);
  }

  async setEntry(index: number, hash: string): Promise<void> {
    await this.#harness.getFunction("setEntryHash")(index, hash);
  }

  async judge({ preRoot, proof }: Judged, { domainSeparator, batchEnd, feeTable }: Environment): Promise<Verdict> {
    const inbox = await this.#harness.getAddress();
    const env = { inbox, domainSeparator, batchEnd, adjudicator: TEST_ADJUDICATOR, feeTable: packFeeTable(feeTable) };
    try {
      return { root: (await this.#harness.getFunction("proveStep").staticCall(env, preRoot, proof)) as string };
    } catch (error) {
      return { reverted: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** A fresh in-process chain with the prover on it. */
export async function createProverOnEvm(): Promise<ProverOnEvm> {
  const { ethers } = await hre.network.create();
  const harness = await ethers.deployContract("StepHarness");
  return new ProverOnEvm(harness as unknown as Contract);
}
