import { expect } from "chai";

import { DISPUTE, createDisputeScene, lyingRoots } from "../builders/disputeScene.ts";
import type { DisputeScene } from "../builders/disputeScene.ts";
import { DisputeTable } from "../builders/disputeTable.ts";

const { moveBondWei: MOVE, gasRefundWei: REFUND, rewardCapWei: REWARD } = DISPUTE;
const K = 4;

describe("bisection game, money", function () {
  this.timeout(120_000);
  let scene: DisputeScene;
  let table: DisputeTable;
  let snapshot: { restore(): Promise<void> };
  let roundId: string;

  before(async () => {
    scene = await createDisputeScene(K);
    roundId = await scene.settlement.roundIdOf(scene.parent, 1);
    snapshot = await scene.connection.networkHelpers.takeSnapshot();
  });
  beforeEach(() => {
    table = new DisputeTable(scene, K, roundId);
  });
  afterEach(() => snapshot.restore());
  after(() => scene.connection.close());

  const creditOf = (n: number): Promise<bigint> => scene.settlement.credit(scene.signers[n]!.address);
  const lie = (seed: string): string[] => lyingRoots(scene.roots, 3, seed);

  it("answer: is repaid when the opener throws its game to an accomplice", async () => {
    const accomplice = await table.enter(scene.signers[3]!, lie("accomplice"));
    const honest = await table.enter(scene.signers[1]!, scene.roots);
    const thrower = await table.enter(scene.signers[2]!, lie("thrower"));
    await table.open(thrower);
    await table.answer(honest, thrower);
    await table.answer(accomplice, thrower);
    expect((await scene.game.openings(roundId, thrower.n)).answers).to.equal(2n);
    await table.timeout(accomplice, thrower);
    await scene.game.settle(roundId, honest.n, thrower.n);
    // Its own move bond back, and the one of the opening that it answered.
    expect(await creditOf(1)).to.equal(2n * MOVE);
    await scene.game.settle(roundId, accomplice.n, thrower.n);
    await scene.game.settleOpening(roundId, thrower.n);
    expect(await creditOf(3)).to.equal(REFUND + REWARD + 2n * MOVE);
    expect((await table.balances()).game).to.equal(0n);
  });

  it("opening: is burned as far as nobody answered it, when its entry is out", async () => {
    const first = await table.enter(scene.signers[1]!, scene.roots);
    await table.enter(scene.signers[4]!, scene.roots);
    const liar = await table.enter(scene.signers[2]!, lie("liar"));
    await table.open(liar);
    const leaf = await table.answerToLeaf(first, liar);
    await table.prove(first, liar, leaf);
    const burned = await scene.settlement.burned();
    await scene.game.settleOpening(roundId, liar.n);
    expect((await scene.settlement.burned()) - burned).to.equal(MOVE);
    await scene.game.settle(roundId, first.n, liar.n);
    expect((await table.balances()).game).to.equal(0n);
  });

  it("opening: comes back whole when its entry lives, in either order of settling", async () => {
    for (const isOpeningFirst of [true, false]) {
      const liar = await table.enter(scene.signers[2]!, lie("liar"));
      const honest = await table.enter(scene.signers[1]!, scene.roots);
      const leaf = await table.playToLeaf(liar, honest);
      await expect(scene.game.settleOpening(roundId, honest.n)).to.be.revertedWithCustomError(scene.game, "StillPlayed");
      await table.prove(liar, honest, leaf);
      if (!isOpeningFirst) await scene.game.settle(roundId, liar.n, honest.n);
      await table.confirm(honest);
      await scene.game.settleOpening(roundId, honest.n);
      if (isOpeningFirst) await scene.game.settle(roundId, liar.n, honest.n);
      await expect(scene.game.settleOpening(roundId, honest.n)).to.be.revertedWithCustomError(scene.game, "AlreadySettled");
      await scene.settlement.release(roundId, honest.n);
      const { held, game, credited, burned } = await table.balances();
      expect([game, held - credited - burned]).to.deep.equal([0n, 0n]);
      await snapshot.restore();
      table = new DisputeTable(scene, K, roundId);
    }
  });

  it("opening: owes nothing for a game that was settled while its entry lived, and falls later", async () => {
    const dead = await table.enter(scene.signers[3]!, lie("dead"));
    const honest = await table.enter(scene.signers[1]!, scene.roots);
    const opener = await table.enter(scene.signers[2]!, lie("opener"));
    await table.open(opener);
    await table.answer(dead, opener);
    await table.answer(dead, opener);
    await scene.setNextTime((await scene.now()) + DISPUTE.clockSeconds / 2);
    await table.answer(honest, opener);
    await table.timeout(dead, opener);
    await scene.game.settle(roundId, dead.n, opener.n);
    expect((await scene.game.openings(roundId, opener.n)).answers).to.equal(1n);
    const leaf = await table.answerToLeaf(honest, opener);
    await table.prove(honest, opener, leaf);
    await scene.game.settleOpening(roundId, opener.n);
    await scene.game.settle(roundId, honest.n, opener.n);
    expect((await table.balances()).game).to.equal(0n);
  });

  it("opening: credits what was sent above its bond, and a rival that enters just before it costs no second try", async () => {
    await table.enter(scene.signers[1]!, scene.roots);
    const liar = await table.enter(scene.signers[2]!, lie("liar"));
    const states = table.statesOf(liar, 0, table.length);
    await table.enter(scene.signers[3]!, scene.roots);
    await expect(scene.game.connect(liar.signer).open(roundId, liar.n, states, { value: 2n * MOVE - 1n })).to.be.revertedWithCustomError(scene.game, "WrongBond");
    await scene.game.connect(liar.signer).open(roundId, liar.n, states, { value: 5n * MOVE });
    expect(await creditOf(2)).to.equal(3n * MOVE);
    expect((await scene.game.openings(roundId, liar.n)).potWei).to.equal(2n * MOVE);
  });

  it("opening bond: is one move bond at least, and not counted for entries of one's own claim or dead ones", async () => {
    const honest = await table.enter(scene.signers[1]!, scene.roots);
    await table.enter(scene.signers[4]!, scene.roots);
    expect(await scene.game.openingBond(roundId, honest.n)).to.equal(MOVE);
    const liar = await table.enter(scene.signers[2]!, lie("liar"));
    expect(await scene.game.openingBond(roundId, honest.n)).to.equal(MOVE);
    expect(await scene.game.openingBond(roundId, liar.n)).to.equal(2n * MOVE);
    await table.timeout(honest, liar);
    const { liveEntries, liveClaims } = await scene.settlement.rounds(scene.parent);
    expect([liveEntries, liveClaims]).to.deep.equal([2n, 1n]);
  });

  it("settle: burns the move bonds of two that fell together", async () => {
    const first = await table.enter(scene.signers[1]!, lie("one"));
    const second = await table.enter(scene.signers[2]!, lie("two"));
    const leaf = await table.playToLeaf(first, second);
    await table.prove(first, second, leaf);
    await scene.game.settle(roundId, first.n, second.n);
    await scene.game.settleOpening(roundId, second.n);
    const { held, game, credited, burned } = await table.balances();
    expect([game, credited, held - burned]).to.deep.equal([0n, REFUND, REFUND]);
  });
});
