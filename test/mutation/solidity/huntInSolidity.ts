import type { Contract } from "ethers";
import hre from "hardhat";

import { batchHash, entryHash, toHex } from "../../../core/codec/index.ts";
import type { RecordedStep } from "../../../core/dispute/index.ts";
import { TEST_DOMAIN } from "../../builders/TestRollup.ts";
import { loadVectors } from "../../builders/vectors/loadVectors.ts";
import { VectorRun } from "../../builders/vectors/VectorRun.ts";
import { badProofs } from "../../differential/badProofs.ts";
import { ProverOnEvm } from "../../differential/ProverOnEvm.ts";
import type { Environment, Judged } from "../../differential/ProverOnEvm.ts";
import type { Mutant } from "../Mutant.ts";
import { compileProver } from "./compileProver.ts";

/** A proof, what it is judged against, and the root that has to come out: null for none. */
interface Trial extends Judged {
  readonly name: string;
  readonly environment: Environment;
  readonly batch: readonly [number, string] | null;
  readonly entry: readonly [number, string] | null;
  readonly root: string | null;
}

function trialOf(name: string, run: VectorRun, { preRoot, proof, trace }: RecordedStep, root: string | null): Trial {
  const { rollup } = run;
  return {
    name,
    root,
    preRoot: toHex(preRoot),
    proof,
    environment: { domainSeparator: toHex(TEST_DOMAIN), batchEnd: rollup.batches.length, feeTable: rollup.feeTable },
    batch: trace.batch === null ? null : [rollup.batches.indexOf(trace.batch), toHex(batchHash(trace.batch))],
    entry: trace.entry === null ? null : [rollup.entries.indexOf(trace.entry), toHex(entryHash(trace.entry))],
  };
}

/** Every vector and every bad proof, the bad ones first. */
export function createTrials(): Trial[] {
  const good: Trial[] = [];
  const bad: Trial[] = [];
  for (const [name, file] of loadVectors()) {
    for (const vector of file.cases) {
      const run = new VectorRun(file, vector);
      const step = run.measure(vector);
      good.push(trialOf(`${name}: ${vector.name}`, run, step, vector.postRoot as string));
      for (const { what, alter, batchEnd } of badProofs.filter((proof) => proof.file === name && (proof.vector === "" ? vector === file.cases[0] : vector.name.startsWith(proof.vector)))) {
        const honest = trialOf(what, run, step, null);
        const environment = { ...honest.environment, batchEnd: batchEnd ?? honest.environment.batchEnd };
        bad.push({ ...honest, environment, proof: alter(step.proof, run) });
      }
    }
  }
  return [...bad, ...good];
}

/** Where a prover says something it should not, null if nowhere. */
async function firstDifference(prover: ProverOnEvm, trials: readonly Trial[]): Promise<string | null> {
  for (const trial of trials) {
    if (trial.batch !== null) await prover.setBatch(...trial.batch);
    if (trial.entry !== null) await prover.setEntry(...trial.entry);
    const verdict = await prover.judge(trial, trial.environment);
    if (trial.root === null ? "root" in verdict : !("root" in verdict) || verdict.root !== trial.root) return trial.name;
  }
  return null;
}

/** Holds each altered prover against all trials. Reports where it shows, null if nowhere. Throws if the unaltered one shows anywhere. */
export async function huntInSolidity(mutants: readonly Mutant[], report: (mutant: Mutant, where: string | null) => void): Promise<void> {
  const trials = createTrials();
  const { ethers } = await hre.network.create();
  for (const mutant of [null, ...mutants]) {
    const { abi, bytecode } = compileProver(mutant);
    const [signer] = await ethers.getSigners();
    const harness = await new ethers.ContractFactory(abi, bytecode, signer).deploy();
    const where = await firstDifference(new ProverOnEvm(harness as unknown as Contract), trials);
    if (mutant !== null) report(mutant, where);
    else if (where !== null) throw new Error(`The unaltered prover fails already: ${where}`);
  }
}
