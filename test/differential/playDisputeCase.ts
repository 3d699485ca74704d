import { toHex } from "../../core/codec/index.ts";
import type { RecordedStep, Side } from "../../core/dispute/index.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import type { LeafStruct } from "../../typechain-types/root/BisectionGame.ts";
import type { Lie } from "../builders/Lie.ts";
import { LyingTrace } from "../builders/LyingTrace.ts";
import { enterClaim, playToLeaf, proveOnChain } from "../builders/playOnChain.ts";
import type { Player } from "../builders/playOnChain.ts";
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

function require(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Error(complaint);
}

/**
 * One lie on the real contracts: a game to its end, then the true claim's confirmation and the money.
 * @throws Error that says what went another way than it must
 */
export async function playDisputeCase(world: DisputeWorld, seed: number): Promise<DisputeCase> {
  const { chain, truth, accumulator } = world;
  const { terms, connection } = chain;
  const random = new Random(seed);
  const { lie, healed } = pickLie(world, random);
  const which = random.below(chain.tables.length);
  const [table, parent] = [chain.tables[which]!, world.parents[which]!];
  const { settlement, game, k } = table;
  const liar: Side = random.pick(["earlier", "later"]);
  const [honestSigner, liarSigner, bystander] = [chain.signers[1]!, chain.signers[2]!, chain.signers[3]!];
  const enter = (side: Side): Promise<Player> => (side === liar ? enterClaim(table, parent, 1, accumulator, liarSigner, lie) : enterClaim(table, parent, 1, accumulator, honestSigner, truth));
  const honest: Side = liar === "earlier" ? "later" : "earlier";
  const earlier = await enter("earlier");
  if (random.chance(0.3)) await chain.setNextTime((await chain.now()) + terms.windowSeconds - 1);
  const players = { earlier, later: await enter("later") };
  const roundId = await settlement.roundIdOf(parent, 1);
  let lastSecondMoves = 0;
  const played = await playToLeaf({
    table, roundId, players,
    beforeMove: async (side) => {
      if (side !== liar || !random.chance(0.25)) return;
      const [, lateAt] = await game.deadline(roundId, 0, 1);
      await chain.setNextTime(Number(lateAt) - 1);
      lastSecondMoves += 1;
    },
  }, terms.moveBondWei);
  const { leaf } = played;
  require(Number(leaf.step) === lie.lieAt - 1, `the game ended at step ${String(leaf.step)}, the lie is in step ${lie.lieAt - 1}`);
  const recorded = truth.stepProofAt(lie.lieAt - 1);
  await requireNoProof(world, table, roundId, players, leaf, forgeProof(recorded, random));
  await proveOnChain(table, roundId, players, leaf, recorded, random.pick([honestSigner, bystander]));

  const [ofHonest, ofLiar] = [await settlement.entries(roundId, players[honest].n), await settlement.entries(roundId, players[liar].n)];
  require(ofLiar.isDead, "the liar is still in");
  require(!ofHonest.isDead, "the honest entry is out");
  const { openedAt } = await settlement.rounds(parent);
  const bound = Number(openedAt) + terms.windowSeconds + terms.joinSeconds;
  const trueClaim = await settlement.claimIdOf(parent, 1, 1, toHex(truth.stateRootAt(truth.length)));
  if ((await chain.now()) + 1 < bound) await chain.setNextTime(bound);
  await settlement.confirm(trueClaim);
  require((await settlement.latestConfirmed()).claimId === trueClaim, "the true claim is not confirmed");

  await game.settle(roundId, 0, 1);
  await game.settleOpening(roundId, players.later.n);
  await settlement.release(roundId, players[honest].n);
  const bondOf = (n: number): bigint => (terms.bondWei * BigInt(32 + n) + 31n) / 32n;
  const liarBond = bondOf(players[liar].n);
  const refund = terms.gasRefundWei < liarBond / 2n ? terms.gasRefundWei : liarBond / 2n;
  const reward = (liarBond - refund) / 2n < terms.rewardCapWei ? (liarBond - refund) / 2n : terms.rewardCapWei;
  const due = bondOf(players[honest].n) + refund + reward + BigInt(played.moves) * terms.moveBondWei;
  const { provider } = connection.ethers;
  const [credit, ofLiarCredit, burned] = [await settlement.credit(honestSigner.address), await settlement.credit(liarSigner.address), await settlement.burned()];
  const held = await provider.getBalance(await settlement.getAddress());
  const ofDeployer = terms.bondWei; // of the epoch before, not released
  require(credit === due, `the honest side has ${credit} wei to its credit instead of ${due}`);
  require(ofLiarCredit === 0n, `the liar has ${ofLiarCredit} wei to its credit`);
  require((await provider.getBalance(await game.getAddress())) === 0n, "move bonds are left in the game");
  require(credit + burned + ofDeployer === held, "credits and burned are not what is held");
  return { leaf: lie.leaf, field: lie.field, stepKind: world.story.kinds[lie.lieAt - 1]!, liar, k, moves: played.moves + 1, healed, lastSecondMoves, what: lie.what };
}

async function requireNoProof(
  { chain }: DisputeWorld, { game }: DisputeWorld["chain"]["tables"][number], roundId: string, players: Readonly<Record<Side, Player>>, leaf: LeafStruct, forged: RecordedStep,
): Promise<void> {
  const data = game.interface.encodeFunctionData("prove", [roundId, players.earlier.n, players.later.n, leaf, forged.proof as never]);
  const outcome = await chain.connection.ethers.provider.call({ to: await game.getAddress(), data, from: chain.signers[2]!.address }).then(() => "taken", (error: unknown) => String(error));
  require(/custom error|reverted/.test(outcome), `a forged proof: ${outcome}`);
}
