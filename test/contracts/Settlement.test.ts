import { expect } from "chai";
import { AbiCoder, keccak256, ZeroHash } from "ethers";

import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { sparseState } from "../builders/stateTree.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const BOND = 3_200n;
const WINDOW = 50;
const TRUE_ROOT = `0x${"11".repeat(32)}`;
const FALSE_ROOT = `0x${"66".repeat(32)}`;
const MAX_U64 = 2n ** 64n - 1n;

/** A chain with closed epochs, and the claims about them in few words. */
interface Game extends RollupContracts {
  readonly genesis: string;
  /** Accumulator of each closed epoch. */
  readonly accumulators: readonly string[];
  claim(by: number, parent: string, epoch: number, root: string, value?: bigint): ReturnType<RollupContracts["settlement"]["claim"]>;
  id(parent: string, epoch: number, root: string): Promise<string>;
}

describe("Settlement", () => {
  let scene: L1Scene;

  async function game(): Promise<Game> {
    const rollup = await scene.createRollup();
    const { inbox, settlement } = rollup;
    const accumulators: string[] = [];
    for (let epoch = 0; epoch < 3; epoch++) {
      await submitBatch(inbox, await scene.now(), 0, "0x");
      accumulators.push(await inbox.epochAccumulator(epoch));
    }
    return {
      ...rollup,
      accumulators,
      genesis: await settlement.genesisClaim(),
      claim: (by, parent, epoch, root, value = BOND) =>
        settlement.connect(scene.signers[by]!).claim(parent, epoch, root, accumulators[epoch]!, { value }),
      id: (parent, epoch, root) => settlement.claimIdOf(parent, epoch, root),
    };
  }
  const load = (): Promise<Game> => scene.networkHelpers.loadFixture(game);
  const passWindow = (): Promise<unknown> => scene.networkHelpers.time.increase(WINDOW);

  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  describe("genesis", () => {
    it("claim: is the empty state's root, bound to L1 chain and inbox", async () => {
      const { settlement, inbox, genesis } = await load();
      const root = sparseState([]).root;
      const { claimId, nextEpoch, stateRoot } = await settlement.latestConfirmed();
      expect([claimId, nextEpoch, stateRoot]).to.deep.equal([genesis, 0n, root]);
      const types = ["uint256", "address", "bytes32", "uint64", "bytes32"];
      expect(genesis).to.equal(keccak256(AbiCoder.defaultAbiCoder().encode(types, [31337, await inbox.getAddress(), ZeroHash, MAX_U64, root])));
    });

    it("claim: can be neither backed, retracted, confirmed nor withdrawn", async () => {
      const { settlement, genesis } = await load();
      const to = scene.signers[0]!.address;
      for (const call of [
        () => settlement.back(genesis, { value: BOND }),
        () => settlement.retract(genesis, to),
        () => settlement.confirm(genesis),
        () => settlement.withdrawBond(genesis, to),
      ]) {
        await expect(call()).to.be.revertedWithCustomError(settlement, "UnknownClaim").withArgs(genesis);
      }
      await expect(settlement.confirmedState(genesis)).to.be.revertedWithCustomError(settlement, "NotConfirmed").withArgs(genesis);
    });
  });

  describe("claim", () => {
    it("first: opens the round, takes the bond and announces itself", async () => {
      const { settlement, genesis, claim, id } = await load();
      const next = (await scene.now()) + 5;
      await scene.setNextTime(next);
      const made = claim(1, genesis, 0, TRUE_ROOT);
      const claimId = await id(genesis, 0, TRUE_ROOT);
      await expect(made).to.emit(settlement, "Claimed").withArgs(claimId, genesis, 0, TRUE_ROOT, next + WINDOW);
      await expect(made).to.emit(settlement, "Backed").withArgs(claimId, scene.signers[1]!.address, BOND);
      const stored = await settlement.claims(claimId);
      expect([stored.parent, stored.stateRoot, stored.epoch, stored.backers, stored.confirmedAt]).to.deep.equal([genesis, TRUE_ROOT, 0n, 1n, 0n]);
    });

    it("epoch: rejects any but the one after the parent's, and one that is not closed", async () => {
      const { settlement, inbox, genesis, accumulators, claim, id } = await load();
      await expect(claim(1, genesis, 1, TRUE_ROOT)).to.be.revertedWithCustomError(settlement, "WrongEpoch").withArgs(1, 0);
      await expect(settlement.claim(genesis, MAX_U64, TRUE_ROOT, ZeroHash, { value: BOND }))
        .to.be.revertedWithCustomError(settlement, "WrongEpoch")
        .withArgs(MAX_U64, 0);
      let parent = genesis;
      for (let epoch = 0; epoch < 3; epoch++) {
        await claim(1, parent, epoch, TRUE_ROOT);
        parent = await id(parent, epoch, TRUE_ROOT);
      }
      await expect(settlement.claim(parent, 3, TRUE_ROOT, accumulators[2]!, { value: BOND }))
        .to.be.revertedWithCustomError(inbox, "EpochNotClosed")
        .withArgs(3);
    });

    it("parent: rejects one that nobody claimed", async () => {
      const { settlement, claim } = await load();
      await expect(claim(1, FALSE_ROOT, 0, TRUE_ROOT)).to.be.revertedWithCustomError(settlement, "UnknownClaim").withArgs(FALSE_ROOT);
      await expect(claim(1, ZeroHash, 0, TRUE_ROOT)).to.be.revertedWithCustomError(settlement, "UnknownClaim").withArgs(ZeroHash);
    });

    it("accumulator: rejects when the inbox holds other data than the claimant saw", async () => {
      const { settlement, genesis, accumulators } = await load();
      await expect(settlement.claim(genesis, 0, TRUE_ROOT, FALSE_ROOT, { value: BOND }))
        .to.be.revertedWithCustomError(settlement, "WrongAccumulator")
        .withArgs(FALSE_ROOT, accumulators[0]);
    });

    it("equal claims: are one claim with several backers when others make it too", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      await claim(2, genesis, 0, TRUE_ROOT, 2n * BOND);
      const claimId = await id(genesis, 0, TRUE_ROOT);
      expect((await settlement.claims(claimId)).backers).to.equal(2);
      expect((await settlement.rounds(genesis)).liveClaims).to.equal(1);
      await expect(claim(1, genesis, 0, TRUE_ROOT, 2n * BOND))
        .to.be.revertedWithCustomError(settlement, "AlreadyBacking")
        .withArgs(claimId, scene.signers[1]!.address);
    });

    it("bond: costs B(1 + n/32) for the n-th entry of a round, rounded up, whatever it claims", async () => {
      const { genesis } = await load();
      const { settlement, inbox } = await scene.createRollup({ bondWei: 33 });
      await submitBatch(inbox, await scene.now(), 0, "0x");
      const accumulator = await inbox.epochAccumulator(0);
      const parent = await settlement.genesisClaim();
      expect(parent).to.not.equal(genesis);
      expect(await settlement.bondFor(parent)).to.equal(33);
      await settlement.claim(parent, 0, TRUE_ROOT, accumulator, { value: 33 });
      expect(await settlement.bondFor(parent)).to.equal(35); // 33 * 33/32 = 34.03
      await expect(settlement.connect(scene.signers[1]!).claim(parent, 0, FALSE_ROOT, accumulator, { value: 34 }))
        .to.be.revertedWithCustomError(settlement, "BondTooSmall")
        .withArgs(34, 35);
      await settlement.connect(scene.signers[1]!).claim(parent, 0, FALSE_ROOT, accumulator, { value: 35 });
      expect(await settlement.bondFor(parent)).to.equal(36); // 33 * 34/32 = 35.06
    });

    it("window: takes rivals until a second before it closes, and no new claim from the exact second on", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      const closesAt = Number((await settlement.rounds(genesis)).closesAt);
      await scene.setNextTime(closesAt - 1);
      await claim(2, genesis, 0, FALSE_ROOT, 2n * BOND);
      await scene.setNextTime(closesAt);
      await expect(claim(3, genesis, 0, `0x${"77".repeat(32)}`, 2n * BOND))
        .to.be.revertedWithCustomError(settlement, "RoundClosed")
        .withArgs(genesis, closesAt);
      // A claim that is there can still be strengthened.
      await settlement.connect(scene.signers[3]!).back(await id(genesis, 0, TRUE_ROOT), { value: 2n * BOND });
    });

    it("wallet: may be a contract", async () => {
      const { settlement, genesis, accumulators, id } = await load();
      const actor = await scene.ethers.deployContract("HostileRecipient");
      const call = settlement.interface.encodeFunctionData("claim", [genesis, 0, TRUE_ROOT, accumulators[0]!]);
      await actor.getFunction("execute")(await settlement.getAddress(), BOND, call, { value: BOND });
      expect(await settlement.bondOf(await id(genesis, 0, TRUE_ROOT), await actor.getAddress())).to.equal(BOND);
    });
  });

  describe("confirm", () => {
    it("lone claim: is confirmed from the exact second on, by anyone, and not earlier; the view agrees", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      const claimId = await id(genesis, 0, TRUE_ROOT);
      const closesAt = Number((await settlement.rounds(genesis)).closesAt);
      await scene.setNextTime(closesAt - 1);
      await expect(settlement.confirm(claimId)).to.be.revertedWithCustomError(settlement, "RoundNotClosed").withArgs(genesis, closesAt);
      expect(await settlement.canConfirm(claimId)).to.equal(false);
      await scene.setNextTime(closesAt);
      await expect(settlement.connect(scene.signers[9]!).confirm(claimId)).to.emit(settlement, "Confirmed").withArgs(claimId, 0, TRUE_ROOT);
      expect(await settlement.canConfirm(claimId)).to.equal(false);
      const { claimId: latest, nextEpoch, stateRoot } = await settlement.latestConfirmed();
      expect([latest, nextEpoch, stateRoot]).to.deep.equal([claimId, 1n, TRUE_ROOT]);
      expect([...(await settlement.confirmedState(claimId))]).to.deep.equal([TRUE_ROOT, BigInt(closesAt)]);
      await expect(settlement.confirm(claimId)).to.be.revertedWithCustomError(settlement, "Decided").withArgs(claimId);
    });

    it("rivals: block each other for as long as both are live, however late", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, FALSE_ROOT);
      await claim(2, genesis, 0, TRUE_ROOT, 2n * BOND);
      await scene.networkHelpers.time.increase(1_000 * WINDOW);
      for (const root of [TRUE_ROOT, FALSE_ROOT]) {
        const claimId = await id(genesis, 0, root);
        await expect(settlement.confirm(claimId)).to.be.revertedWithCustomError(settlement, "LiveRivals").withArgs(genesis, 2);
        expect(await settlement.canConfirm(claimId)).to.equal(false);
      }
    });

    it("child: waits for its parent, and then needs no window of its own", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      const parent = await id(genesis, 0, TRUE_ROOT);
      await claim(1, parent, 1, FALSE_ROOT);
      const child = await id(parent, 1, FALSE_ROOT);
      await passWindow();
      await expect(settlement.confirm(child)).to.be.revertedWithCustomError(settlement, "ParentNotConfirmed").withArgs(parent);
      await settlement.confirm(parent);
      await settlement.confirm(child);
      expect((await settlement.latestConfirmed()).nextEpoch).to.equal(2);
    });

    it("state root zero: is a claim like any other", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, ZeroHash);
      const claimId = await id(genesis, 0, ZeroHash);
      await passWindow();
      await settlement.confirm(claimId);
      expect((await settlement.confirmedState(claimId)).stateRoot).to.equal(ZeroHash);
      await claim(1, claimId, 1, TRUE_ROOT);
      await settlement.connect(scene.signers[1]!).withdrawBond(claimId, scene.signers[2]!.address);
    });

    it("unknown claim: is rejected, and the view says no", async () => {
      const { settlement } = await load();
      await expect(settlement.confirm(FALSE_ROOT)).to.be.revertedWithCustomError(settlement, "UnknownClaim").withArgs(FALSE_ROOT);
      expect(await settlement.canConfirm(FALSE_ROOT)).to.equal(false);
      expect(await settlement.canConfirm(ZeroHash)).to.equal(false);
    });

    it("late siblings: are rejected once their epoch is decided", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      await passWindow();
      const claimId = await id(genesis, 0, TRUE_ROOT);
      await settlement.confirm(claimId);
      await expect(claim(2, genesis, 0, FALSE_ROOT, 2n * BOND)).to.be.revertedWithCustomError(settlement, "Decided").withArgs(genesis);
      await expect(settlement.connect(scene.signers[2]!).back(claimId, { value: 2n * BOND }))
        .to.be.revertedWithCustomError(settlement, "Decided")
        .withArgs(claimId);
    });
  });

  describe("bonds", () => {
    it("withdrawal: pays each backer what it sent, once, after the confirmation", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT, BOND + 77n);
      const claimId = await id(genesis, 0, TRUE_ROOT);
      await settlement.connect(scene.signers[2]!).back(claimId, { value: 2n * BOND });
      const asFirst = settlement.connect(scene.signers[1]!);
      const to = scene.signers[5]!.address;
      await passWindow();
      await expect(asFirst.withdrawBond(claimId, to)).to.be.revertedWithCustomError(settlement, "BondLocked").withArgs(claimId);
      await settlement.confirm(claimId);
      await expect(asFirst.withdrawBond(claimId, to)).to.changeEtherBalances(scene.ethers, [to, settlement], [BOND + 77n, -(BOND + 77n)]);
      await expect(asFirst.withdrawBond(claimId, to))
        .to.be.revertedWithCustomError(settlement, "NotBacking")
        .withArgs(claimId, scene.signers[1]!.address);
      await expect(settlement.connect(scene.signers[3]!).withdrawBond(claimId, to)).to.be.revertedWithCustomError(settlement, "NotBacking");
      await settlement.connect(scene.signers[2]!).withdrawBond(claimId, to);
      expect(await scene.ethers.provider.getBalance(await settlement.getAddress())).to.equal(0);
    });

    it("withdrawal: cannot be entered again, and a backer that refuses money blocks only itself", async () => {
      const { settlement, genesis, accumulators, claim, id } = await load();
      const actor = await scene.ethers.deployContract("HostileRecipient");
      const [self, target] = [await actor.getAddress(), await settlement.getAddress()];
      const claimId = await id(genesis, 0, TRUE_ROOT);
      const make = settlement.interface.encodeFunctionData("claim", [genesis, 0, TRUE_ROOT, accumulators[0]!]);
      await actor.getFunction("execute")(target, BOND, make, { value: BOND });
      await claim(1, genesis, 0, TRUE_ROOT, 2n * BOND);
      await passWindow();
      await settlement.confirm(claimId);

      const take = settlement.interface.encodeFunctionData("withdrawBond", [claimId, self]);
      await actor.getFunction("setMode")(1);
      await expect(actor.getFunction("execute")(target, 0, take)).to.be.revertedWithCustomError(settlement, "PaymentFailed").withArgs(self, BOND);
      await actor.getFunction("setMode")(4);
      await actor.getFunction("setCall")(target, take);
      await actor.getFunction("execute")(target, 0, take);
      expect(await actor.getFunction("successes")()).to.equal(0);
      expect(await scene.ethers.provider.getBalance(self)).to.equal(BOND);
      await settlement.connect(scene.signers[1]!).withdrawBond(claimId, scene.signers[1]!.address);
    });

    it("retraction: is refused while nothing blocks the claim or the window runs", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      const claimId = await id(genesis, 0, TRUE_ROOT);
      const asFirst = settlement.connect(scene.signers[1]!);
      const to = scene.signers[1]!.address;
      const closesAt = (await settlement.rounds(genesis)).closesAt;
      await expect(asFirst.retract(claimId, to)).to.be.revertedWithCustomError(settlement, "RoundNotClosed").withArgs(genesis, closesAt);
      await passWindow();
      await expect(asFirst.retract(claimId, to)).to.be.revertedWithCustomError(settlement, "NotBlocked").withArgs(claimId);
    });

    it("retraction: gives way to the rival, after one more window in which anyone may step in", async () => {
      const { settlement, genesis, claim, id } = await load();
      const [trueId, falseId] = [await id(genesis, 0, TRUE_ROOT), await id(genesis, 0, FALSE_ROOT)];
      await claim(1, genesis, 0, TRUE_ROOT);
      await claim(2, genesis, 0, FALSE_ROOT, 2n * BOND);
      await passWindow();
      const to = scene.signers[1]!.address;
      await expect(settlement.connect(scene.signers[3]!).retract(trueId, to)).to.be.revertedWithCustomError(settlement, "NotBacking");
      await expect(settlement.connect(scene.signers[1]!).retract(trueId, to)).to.changeEtherBalance(scene.ethers, settlement, -BOND);
      const { closesAt } = await settlement.rounds(genesis);
      await expect(settlement.confirm(falseId)).to.be.revertedWithCustomError(settlement, "RoundNotClosed").withArgs(genesis, closesAt);
      await expect(settlement.confirm(trueId)).to.be.revertedWithCustomError(settlement, "NoLiveBacker").withArgs(trueId);

      // Somebody else takes the dormant claim up again: a stand-off once more.
      await settlement.connect(scene.signers[4]!).back(trueId, { value: 2n * BOND });
      await passWindow();
      await expect(settlement.confirm(falseId)).to.be.revertedWithCustomError(settlement, "LiveRivals").withArgs(genesis, 2);
      await settlement.connect(scene.signers[2]!).retract(falseId, to);
      await passWindow();
      await settlement.confirm(trueId);
      expect((await settlement.latestConfirmed()).stateRoot).to.equal(TRUE_ROOT);
    });

    it("retraction: is refused to the last one standing, which is confirmed", async () => {
      const { settlement, genesis, claim, id } = await load();
      await claim(1, genesis, 0, TRUE_ROOT);
      await claim(2, genesis, 0, FALSE_ROOT, 2n * BOND);
      await passWindow();
      await settlement.connect(scene.signers[1]!).retract(await id(genesis, 0, TRUE_ROOT), scene.signers[1]!.address);
      await passWindow();
      const falseId = await id(genesis, 0, FALSE_ROOT);
      await expect(settlement.connect(scene.signers[2]!).retract(falseId, scene.signers[2]!.address)).to.be.revertedWithCustomError(settlement, "NotBlocked");
      await settlement.confirm(falseId);
    });

    it("loser's child: goes with its parent, and its bond comes back", async () => {
      const { settlement, genesis, claim, id } = await load();
      const [trueId, falseId] = [await id(genesis, 0, TRUE_ROOT), await id(genesis, 0, FALSE_ROOT)];
      await claim(1, genesis, 0, TRUE_ROOT);
      await claim(2, genesis, 0, FALSE_ROOT, 2n * BOND);
      await claim(3, falseId, 1, FALSE_ROOT);
      const child = await id(falseId, 1, FALSE_ROOT);
      await passWindow();
      await settlement.connect(scene.signers[2]!).retract(falseId, scene.signers[2]!.address);
      await passWindow();
      await settlement.confirm(trueId);
      await expect(settlement.confirm(child)).to.be.revertedWithCustomError(settlement, "ParentNotConfirmed").withArgs(falseId);
      await expect(claim(4, falseId, 1, TRUE_ROOT, 2n * BOND)).to.be.revertedWithCustomError(settlement, "Decided").withArgs(falseId);
      const to = scene.signers[3]!.address;
      await expect(settlement.connect(scene.signers[3]!).retract(child, to)).to.be.revertedWithCustomError(settlement, "Decided").withArgs(child);
      await settlement.connect(scene.signers[3]!).withdrawBond(child, to);
    });

    it("child of a stand-off: can take its bond back after its window, and the next round starts at the first price", async () => {
      const { settlement, genesis, claim, id } = await load();
      const trueId = await id(genesis, 0, TRUE_ROOT);
      await claim(1, genesis, 0, TRUE_ROOT);
      await claim(2, genesis, 0, FALSE_ROOT, 2n * BOND);
      await claim(3, trueId, 1, TRUE_ROOT);
      await passWindow();
      await settlement.connect(scene.signers[3]!).retract(await id(trueId, 1, TRUE_ROOT), scene.signers[3]!.address);
      expect((await settlement.rounds(trueId)).liveClaims).to.equal(0);
      expect(await settlement.bondFor(trueId)).to.equal(BOND);
    });
  });
});
