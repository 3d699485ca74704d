import { expect } from "chai";

import { batchHash, entryHash, toHex } from "../../core/codec/index.ts";
import { losersOf, Trace } from "../../core/dispute/index.ts";
import type { Side } from "../../core/dispute/index.ts";
import { LyingTrace } from "../builders/LyingTrace.ts";
import { playGame } from "../builders/playGame.ts";
import { TEST_DOMAIN } from "../builders/TestRollup.ts";
import { createTraceStory } from "../builders/traceStory.ts";
import { createProverOnEvm } from "./ProverOnEvm.ts";
import type { ProverOnEvm } from "./ProverOnEvm.ts";
import { Random } from "./scenario/Random.ts";

describe("dispute decided on the EVM", () => {
  let prover: ProverOnEvm;

  before(async () => {
    prover = await createProverOnEvm();
  });

  for (const seed of [41, 42, 43]) {
    it(`liar: is eliminated by the one-step prover, and only the liar, wherever it lies (seed ${seed})`, async () => {
      const story = createTraceStory(seed, 4, 10);
      const { rollup } = story;
      for (const [index, batch] of rollup.batches.entries()) await prover.setBatch(index, toHex(batchHash(batch)));
      for (const [index, entry] of rollup.entries.entries()) await prover.setEntry(index, toHex(entryHash(entry)));
      const environment = { domainSeparator: toHex(TEST_DOMAIN), batchEnd: rollup.batches.length, feeTable: rollup.feeTable };
      const random = new Random(seed);
      const truth = new Trace(story.options);
      const worked = story.roots.length - 1;
      let played = 0;
      for (let i = 0; i < 24; i += 1) {
        const lieAt = i === 0 ? 1 : i === 1 ? worked : i === 2 ? story.length : random.between(1, worked);
        const lie = new LyingTrace(truth, story.options, lieAt, random);
        if (toHex(lie.rootsAt([story.length])[0]!) === toHex(truth.stateRootAt(story.length))) continue;
        const liar: Side = random.pick(["earlier", "later"]);
        const players = liar === "earlier" ? { earlier: lie, later: truth } : { earlier: truth, later: lie };
        const { game, proof } = playGame(random.pick([2, 4, 16]), players, liar === "earlier" ? "later" : "earlier");
        const verdict = await prover.judge({ preRoot: toHex(game.loRoot), proof: proof.recorded.proof }, environment);
        expect(verdict, lie.what).to.deep.equal({ root: toHex(proof.recorded.postRoot) });
        expect(losersOf(game, proof.recorded.postRoot), lie.what).to.deep.equal([liar]);
        played += 1;
      }
      expect(played).to.be.above(6);
    });
  }
});
