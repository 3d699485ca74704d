import { expect } from "chai";

import { encodeRecord, toHex } from "../../core/codec/index.ts";
import { advanceStart, recordStep, segmentPoints, Trace, traceLength } from "../../core/dispute/index.ts";
import { CoreError } from "../../core/errors.ts";
import { MACHINE, OP } from "../../core/generated/protocol.ts";
import { createState, createStateTree } from "../../core/state/index.ts";
import { joinBytes, TestRollup } from "../builders/TestRollup.ts";
import { createTraceStory } from "../builders/traceStory.ts";
import type { TraceStory } from "../builders/traceStory.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { Random } from "../differential/scenario/Random.ts";

/** The root after each step of the story, the identity steps at its end included. */
function rootOf(story: TraceStory, step: number): string {
  return toHex(story.roots[Math.min(step, story.roots.length - 1)]!);
}

function shuffledSteps(length: number, random: Random): number[] {
  const steps = Array.from({ length: length + 1 }, (_, step) => step);
  for (let i = steps.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [steps[i], steps[j]] = [steps[j]!, steps[i]!];
  }
  return steps;
}

/** Batches of transfers between two accounts, 64 a bundle, of which some fail: about 2^15 steps. */
function createLongEpoch(): TestRollup {
  const [ada, bob] = ["ada", "bob"].map(createActor);
  const rollup = new TestRollup({ fee: 1 });
  for (const { address } of [ada!, bob!]) rollup.enqueue({ kind: OP.DEPOSIT, sender: address, account: address, value: 20_000 });
  rollup.submit(1000);
  for (let batch = 0, nonce = 0; batch < 5; batch += 1) {
    const bundles: Uint8Array[] = [];
    for (let i = 0; i < 25; i += 1, nonce += 1) {
      for (const [agent, signer] of [[1, ada!], [2, bob!]] as const) {
        const records = Array.from({ length: 64 }, (_, n) => encodeRecord("TRANSFER", { to: 3 - agent, amount: n % 9 === 0 ? 90_000 : n }));
        bundles.push(rollup.bundle({ agent, signer, records, nonce }));
      }
    }
    rollup.submit(1001 + batch, joinBytes(bundles));
  }
  return rollup;
}

