import { toHex } from "../../core/codec/index.ts";
import type { RecordedStep, Side } from "../../core/dispute/index.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import type { Lie } from "../builders/Lie.ts";
import { LyingTrace } from "../builders/LyingTrace.ts";
import { playDispute } from "../builders/playDispute.ts";
import { StubbornTrace } from "../builders/StubbornTrace.ts";
import type { DisputeWorld } from "./disputeWorld.ts";
import { Random } from "./scenario/Random.ts";

/** What was played, for the tally. */
export interface DisputeCase {
  readonly leaf: LeafName;
  readonly field: string;
  readonly stepKind: string;
  readonly liar: Side;
  readonly k: number;
  /** Moves on the contracts: opening, answers, proof. */
  readonly moves: number;
  /** Lies before this one whose end was true again. */
  readonly healed: number;
  /** Moves that were made in the last second of a clock. */
  readonly lastSecondMoves: number;
  readonly what: string;
}

const LIE_TRIES = 40;

/** A lie whose end differs from the truth: others are the true claim. */
function pickLie({ story, truth }: DisputeWorld, random: Random): { lie: Lie; healed: number } {
  const worked = story.roots.length - 1;
  const end = toHex(truth.stateRootAt(story.length));
  for (let healed = 0; healed < LIE_TRIES; healed += 1) {
    // Most steps absorb; every second time it is one that executes something.
    const executing = random.chance(0.5) ? story.kinds.flatMap((kind, step) => (/^(EXEC|INBOX)/.test(kind) ? [step + 1] : [])) : [];
    const lieAt = executing.length > 0 ? random.pick(executing) : random.between(1, worked);
    const lie = random.chance(0.2) ? new StubbornTrace(truth, lieAt, random) : new LyingTrace(truth, story.options, lieAt, random);
    if (toHex(lie.rootsAt([story.length])[0]!) !== end) return { lie, healed };
  }
  throw new Error("Every lie heals in this epoch.");
}

/** A proof with one bit of one leaf's words, or of one sibling, turned: what a liar would need to be true. */
function forgeProof(recorded: RecordedStep, random: Random): RecordedStep {
  const turn = (word: string): string => `${word.slice(0, -1)}${(Number.parseInt(word.slice(-1), 16) ^ (1 << random.below(4))).toString(16)}`;
  const target = random.below(recorded.proof.leaves.length);
  const inWords = random.chance(0.5);
  const at = random.below(inWords ? 4 : recorded.proof.leaves[target]!.siblings.length);
  const leaves = recorded.proof.leaves.map((leaf, i) => {
    if (i !== target) return leaf;
    const [words, siblings] = [[...leaf.words] as [string, string, string, string], [...leaf.siblings]];
    if (inWords) words[at] = turn(words[at]!);
    else siblings[at] = turn(siblings[at]!);
    return { ...leaf, words, siblings };
  });
  return { ...recorded, proof: { ...recorded.proof, leaves } };
}

/**
 * One random lie on the real contracts, to the end.
 * @throws Error that says what went another way than it must
 */
export async function playDisputeCase(world: DisputeWorld, seed: number): Promise<DisputeCase> {
  const { chain, truth, accumulator } = world;
  const random = new Random(seed);
  const { lie, healed } = pickLie(world, random);
  const which = random.below(chain.tables.length);
  const [table, parent] = [chain.tables[which]!, world.parents[which]!];
  const liar: Side = random.pick(["earlier", "later"]);
  let lastSecondMoves = 0;
  const { moves } = await playDispute({
    chain, table, parent, accumulator, truth, lie, liar,
    falseStep: lie.lieAt - 1,
    beforeSecond: async () => {
      if (random.chance(0.3)) await chain.setNextTime((await chain.now()) + chain.terms.windowSeconds - 1);
    },
    beforeMove: async (side) => {
      if (side !== liar || !random.chance(0.25)) return;
      const [, lateAt] = await table.game.deadline(await table.settlement.roundIdOf(parent, 1), 0, 1);
      await chain.setNextTime(Number(lateAt) - 1);
      lastSecondMoves += 1;
    },
    forgeries: (recorded) => [forgeProof(recorded, random)],
    prover: random.pick([chain.signers[1]!, chain.signers[3]!]),
  });
  return { leaf: lie.leaf, field: lie.field, stepKind: world.story.kinds[lie.lieAt - 1]!, liar, k: table.k, moves, healed, lastSecondMoves, what: lie.what };
}
