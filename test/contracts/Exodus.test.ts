import { expect } from "chai";
import { hexlify, ZeroHash } from "ethers";

import { KIND } from "../../core/generated/protocol.ts";
import type { HostileRecipient, TestToken } from "../../typechain-types/index.ts";
import { createDeadChain, entryStruct, GWEI, PAYOUT_DELAY, structOf } from "../builders/deadChain.ts";
import type { DeadChain } from "../builders/deadChain.ts";
import { ALICE, BOB, CAROL, DAVE } from "../builders/exitStory.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { node, sparseState } from "../builders/stateTree.ts";

const DEPOSIT = 64;
const addressOf = (actor: typeof ALICE): string => hexlify(actor.address);

/** What a call reverts with. */
async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "no error";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("Exodus payouts", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  const dead = (): Promise<DeadChain> => createDeadChain(scene);
  /** S is fixed and payable. */
  const ended = async (): Promise<DeadChain> => {
    const chain = await dead();
    await chain.end();
    return chain;
  };

  /** By hand from the story, not by the code under test: who gets what, the withdrawal that is paid already left out. */
  function expectedPayments({ story, feeRecipient, depositor }: DeadChain): [kind: number, index: number, to: string, units: bigint][] {
    const { calls, workflows } = story;
    const [alice, bob, carol, dave] = [ALICE, BOB, CAROL, DAVE].map(addressOf) as [string, string, string, string];
    return [
      [KIND.INVOCATION, calls.open, alice, 1_000n],
      [KIND.INVOCATION, calls.inSession, alice, 77n],
      [KIND.INVOCATION, calls.reviewed, bob, 2_000n],
      [KIND.INVOCATION, calls.lostOpen, carol, 300n],
      [KIND.INVOCATION, calls.lostAnswered, carol, 400n],
      [KIND.INVOCATION, calls.wonUnsettled, bob, 600n],
      [KIND.INVOCATION, calls.wonSettled, dave, 800n],
      [KIND.INVOCATION, calls.failed, carol, 900n],
      [KIND.WORKFLOW, workflows.losing, carol, 5_000n - 300n - 400n],
      [KIND.WORKFLOW, workflows.won, carol, 3_000n - 600n],
      [KIND.WORKFLOW, workflows.empty, carol, 4_000n],
      [KIND.WITHDRAWAL, 1, alice, 6_000n],
      [KIND.SYSTEM, 0, feeRecipient, 54n],
      // 100,000 each, and what the story moved: alice made 5 records, bob 5, carol 13, dave 4, at 2 units.
      [KIND.AGENT, 1, alice, 100_000n - 500n - 1_000n - 2_000n - 77n - 6_000n - 12n],
      [KIND.AGENT, 2, bob, 100_000n + 500n + 700n - 10n],
      [KIND.AGENT, 3, carol, 100_000n - 5_000n - 3_000n - 2_000n + 500n - 1_500n + 600n - 4_000n - 5_000n - 26n],
      [KIND.AGENT, 4, dave, 100_000n - 6n],
      [DEPOSIT, 4, depositor, 40_000n],
      [DEPOSIT, 6, depositor, 60_000n],
    ];
  }

  describe("everyone", () => {
    it("everything: is paid to whom it belongs to, exactly once, and nothing is left in the bridge", async () => {
      const chain = await scene.networkHelpers.loadFixture(ended);
      const { bridge, exodus } = chain;
      const expected = expectedPayments(chain);
      expect(expected.reduce((sum, [, , , units]) => sum + units, 0n)).to.equal(chain.held);
      const unpaid = chain.exits.filter(({ kind, index }) => kind !== KIND.WITHDRAWAL || index !== chain.story.withdrawals.paid);
      expect(unpaid.length + 2).to.equal(expected.length);
      for (const [kind, index, to, units] of expected) {
        const exit = unpaid.find((listed) => listed.kind === kind && listed.index === index);
        const pay = () => (kind === DEPOSIT ? chain.refund(index) : chain.payLeaf(exit!));
        expect(await bridge.isPaid(kind, index)).to.equal(false);
        const paying = pay();
        await expect(paying).to.changeEtherBalances(scene.ethers, [to, bridge], [units * GWEI, -units * GWEI]);
        await expect(paying).to.emit(bridge, "ExodusPaid").withArgs(kind, index, (text: string) => text.toLowerCase() === to.toLowerCase(), units * GWEI, true);
        expect(await bridge.isPaid(kind, index)).to.equal(true);
        await expect(pay(), `${kind} ${index}`).to.be.revertedWithCustomError(bridge, "AlreadyPaid").withArgs(kind, index);
      }
      expect(await scene.ethers.provider.getBalance(await bridge.getAddress())).to.equal(0n);
      expect(await exodus.payableAt()).to.be.greaterThan(0n);
    });

    it("list of a state: names every leaf with money once, and what it sums to is what the bridge holds", async () => {
      const { exits, last, entries, held } = await scene.networkHelpers.loadFixture(dead);
      const places = exits.map(({ kind, index }) => `${kind}/${index}`);
      expect(new Set(places).size).to.equal(places.length);
      const refunds = last.refunds(entries);
      expect(refunds.map(({ index, units }) => [index, units])).to.deep.equal([[4, 40_000], [6, 60_000]]);
      const paid = 5_000;
      expect(BigInt([...exits, ...refunds].reduce((sum, { units }) => sum + units, 0) - paid)).to.equal(held);
    });

    it("token: is paid in whole base units", async () => {
      const token = (await scene.ethers.deployContract("TestToken")) as unknown as TestToken;
      await token.mint(scene.signers[5]!.address, 10n ** 30n);
      const rollup = await scene.createRollup({ asset: await token.getAddress(), assetScale: 1_000n });
      await token.connect(scene.signers[5]!).approve(await rollup.bridge.getAddress(), 10n ** 30n);
      await rollup.bridge.connect(scene.signers[5]!).deposit(scene.signers[5]!.address, 7_000n);
      const refund = await endWithoutState(rollup);
      await expect(refund(0)).to.changeTokenBalances(scene.ethers, token, [scene.signers[5]!, rollup.bridge], [7_000n, -7_000n]);
    });
  });

  /** Ends a chain of which nothing was ever confirmed; answers what refunds its deposits. */
  async function endWithoutState({ inbox, exodus }: Pick<DeadChain, "inbox" | "exodus">) {
    await scene.setNextTime(Number(await exodus.declarableAt()));
    await exodus.declare();
    await exodus.finalise();
    await scene.networkHelpers.time.increase(PAYOUT_DELAY);
    const empty = sparseState([{ kind: KIND.SYSTEM, depth: 1, index: 0n, words: [ZeroHash, ZeroHash, ZeroHash, ZeroHash] }]);
    const machine = { kind: KIND.SYSTEM, index: 0n, words: [ZeroHash, ZeroHash, ZeroHash, ZeroHash] as [string, string, string, string], siblings: empty.proof(KIND.SYSTEM, 0n) };
    return async (index: number) => {
      const { args } = (await inbox.queryFilter(inbox.filters.EntryQueued(index)))[0]!;
      const { kind, sender, account, value, slots, dataRoot, dueTime } = args;
      return exodus.refundDeposit(index, { kind, sender, account, value, slots, dataRoot, dueTime }, machine);
    };
  }

  describe("chain of which nothing was ever confirmed", () => {
    it("deposits: go back, those that batches consumed too", async () => {
      const rollup = await scene.createRollup();
      const from = scene.signers[5]!;
      for (const units of [3n, 4n]) await rollup.bridge.connect(from).deposit(from.address, units * GWEI, { value: units * GWEI });
      const refund = await endWithoutState(rollup);
      expect(await rollup.exodus.claimId()).to.equal(await rollup.settlement.genesisClaim());
      await expect(refund(1)).to.changeEtherBalance(scene.ethers, from, 4n * GWEI);
      await expect(refund(0)).to.changeEtherBalance(scene.ethers, from, 3n * GWEI);
      await expect(refund(0)).to.be.revertedWithCustomError(rollup.bridge, "AlreadyPaid").withArgs(DEPOSIT, 0);
      expect(await rollup.bridge.heldUnits()).to.equal(0n);
    });
  });

  describe("withdrawals", () => {
    const withdrawalOf = ({ last }: DeadChain, index: number) => {
      const { words, siblings } = structOf(last.open({ kind: KIND.WITHDRAWAL, index }));
      return [index, words, siblings] as const;
    };
    const exitOf = ({ exits }: DeadChain, index: number) => exits.find((exit) => exit.kind === KIND.WITHDRAWAL && exit.index === index)!;

    it("withdraw then exodus: pays once", async () => {
      const chain = await scene.networkHelpers.loadFixture(ended);
      const { paid, unpaid } = chain.story.withdrawals;
      await expect(chain.payLeaf(exitOf(chain, paid))).to.be.revertedWithCustomError(chain.bridge, "AlreadyPaid").withArgs(KIND.WITHDRAWAL, paid);
      await chain.bridge.withdraw(...withdrawalOf(chain, unpaid), chain.claimId);
      await expect(chain.payLeaf(exitOf(chain, unpaid))).to.be.revertedWithCustomError(chain.bridge, "AlreadyPaid").withArgs(KIND.WITHDRAWAL, unpaid);
    });

    it("exodus then withdraw: pays once", async () => {
      const chain = await scene.networkHelpers.loadFixture(ended);
      const { unpaid } = chain.story.withdrawals;
      await chain.payLeaf(exitOf(chain, unpaid));
      expect(await chain.bridge.isWithdrawn(unpaid)).to.equal(true);
      await expect(chain.bridge.withdraw(...withdrawalOf(chain, unpaid), chain.claimId)).to.be.revertedWithCustomError(chain.bridge, "AlreadyWithdrawn").withArgs(unpaid);
    });

    it("withdraw: goes on after the declaration, before the last state is fixed", async () => {
      const chain = await scene.networkHelpers.loadFixture(dead);
      await chain.declare();
      await expect(chain.bridge.withdraw(...withdrawalOf(chain, 1), chain.claimId)).to.changeEtherBalance(scene.ethers, addressOf(ALICE), 6_000n * GWEI);
    });
  });

  describe("deposits", () => {
    it("consumed entry: is in the state, and not paid again", async () => {
      const chain = await scene.networkHelpers.loadFixture(ended);
      for (const index of [0, 3]) await expect(chain.refund(index)).to.be.revertedWithCustomError(chain.exodus, "EntryConsumed").withArgs(index, 4);
    });

    it("entry: is paid only as it was queued, and only if it is a deposit", async () => {
      const chain = await scene.networkHelpers.loadFixture(ended);
      const { exodus, entries, last } = chain;
      const machine = structOf(last.machine());
      await expect(chain.refund(5)).to.be.revertedWithCustomError(exodus, "NotDeposit").withArgs(5);
      const deposit = entryStruct(entries[4]!);
      const thief = scene.signers[1]!.address;
      for (const changed of [{ value: 40_001 }, { sender: thief }, { account: thief }, { dueTime: deposit.dueTime + 1 }, { slots: 1 }, { kind: 65 }]) {
        await expect(exodus.refundDeposit(4, { ...deposit, ...changed }, machine)).to.be.revertedWithCustomError(exodus, "BadEntry");
      }
      await expect(exodus.refundDeposit(6, deposit, machine)).to.be.revertedWithCustomError(exodus, "BadEntry");
      await expect(exodus.refundDeposit(7, deposit, machine)).to.be.revertedWithCustomError(exodus, "BadEntry");
      await expect(exodus.refundDeposit(4, deposit, { ...machine, words: [ZeroHash, ZeroHash, ZeroHash, ZeroHash] })).to.be.revertedWithCustomError(exodus, "BadProof");
      await expect(exodus.refundDeposit(4, deposit, structOf(last.open({ kind: KIND.SYSTEM, index: 1 })))).to.be.revertedWithCustomError(exodus, "WrongLeaf").withArgs(0, KIND.SYSTEM, 1);
    });
  });

  describe("payees", () => {
    it("payee that refuses: finds its money in claimable, and nobody else waits", async () => {
      const chain = await scene.networkHelpers.loadFixture(dead);
      const hostile = (await scene.ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
      const address = await hostile.getAddress();
      await hostile.execute(chain.bridge, 9n * GWEI, chain.bridge.interface.encodeFunctionData("deposit", [address, 9n * GWEI]), { value: 9n * GWEI });
      const { args } = (await chain.inbox.queryFilter(chain.inbox.filters.EntryQueued(7)))[0]!;
      await chain.end();
      const { kind, sender, account, value, slots, dataRoot, dueTime } = args;
      const refund = () => chain.exodus.refundDeposit(7, { kind, sender, account, value, slots, dataRoot, dueTime }, structOf(chain.last.machine()));
      // First it tries to be paid twice, from within.
      await hostile.setMode(4);
      await hostile.setCall(chain.exodus, chain.exodus.interface.encodeFunctionData("refundDeposit", [7, { kind, sender, account, value, slots, dataRoot, dueTime }, structOf(chain.last.machine())]));
      const snapshot = await scene.networkHelpers.takeSnapshot();
      await refund();
      expect(await hostile.successes()).to.equal(0n);
      await snapshot.restore();
      for (const mode of [1, 2, 3]) {
        await hostile.setMode(mode);
        await expect(refund()).to.emit(chain.bridge, "ExodusPaid").withArgs(DEPOSIT, 7, address, 9n * GWEI, false);
        expect(await chain.bridge.claimable(address)).to.equal(9n * GWEI);
        await expect(refund()).to.be.revertedWithCustomError(chain.bridge, "AlreadyPaid");
        await snapshot.restore();
      }
      await hostile.setMode(1);
      await refund();
      await hostile.execute(chain.bridge, 0, chain.bridge.interface.encodeFunctionData("withdrawClaimable", [scene.signers[2]!.address]));
      expect(await chain.bridge.claimable(address)).to.equal(0n);
    });

    it("stranger: cannot have the bridge pay, nor stop the inbox", async () => {
      const { bridge, inbox } = await scene.networkHelpers.loadFixture(ended);
      const me = scene.signers[0]!.address;
      await expect(bridge.payExodus(KIND.AGENT, 1, me, 1)).to.be.revertedWithCustomError(bridge, "NotExodus").withArgs(me);
      await expect(inbox.stop()).to.be.revertedWithCustomError(inbox, "NotExodus").withArgs(me);
    });
  });

  describe("proofs", () => {
    it("leaf: is refused when anything of it is changed", async () => {
      const { exodus, exits, last } = await scene.networkHelpers.loadFixture(ended);
      for (const exit of exits) {
        const { leaf, context } = last.prove(exit);
        const rest = context.map(structOf);
        const flipped = leaf.words.map((word) => hexlify(new Uint8Array(32).map((_, i) => Number(`0x${word.slice(2 + 2 * i, 4 + 2 * i)}`) ^ (i === 31 ? 1 : 0))));
        for (let word = 0; word < 4; word += 1) {
          const words = leaf.words.map((text, i) => (i === word ? flipped[i]! : text)) as [string, string, string, string];
          // A call's workflow id is in its second word: with another one the context is wrong before the proof is.
          const error = exit.kind === KIND.INVOCATION && word === 1 ? /WrongLeaf|BadProof|WrongContext/ : /BadProof/;
          expect(await errorOf(exodus.payLeaf.staticCall({ ...structOf(leaf), words }, rest)), `${exit.kind} word ${word}`).to.match(error);
        }
        const siblings = leaf.siblings.map((text, i) => (i === 1 ? node([ZeroHash, ZeroHash, ZeroHash, `0x${"01".repeat(32)}`], 0) : text));
        expect(await errorOf(exodus.payLeaf.staticCall({ ...structOf(leaf), siblings }, rest))).to.match(/BadProof/);
        expect(await errorOf(exodus.payLeaf.staticCall({ ...structOf(leaf), siblings: siblings.slice(3) }, rest))).to.match(/ProofLength/);
        expect(await errorOf(exodus.payLeaf.staticCall({ ...structOf(leaf), index: leaf.index + 1n }, rest))).to.match(/BadProof|WrongLeaf/);
      }
    });

    it("context: has to be the leaves that the rules name, and true", async () => {
      const { exodus, exits, last, story } = await scene.networkHelpers.loadFixture(ended);
      const at = (kind: number, index: number) => structOf(last.open({ kind, index }));
      const call = at(KIND.INVOCATION, story.calls.open);
      const step = at(KIND.INVOCATION, story.calls.lostOpen);
      const [alice, bob, carol] = [at(KIND.AGENT, 1), at(KIND.AGENT, 2), at(KIND.AGENT, 3)];
      const refuses = (leaf: typeof call, context: (typeof call)[], error: string) => expect(exodus.payLeaf(leaf, context)).to.be.revertedWithCustomError(exodus, error);
      await refuses(call, [], "WrongContext");
      await refuses(call, [alice, alice], "WrongContext");
      await refuses(call, [bob], "WrongLeaf");
      await refuses(call, [at(KIND.DIRECTORY, 1)], "WrongLeaf");
      await refuses(call, [{ ...alice, words: bob.words }], "BadProof");
      await refuses(step, [carol], "WrongLeaf");
      await refuses(step, [], "WrongContext");
      await refuses(step, [at(KIND.WORKFLOW, story.workflows.losing)], "WrongContext");
      // Another workflow, which was won, would give the price to the provider.
      await refuses(step, [at(KIND.WORKFLOW, story.workflows.won), bob], "WrongLeaf");
      const won = at(KIND.WORKFLOW, story.workflows.won);
      await refuses(step, [{ ...won, index: BigInt(story.workflows.losing) }, bob], "WrongLeaf");
      await refuses(step, [{ ...at(KIND.WORKFLOW, story.workflows.losing), siblings: won.siblings }, carol], "BadProof");
      await refuses(step, [at(KIND.WORKFLOW, story.workflows.losing), bob], "WrongLeaf");
      const balance = exits.find(({ kind }) => kind === KIND.AGENT)!;
      await exodus.payLeaf(structOf(last.prove(balance).leaf), []);
    });

    it("leaves without money: are refused, and kinds that hold none", async () => {
      const { exodus, last, story } = await scene.networkHelpers.loadFixture(ended);
      const at = (kind: number, index: number) => structOf(last.open({ kind, index }));
      await expect(exodus.payLeaf(at(KIND.AGENT, 0), [])).to.be.revertedWithCustomError(exodus, "NothingOwed").withArgs(KIND.AGENT, 0);
      await expect(exodus.payLeaf(at(KIND.AGENT, 9), [])).to.be.revertedWithCustomError(exodus, "NothingOwed").withArgs(KIND.AGENT, 9);
      const settled = at(KIND.WORKFLOW, story.workflows.settled);
      await expect(exodus.payLeaf(settled, [at(KIND.AGENT, 3)])).to.be.revertedWithCustomError(exodus, "NothingOwed").withArgs(KIND.WORKFLOW, settled.index);
      await expect(exodus.payLeaf(at(KIND.INVOCATION, 500), [at(KIND.AGENT, 0)])).to.be.revertedWithCustomError(exodus, "NothingOwed");
      await expect(exodus.payLeaf(at(KIND.SYSTEM, 1), [])).to.be.revertedWithCustomError(exodus, "WrongLeaf");
      await expect(exodus.payLeaf(at(KIND.CHANNEL, 0), [])).to.be.revertedWithCustomError(exodus, "NothingOwed").withArgs(KIND.CHANNEL, 0);
      for (const kind of [KIND.DIRECTORY, KIND.SESSION]) {
        await expect(exodus.payLeaf(at(kind, 0), [])).to.be.revertedWithCustomError(exodus, "KindNotPaid").withArgs(kind);
      }
      await expect(exodus.payLeaf({ ...at(KIND.SESSION, 0), kind: 200 }, [])).to.be.revertedWithCustomError(exodus, "KindNotPaid").withArgs(200);
    });
  });
});
