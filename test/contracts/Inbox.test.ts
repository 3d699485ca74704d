import { expect } from "chai";
import { concat, ZeroAddress, ZeroHash } from "ethers";

import type { TestIdentityRegistry, TestSequencerAuth } from "../../typechain-types/index.ts";
import { accumulatorAfter, batchHashOf, entryHashOf } from "../builders/inboxHashes.ts";
import { packSlots } from "../builders/packSlots.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { dataRoot } from "../builders/stateTree.ts";
import { expectedAccumulator, submitBatch } from "../builders/submitBatch.ts";

const DEPOSIT = 64;
const LINK_AGENT = 65;
const FORCED = 66;
const SWEEP_FEES = 67;
const GWEI = 1_000_000_000n;
const DELAY = 100;

/** Slots with other bytes in each. */
function slots(count: number): string {
  return `0x${Buffer.from(Array.from({ length: count * 96 }, (_, i) => (i * 7 + (i >> 8)) & 255)).toString("hex")}`;
}

describe("Inbox", () => {
  let scene: L1Scene;
  const fresh = (): Promise<RollupContracts> => scene.createRollup();

  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  describe("submitBatch", () => {
    for (const count of [0, 1, 41, 42, 43, 168, 169, 700]) {
      it(`data root: agrees with the rules when the batch has ${count} slots`, async () => {
        const { inbox } = await scene.networkHelpers.loadFixture(fresh);
        const time = await scene.now();
        await submitBatch(inbox, time, 0, slots(count));
        expect(await inbox.batchHash(0)).to.equal(batchHashOf(time, 0n, count, dataRoot(slots(count))));
      });
    }

    it("accumulator: chains the batch and each entry it consumes when entries wait", async () => {
      const { inbox, bridge } = await scene.networkHelpers.loadFixture(fresh);
      const me = scene.signers[0]!.address;
      await bridge.deposit(me, GWEI, { value: GWEI });
      const firstDue = (await scene.now()) + DELAY;
      await bridge.deposit(scene.signers[1]!.address, 5n * GWEI, { value: 5n * GWEI });
      const secondDue = (await scene.now()) + DELAY;
      const none = { slots: 0, dataRoot: ZeroHash };
      const first = entryHashOf({ kind: DEPOSIT, sender: me, account: me, value: 1n, ...none, dueTime: firstDue });
      const second = entryHashOf({ kind: DEPOSIT, sender: me, account: scene.signers[1]!.address, value: 5n, ...none, dueTime: secondDue });
      expect(await inbox.entryHash(0)).to.equal(first);
      expect(await inbox.entryHash(1)).to.equal(second);

      const time = await scene.now();
      const hash = batchHashOf(time, 2n, 1, dataRoot(slots(1)));
      const chained = accumulatorAfter(ZeroHash, hash, [first, second]);
      await expect(submitBatch(inbox, time, 2, slots(1)))
        .to.emit(inbox, "BatchSubmitted")
        .withArgs(0, hash, time, 2, 1, dataRoot(slots(1)), chained);
      expect(await inbox.accumulator()).to.equal(chained);
      expect(await inbox.consumedCount()).to.equal(2);

      const empty = batchHashOf(time, 2n, 0, ZeroHash);
      await submitBatch(inbox, time, 2, "0x");
      expect(await inbox.accumulator()).to.equal(accumulatorAfter(chained, empty, []));
    });

    it("length: rejects when the data are no whole slots", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const time = await scene.now();
      for (const length of [1, 95, 97]) {
        await expect(submitBatch(inbox, time, 0, new Uint8Array(length)))
          .to.be.revertedWithCustomError(inbox, "LengthNotSlots")
          .withArgs(length);
      }
    });

    it("time: rejects when it runs backwards", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const time = await scene.now();
      await submitBatch(inbox, time, 0, "0x");
      await expect(submitBatch(inbox, time - 1, 0, "0x")).to.be.revertedWithCustomError(inbox, "L2TimeBackwards").withArgs(time - 1, time);
      await submitBatch(inbox, time, 0, "0x");
    });

    it("time: takes 15 seconds ahead of L1 and rejects 16", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const next = (await scene.now()) + 10;
      await scene.setNextTime(next);
      await expect(submitBatch(inbox, next + 16, 0, "0x")).to.be.revertedWithCustomError(inbox, "L2TimeAhead").withArgs(next + 16, next + 15);
      await scene.setNextTime(next + 1);
      await submitBatch(inbox, next + 16, 0, "0x");
    });

    it("time: takes 24 hours behind L1 and rejects a second more", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const next = (await scene.now()) + 10;
      await scene.setNextTime(next);
      await expect(submitBatch(inbox, next - 86401, 0, "0x"))
        .to.be.revertedWithCustomError(inbox, "L2TimeBehind")
        .withArgs(next - 86401, next - 86400);
      await scene.setNextTime(next + 1);
      await submitBatch(inbox, next + 1 - 86400, 0, "0x");
    });

    it("queue: rejects when the end runs backwards or beyond what is there", async () => {
      const { inbox, bridge } = await scene.networkHelpers.loadFixture(fresh);
      await bridge.deposit(scene.signers[0]!.address, GWEI, { value: GWEI });
      const time = await scene.now();
      await expect(submitBatch(inbox, time, 2, "0x")).to.be.revertedWithCustomError(inbox, "QueueEndBeyond").withArgs(2, 1);
      await submitBatch(inbox, time, 1, "0x");
      await expect(submitBatch(inbox, time, 0, "0x")).to.be.revertedWithCustomError(inbox, "QueueEndBackwards").withArgs(0, 1);
    });

    it("queue: rejects when an entry that is due is left out, and takes it a second earlier", async () => {
      const { inbox, bridge } = await scene.networkHelpers.loadFixture(fresh);
      await bridge.deposit(scene.signers[0]!.address, GWEI, { value: GWEI });
      const due = (await scene.now()) + DELAY;
      await scene.networkHelpers.time.increase(DELAY + 50);
      await expect(submitBatch(inbox, due, 0, slots(1))).to.be.revertedWithCustomError(inbox, "EntryDue").withArgs(0, due, due);
      await submitBatch(inbox, due - 1, 0, slots(1));
      await expect(submitBatch(inbox, due + 7, 0, "0x")).to.be.revertedWithCustomError(inbox, "EntryDue").withArgs(0, due, due + 7);
      await submitBatch(inbox, due + 7, 1, "0x");
    });

    it("queue: rejects when a due entry behind a consumed one is left out", async () => {
      const { inbox, bridge } = await scene.networkHelpers.loadFixture(fresh);
      for (let i = 0; i < 3; i++) await bridge.deposit(scene.signers[0]!.address, GWEI, { value: GWEI });
      const lastDue = (await scene.now()) + DELAY;
      await scene.networkHelpers.time.increase(DELAY + 50);
      await expect(submitBatch(inbox, lastDue, 2, "0x")).to.be.revertedWithCustomError(inbox, "EntryDue").withArgs(2, lastDue, lastDue);
    });

    it("queue: lets a batch without slots stop after 1,024 due entries, and no other", async function () {
      this.timeout(120_000);
      const { inbox, bridge } = await scene.networkHelpers.loadFixture(fresh);
      const bridgeAddress = await bridge.getAddress();
      await scene.networkHelpers.impersonateAccount(bridgeAddress);
      await scene.networkHelpers.setBalance(bridgeAddress, 10n ** 24n);
      const asBridge = inbox.connect(await scene.ethers.getSigner(bridgeAddress));
      const me = scene.signers[0]!.address;
      for (let i = 0; i < 1026; i++) await asBridge.enqueueDeposit(me, me, 1);
      const due = (await scene.now()) + DELAY;
      await scene.networkHelpers.time.increase(DELAY + 50);
      await expect(submitBatch(inbox, due, 1023, "0x")).to.be.revertedWithCustomError(inbox, "EntryDue");
      await expect(submitBatch(inbox, due, 1024, slots(1))).to.be.revertedWithCustomError(inbox, "EntryDue");
      const receipt = await (await submitBatch(inbox, due, 1024, "0x")).wait();
      expect(receipt!.gasUsed).to.be.lessThan(5_000_000n);
      await expect(submitBatch(inbox, due, 1025, "0x")).to.be.revertedWithCustomError(inbox, "EntryDue");
      await submitBatch(inbox, due, 1026, slots(1));
    });

    it("sequencer: rejects everybody else when one is configured", async () => {
      const [first, second] = scene.signers;
      const { inbox } = await scene.createRollup({ sequencer: second!.address });
      const time = await scene.now();
      await expect(submitBatch(inbox, time, 0, "0x")).to.be.revertedWithCustomError(inbox, "NotSequencer").withArgs(first!.address);
      await submitBatch(inbox.connect(second!), time, 0, "0x");
    });

    it("sequencer: is who the configured contract names, and the configured account counts no more", async () => {
      const [first, second] = scene.signers;
      const auth = (await scene.ethers.deployContract("TestSequencerAuth")) as unknown as TestSequencerAuth;
      const { inbox } = await scene.createRollup({ sequencer: first!.address, sequencerAuth: await auth.getAddress() });
      const time = await scene.now();
      await expect(submitBatch(inbox, time, 0, "0x")).to.be.revertedWithCustomError(inbox, "NotSequencer").withArgs(first!.address);
      await auth.set(second!.address, true);
      await submitBatch(inbox.connect(second!), time, 0, "0x");
    });

    it("repetition: rejects the very same call, and nothing changes", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const time = await scene.now();
      const expected = await expectedAccumulator(inbox, time, 0, slots(2));
      await inbox.submitBatch(time, 0, expected, slots(2));
      const again = accumulatorAfter(expected, await inbox.batchHash(0), []);
      await expect(inbox.submitBatch(time, 0, expected, slots(2)))
        .to.be.revertedWithCustomError(inbox, "AccumulatorMismatch")
        .withArgs(again, expected);
      expect(await inbox.batchCount()).to.equal(1);
      expect(await inbox.accumulator()).to.equal(expected);
    });

    it("accumulator: rejects any other than the batch ends at, zero included", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const time = await scene.now();
      const actual = await expectedAccumulator(inbox, time, 0, slots(1));
      for (const expected of [ZeroHash, await inbox.accumulator(), `${actual.slice(0, -1)}${actual.endsWith("0") ? "1" : "0"}`]) {
        await expect(inbox.submitBatch(time, 0, expected, slots(1)))
          .to.be.revertedWithCustomError(inbox, "AccumulatorMismatch")
          .withArgs(actual, expected);
      }
      await inbox.submitBatch(time, 0, actual, slots(1));
    });

    it("accumulator: rejects a batch whose deposits a reorganisation has swapped, and takes it when they are back", async () => {
      const { inbox, bridge } = await scene.networkHelpers.loadFixture(fresh);
      const [first, second] = scene.signers.map(({ address }) => address) as [string, string];
      const deposit = (account: string) => bridge.deposit(account, GWEI, { value: GWEI });
      const time = await scene.now();
      const before = await scene.networkHelpers.takeSnapshot();
      await scene.setNextTime(time + 10);
      await deposit(first);
      await scene.setNextTime(time + 20);
      await deposit(second);
      const expected = await expectedAccumulator(inbox, time, 2, slots(1));

      await before.restore();
      await scene.setNextTime(time + 10);
      await deposit(second);
      await scene.setNextTime(time + 20);
      await deposit(first);
      await expect(inbox.submitBatch(time, 2, expected, slots(1))).to.be.revertedWithCustomError(inbox, "AccumulatorMismatch");
      expect([await inbox.batchCount(), await inbox.consumedCount(), await inbox.entryCount()]).to.deep.equal([0n, 0n, 2n]);

      await before.restore();
      await scene.setNextTime(time + 10);
      await deposit(first);
      await scene.setNextTime(time + 20);
      await deposit(second);
      await inbox.submitBatch(time, 2, expected, slots(1));
    });

    it("data: are packed in an event of their own that bears the batch's index", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const time = await scene.now();
      await expect(submitBatch(inbox, time, 0, "0x")).not.to.emit(inbox, "BatchData");
      for (const [index, count] of [[1, 1], [2, 85], [3, 86]] as const) {
        await expect(submitBatch(inbox, time, 0, slots(count))).to.emit(inbox, "BatchData").withArgs(index, packSlots(slots(count)));
      }
      const sparse = `0x${"00".repeat(96)}${"11".repeat(32)}${"00".repeat(64)}${"00".repeat(96 * 90)}${"00".repeat(95)}01`;
      await expect(submitBatch(inbox, time, 0, sparse)).to.emit(inbox, "BatchData").withArgs(4, packSlots(sparse));
    });

    it("caller: may be a contract, one that is being made, or an account with delegated code (EIP-7702)", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const time = await scene.now();
      const call = async (): Promise<string> =>
        inbox.interface.encodeFunctionData("submitBatch", [time, 0, await expectedAccumulator(inbox, time, 0, slots(1)), slots(1)]);
      const actor = await scene.ethers.deployContract("HostileRecipient");
      await expect(actor.getFunction("execute")(await inbox.getAddress(), 0, await call())).to.emit(inbox, "BatchData").withArgs(0, packSlots(slots(1)));
      await scene.ethers.deployContract("ConstructorCaller", [await inbox.getAddress(), await call()]);
      const delegated = scene.signers[8]!;
      await scene.networkHelpers.setCode(delegated.address, concat(["0xef0100", await inbox.getAddress()]));
      await expect(submitBatch(inbox.connect(delegated), time, 0, slots(1))).to.emit(inbox, "BatchData").withArgs(2, packSlots(slots(1)));
    });

    it("sequencer: may be a contract, and then its owner is refused", async () => {
      const owner = scene.signers[0]!;
      const wallet = await scene.ethers.deployContract("HostileRecipient");
      const { inbox } = await scene.createRollup({ sequencer: await wallet.getAddress() });
      const time = await scene.now();
      const expected = await expectedAccumulator(inbox, time, 0, slots(1));
      await expect(inbox.submitBatch(time, 0, expected, slots(1))).to.be.revertedWithCustomError(inbox, "NotSequencer").withArgs(owner.address);
      await wallet.getFunction("execute")(await inbox.getAddress(), 0, inbox.interface.encodeFunctionData("submitBatch", [time, 0, expected, slots(1)]));
      expect(await inbox.accumulator()).to.equal(expected);
    });
  });

  describe("force", () => {
    it("entry: is queued with its data root, slots and due time, and the data are in an event", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const me = scene.signers[0]!.address;
      const next = (await scene.now()) + 5;
      await scene.setNextTime(next);
      const forced = inbox.force(slots(43), { value: 43_000 });
      const entry = { kind: FORCED, sender: me, account: ZeroAddress, value: 0n, slots: 43, dataRoot: dataRoot(slots(43)), dueTime: next + DELAY };
      await expect(forced)
        .to.emit(inbox, "EntryQueued")
        .withArgs(0, FORCED, me, ZeroAddress, 0, 43, entry.dataRoot, entry.dueTime);
      await expect(forced).to.emit(inbox, "ForcedData").withArgs(0, slots(43));
      expect(await inbox.entryHash(0)).to.equal(entryHashOf(entry));
    });

    it("size: takes 64 slots, rejects none, 65 and parts of a slot", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const value = 10n ** 9n;
      await expect(inbox.force("0x", { value })).to.be.revertedWithCustomError(inbox, "ForcedSlots").withArgs(0);
      await expect(inbox.force(slots(65), { value })).to.be.revertedWithCustomError(inbox, "ForcedSlots").withArgs(65);
      await expect(inbox.force("0x00", { value })).to.be.revertedWithCustomError(inbox, "LengthNotSlots").withArgs(1);
      await inbox.force(slots(64), { value });
    });

    it("fee: grows with the queue, is rounded up, and falls when entries are consumed", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      expect(await inbox.forcedFee(1)).to.equal(1_000);
      await expect(inbox.force(slots(1), { value: 999 })).to.be.revertedWithCustomError(inbox, "ForcedFee").withArgs(999, 1_000);
      await inbox.force(slots(1), { value: 1_000 });
      // 1000 * 33/32 = 1031.25
      expect(await inbox.forcedFee(1)).to.equal(1_032);
      expect(await inbox.forcedFee(2)).to.equal(2_063);
      await submitBatch(inbox, await scene.now(), 1, "0x");
      expect(await inbox.forcedFee(1)).to.equal(1_000);
    });

    it("fee: stays in the inbox, and what was sent above it comes back", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      await expect(inbox.force(slots(1), { value: 5_000 })).to.changeEtherBalances(scene.ethers, [scene.signers[0]!, inbox], [-1_000n, 1_000n]);
    });

    it("refund: reverts the call when the caller refuses it, and cannot be used to enter again for free", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const actor = await scene.ethers.deployContract("HostileRecipient");
      const [to, target] = [await actor.getAddress(), await inbox.getAddress()];
      const call = inbox.interface.encodeFunctionData("force", [slots(1)]);
      await actor.getFunction("setMode")(1);
      await expect(actor.getFunction("execute")(target, 1_500, call, { value: 1_500 }))
        .to.be.revertedWithCustomError(inbox, "RefundFailed")
        .withArgs(to, 500);
      await actor.getFunction("setMode")(4);
      await actor.getFunction("setCall")(target, call);
      await actor.getFunction("execute")(target, 1_500, call, { value: 1_500 });
      expect(await inbox.entryCount()).to.equal(1);
      expect(await actor.getFunction("successes")()).to.equal(0);
    });
  });

  describe("enqueueDeposit", () => {
    it("caller: rejects everybody but the bridge", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      const me = scene.signers[0]!.address;
      await expect(inbox.enqueueDeposit(me, me, 1)).to.be.revertedWithCustomError(inbox, "NotBridge").withArgs(me);
    });
  });

  describe("linkAgent", () => {
    let registry: TestIdentityRegistry;
    const linked = async (): Promise<RollupContracts> => {
      registry = (await scene.ethers.deployContract("TestIdentityRegistry")) as unknown as TestIdentityRegistry;
      await registry.register("ipfs://agent");
      return scene.createRollup({ identityRegistry: await registry.getAddress() });
    };

    it("registry: is needed", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      await expect(inbox.linkAgent(0)).to.be.revertedWithCustomError(inbox, "LinkingDisabled");
    });

    it("owner and operator: are taken, agent 0 included", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(linked);
      const [owner, operator] = scene.signers;
      const none = [ZeroAddress, 0, 0, ZeroHash] as const;
      await expect(inbox.linkAgent(0)).to.emit(inbox, "EntryQueued").withArgs(0, LINK_AGENT, owner!.address, ...none, (due: bigint) => due > 0n);
      await registry.setApprovalForAll(operator!.address, true);
      await inbox.connect(operator!).linkAgent(0);
    });

    it("stranger: is rejected, and so is an agent that does not exist", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(linked);
      const stranger = scene.signers[3]!;
      await expect(inbox.connect(stranger).linkAgent(0)).to.be.revertedWithCustomError(inbox, "NotAgentOwner").withArgs(stranger.address, 0);
      await expect(inbox.linkAgent(1)).to.be.revertedWithCustomError(inbox, "NotAgentOwner").withArgs(scene.signers[0]!.address, 1);
    });

    it("id: is rejected from 2^53 - 1 on", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(linked);
      const tooLarge = 2n ** 53n - 1n;
      await expect(inbox.linkAgent(tooLarge)).to.be.revertedWithCustomError(inbox, "AgentIdTooLarge").withArgs(tooLarge);
      await expect(inbox.linkAgent(2n ** 64n)).to.be.revertedWithCustomError(inbox, "AgentIdTooLarge").withArgs(2n ** 64n);
    });
  });

  describe("sweepFees", () => {
    it("recipient: is needed", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      await expect(inbox.sweepFees()).to.be.revertedWithCustomError(inbox, "SweepingDisabled");
    });

    it("entry: names the configured recipient whoever asks, one at a time", async () => {
      const [, stranger, recipient] = scene.signers;
      const { inbox } = await scene.createRollup({ feeRecipient: recipient!.address });
      await expect(inbox.connect(stranger!).sweepFees())
        .to.emit(inbox, "EntryQueued")
        .withArgs(0, SWEEP_FEES, stranger!.address, recipient!.address, 0, 0, ZeroHash, (due: bigint) => due > 0n);
      await expect(inbox.sweepFees()).to.be.revertedWithCustomError(inbox, "SweepPending").withArgs(0);
      await submitBatch(inbox, await scene.now(), 1, "0x");
      await inbox.sweepFees();
    });
  });

  describe("what waits", () => {
    it("oldest entry: is the first that no batch took, by the time at which it was queued", async () => {
      const { inbox } = await scene.createRollup();
      expect(await inbox.oldestEntryAt()).to.equal(0n);
      await inbox.force(slots(1), { value: 1_000_000 });
      const first = await scene.now();
      await scene.networkHelpers.time.increase(20);
      await inbox.force(slots(1), { value: 1_000_000 });
      const second = await scene.now();
      expect(await inbox.oldestEntryAt()).to.equal(BigInt(first));
      await submitBatch(inbox, await scene.now(), 1, "0x");
      expect(await inbox.oldestEntryAt()).to.equal(BigInt(second));
      await submitBatch(inbox, await scene.now(), 2, "0x");
      expect(await inbox.oldestEntryAt()).to.equal(0n);
    });

    it("epoch: is known by its first batch, also while it is open", async () => {
      const { inbox } = await scene.createRollup({ epochAgeSeconds: 30 });
      expect(await inbox.openedAtOf(0)).to.equal(0n);
      await submitBatch(inbox, await scene.now(), 0, "0x");
      const first = await scene.now();
      expect(await inbox.openedAtOf(0)).to.equal(BigInt(first));
      await scene.networkHelpers.time.increase(30);
      await submitBatch(inbox, await scene.now(), 0, "0x");
      expect([await inbox.openedAtOf(0), await inbox.openedAtOf(1)]).to.deep.equal([BigInt(first), 0n]);
      await expect(inbox.openedAtOf(2)).to.be.revertedWithCustomError(inbox, "EpochNotClosed").withArgs(2);
    });
  });

  describe("epochs", () => {
    it("steps: close the epoch with the batch that fills it, forced slots counted twice (M-9)", async () => {
      // 1 + entries 1 + forced 2 * 3 + 2 * 4 slots = 16
      const { inbox } = await scene.createRollup({ epochSteps: 16, epochAgeSeconds: 700 });
      await inbox.force(slots(3), { value: 3_000 });
      const time = await scene.now();
      await expect(submitBatch(inbox, time, 1, slots(4))).to.emit(inbox, "EpochClosed").withArgs(0, 1, 16);
      expect(await inbox.epochEnd(0)).to.equal(1);
      expect(await inbox.epochTrace(0)).to.equal(16);
      expect(await inbox.epochAccumulator(0)).to.equal(await inbox.accumulator());

      await submitBatch(inbox, time, 1, slots(7));
      expect(await inbox.epochCount()).to.equal(1);
      expect(await inbox.openSteps()).to.equal(15);
      await expect(submitBatch(inbox, time, 1, "0x")).to.emit(inbox, "EpochClosed").withArgs(1, 3, 16);
    });

    it("age: lets anyone close from the exact second on, counted from the first batch", async () => {
      const { inbox } = await scene.createRollup({ epochAgeSeconds: 30 });
      await scene.networkHelpers.time.increase(100);
      await submitBatch(inbox, await scene.now(), 0, "0x");
      const opened = await scene.now();
      await scene.setNextTime(opened + 29);
      await expect(inbox.closeEpoch()).to.be.revertedWithCustomError(inbox, "EpochOpen").withArgs(0);
      await scene.setNextTime(opened + 30);
      await expect(inbox.connect(scene.signers[5]!).closeEpoch()).to.emit(inbox, "EpochClosed").withArgs(0, 1, 1);
    });

    it("no batch: there is nothing to close, however old", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      await scene.networkHelpers.time.increase(10_000);
      await expect(inbox.closeEpoch()).to.be.revertedWithCustomError(inbox, "EpochOpen").withArgs(0);
    });

    it("views: reject an epoch that is not closed", async () => {
      const { inbox } = await scene.networkHelpers.loadFixture(fresh);
      await expect(inbox.epochEnd(0)).to.be.revertedWithCustomError(inbox, "EpochNotClosed").withArgs(0);
      await expect(inbox.epochTrace(7)).to.be.revertedWithCustomError(inbox, "EpochNotClosed").withArgs(7);
      await expect(inbox.epochAccumulator(2n ** 64n - 1n)).to.be.revertedWithCustomError(inbox, "EpochNotClosed").withArgs(2n ** 64n - 1n);
    });
  });
});