describe("trace", () => {
  for (const seed of [1, 2, 3]) {
    it(`roots: are those of plain stepping when every step is asked for in order (seed ${seed})`, () => {
      const story = createTraceStory(seed, 5, 20);
      const trace = new Trace({ ...story.options, intervalSteps: 16 });
      expect(trace.length).to.equal(story.length);
      for (let step = 0; step <= trace.length; step += 1) expect(toHex(trace.stateRootAt(step)), `step ${step}`).to.equal(rootOf(story, step));
    });

    it(`roots: are those of plain stepping when steps are asked for in any order, near and far from checkpoints (seed ${seed})`, () => {
      const story = createTraceStory(seed, 3, 20);
      for (const intervalSteps of [1, 7, 40, 10_000]) {
        const trace = new Trace({ ...story.options, intervalSteps });
        const random = new Random(seed + intervalSteps);
        for (const step of shuffledSteps(trace.length, random)) {
          if (random.chance(0.3)) trace.stepProofAt(Math.min(step, trace.length - 1));
          expect(toHex(trace.stateRootAt(step)), `step ${step}, interval ${intervalSteps}`).to.equal(rootOf(story, step));
        }
      }
    });
  }

  it("step proof: is the one that recording every step gives, at every step and backwards", () => {
    const story = createTraceStory(4, 4, 12);
    const { batchEnd, l1 } = story.options;
    const replayed = new TestRollup({ fee: 1 });
    const tree = createStateTree();
    const trace = new Trace({ ...story.options, intervalSteps: 10 });
    expect(story.roots.length).to.be.above(60);
    const proofs = new Map<number, unknown>();
    for (let step = trace.length - 1; step >= 0; step -= 1) proofs.set(step, trace.stepProofAt(step));
    while (replayed.state.system.u64(MACHINE.batchIndex) < 4) recordStep(replayed.machine, tree, batchEnd, l1);
    for (let step = 0; step < trace.length; step += 1) {
      expect(proofs.get(step), `step ${step}`).to.deep.equal(recordStep(replayed.machine, tree, batchEnd, l1));
    }
  });

  it("end: is reached by the identity when batches take fewer steps than the Inbox counts (M-9)", () => {
    const rollup = new TestRollup();
    const start = { state: createState().exportSnapshot(), tree: createStateTree().snapshot() };
    rollup.submit(1000, new Uint8Array(96 * 4));
    const { parameters } = rollup;
    const trace = new Trace({ start, batchEnd: 1, l1: rollup, parameters });
    expect(trace.length).to.equal(9);
    const roots = trace.rootsAt([4, 5, 6, 9]).map(toHex);
    expect(roots[0]).to.not.equal(roots[1]);
    expect(new Set(roots.slice(1)).size).to.equal(1);
    expect(toHex(trace.stepProofAt(8).postRoot)).to.equal(roots[3]);
    expect(trace.stepProofAt(8).proof.leaves).to.have.length(1);
  });

  it("length: is zero without batches, and steps outside it are refused", () => {
    const rollup = new TestRollup();
    expect(traceLength(rollup, 0, 0, 0)).to.equal(0);
    const start = { state: createState().exportSnapshot(), tree: createStateTree().snapshot() };
    const trace = new Trace({ start, batchEnd: 0, l1: rollup, parameters: rollup.parameters });
    expect(trace.length).to.equal(0);
    expect(toHex(trace.stateRootAt(0))).to.equal(toHex(createStateTree().root()));
    for (const step of [-1, 1, 0.5]) {
      expect(() => trace.stateRootAt(step)).to.throw(CoreError).with.property("code", "dispute/step");
    }
    expect(() => trace.stepProofAt(0)).to.throw(CoreError).with.property("code", "dispute/step");
  });

  it("checkpoints: stay within their budget, and thinned out they still lead to every step", () => {
    const story = createTraceStory(5, 5, 40);
    const budget = 20_000;
    const trace = new Trace({ ...story.options, intervalSteps: 4, logBudgetBytes: budget });
    trace.stateRootAt(trace.length);
    expect(trace.logBytes).to.be.at.most(budget);
    expect(trace.checkpointCount).to.be.within(2, trace.length / 8);
    const random = new Random(9);
    for (let i = 0; i < 80; i += 1) {
      const step = random.below(trace.length + 1);
      const fresh = new Trace({ ...story.options });
      expect(toHex(trace.stateRootAt(step))).to.equal(rootOf(story, step));
      if (i < 5) expect(toHex(fresh.stateRootAt(step))).to.equal(rootOf(story, step));
    }
  });

  it("long epoch: has the roots of plain stepping at all cuts of an opening, found again in any order, with a bounded log", () => {
    const rollup = createLongEpoch();
    const start = { state: createState().exportSnapshot(), tree: createStateTree().snapshot() };
    const trace = new Trace({ start, batchEnd: 6, l1: rollup, parameters: rollup.parameters });
    expect(trace.length).to.be.within(2 ** 14, 2 ** 16);
    const cuts = segmentPoints(0, trace.length, 16);
    const roots = trace.rootsAt(cuts);
    const tree = createStateTree();
    for (let step = 0, at = 0; at < cuts.length; step += 1) {
      if (step === cuts[at]) {
        tree.apply(rollup.state.drainDirty());
        expect(toHex(roots[at]!), `step ${step}`).to.equal(toHex(tree.root()));
        at += 1;
      }
      rollup.step();
    }
    const backwards = cuts.toReversed().map((step) => toHex(trace.stepProofAt(step).preRoot));
    expect(backwards.toReversed()).to.deep.equal(roots.map(toHex));
    expect(trace.checkpointCount).to.be.within(16, 65);
    // Two accounts, the machine and the register change, however many steps there are.
    expect(trace.logBytes).to.be.below(65 * 6 * 140);
  });

  it("run ahead: gets to the end in slices and changes no root when other steps are asked for in between", () => {
    const story = createTraceStory(7, 3, 12);
    const trace = new Trace({ ...story.options, intervalSteps: 9 });
    let slices = 1;
    for (; !trace.runAhead(11); slices += 1) {
      if (slices % 3 === 0) expect(toHex(trace.stateRootAt(slices)), `step ${slices}`).to.equal(rootOf(story, slices));
    }
    expect(slices).to.equal(Math.ceil(trace.length / 11));
    expect(toHex(trace.stateRootAt(trace.length))).to.equal(rootOf(story, trace.length));
    expect(trace.runAhead(1)).to.equal(true);
  });

  it("start: is that of the epoch when it is reached from an older state", () => {
    const story = createTraceStory(8, 6, 8);
    const genesis = { state: createState().exportSnapshot(), tree: createStateTree().snapshot() };
    const start = advanceStart({ ...story.options, start: genesis, batchEnd: 6 });
    expect(start.tree).to.deep.equal(story.options.start.tree);
    const trace = new Trace({ ...story.options, start });
    expect(trace.length).to.equal(story.length);
    expect(trace.rootsAt([0, 30, trace.length]).map(toHex)).to.deep.equal([0, 30, trace.length].map((step) => rootOf(story, step)));
  });

  it("start: taken in the middle of a bundle it is where another trace goes on", () => {
    const story = createTraceStory(6, 5, 12);
    const trace = new Trace(story.options);
    for (const step of [1, 2, 3, 17, 40]) {
      const rest = new Trace({ ...story.options, start: trace.startAt(step), firstStep: step, length: trace.length, intervalSteps: 8 });
      for (let next = step; next <= trace.length; next += 3) expect(toHex(rest.stateRootAt(next))).to.equal(rootOf(story, next));
    }
  });
});
