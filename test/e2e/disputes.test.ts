import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import type { TraceOracle } from "../../core/dispute/index.ts";
import { addToField } from "../builders/editLeaf.ts";
import { AGENT, createMarketEpoch } from "../builders/marketEpoch.ts";
import type { MarketEpoch } from "../builders/marketEpoch.ts";
import { OnChainGame } from "../builders/OnChainGame.ts";
import type { Player } from "../builders/OnChainGame.ts";
import { enterClaim, MOVE_GAS, openOnChain, playToLeaf } from "../builders/playOnChain.ts";
import { lieAt, stepOf } from "./lies/MarketLie.ts";
import { valueLies } from "./lies/valueLies.ts";
import { mined } from "../builders/mined.ts";

describe("rounds with more than two sides", function () {
  this.timeout(120_000);
  let market: MarketEpoch;
  let honest: HardhatEthersSigner;
  let saboteur: HardhatEthersSigner;
  let liar: HardhatEthersSigner;
  let roundId: string;
  let trueClaim: string;
  /** When rivals end, and when entries end, once the round is open. */
  let windowEnd: number;
  let joinEnd: number;

  before(async () => {
    market = await createMarketEpoch([16]);
    [, honest, saboteur, liar] = market.chain.signers as [HardhatEthersSigner, HardhatEthersSigner, HardhatEthersSigner, HardhatEthersSigner];
    const { settlement } = table();
    roundId = await settlement.roundIdOf(market.parents[0]!, 1);
    trueClaim = await settlement.claimIdOf(market.parents[0]!, 1, 1, toHex(market.truth.stateRootAt(market.truth.length)));
  });
  afterEach(() => market.reset());
  after(() => market.chain.close());

  const table = () => market.chain.tables[0]!;

  async function enter(signer: HardhatEthersSigner, oracle: TraceOracle): Promise<Player> {
    const player = await enterClaim(table(), market.parents[0]!, 1, market.accumulator, signer, oracle);
    const { openedAt } = await table().settlement.rounds(market.parents[0]!);
    windowEnd = Number(openedAt) + market.chain.terms.windowSeconds;
    joinEnd = windowEnd + market.chain.terms.joinSeconds;
    return player;
  }

  /** Plays to the leaf and proves it; whoever is wrong is out. */
  async function decide(earlier: Player, later: Player): Promise<void> {
    const { game } = await playToLeaf({ table: table(), roundId, players: { earlier, later }, moveBondWei: market.chain.terms.moveBondWei });
    await mined(game.prove(market.truth.stepProofAt(game.game.lo), market.chain.signers[5]!, { gasLimit: MOVE_GAS }));
  }

  /** The one who is on move is late. */
  async function throwGame(earlier: Player, later: Player): Promise<void> {
    const [, lateAt] = await table().game.deadline(roundId, earlier.n, later.n);
    if ((await market.chain.now()) + 1 < Number(lateAt)) await market.chain.setNextTime(Number(lateAt));
    await mined(table().game.timeout(roundId, earlier.n, later.n));
  }

  const isOut = async (player: Player): Promise<boolean> => (await table().settlement.entries(roundId, player.n)).isDead;
  const confirmed = async (): Promise<string> => (await table().settlement.latestConfirmed()).claimId;
  const tell = (about: string): TraceOracle => valueLies.find((lie) => lie.about === about)!.tell(market);

  async function confirmTruth(): Promise<void> {
    if ((await market.chain.now()) + 1 < joinEnd) await market.chain.setNextTime(joinEnd);
    await mined(table().settlement.confirm(trueClaim));
    expect(await confirmed()).to.equal(trueClaim);
  }

  it("saboteur: backs the true claim first and throws its game; the claim is backed again in the last second, and stands", async () => {
    const sabotage = await enter(saboteur, market.truth);
    const lie = await enter(liar, tell("INVOKE"));
    await openOnChain(table(), roundId, lie);
    await throwGame(sabotage, lie);
    expect([await isOut(sabotage), await isOut(lie)]).to.deep.equal([true, false]);
    // Dormant: the lie is the only live claim, and may not be confirmed before nobody can back the truth any more.
    const { stateRoot } = await table().settlement.entryView(roundId, lie.n);
    const falseClaim = await table().settlement.claimIdOf(market.parents[0]!, 1, 1, stateRoot);
    await market.chain.setNextTime(windowEnd);
    await expect(table().settlement.confirm(falseClaim)).to.be.revertedWithCustomError(table().settlement, "RoundNotOver");
    await market.chain.setNextTime(joinEnd - 1);
    const { entryCount } = await table().settlement.rounds(market.parents[0]!);
    await mined(table().settlement.connect(honest).back(trueClaim, honest.address, { value: await table().settlement.bondFor(market.parents[0]!), gasLimit: MOVE_GAS }));
    await decide(lie, { n: Number(entryCount), signer: honest, oracle: market.truth });
    expect(await isOut(lie)).to.equal(true);
    await confirmTruth();
    await expect(table().settlement.release(roundId, sabotage.n)).to.be.revertedWithCustomError(table().settlement, "EntryOut");
  });

  it("saboteur: throws its game in the last second of W + D; whoever backed the truth itself wins", async () => {
    const sabotage = await enter(saboteur, market.truth);
    const helper = await enter(honest, market.truth);
    await market.chain.setNextTime(windowEnd - 1);
    const lie = await enter(liar, tell("WITHDRAW"));
    const { clockSeconds, moveBondWei } = market.chain.terms;
    // So late that the saboteur's clock ends with W + D.
    await market.chain.setNextTime(joinEnd - 1 - clockSeconds);
    await openOnChain(table(), roundId, lie);
    const game = new OnChainGame(table(), roundId, { earlier: helper, later: lie });
    const answer = () => game.answer({ value: moveBondWei, gasLimit: MOVE_GAS });
    await answer();
    const [, lateAt] = await table().game.deadline(roundId, helper.n, lie.n);
    await market.chain.setNextTime(Number(lateAt) - 1);
    await answer();
    await market.chain.setNextTime(joinEnd - 1);
    await throwGame(sabotage, lie);
    expect([await isOut(sabotage), await isOut(helper), await isOut(lie)]).to.deep.equal([true, false, false]);
    await expect(table().settlement.connect(saboteur).back(trueClaim, saboteur.address, { value: 10n * market.chain.terms.bondWei })).to.be.revertedWithCustomError(table().settlement, "RoundClosed");
    while (game.leaf === undefined) await answer();
    await mined(game.prove(market.truth.stepProofAt(Number(game.leaf.step)), honest, { gasLimit: MOVE_GAS }));
    expect([await isOut(helper), await isOut(lie)]).to.deep.equal([false, true]);
    await confirmTruth();
  });

  it("two rivals that are both wrong: fall together, and the next round confirms the truth", async () => {
    const overpay = (units: bigint): TraceOracle =>
      lieAt(market, stepOf(market.steps.exec, "TRANSFER"), ({ state, step }) => {
        step();
        addToField(state, "AGENT", AGENT.bob, "balance", units);
      });
    const [first, second] = [await enter(saboteur, overpay(1n)), await enter(liar, overpay(2n))];
    await decide(first, second);
    expect([await isOut(first), await isOut(second)]).to.deep.equal([true, true]);
    await market.chain.setNextTime(joinEnd);
    const { settlement } = table();
    const root = toHex(market.truth.stateRootAt(market.truth.length));
    await mined(settlement.connect(honest).claim(market.parents[0]!, 2, 1, root, market.accumulator, honest.address, { value: market.chain.terms.bondWei, gasLimit: MOVE_GAS }));
    const claimId = await settlement.claimIdOf(market.parents[0]!, 2, 1, root);
    await market.chain.connection.networkHelpers.time.increase(market.chain.terms.windowSeconds);
    await mined(settlement.confirm(claimId));
    expect(await confirmed()).to.equal(claimId);
  });
});
