import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { DISPUTE, createDisputeScene, lyingRoots } from "../builders/disputeScene.ts";
import type { DisputeScene } from "../builders/disputeScene.ts";
import { DisputeTable } from "../builders/disputeTable.ts";
import type { NamedLeaf, Player } from "../builders/disputeTable.ts";

const { windowSeconds: W, joinSeconds: D, clockSeconds: C0, incrementSeconds: E, moveBondWei: MOVE } = DISPUTE;

for (const k of [2, 4]) {
  describe(`bisection game, k = ${k}`, function () {
    this.timeout(120_000);
    let scene: DisputeScene;
    let table: DisputeTable;
    let roundId: string;
    let snapshot: { restore(): Promise<void> };
    let length: number;
    let honest: Player;

    before(async () => {
      scene = await createDisputeScene(k);
      length = scene.roots.length - 1;
      roundId = await scene.settlement.roundIdOf(scene.parent, 1);
      snapshot = await scene.connection.networkHelpers.takeSnapshot();
    });
    afterEach(() => snapshot.restore());
    after(() => scene.connection.close());

    beforeEach(() => {
      table = new DisputeTable(scene, k, roundId);
    });

    const enter = (signer: Player["signer"], roots: readonly string[]): Promise<Player> => table.enter(signer, roots);
    const statesOf = (player: Player, from: number, size: number): string[] => table.statesOf(player, from, size);
    const playToLeaf = (earlier: Player, later: Player): Promise<NamedLeaf> => table.playToLeaf(earlier, later);
    const proofOf = (step: number) => table.proofOf(step);
    const isDead = async (n: number): Promise<boolean> => (await scene.settlement.entries(roundId, n)).isDead;

    async function enterBoth(from: number): Promise<{ liar: Player }> {
      honest = await enter(scene.signers[1]!, scene.roots);
      return { liar: await enter(scene.signers[2]!, lyingRoots(scene.roots, from)) };
    }

    it("liar: loses wherever its trace goes wrong, and the true claim is confirmed", async () => {
      for (let from = 1; from <= length; from += 1) {
        const { liar } = await enterBoth(from);
        const leaf = await playToLeaf(honest, liar);
        expect(leaf.step, `false from step ${from} on`).to.equal(from - 1);
        expect(leaf.preState).to.equal(toHex(scene.steps[from - 1]!.preRoot));
        await scene.game.connect(scene.signers[5]!).prove(roundId, honest.n, liar.n, leaf, proofOf(from - 1));
        expect([await isDead(honest.n), await isDead(liar.n)]).to.deep.equal([false, true]);
        const { openedAt } = await scene.settlement.rounds(scene.parent);
        await scene.setNextTime(Number(openedAt) + W + D);
        const claimId = await scene.settlement.claimIdOf(scene.parent, 1, 0, scene.roots[length]!);
        await scene.settlement.confirm(claimId);
        expect((await scene.settlement.latestConfirmed()).stateRoot).to.equal(scene.roots[length]);
        await snapshot.restore();
        table = new DisputeTable(scene, k, roundId);
      }
    });

    it("liar that is first: is answered by the honest one's opening, and loses", async () => {
      const liar = await enter(scene.signers[2]!, lyingRoots(scene.roots, 3));
      honest = await enter(scene.signers[1]!, scene.roots);
      const leaf = await playToLeaf(liar, honest);
      await scene.game.prove(roundId, liar.n, honest.n, leaf, proofOf(leaf.step));
      expect([await isDead(liar.n), await isDead(honest.n)]).to.deep.equal([true, false]);
    });

    it("two liars: fall together when neither says what the step gives, and the epoch gets a new round", async () => {
      const first = await enter(scene.signers[1]!, lyingRoots(scene.roots, 4, "one"));
      const second = await enter(scene.signers[2]!, lyingRoots(scene.roots, 4, "two"));
      const leaf = await playToLeaf(first, second);
      await scene.game.connect(scene.signers[5]!).prove(roundId, first.n, second.n, leaf, proofOf(leaf.step));
      expect([await isDead(first.n), await isDead(second.n)]).to.deep.equal([true, true]);
      expect(await scene.settlement.credit(scene.signers[5]!.address)).to.equal(DISPUTE.gasRefundWei);
      const { openedAt } = await scene.settlement.rounds(scene.parent);
      await scene.setNextTime(Number(openedAt) + W + D);
      await expect(scene.settlement.claim(scene.parent, 1, 0, scene.roots[length]!, scene.accumulator, scene.signers[1]!.address, { value: DISPUTE.bondWei })).to.be.revertedWithCustomError(scene.settlement, "WrongRound");
      await scene.settlement.claim(scene.parent, 2, 0, scene.roots[length]!, scene.accumulator, scene.signers[1]!.address, { value: DISPUTE.bondWei });
      expect((await scene.settlement.rounds(scene.parent)).number).to.equal(2n);
    });

    it("money: the winner gets the gas and a capped reward, at least half of the rest is burned, and nothing is left over", async () => {
      const { liar } = await enterBoth(2);
      const leaf = await playToLeaf(honest, liar);
      await scene.game.prove(roundId, honest.n, liar.n, leaf, proofOf(leaf.step));
      await scene.game.settle(roundId, honest.n, liar.n);
      await scene.game.settleOpening(roundId, liar.n);
      await expect(scene.game.settle(roundId, honest.n, liar.n)).to.be.revertedWithCustomError(scene.game, "AlreadySettled");
      const { openedAt } = await scene.settlement.rounds(scene.parent);
      await scene.setNextTime(Number(openedAt) + W + D);
      await scene.settlement.confirm(await scene.settlement.claimIdOf(scene.parent, 1, 0, scene.roots[length]!));
      await scene.settlement.release(roundId, honest.n);
      await expect(scene.settlement.release(roundId, honest.n)).to.be.revertedWithCustomError(scene.settlement, "EntryOut");
      await expect(scene.settlement.release(roundId, liar.n)).to.be.revertedWithCustomError(scene.settlement, "EntryOut");
      const provider = scene.connection.ethers.provider;
      expect(await provider.getBalance(await scene.game.getAddress())).to.equal(0n);
      const [credit, burned] = [await scene.settlement.credit(honest.signer.address), await scene.settlement.burned()];
      expect(credit + burned).to.equal(await provider.getBalance(await scene.settlement.getAddress()));
      const liarBond = (DISPUTE.bondWei * 33n) / 32n;
      const lost = liarBond - DISPUTE.gasRefundWei - DISPUTE.rewardCapWei;
      expect(burned).to.equal(lost);
      expect(burned * 2n >= liarBond - DISPUTE.gasRefundWei).to.equal(true);
      await expect(scene.settlement.connect(honest.signer).withdrawCredit(honest.signer.address)).to.changeEtherBalance(scene.connection.ethers, honest.signer, credit);
      await expect(scene.settlement.withdrawBurned()).to.changeEtherBalance(scene.connection.ethers, "0x000000000000000000000000000000000000dEaD", burned);
    });

    it("time: one who is late is out from its deadline on, and not a second before; a proof counts only before it", async () => {
      const { liar } = await enterBoth(2);
      const { enteredAt } = await scene.settlement.entries(roundId, liar.n);
      await scene.setNextTime(Number(enteredAt) + C0 - 1);
      await expect(scene.game.timeout(roundId, honest.n, liar.n)).to.be.revertedWithCustomError(scene.game, "TooEarly");
      await scene.setNextTime(Number(enteredAt) + C0);
      await expect(scene.game.connect(liar.signer).open(roundId, liar.n, statesOf(liar, 0, length), { value: MOVE })).to.be.revertedWithCustomError(scene.game, "TooLate");
      await scene.game.timeout(roundId, honest.n, liar.n);
      expect(await isDead(liar.n)).to.equal(true);
      await expect(scene.game.timeout(roundId, honest.n, liar.n)).to.be.revertedWithCustomError(scene.game, "EntryDead");
      await snapshot.restore();
      table = new DisputeTable(scene, k, roundId);

      const again = await enterBoth(2);
      const leaf = await playToLeaf(honest, again.liar);
      const [isLater, lateAt] = await scene.game.deadline(roundId, honest.n, again.liar.n);
      await scene.setNextTime(Number(lateAt));
      await expect(scene.game.prove(roundId, honest.n, again.liar.n, leaf, proofOf(leaf.step))).to.be.revertedWithCustomError(scene.game, "TooLate");
      await scene.game.timeout(roundId, honest.n, again.liar.n);
      expect(await isDead(isLater ? again.liar.n : honest.n)).to.equal(true);
      expect(E).to.be.above(0);
    });

    it("stranger, copier or wrong move: is refused, and a game of one pair takes out nobody else", async () => {
      const { liar } = await enterBoth(2);
      const copier = await enter(scene.signers[3]!, scene.roots);
      const states = statesOf(liar, 0, length);
      expect(await scene.game.openingBond(roundId, liar.n)).to.equal(2n * MOVE);
      await expect(scene.game.connect(scene.signers[4]!).open(roundId, liar.n, states, { value: 2n * MOVE })).to.be.revertedWithCustomError(scene.game, "NotPlayer");
      await expect(scene.game.connect(liar.signer).open(roundId, liar.n, states, { value: 2n * MOVE - 1n })).to.be.revertedWithCustomError(scene.game, "WrongBond");
      await expect(scene.game.connect(liar.signer).open(roundId, liar.n, states.slice(1), { value: 2n * MOVE })).to.be.revertedWithCustomError(scene.game, "BadStates");
      await expect(scene.game.connect(liar.signer).open(roundId, liar.n, statesOf(honest, 0, length), { value: 2n * MOVE })).to.be.revertedWithCustomError(scene.game, "NotOwnRoot");
      await expect(scene.game.timeout(roundId, honest.n, copier.n)).to.be.revertedWithCustomError(scene.game, "NotRivals");
      await expect(scene.game.timeout(roundId, liar.n, honest.n)).to.be.revertedWithCustomError(scene.game, "BadOrder");
      const leaf = await playToLeaf(honest, liar);
      await expect(scene.game.prove(roundId, honest.n, liar.n, { ...leaf, saidLater: leaf.saidEarlier }, proofOf(leaf.step))).to.be.revertedWithCustomError(scene.game, "WrongMove");
      await expect(scene.game.prove(roundId, honest.n, liar.n, leaf, proofOf(leaf.step + 1))).to.revert(scene.connection.ethers);
      await expect(scene.game.connect(liar.signer).open(roundId, liar.n, states, { value: 2n * MOVE })).to.be.revertedWithCustomError(scene.game, "OpenedBefore");
      // The copier throws its game on purpose; the honest entry stands.
      const [, lateAt] = await scene.game.deadline(roundId, liar.n, copier.n);
      await scene.setNextTime(Number(lateAt));
      await scene.game.timeout(roundId, liar.n, copier.n);
      expect([await isDead(copier.n), await isDead(honest.n), await isDead(liar.n)]).to.deep.equal([true, false, false]);
      expect((await scene.settlement.claims(await scene.settlement.claimIdOf(scene.parent, 1, 0, scene.roots[length]!))).live).to.equal(1n);
    });
  });
}
