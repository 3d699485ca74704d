import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { applyMove, decideMove, firstDisagreement, isSameRoot, losersOf, openGame, segmentPoints, Trace } from "../../core/dispute/index.ts";
import type { Game, RecordedStep, Side, TraceOracle } from "../../core/dispute/index.ts";
import { CoreError } from "../../core/errors.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { followOpenings } from "../builders/followOpenings.ts";
import { LyingTrace } from "../builders/LyingTrace.ts";
import { playGame } from "../builders/playGame.ts";
import { createTraceStory } from "../builders/traceStory.ts";
import type { TraceStory } from "../builders/traceStory.ts";
import { Random } from "../differential/scenario/Random.ts";

const SIDES: readonly Side[] = ["earlier", "later"];

/** States that are only names: those of all such traces are equal before their lie, and unlike any other after it. */
class NamedTrace implements TraceOracle {
  readonly length: number;
  readonly #lieAt: number;

  constructor(length: number, lieAt: number) {
    this.length = length;
    this.#lieAt = lieAt;
  }

  rootsAt(steps: readonly number[]): Uint8Array[] {
    return steps.map((step) => keccak256(new Uint8Array(Float64Array.of(step, step < this.#lieAt ? 0 : this.#lieAt).buffer)));
  }

  stepProofAt(step: number): RecordedStep {
    const [preRoot, postRoot] = this.rootsAt([step, step + 1]);
    return { preRoot, postRoot } as RecordedStep;
  }
}

/** Answers anything with roots that are nobody's, but for the state it begins with and the end it claims. */
function createNonsense(truth: TraceOracle, random: Random): TraceOracle {
  const roots = new Map<number, Uint8Array>([[0, truth.rootsAt([0])[0]!]]);
  const rootAt = (step: number): Uint8Array => {
    const known = roots.get(step) ?? random.bytes(32);
    roots.set(step, known);
    return known;
  };
  return { length: truth.length, rootsAt: (steps) => steps.map(rootAt), stepProofAt: (step) => truth.stepProofAt(step) };
}

/** ceil(log_k n), without logarithms. */
function cutsFor(n: number, k: number): number {
  let [cuts, reach] = [0, 1];
  for (; reach < n; reach *= k) cuts += 1;
  return cuts;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

describe("segment points", () => {
  it("cut: gives min(k, d) parts, none longer than ceil(d / k)", () => {
    for (const k of [2, 3, 4, 16]) {
      for (let d = 0; d <= 200; d += 1) {
        const points = [5, ...segmentPoints(5, 5 + d, k), 5 + d];
        expect(points.length - 1).to.equal(Math.max(1, Math.min(k, d)));
        for (let i = 1; i < points.length && d > 0; i += 1) {
          expect(points[i]! - points[i - 1]!).to.be.within(1, Math.ceil(d / k));
        }
      }
    }
  });

  it("cut: is the floor of lo + d * i / k without repetitions", () => {
    for (const k of [2, 4, 16]) {
      for (let d = 0; d <= 64; d += 1) {
        const all = Array.from({ length: k - 1 }, (_, i) => 7 + Math.floor((d * (i + 1)) / k)).filter((point) => point > 7);
        expect(segmentPoints(7, 7 + d, k)).to.deep.equal([...new Set(all)]);
      }
    }
  });

  it("disagreement: is the first root that differs, or none", () => {
    const [a, b] = [new Uint8Array(32), new Uint8Array(32).fill(1)];
    expect(firstDisagreement([a, a, b], [a, b, a])).to.equal(1);
    expect(firstDisagreement([a, b], [a, b])).to.equal(-1);
    expect(isSameRoot(a, new Uint8Array(31))).to.equal(false);
  });
});

describe("dispute game", () => {
  for (const k of [2, 4, 16]) {
    it(`rounds: are ceil(log_k N) at most, and the falsified step is found, for N around powers of two (k = ${k})`, () => {
      for (const n of [1, 2, 3, 15, 16, 17, 255, 256, 257, 2 ** 20 - 1, 2 ** 20]) {
        const truth = new NamedTrace(n, Infinity);
        let longest = 0;
        for (const lieAt of new Set([1, 2, Math.ceil(n / 2), Math.max(1, n - 1), n])) {
          if (lieAt > n) continue;
          for (const liar of SIDES) {
            const lie = new NamedTrace(n, lieAt);
            const players = liar === "earlier" ? { earlier: lie, later: truth } : { earlier: truth, later: lie };
            const { game, moves, proof } = playGame(k, players, liar === "earlier" ? "later" : "earlier");
            expect(game.lo, `n ${n}, lie at ${lieAt}`).to.equal(lieAt - 1);
            expect(losersOf(game, proof.recorded.postRoot)).to.deep.equal([liar]);
            longest = Math.max(longest, moves);
          }
        }
        // The opening is the first cut; every answer but the last cuts again, the last one only says its end. One step is opened and answered too.
        expect(longest, `n ${n}`).to.be.at.most(1 + Math.max(1, cutsFor(n, k)));
        if (n === k ** cutsFor(n, k) && n > 1) expect(longest).to.equal(1 + cutsFor(n, k));
      }
    });
  }

  it("refusals: moves out of turn, of a wrong size, that deny nothing or change their own end", () => {
    const [truth, lie] = [new NamedTrace(64, Infinity), new NamedTrace(64, 40)];
    const [zero] = truth.rootsAt([0]);
    const [end, falseEnd] = [truth.rootsAt([64])[0]!, lie.rootsAt([64])[0]!];
    const code = "dispute/move";
    expect(codeOf(() => openGame({ k: 1, length: 64 }, zero!, { earlier: end, later: falseEnd }))).to.equal(code);
    expect(codeOf(() => openGame({ k: 4, length: 0 }, zero!, { earlier: end, later: falseEnd }))).to.equal(code);
    expect(codeOf(() => openGame({ k: 4, length: 64 }, zero!, { earlier: end, later: end }))).to.equal(code);
    const opened = openGame({ k: 4, length: 64 }, zero!, { earlier: end, later: falseEnd });
    expect(decideMove(opened, "earlier", truth)).to.equal(null);
    expect(codeOf(() => applyMove(opened, { type: "answer", segment: 0, roots: [] }))).to.equal(code);
    expect(codeOf(() => applyMove(opened, { type: "opening", roots: [] }))).to.equal(code);
    expect(codeOf(() => losersOf(opened, end))).to.equal(code);
    expect(codeOf(() => applyMove(opened, { type: "opening", roots: truth.rootsAt([16, 32, 48, 64]) }))).to.equal(code);
    const cut = applyMove(opened, decideMove(opened, "later", lie) as never);
    expect(decideMove(cut, "later", lie)).to.equal(null);
    const roots = truth.rootsAt([36, 40, 44, 48]);
    expect(codeOf(() => applyMove(cut, { type: "answer", segment: 4, roots }))).to.equal(code);
    expect(codeOf(() => applyMove(cut, { type: "answer", segment: 2, roots: roots.slice(1) }))).to.equal(code);
    expect(codeOf(() => applyMove(cut, { type: "answer", segment: 1, roots: lie.rootsAt([20, 24, 28, 32]) }))).to.equal(code);
    expect(codeOf(() => applyMove(cut, { type: "answer", segment: 3, roots: truth.rootsAt([52, 56, 60, 63]) }))).to.equal(code);
    expect(codeOf(() => decideMove(cut, "earlier", lie))).to.equal(code);
    expect(applyMove(cut, { type: "answer", segment: 2, roots })).to.include({ lo: 32, hi: 48, toMove: "later", phase: "answer" });
  });

  it("inner ends: may be said anew, only what differs from the denied state counts, as on L1", () => {
    const [truth, lie] = [new NamedTrace(64, Infinity), new NamedTrace(64, 9)];
    const opened = openGame({ k: 4, length: 64 }, truth.rootsAt([0])[0]!, { earlier: truth.rootsAt([64])[0]!, later: lie.rootsAt([64])[0]! });
    const cut = applyMove(opened, decideMove(opened, "later", lie) as never);
    const answered = applyMove(cut, decideMove(cut, "earlier", truth) as never);
    const another = new NamedTrace(64, 14);
    const last = answered.said.length - 1;
    expect(applyMove(answered, { type: "answer", segment: last, roots: another.rootsAt([13, 14, 15, 16]) })).to.include({ lo: 12, hi: 16, toMove: "earlier" });
  });

  it("two wrong sides: fall together when the proof fits neither", () => {
    const players = { earlier: new NamedTrace(64, 20), later: new NamedTrace(64, 9) };
    const { game } = playGame(4, players, "earlier");
    expect(losersOf(game, new NamedTrace(64, Infinity).rootsAt([9])[0]!)).to.deep.equal(["later"]);
    const equals = { earlier: new NamedTrace(64, 9), later: createNonsense(new NamedTrace(64, Infinity), new Random(1)) };
    const both = playGame(4, equals, "earlier").game;
    expect(losersOf(both, new Uint8Array(32))).to.have.length(2);
  });
});

/** Steps at which a lie is told: first, last, in the tail without work, at a batch's edge, in the middle. */
function liesOf(story: TraceStory, random: Random): number[] {
  const worked = story.roots.length - 1;
  const steps = [1, 2, worked, Math.floor(worked / 2), random.between(1, worked), random.between(1, worked)];
  return [...new Set([...steps, Math.min(worked + 1, story.length), story.length])];
}

function checkProof(game: Game, recorded: RecordedStep): void {
  expect(toHex(recorded.preRoot)).to.equal(toHex(game.loRoot));
  expect(followOpenings(recorded)).to.equal(toHex(recorded.postRoot));
}

describe("dispute game over real traces", () => {
  for (const seed of [21, 22, 23, 24]) {
    for (const k of [2, 4, 16]) {
      it(`liar: falls at the very step that it falsified, whichever side it is on (seed ${seed}, k = ${k})`, () => {
        const story = createTraceStory(seed, 4, 10);
        const random = new Random(seed * k);
        const truth = new Trace({ ...story.options, intervalSteps: 32 });
        let played = 0;
        for (const lieAt of liesOf(story, random)) {
          const lie = new LyingTrace(truth, story.options, lieAt, random);
          // A falsified field may be overwritten before the end: then both claim the same.
          if (toHex(lie.rootsAt([story.length])[0]!) === toHex(truth.stateRootAt(story.length))) continue;
          const liar = random.pick(SIDES);
          const honest = liar === "earlier" ? "later" : "earlier";
          const players = liar === "earlier" ? { earlier: lie, later: truth } : { earlier: truth, later: lie };
          const { game, moves, proof } = playGame(k, players, honest);
          expect(game.lo, lie.what).to.equal(lieAt - 1);
          expect(moves).to.be.at.most(1 + Math.max(1, cutsFor(story.length, k)));
          checkProof(game, proof.recorded);
          expect(losersOf(game, proof.recorded.postRoot), lie.what).to.deep.equal([liar]);
          played += 1;
        }
        expect(played).to.be.above(1);
      });
    }
  }

  it("nonsense: falls too when every root that it says is made up", () => {
    const story = createTraceStory(31, 3, 8);
    const truth = new Trace(story.options);
    for (let seed = 1; seed <= 12; seed += 1) {
      const liar = seed % 2 === 0 ? "earlier" : "later";
      const nonsense = createNonsense(truth, new Random(seed));
      const players = liar === "earlier" ? { earlier: nonsense, later: truth } : { earlier: truth, later: nonsense };
      const { game, proof } = playGame(4, players, liar === "earlier" ? "later" : "earlier");
      checkProof(game, proof.recorded);
      expect(losersOf(game, proof.recorded.postRoot)).to.deep.equal([liar]);
    }
  });
});
