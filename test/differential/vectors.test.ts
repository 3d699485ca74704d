import { expect } from "chai";

import { batchHash, entryHash, toHex } from "../../core/codec/index.ts";
import type { StepProof } from "../../core/dispute/index.ts";
import { TEST_DOMAIN } from "../builders/TestRollup.ts";
import { loadVectors } from "../builders/vectors/loadVectors.ts";
import type { VectorCase, VectorFile } from "../builders/vectors/Vector.ts";
import { VectorRun } from "../builders/vectors/VectorRun.ts";
import { createProverOnEvm } from "./ProverOnEvm.ts";
import type { Environment, ProverOnEvm, Verdict } from "./ProverOnEvm.ts";

/** A vector's measured step as the prover gets it. */
interface Prepared {
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
    return { preRoot: toHex(preRoot), proof, environment };
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
    const file = files.get("INVOKE")!;
    const vector = file.cases[0];
    const judgeAltered = async (alter: (proof: StepProof) => StepProof): Promise<Verdict> => {
      const { preRoot, proof, environment } = await prepare(file, vector);
      return prover.judge({ preRoot, proof: alter(proof) }, environment);
    };
    const WORD = `0x${"5a".repeat(32)}`;
    const alterations: readonly (readonly [string, (proof: StepProof) => StepProof])[] = [
      ["a leaf's word is another", (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, words: [WORD, leaf.words[1], leaf.words[2], leaf.words[3]] } : leaf)) })],
      ["a sibling is another", (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, siblings: [WORD, ...leaf.siblings.slice(1)] } : leaf)) })],
      ["a sibling is missing", (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, siblings: leaf.siblings.slice(1) } : leaf)) })],
      ["a leaf is missing", (proof) => ({ ...proof, leaves: proof.leaves.slice(0, -1) })],
      ["a leaf is too many", (proof) => ({ ...proof, leaves: [...proof.leaves, proof.leaves[0]] })],
      ["two leaves changed places", (proof) => ({ ...proof, leaves: [proof.leaves[0], proof.leaves[2], proof.leaves[1], ...proof.leaves.slice(3)] })],
      ["a leaf has another index", (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, index: 2n } : leaf)) })],
      ["a leaf has another kind", (proof) => ({ ...proof, leaves: proof.leaves.map((leaf, i) => (i === 2 ? { ...leaf, kind: 3 } : leaf)) })],
      ["the slot's chunk is another", (proof) => ({ ...proof, slot: { ...proof.slot, chunk: `${proof.slot.chunk.slice(0, -2)}01` } })],
      ["the slot's chunk is cut", (proof) => ({ ...proof, slot: { ...proof.slot, chunk: proof.slot.chunk.slice(0, -192) } })],
      ["the chunk has a path it does not need", (proof) => ({ ...proof, slot: { ...proof.slot, siblings: [WORD, WORD, WORD] } })],
      ["the batch is another", (proof) => ({ ...proof, batch: { ...proof.batch, l2Time: proof.batch.l2Time + 1 } })],
    ];
    for (const [what, alter] of alterations) {
      it(`prover: reverts with a typed error when ${what}`, async () => {
        expect(await judgeAltered(alter)).to.have.property("reverted").that.matches(/custom error/);
      });
    }

    it("prover: reverts with a typed error when the root before is another", async () => {
      const { proof, environment } = await prepare(file, vector);
      expect(await prover.judge({ preRoot: WORD, proof }, environment)).to.have.property("reverted").that.matches(/custom error/);
    });
  });
});
