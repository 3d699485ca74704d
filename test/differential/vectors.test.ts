import { expect } from "chai";

import { batchHash, entryHash, toHex } from "../../core/codec/index.ts";
import type { StepProof } from "../../core/dispute/index.ts";
import { TEST_DOMAIN } from "../builders/TestRollup.ts";
import { loadVectors } from "../builders/vectors/loadVectors.ts";
import type { VectorCase, VectorFile } from "../builders/vectors/Vector.ts";
import { VectorRun } from "../builders/vectors/VectorRun.ts";
import { badProofs } from "./badProofs.ts";
import { createProverOnEvm } from "./ProverOnEvm.ts";
import type { Environment, ProverOnEvm } from "./ProverOnEvm.ts";

/** A vector's measured step as the prover gets it. */
interface Prepared {
  readonly run: VectorRun;
  readonly preRoot: string;
  readonly proof: StepProof;
  readonly environment: Environment;
}

describe("vectors on the EVM", () => {
  const files = loadVectors();
  let prover: ProverOnEvm;

  before(async () => {
    prover = await createProverOnEvm();
  });

  /** Plays the case in TypeScript and gives the inbox double what the step reads of it. */
  async function prepare(file: VectorFile, vector: VectorCase): Promise<Prepared> {
    const run = new VectorRun(file, vector);
    const { rollup } = run;
    const { proof, preRoot, trace } = run.measure(vector);
    if (trace.batch !== null) await prover.setBatch(rollup.batches.indexOf(trace.batch), toHex(batchHash(trace.batch)));
    if (trace.entry !== null) await prover.setEntry(rollup.entries.indexOf(trace.entry), toHex(entryHash(trace.entry)));
    const environment = { domainSeparator: toHex(TEST_DOMAIN), batchEnd: rollup.batches.length, feeTable: rollup.feeTable };
    return { run, preRoot: toHex(preRoot), proof, environment };
  }

  for (const [name, file] of files) {
    for (const vector of file.cases) {
      it(`${name}: ${vector.name}`, async () => {
        const { preRoot, proof, environment } = await prepare(file, vector);
        expect(await prover.judge({ preRoot, proof }, environment)).to.deep.equal({ root: vector.postRoot });
      });
    }
  }

  describe("bad proofs", () => {
    for (const bad of badProofs) {
      it(`prover: reverts with a typed error when ${bad.what}`, async () => {
        const file = files.get(bad.file)!;
        const vector = file.cases.find(({ name }) => name.startsWith(bad.vector))!;
        const { run, preRoot, proof, environment } = await prepare(file, vector);
        const verdict = await prover.judge({ preRoot, proof: bad.alter(proof, run) }, { ...environment, batchEnd: bad.batchEnd ?? environment.batchEnd });
        expect(verdict).to.have.property("reverted").that.matches(/custom error/);
      });
    }

    it("prover: reverts with a typed error when the root before is another", async () => {
      const file = files.get("INVOKE")!;
      const { proof, environment } = await prepare(file, file.cases[0]!);
      expect(await prover.judge({ preRoot: `0x${"5a".repeat(32)}`, proof }, environment)).to.have.property("reverted").that.matches(/custom error/);
    });
  });
});
