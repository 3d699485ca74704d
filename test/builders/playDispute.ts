import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import { toHex } from "../../core/codec/index.ts";
import type { RecordedStep, Side, TraceOracle } from "../../core/dispute/index.ts";
import type { DisputeChain, DisputeTerms, Table } from "./disputeChain.ts";
import type { Player } from "./OnChainGame.ts";
import { enterClaim, MOVE_GAS, playToLeaf } from "./playOnChain.ts";
import { mined } from "./mined.ts";

export interface Dispute {
  readonly chain: DisputeChain;
  readonly table: Table;
  /** The claim that the disputed epoch 1 follows; epoch 0's one bond is still held. */
  readonly parent: string;
  readonly accumulator: string;
  readonly truth: TraceOracle;
  readonly lie: TraceOracle;
  /** The step that the lie makes in another way. */
  readonly falseStep: number;
  readonly liar: Side;
  /** Before the later one enters. */
  readonly beforeSecond?: () => Promise<void>;
  readonly beforeMove?: (side: Side) => Promise<void>;
  /** What the liar offers instead of the true proof. */
  readonly forgeries?: (recorded: RecordedStep) => readonly RecordedStep[];
  /** Who proves; the honest one unless given. */
  readonly prover?: HardhatEthersSigner;
}

export interface DisputeOutcome {
  /** Calls that took effect: opening, answers, proof. */
  readonly moves: number;
  readonly confirmedClaim: string;
}

function require(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new Error(complaint);
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** What entry n costs, and what of it goes to who takes it out. */
export function bondOf({ bondWei }: DisputeTerms, n: number): bigint {
  return (bondWei * BigInt(32 + n) + 31n) / 32n;
}

export function paidFor(terms: DisputeTerms, bondWei: bigint): bigint {
  const refund = smaller(terms.gasRefundWei, bondWei / 2n);
  return refund + smaller((bondWei - refund) / 2n, terms.rewardCapWei);
}

/**
 * A true and a false claim, the game between them move by move, the proof, the true claim's confirmation and the money.
 * @throws Error that says what went another way than it must
 */
export async function playDispute(dispute: Dispute): Promise<DisputeOutcome> {
  const { chain, table, parent, accumulator, truth, lie, liar, falseStep } = dispute;
  const { settlement } = table;
  const { terms } = chain;
  const [honestSigner, liarSigner] = [chain.signers[1]!, chain.signers[2]!];
  const honest: Side = liar === "earlier" ? "later" : "earlier";
  const enter = (side: Side): Promise<Player> => enterClaim(table, parent, 1, accumulator, side === liar ? liarSigner : honestSigner, side === liar ? lie : truth);
  const earlier = await enter("earlier");
  await dispute.beforeSecond?.();
  const players = { earlier, later: await enter("later") };
  const roundId = await settlement.roundIdOf(parent, 1);
  const played = await playToLeaf({ table, roundId, players, moveBondWei: terms.moveBondWei, beforeMove: dispute.beforeMove });
  require(played.game.game.lo === falseStep, `the game ended at step ${played.game.game.lo}, the lie is in step ${falseStep}`);

  const recorded = truth.stepProofAt(falseStep);
  for (const forged of dispute.forgeries?.(recorded) ?? []) {
    const outcome = await played.game.tryProof(forged, liarSigner);
    require(outcome !== "taken" && /custom error|reverted/.test(outcome.reverted), `a forged proof: ${JSON.stringify(outcome)}`);
  }
  await mined(played.game.prove(recorded, dispute.prover ?? honestSigner, { gasLimit: MOVE_GAS }));
  require((await settlement.entries(roundId, players[liar].n)).isDead, "the liar is still in");
  require(!(await settlement.entries(roundId, players[honest].n)).isDead, "the honest entry is out");

  const { openedAt } = await settlement.rounds(parent);
  const bound = Number(openedAt) + terms.windowSeconds + terms.joinSeconds;
  if ((await chain.now()) + 1 < bound) await chain.setNextTime(bound);
  const confirmedClaim = await settlement.claimIdOf(parent, 1, 1, toHex(truth.rootsAt([truth.length])[0]!));
  await mined(settlement.confirm(confirmedClaim));
  require((await settlement.latestConfirmed()).claimId === confirmedClaim, "the true claim is not confirmed");
  await requireMoney(dispute, roundId, players, honest, played.moves);
  return { moves: played.moves + 1, confirmedClaim };
}

/** All bonds are where they belong: the honest side has everything back and more, the liar nothing, the rest is burned. */
async function requireMoney({ chain, table, liar }: Dispute, roundId: string, players: Readonly<Record<Side, Player>>, honest: Side, moves: number): Promise<void> {
  const { settlement, game } = table;
  const { terms } = chain;
  await mined(game.settle(roundId, players.earlier.n, players.later.n));
  await mined(game.settleOpening(roundId, players.later.n));
  await mined(settlement.release(roundId, players[honest].n));
  const { provider } = chain.connection.ethers;
  const due = bondOf(terms, players[honest].n) + paidFor(terms, bondOf(terms, players[liar].n)) + BigInt(moves) * terms.moveBondWei;
  const [credit, ofLiar, burned] = await Promise.all([settlement.credit(players[honest].signer.address), settlement.credit(players[liar].signer.address), settlement.burned()]);
  require(credit === due, `the honest side has ${credit} wei to its credit instead of ${due}`);
  require(ofLiar === 0n, `the liar has ${ofLiar} wei to its credit`);
  require((await provider.getBalance(await game.getAddress())) === 0n, "move bonds are left in the game");
  const ofEpochBefore = terms.bondWei;
  require(credit + burned + ofEpochBefore === (await provider.getBalance(await settlement.getAddress())), "credits and burned are not what is held");
}
