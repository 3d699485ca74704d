import { expect } from "chai";
import { keccak256, toUtf8Bytes, ZeroAddress, ZeroHash } from "ethers";

import type { FeeToken, HostileRecipient, HostileToken, ReentrantToken, TestToken } from "../../typechain-types/index.ts";
import { claimState } from "../builders/claimState.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { node, sparseState, withdrawalLeaf, withdrawalState } from "../builders/stateTree.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const GWEI = 1_000_000_000n;
const MAX_UNITS = 2n ** 53n - 1n;
const PAYOUT_DELAY = 10;
const DEPOSIT = 64;

/** Modes of HostileToken. */
const TOKEN = { GOOD: 0, RETURNS_FALSE: 1, REVERTS: 2, BURNS_GAS: 3, RETURNS_NOTHING: 4, RETURNS_TWO: 5, SHRINKS_BALANCE: 6 } as const;
/** Modes of HostileRecipient. */
const RECIPIENT = { GOOD: 0, REVERTS: 1, BURNS_GAS: 2, RETURNS_BOMB: 3, CALLS_BACK: 4 } as const;

describe("Bridge", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  const ethRollup = (): Promise<RollupContracts> => scene.createRollup();
  const tokenRollup = async (): Promise<RollupContracts & { token: HostileToken }> => {
    const token = (await scene.ethers.deployContract("HostileToken")) as unknown as HostileToken;
    const rollup = await scene.createRollup({ asset: await token.getAddress(), assetScale: 1_000n });
    await token.mint(scene.signers[0]!.address, 10n ** 30n);
    await token.approve(await rollup.bridge.getAddress(), 10n ** 30n);
    return { ...rollup, token };
  };

  /** A chain with ten ETH in the bridge and one confirmed state that pays `amount` units to each recipient. */
  async function paying(rollup: RollupContracts, recipients: readonly string[], amount = 1_000n, firstIndex = 0n) {
    const state = withdrawalState(recipients.map((recipient) => ({ recipient, amount })), firstIndex);
    const claimId = await scene.confirmState(rollup, state.root);
    await scene.networkHelpers.time.increase(PAYOUT_DELAY);
    const leafOf = (index: bigint) => withdrawalLeaf({ recipient: recipients[Number(index - firstIndex)]!, amount });
    const withdraw = (index: bigint, id = claimId) => rollup.bridge.withdraw(index, leafOf(index), state.proofOf(index), id);
    return { state, claimId, leafOf, withdraw };
  }
  const withEth = async (): Promise<RollupContracts> => {
    const rollup = await ethRollup();
    await rollup.bridge.deposit(scene.signers[0]!.address, 10n ** 19n, { value: 10n ** 19n });
    return rollup;
  };
  const hostile = async (mode: number): Promise<HostileRecipient> => {
    const recipient = (await scene.ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
    await recipient.setMode(mode);
    return recipient;
  };

  describe("deposit of ETH", () => {
    it("amount: is queued in units and announced", async () => {
      const { bridge, inbox } = await scene.networkHelpers.loadFixture(ethRollup);
      const [me, other] = scene.signers;
      const deposit = bridge.deposit(other!.address, 7n * GWEI, { value: 7n * GWEI });
      await expect(deposit).to.emit(bridge, "Deposited").withArgs(0, me!.address, 7n * GWEI);
      await expect(deposit)
        .to.emit(inbox, "EntryQueued")
        .withArgs(0, DEPOSIT, me!.address, other!.address, 7, 0, ZeroHash, (due: bigint) => due > 0n);
      expect(await bridge.heldUnits()).to.equal(7);
    });

    it("value: has to be the amount", async () => {
      const { bridge } = await scene.networkHelpers.loadFixture(ethRollup);
      const me = scene.signers[0]!.address;
      await expect(bridge.deposit(me, GWEI, { value: GWEI - 1n })).to.be.revertedWithCustomError(bridge, "WrongValue").withArgs(GWEI - 1n, GWEI);
      await expect(bridge.deposit(me, GWEI, { value: 2n * GWEI })).to.be.revertedWithCustomError(bridge, "WrongValue").withArgs(2n * GWEI, GWEI);
      await expect(bridge.deposit(me, GWEI)).to.be.revertedWithCustomError(bridge, "WrongValue").withArgs(0, GWEI);
    });

    it("amount: is rejected when zero or no whole units, and the account when zero", async () => {
      const { bridge } = await scene.networkHelpers.loadFixture(ethRollup);
      const me = scene.signers[0]!.address;
      await expect(bridge.deposit(me, 0)).to.be.revertedWithCustomError(bridge, "ZeroAmount");
      await expect(bridge.deposit(me, GWEI + 1n, { value: GWEI + 1n }))
        .to.be.revertedWithCustomError(bridge, "NotWholeUnits")
        .withArgs(GWEI + 1n, GWEI);
      await expect(bridge.deposit(ZeroAddress, GWEI, { value: GWEI })).to.be.revertedWithCustomError(bridge, "ZeroAddress");
    });

    it("cap: takes 2^53 - 1 units in all, and not one more", async () => {
      const { bridge } = await scene.networkHelpers.loadFixture(ethRollup);
      const me = scene.signers[0]!.address;
      await scene.networkHelpers.setBalance(me, 2n * MAX_UNITS * GWEI);
      await bridge.deposit(me, (MAX_UNITS - 1n) * GWEI, { value: (MAX_UNITS - 1n) * GWEI });
      await expect(bridge.deposit(me, 2n * GWEI, { value: 2n * GWEI }))
        .to.be.revertedWithCustomError(bridge, "CapExceeded")
        .withArgs(MAX_UNITS + 1n, MAX_UNITS);
      await bridge.deposit(me, GWEI, { value: GWEI });
    });

    it("plain transfer: is refused, so that nobody loses ETH by mistake", async () => {
      const { bridge } = await scene.networkHelpers.loadFixture(ethRollup);
      await expect(scene.signers[0]!.sendTransaction({ to: await bridge.getAddress(), value: 1n })).to.revert(scene.ethers);
    });
  });

  describe("deposit of a token", () => {
    it("amount: is taken in, queued in units, and no ETH with it", async () => {
      const { bridge, inbox, token } = await scene.networkHelpers.loadFixture(tokenRollup);
      const me = scene.signers[0]!.address;
      await expect(bridge.deposit(me, 5_000)).to.changeTokenBalances(scene.ethers, token, [me, bridge], [-5_000n, 5_000n]);
      expect(await inbox.entryCount()).to.equal(1);
      await expect(bridge.deposit(me, 5_000, { value: 1 })).to.be.revertedWithCustomError(bridge, "WrongValue").withArgs(1, 0);
      await expect(bridge.deposit(me, 5_500)).to.be.revertedWithCustomError(bridge, "NotWholeUnits").withArgs(5_500, 1_000);
    });

    it("fee on transfer: is refused, with what arrived", async () => {
      const token = (await scene.ethers.deployContract("FeeToken")) as unknown as FeeToken;
      const { bridge } = await scene.createRollup({ asset: await token.getAddress(), assetScale: 1n });
      const me = scene.signers[0]!.address;
      await token.mint(me, 1_000);
      await token.approve(await bridge.getAddress(), 1_000);
      await expect(bridge.deposit(me, 1_000)).to.be.revertedWithCustomError(bridge, "WrongAmountReceived").withArgs(990, 1_000);
    });

    it("token that answers false, or shrinks the bridge's balance: is refused", async () => {
      const { bridge, token } = await scene.networkHelpers.loadFixture(tokenRollup);
      const me = scene.signers[0]!.address;
      await bridge.deposit(me, 5_000);
      await token.setMode(TOKEN.RETURNS_FALSE);
      await expect(bridge.deposit(me, 1_000)).to.be.revertedWithCustomError(bridge, "SafeERC20FailedOperation").withArgs(await token.getAddress());
      await token.setMode(TOKEN.SHRINKS_BALANCE);
      await expect(bridge.deposit(me, 1_000)).to.be.revertedWithCustomError(bridge, "WrongAmountReceived").withArgs(0, 1_000);
    });

    it("token with hooks: cannot count one payment as two deposits", async () => {
      const token = (await scene.ethers.deployContract("ReentrantToken")) as unknown as ReentrantToken;
      const { bridge, inbox } = await scene.createRollup({ asset: await token.getAddress(), assetScale: 1n });
      const me = scene.signers[0]!.address;
      const address = await bridge.getAddress();
      await token.mint(me, 1_000);
      await token.approve(address, 1_000);
      await token.setCall(address, bridge.interface.encodeFunctionData("deposit", [me, 10]));
      await bridge.deposit(me, 100);
      expect(await token.lastRevert()).to.equal(bridge.interface.getError("ReentrancyGuardReentrantCall")!.selector);
      expect(await inbox.entryCount()).to.equal(1);
    });

    it("cap: counts what the bridge holds", async () => {
      const { bridge, token } = await scene.networkHelpers.loadFixture(tokenRollup);
      const me = scene.signers[0]!.address;
      await token.mint(me, MAX_UNITS * 1_000n);
      await bridge.deposit(me, MAX_UNITS * 1_000n);
      await expect(bridge.deposit(me, 1_000)).to.be.revertedWithCustomError(bridge, "CapExceeded").withArgs(MAX_UNITS + 1n, MAX_UNITS);
    });
  });

  describe("withdraw", () => {
    it("recipient: gets the amount, whoever asks, and the leaf is spent", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const recipient = scene.signers[7]!.address;
      const { withdraw } = await paying(rollup, [recipient]);
      expect(await rollup.bridge.isWithdrawn(0)).to.equal(false);
      await expect(withdraw(0n)).to.changeEtherBalances(scene.ethers, [recipient, rollup.bridge], [1_000n * GWEI, -1_000n * GWEI]);
      expect(await rollup.bridge.isWithdrawn(0)).to.equal(true);
      await expect(withdraw(0n)).to.be.revertedWithCustomError(rollup.bridge, "AlreadyWithdrawn").withArgs(0);
    });

    it("leaves: are paid one by one, at the edges of a nullifier word and of the subtree too", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const recipients = [5, 6, 7, 8].map((i) => scene.signers[i]!.address);
      const low = await paying(rollup, recipients, 3n, 254n);
      for (const index of [255n, 254n, 257n, 256n]) {
        await expect(low.withdraw(index)).to.changeEtherBalance(scene.ethers, recipients[Number(index - 254n)]!, 3n * GWEI);
      }
      const last = 4n ** 16n - 1n;
      const high = await paying(rollup, [recipients[0]!], 9n, last);
      await high.withdraw(last);
      expect(await rollup.bridge.isWithdrawn(last)).to.equal(true);
      expect(await rollup.bridge.isWithdrawn(last - 1n)).to.equal(false);
    });

    it("replay: is rejected under a later state too", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const first = await paying(rollup, [scene.signers[5]!.address]);
      await first.withdraw(0n);
      const second = await paying(rollup, [scene.signers[5]!.address, scene.signers[6]!.address]);
      await expect(second.withdraw(0n)).to.be.revertedWithCustomError(rollup.bridge, "AlreadyWithdrawn").withArgs(0);
      await second.withdraw(1n);
    });

    it("older state: stays good after a newer one is confirmed", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const first = await paying(rollup, [scene.signers[5]!.address]);
      await paying(rollup, [scene.signers[5]!.address, scene.signers[6]!.address]);
      await first.withdraw(0n);
    });

    it("delay: is counted from the confirmation to the exact second", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const recipient = scene.signers[5]!.address;
      const state = withdrawalState([{ recipient, amount: 5n }]);
      const claimId = await scene.confirmState(rollup, state.root);
      const payableAt = (await scene.now()) + PAYOUT_DELAY;
      const withdraw = () => rollup.bridge.withdraw(0, withdrawalLeaf({ recipient, amount: 5n }), state.proofOf(0n), claimId);
      await scene.setNextTime(payableAt - 1);
      await expect(withdraw()).to.be.revertedWithCustomError(rollup.bridge, "PayoutDelayed").withArgs(payableAt);
      await scene.setNextTime(payableAt);
      await withdraw();
    });

    it("state: has to be confirmed", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const { inbox, settlement } = rollup;
      const { withdraw } = await paying(rollup, [scene.signers[5]!.address]);
      await submitBatch(inbox, await scene.now(), await inbox.entryCount(), "0x");
      const { claimId: open } = await claimState(rollup, { stateRoot: ZeroHash });
      for (const claimId of [open, ZeroHash, await settlement.genesisClaim()]) {
        await expect(withdraw(0n, claimId)).to.be.revertedWithCustomError(settlement, "NotConfirmed").withArgs(claimId);
      }
    });

    it("proof: is rejected when anything in it is changed", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const [thief, recipient] = [scene.signers[1]!.address, scene.signers[5]!.address];
      const { state, claimId, leafOf } = await paying(rollup, [recipient, thief]);
      const { bridge } = rollup;
      const proof = state.proofOf(0n);
      const rejects = (index: bigint, leaf: string[], siblings: string[]) =>
        expect(bridge.withdraw(index, leaf as [string, string, string, string], siblings, claimId)).to.be.revertedWithCustomError(bridge, "BadProof");
      await rejects(0n, withdrawalLeaf({ recipient: thief, amount: 1_000n }), proof);
      await rejects(0n, withdrawalLeaf({ recipient, amount: 1_001n }), proof);
      await rejects(2n, leafOf(0n), proof);
      await rejects(1n, leafOf(0n), proof);
      for (const level of [0, 1, 26, 47, 50, 53]) {
        await rejects(0n, leafOf(0n), proof.map((sibling, i) => (i === level ? keccak256(toUtf8Bytes("other")) : sibling)));
      }
      for (const word of [1, 2, 3]) await rejects(0n, leafOf(0n).map((text, i) => (i === word ? keccak256(text) : text)), proof);
    });

    it("proof: is rejected when its length is not the tree's, or the index is outside", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const { state, claimId, leafOf } = await paying(rollup, [scene.signers[5]!.address]);
      const { bridge } = rollup;
      const proof = state.proofOf(0n);
      for (const siblings of [[], proof.slice(3), proof.slice(1), [...proof, ZeroHash], [...proof, ZeroHash, ZeroHash, ZeroHash]]) {
        await expect(bridge.withdraw(0, leafOf(0n), siblings, claimId))
          .to.be.revertedWithCustomError(bridge, "ProofLength")
          .withArgs(siblings.length, 54);
      }
      await expect(bridge.withdraw(4n ** 16n, leafOf(0n), proof, claimId))
        .to.be.revertedWithCustomError(bridge, "LeafIndex")
        .withArgs(4n ** 16n, 16);
    });

    it("kind: a leaf of another subtree, or an inner node, is no withdrawal", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const words = withdrawalLeaf({ recipient: scene.signers[5]!.address, amount: 1_000n });
      // The same words as a receipt-like leaf of a subtree of the same depth, next to the withdrawals.
      const state = sparseState([{ kind: 8, depth: 16, index: 0n, words }]);
      const claimId = await scene.confirmState(rollup, state.root);
      await scene.networkHelpers.time.increase(PAYOUT_DELAY);
      await expect(rollup.bridge.withdraw(0, words, state.proof(8, 0n), claimId)).to.be.revertedWithCustomError(rollup.bridge, "BadProof");
      const inner = sparseState([{ kind: 9, depth: 15, index: 0n, words }]);
      const innerClaim = await scene.confirmState(rollup, inner.root);
      await scene.networkHelpers.time.increase(PAYOUT_DELAY);
      await expect(rollup.bridge.withdraw(0, words, [...inner.proof(9, 0n), ZeroHash, ZeroHash, ZeroHash], innerClaim))
        .to.be.revertedWithCustomError(rollup.bridge, "BadProof");
    });

    it("empty leaf: is in every state and is no withdrawal", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const { state, claimId } = await paying(rollup, [scene.signers[5]!.address]);
      const zero: [string, string, string, string] = [ZeroHash, ZeroHash, ZeroHash, ZeroHash];
      // Leaf 1 is empty: its siblings are those of leaf 0 with leaf 0's hash in their first place.
      const leafZero = node(withdrawalLeaf({ recipient: scene.signers[5]!.address, amount: 1_000n }), 9);
      const ofLeafOne = [leafZero, ...state.proofOf(0n).slice(1)];
      await expect(rollup.bridge.withdraw(1, zero, ofLeafOne, claimId)).to.be.revertedWithCustomError(rollup.bridge, "ZeroAmount");
    });

    it("more than the bridge holds: waits for its recipient instead of blocking anybody", async () => {
      const rollup = await scene.networkHelpers.loadFixture(ethRollup);
      const { withdraw } = await paying(rollup, [scene.signers[5]!.address]);
      await expect(withdraw(0n)).to.emit(rollup.bridge, "Withdrawn").withArgs(0, scene.signers[5]!.address, 1_000n * GWEI, false);
      expect(await rollup.bridge.claimable(scene.signers[5]!.address)).to.equal(1_000n * GWEI);
    });
  });

  describe("hostile recipients", () => {
    for (const [name, mode] of [["reverts", RECIPIENT.REVERTS], ["burns its gas", RECIPIENT.BURNS_GAS], ["returns a bomb", RECIPIENT.RETURNS_BOMB]] as const) {
      it(`recipient that ${name}: does not lose its money and costs the caller a bounded amount of gas`, async () => {
        const rollup = await scene.networkHelpers.loadFixture(withEth);
        const recipient = await hostile(mode);
        const [address, bridgeAddress] = [await recipient.getAddress(), await rollup.bridge.getAddress()];
        const { withdraw } = await paying(rollup, [address]);
        const sent = await withdraw(0n);
        await expect(sent).to.emit(rollup.bridge, "Withdrawn").withArgs(0, address, 1_000n * GWEI, false);
        expect((await sent.wait())!.gasUsed).to.be.lessThan(300_000n);
        expect(await rollup.bridge.isWithdrawn(0)).to.equal(true);

        const pull = rollup.bridge.interface.encodeFunctionData("withdrawClaimable", [scene.signers[3]!.address]);
        await expect(recipient.execute(bridgeAddress, 0, pull)).to.changeEtherBalance(scene.ethers, scene.signers[3]!, 1_000n * GWEI);
        await expect(recipient.execute(bridgeAddress, 0, pull))
          .to.be.revertedWithCustomError(rollup.bridge, "NothingClaimable")
          .withArgs(address);
      });
    }

    it("recipient that calls back: is paid once, by withdraw and by pull", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const recipient = await hostile(RECIPIENT.CALLS_BACK);
      const [address, bridgeAddress] = [await recipient.getAddress(), await rollup.bridge.getAddress()];
      const { withdraw, state, claimId, leafOf } = await paying(rollup, [address, address]);
      const { interface: abi } = rollup.bridge;
      const reentered = abi.getError("ReentrancyGuardReentrantCall")!.selector;
      const pull = abi.encodeFunctionData("withdrawClaimable", [address]);

      // From a withdrawal into the pull of what waits since an earlier one.
      await recipient.setMode(RECIPIENT.REVERTS);
      await withdraw(0n);
      await recipient.setMode(RECIPIENT.CALLS_BACK);
      await recipient.setCall(bridgeAddress, pull);
      await expect(withdraw(1n)).to.changeEtherBalance(scene.ethers, recipient, 1_000n * GWEI);
      expect(await recipient.lastRevert()).to.equal(reentered);

      // From the pull into itself, and into a withdrawal.
      const undone = await scene.networkHelpers.takeSnapshot();
      for (const call of [pull, abi.encodeFunctionData("withdraw", [1, leafOf(1n), state.proofOf(1n), claimId])]) {
        await recipient.setCall(bridgeAddress, call);
        await expect(recipient.execute(bridgeAddress, 0, pull)).to.changeEtherBalance(scene.ethers, recipient, 1_000n * GWEI);
        expect(await recipient.lastRevert()).to.equal(reentered);
        expect(await rollup.bridge.claimable(address)).to.equal(0);
        expect(await recipient.successes()).to.equal(0);
        await undone.restore();
      }
    });

    it("caller that leaves too little gas: is rejected instead of making the recipient look hostile", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const recipient = scene.signers[5]!.address;
      const { state, claimId, leafOf } = await paying(rollup, [recipient]);
      const starve = rollup.bridge.withdraw(0, leafOf(0n), state.proofOf(0n), claimId, { gasLimit: 200_000 });
      await expect(starve).to.be.revertedWithCustomError(rollup.bridge, "TooLittleGas").withArgs((left: bigint) => left < 150_000n, 150_000n);
      expect(await rollup.bridge.isWithdrawn(0)).to.equal(false);
    });

    it("pull: rejects the zero address, a target that refuses, and somebody who has nothing", async () => {
      const rollup = await scene.networkHelpers.loadFixture(withEth);
      const recipient = await hostile(RECIPIENT.REVERTS);
      const [address, bridgeAddress] = [await recipient.getAddress(), await rollup.bridge.getAddress()];
      const { withdraw } = await paying(rollup, [address]);
      await withdraw(0n);
      const pull = (to: string) => recipient.execute(bridgeAddress, 0, rollup.bridge.interface.encodeFunctionData("withdrawClaimable", [to]));
      await expect(pull(ZeroAddress)).to.be.revertedWithCustomError(rollup.bridge, "ZeroAddress");
      await expect(pull(address)).to.be.revertedWithCustomError(rollup.bridge, "PaymentFailed").withArgs(address, 1_000n * GWEI);
      await expect(rollup.bridge.withdrawClaimable(address))
        .to.be.revertedWithCustomError(rollup.bridge, "NothingClaimable")
        .withArgs(scene.signers[0]!.address);
      await pull(scene.signers[3]!.address);
    });
  });

  describe("hostile tokens", () => {
    const funded = async () => {
      const rollup = await tokenRollup();
      await rollup.bridge.deposit(scene.signers[0]!.address, 10n ** 9n);
      return rollup;
    };

    for (const [name, mode, paid] of [
      ["pays", TOKEN.GOOD, true],
      ["returns nothing", TOKEN.RETURNS_NOTHING, true],
      ["returns false", TOKEN.RETURNS_FALSE, false],
      ["returns neither true nor false", TOKEN.RETURNS_TWO, false],
      ["reverts, as a frozen one does,", TOKEN.REVERTS, false],
      ["burns its gas", TOKEN.BURNS_GAS, false],
    ] as const) {
      it(`token that ${name}: ${paid ? "pays the recipient" : "leaves the amount to be pulled later"}`, async () => {
        const rollup = await scene.networkHelpers.loadFixture(funded);
        const recipient = scene.signers[6]!;
        const { withdraw } = await paying(rollup, [recipient.address]);
        await rollup.token.setMode(mode);
        await expect(withdraw(0n)).to.emit(rollup.bridge, "Withdrawn").withArgs(0, recipient.address, 1_000_000n, paid);
        expect(await rollup.bridge.claimable(recipient.address)).to.equal(paid ? 0n : 1_000_000n);
        if (paid) return;
        await rollup.token.setMode(TOKEN.GOOD);
        const before = await rollup.token.balanceOf(recipient.address);
        await rollup.bridge.connect(recipient).withdrawClaimable(recipient.address);
        expect((await rollup.token.balanceOf(recipient.address)) - before).to.equal(1_000_000n);
      });
    }

    it("plain token: is paid out in base units of the asset", async () => {
      const token = (await scene.ethers.deployContract("TestToken")) as unknown as TestToken;
      const rollup = await scene.createRollup({ asset: await token.getAddress(), assetScale: 10n ** 12n });
      await token.mint(scene.signers[0]!.address, 10n ** 18n);
      await token.approve(await rollup.bridge.getAddress(), 10n ** 18n);
      await rollup.bridge.deposit(scene.signers[0]!.address, 10n ** 18n);
      const { withdraw } = await paying(rollup, [scene.signers[6]!.address], 3n);
      await expect(withdraw(0n)).to.changeTokenBalance(scene.ethers, token, scene.signers[6]!, 3n * 10n ** 12n);
      expect(await rollup.bridge.heldUnits()).to.equal(10n ** 6n - 3n);
    });
  });
});
