import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";

import { claimState } from "../builders/claimState.ts";
import { DISPUTE_BOUND } from "../builders/deadChain.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const GUARDIAN_SECONDS = 30;
const DELAY = 2 * DISPUTE_BOUND + GUARDIAN_SECONDS;
const ROOT = `0x${"11".repeat(32)}`;
const LIE = `0x${"22".repeat(32)}`;
const YEAR = 365 * 86_400;

describe("Exodus declaration", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  const alive = (): Promise<RollupContracts> => scene.createRollup({ guardianSeconds: GUARDIAN_SECONDS, guardian: scene.signers[9]!.address, feeRecipient: scene.signers[8]!.address });
  const batch = async ({ inbox }: RollupContracts): Promise<number> => {
    await submitBatch(inbox, await scene.now(), await inbox.entryCount(), "0x");
    return scene.now();
  };
  const force = async ({ inbox }: RollupContracts): Promise<number> => {
    await inbox.force(new Uint8Array(96), { value: 10n ** 9n });
    return scene.now();
  };
  const declareAfterDelay = async ({ exodus }: RollupContracts): Promise<void> => {
    await scene.setNextTime(Number(await exodus.declarableAt()));
    await exodus.declare();
  };

  describe("pendingSince", () => {
    it("idle chain: never dies, however long nothing happens", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus } = rollup;
      await batch(rollup);
      const { claimId } = await claimState(rollup, { stateRoot: ROOT });
      await scene.networkHelpers.time.increase(50);
      await rollup.settlement.confirm(claimId);
      await scene.networkHelpers.time.increase(10 * YEAR);
      expect(await exodus.pendingSince()).to.equal(0n);
      expect(await exodus.declarableAt()).to.equal(0n);
      await expect(exodus.declare()).to.be.revertedWithCustomError(exodus, "NothingPending");
      const forcedAt = await force(rollup);
      expect(await exodus.pendingSince()).to.equal(BigInt(forcedAt));
      await expect(exodus.declare()).to.be.revertedWithCustomError(exodus, "TooEarly").withArgs(forcedAt + DELAY);
    });

    it("what is older: counts, the oldest entry that no batch took or the first batch of the oldest epoch that is not confirmed", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus, settlement } = rollup;
      const forcedAt = await force(rollup);
      expect(await exodus.pendingSince()).to.equal(BigInt(forcedAt));
      await force(rollup);
      const firstBatchAt = await batch(rollup);
      expect(await exodus.pendingSince()).to.equal(BigInt(firstBatchAt));
      await force(rollup);
      expect(await exodus.pendingSince()).to.equal(BigInt(firstBatchAt));
      const secondBatchAt = await batch(rollup);
      const { claimId } = await claimState(rollup, { stateRoot: ROOT });
      await scene.networkHelpers.time.increase(50);
      await settlement.confirm(claimId);
      expect(await exodus.pendingSince()).to.equal(BigInt(secondBatchAt));
      // The confirmation is a sign of life, later than both.
      expect(await exodus.declarableAt()).to.equal(BigInt((await scene.now()) + DELAY));
    });

    it("entry that batches leave out: counts from its own time, before that of the batches", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const forcedAt = await force(rollup);
      await submitBatch(rollup.inbox, await scene.now(), 0, "0x");
      expect(await rollup.exodus.pendingSince()).to.equal(BigInt(forcedAt));
      expect(await rollup.exodus.declarableAt()).to.equal(BigInt(forcedAt + DELAY));
    });

    it("open epoch: counts like a closed one", async () => {
      const rollup = await scene.createRollup({ epochAgeSeconds: 700 });
      const at = await batch(rollup);
      await batch(rollup);
      expect(await rollup.inbox.epochCount()).to.equal(0n);
      expect(await rollup.exodus.pendingSince()).to.equal(BigInt(at));
    });
  });

  describe("declare", () => {
    it("delay: is kept to the exact second, for anyone", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus } = rollup;
      const since = await force(rollup);
      await scene.setNextTime(since + DELAY - 1);
      await expect(exodus.declare()).to.be.revertedWithCustomError(exodus, "TooEarly").withArgs(since + DELAY);
      await scene.setNextTime(since + DELAY);
      await expect(exodus.connect(scene.signers[3]!).declare()).to.emit(exodus, "Declared").withArgs(since);
      expect(await exodus.declaredAt()).to.equal(BigInt(since + DELAY));
      await expect(exodus.declare()).to.be.revertedWithCustomError(exodus, "AlreadyDeclared").withArgs(since + DELAY);
    });

    it("chain that is declared dead: takes no batch, no entry of any kind and no new round", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { inbox, bridge, settlement } = rollup;
      const me = scene.signers[0]!.address;
      await batch(rollup);
      await declareAfterDelay(rollup);
      expect(await inbox.isStopped()).to.equal(true);
      await expect(batch(rollup)).to.be.revertedWithCustomError(inbox, "Stopped");
      await expect(force(rollup)).to.be.revertedWithCustomError(inbox, "Stopped");
      await expect(inbox.sweepFees()).to.be.revertedWithCustomError(inbox, "Stopped");
      await expect(bridge.deposit(me, 10n ** 9n, { value: 10n ** 9n })).to.be.revertedWithCustomError(inbox, "Stopped");
      await expect(claimState(rollup, { stateRoot: ROOT })).to.be.revertedWithCustomError(inbox, "Stopped");
      expect(await settlement.currentRound(await settlement.genesisClaim())).to.equal(1n);
    });
  });

  describe("finalise", () => {
    it("order: comes after declare, and once", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus, settlement } = rollup;
      await force(rollup);
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "NotDeclared");
      await declareAfterDelay(rollup);
      const leaf = { kind: 1, index: 0, words: [ZeroHash, ZeroHash, ZeroHash, ZeroHash] as [string, string, string, string], siblings: new Array<string>(9).fill(ZeroHash) };
      await expect(exodus.payLeaf(leaf, [])).to.be.revertedWithCustomError(exodus, "NotFinalised");
      await exodus.finalise();
      const payableAt = (await scene.now()) + 10;
      expect([await exodus.payableAt(), await exodus.claimId()]).to.deep.equal([BigInt(payableAt), await settlement.genesisClaim()]);
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "AlreadyFinalised");
      await scene.setNextTime(payableAt - 1);
      await expect(exodus.payLeaf(leaf, [])).to.be.revertedWithCustomError(exodus, "PayoutDelayed").withArgs(payableAt);
      // On the second it is paid from; the empty state only owes nothing.
      await scene.setNextTime(payableAt);
      await expect(exodus.payLeaf(leaf, [])).to.be.revertedWithCustomError(exodus, "NothingOwed").withArgs(1, 0);
    });

    it("claim that only waits for its confirmation: holds it up, and is then the last state", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus, settlement } = rollup;
      await batch(rollup);
      const { claimId } = await claimState(rollup, { stateRoot: ROOT });
      await declareAfterDelay(rollup);
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "RoundOpen").withArgs(await settlement.genesisClaim(), 1);
      await settlement.confirm(claimId);
      await exodus.finalise();
      expect([await exodus.claimId(), await exodus.stateRoot()]).to.deep.equal([claimId, ROOT]);
    });

    it("claims on top of each other: are all confirmed first", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus, settlement } = rollup;
      await batch(rollup);
      await batch(rollup);
      const first = (await claimState(rollup, { stateRoot: ROOT })).claimId;
      const second = (await claimState(rollup, { stateRoot: LIE, parent: first, epoch: 1 })).claimId;
      await declareAfterDelay(rollup);
      await settlement.confirm(first);
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "RoundOpen").withArgs(first, 1);
      await settlement.confirm(second);
      await exodus.finalise();
      expect(await exodus.claimId()).to.equal(second);
    });

    it("false claim made just before the declaration: can still be contested, and does not become the last state", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus, settlement, game } = rollup;
      await batch(rollup);
      const genesis = await settlement.genesisClaim();
      // In the last second the liar claims, and declares the chain dead in the next block.
      await scene.setNextTime(Number(await exodus.declarableAt()) - 1);
      const { claimId: lie } = await claimState(rollup, { stateRoot: LIE });
      await exodus.declare();
      const openedAt = (await settlement.rounds(genesis)).openedAt;
      const bond = await settlement.bondFor(genesis);
      await settlement.connect(scene.signers[2]!).claim(genesis, 1, 0, ROOT, await rollup.inbox.epochAccumulator(0), ZeroAddress, { value: bond });
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "RoundOpen").withArgs(genesis, 1);
      await scene.networkHelpers.time.increase(50);
      await expect(settlement.confirm(lie)).to.be.revertedWithCustomError(settlement, "LiveRivals");
      // Here nobody plays for the truth, and its bond is out. Until W + D it can be backed again, and that holds the exodus up too.
      const roundId = await settlement.roundIdOf(genesis, 1);
      await scene.networkHelpers.impersonateAccount(await game.getAddress());
      await scene.networkHelpers.setBalance(await game.getAddress(), 10n ** 18n);
      const asGame = settlement.connect(await scene.ethers.getSigner(await game.getAddress()));
      await asGame.eliminate(roundId, 0, 1);
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "RoundOpen");
      await scene.setNextTime(Number(openedAt) + 89);
      await expect(exodus.finalise()).to.be.revertedWithCustomError(exodus, "RoundOpen");
      const truth = await settlement.claimIdOf(genesis, 1, 0, ROOT);
      await scene.setNextTime(Number(openedAt) + 90);
      await settlement.confirm(truth);
      await exodus.finalise();
      expect(await exodus.stateRoot()).to.equal(ROOT);
    });

    it("round whose claims all fell: leaves the claim before it as the last state, for good", async () => {
      const rollup = await scene.networkHelpers.loadFixture(alive);
      const { exodus, settlement, game } = rollup;
      await batch(rollup);
      const genesis = await settlement.genesisClaim();
      await claimState(rollup, { stateRoot: LIE });
      await claimState(rollup, { stateRoot: ROOT });
      await declareAfterDelay(rollup);
      await scene.networkHelpers.impersonateAccount(await game.getAddress());
      await scene.networkHelpers.setBalance(await game.getAddress(), 10n ** 18n);
      const asGame = settlement.connect(await scene.ethers.getSigner(await game.getAddress()));
      await asGame.eliminateBoth(await settlement.roundIdOf(genesis, 1), 0, 1, scene.signers[1]!.address);
      await exodus.finalise();
      expect(await exodus.claimId()).to.equal(genesis);
      await expect(claimState(rollup, { stateRoot: ROOT })).to.be.revertedWithCustomError(rollup.inbox, "Stopped");
    });
  });
});
