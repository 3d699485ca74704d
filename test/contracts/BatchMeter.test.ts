import { expect } from "chai";
import { AbiCoder, Wallet, ZeroAddress, id as hashOf } from "ethers";

import type { BatchMeter, TestLiar } from "../../typechain-types/index.ts";
import { claimState } from "../builders/claimState.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { signHeadFor } from "../builders/signedHead.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const BOND = 1_000n;
const SLOT = 100;
const SILENCE = 450;
const GRACE = 300;
const FIRST_SLOT = 30_000_000;
const BOUNTY = 7;
const AGENT = 0;
/** What a board spends on a question at most. */
const ASKING_GAS = 300_000;
/** Modes of TestLiar. */
const LIAR = { TRUTHFUL: 0, REVERTS: 1, BURNS_GAS: 2, BOMB: 3 } as const;

describe("BatchMeter", () => {
  let scene: L1Scene;
  let meter: BatchMeter;
  let empty: Awaited<ReturnType<L1Scene["networkHelpers"]["takeSnapshot"]>>;
  before(async () => {
    scene = await createL1Scene();
    meter = (await scene.ethers.deployContract("BatchMeter")) as unknown as BatchMeter;
    empty = await scene.networkHelpers.takeSnapshot();
  });
  // Block times are exact, and go back with the chain.
  beforeEach(() => empty.restore());
  after(() => scene.close());

  const signer = (index: number) => scene.signers[index]!;
  const keyOf = (index: number): Wallet => new Wallet(hashOf(`head key ${index}`));
  const timeOf = (slot: number, seconds = 0): number => (FIRST_SLOT + slot) * SLOT + seconds;
  const at = (slot: number, seconds = 0): Promise<void> => scene.setNextTime(timeOf(slot, seconds));
  const encoded = (settlement: string, set: string, silence = SILENCE, grace = GRACE): string =>
    AbiCoder.defaultAbiCoder().encode(["address", "address", "uint32", "uint32"], [settlement, set, silence, grace]);
  const paramsOf = async ({ settlement, sequencerSet }: RollupContracts, silence = SILENCE, grace = GRACE): Promise<string> =>
    encoded(await settlement.getAddress(), await sequencerSet.getAddress(), silence, grace);

  /** A chain whose operators 1 to n joined in slot 0; every batch is an epoch. Signer 0 is the board. */
  async function chainOf(operators: number): Promise<RollupContracts> {
    const chain = await scene.createRollup({ operatorBondWei: BOND, windowSeconds: 1, joinSeconds: 1, vacancySeconds: 1_000 });
    await at(0);
    for (let index = 1; index <= operators; index += 1) await chain.sequencerSet.connect(signer(index)).join(keyOf(index).address, { value: BOND });
    return chain;
  }
  async function post({ inbox }: RollupContracts, by: number, slot: number, seconds = 0): Promise<void> {
    await at(slot, seconds);
    await submitBatch(inbox.connect(signer(by)), timeOf(slot, seconds), 0, "0x");
  }
  /** Confirms the oldest epoch that is not. */
  async function confirmNext(chain: RollupContracts): Promise<void> {
    const { nextEpoch } = await chain.settlement.latestConfirmed();
    const { claimId } = await claimState(chain, { stateRoot: hashOf(`state ${nextEpoch}`) });
    await scene.networkHelpers.time.increase(5);
    await chain.settlement.confirm(claimId);
  }
  const begin = async (chain: RollupContracts, operator = 1, params?: string) => await meter.begin(BOUNTY, signer(operator).address, AGENT, params ?? (await paramsOf(chain)));
  const units = async (board = signer(0).address, bounty = BOUNTY): Promise<number> => Number(await meter.unitsOf(board, bounty));
  const failed = (): Promise<boolean> => meter.hasFailed(signer(0).address, BOUNTY);
  const questions = (bounty: number): string[] => [meter.interface.encodeFunctionData("unitsOf", [signer(0).address, bounty]), meter.interface.encodeFunctionData("hasFailed", [signer(0).address, bounty])];
  /** The answer at that time, if nothing else happens. */
  async function failedAt(time: number): Promise<boolean> {
    const snapshot = await scene.networkHelpers.takeSnapshot();
    await scene.networkHelpers.time.increaseTo(time);
    const answer = await failed();
    await snapshot.restore();
    return answer;
  }

  describe("units", () => {
    it("batch: is a unit when its epoch is confirmed, and not before", async () => {
      const chain = await chainOf(1);
      await at(2);
      await expect(begin(chain)).to.emit(meter, "Begun").withArgs(signer(0).address, BOUNTY, signer(1).address, 0);
      await post(chain, 1, 3);
      await post(chain, 1, 4);
      expect(await units()).to.equal(0);
      await confirmNext(chain);
      expect(await units()).to.equal(1);
      await post(chain, 1, 5);
      await confirmNext(chain);
      await confirmNext(chain);
      expect(await units()).to.equal(3);
    });

    it("batches from before the award: are no units, also when they are confirmed after it", async () => {
      const chain = await chainOf(1);
      await post(chain, 1, 2);
      await post(chain, 1, 3);
      await at(4);
      await begin(chain);
      await post(chain, 1, 5);
      await confirmNext(chain);
      await confirmNext(chain);
      expect(await units()).to.equal(0);
      await confirmNext(chain);
      expect(await units()).to.equal(1);
    });

    it("a row of empty batches in one slot: is one unit", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      for (let seconds = 1; seconds < 6; seconds += 1) await post(chain, 1, 3, seconds);
      for (let epoch = 0; epoch < 5; epoch += 1) await confirmNext(chain);
      expect(await units()).to.equal(1);
    });

    it("batches of others: are nobody's units but theirs", async () => {
      const chain = await chainOf(2);
      await at(1);
      await begin(chain, 1);
      await meter.begin(BOUNTY + 1, signer(2).address, AGENT, await paramsOf(chain));
      await post(chain, 1, 2);
      await post(chain, 2, 3);
      await post(chain, 2, 3, 5);
      await post(chain, 1, 4);
      for (let epoch = 0; epoch < 4; epoch += 1) await confirmNext(chain);
      expect([await units(), await units(signer(0).address, BOUNTY + 1)]).to.deep.equal([2, 1]);
    });

    it("next round: begins at zero, for a successor and for the same operator", async () => {
      const chain = await chainOf(2);
      await at(1);
      await begin(chain, 1);
      await post(chain, 1, 2);
      await confirmNext(chain);
      expect(await units()).to.equal(1);
      await post(chain, 2, 3);
      await at(3, 50);
      await begin(chain, 2);
      expect(await units()).to.equal(0);
      await confirmNext(chain);
      expect(await units()).to.equal(0);
      await at(3, 90);
      await begin(chain, 1);
      expect(await units()).to.equal(0);
      await post(chain, 1, 4);
      await confirmNext(chain);
      expect(await units()).to.equal(1);
    });

    it("slashed operator: keeps the units that it earned", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      await post(chain, 1, 3);
      await confirmNext(chain);
      await slash(chain, 1);
      expect([await units(), await failed()]).to.deep.equal([1, true]);
    });

    it("stranger in a vacancy: earns nothing", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain, 8);
      await post(chain, 8, 20);
      await confirmNext(chain);
      expect(await units()).to.equal(0);
    });
  });

  async function slash({ sequencerSet, inbox }: RollupContracts, accused: number): Promise<void> {
    const domain = { chainId: Number((await scene.ethers.provider.getNetwork()).chainId), inbox: await inbox.getAddress() };
    const [a, b] = ["one", "another"].map((head) => ({ slot: FIRST_SLOT + 50, position: 1, head: hashOf(head) }));
    await sequencerSet.reportHeads(signer(accused).address, a!, await signHeadFor(keyOf(accused), a!, domain), b!, await signHeadFor(keyOf(accused), b!, domain));
  }

  describe("failure", () => {
    it("silence: counts from the award or the last batch, whichever is later, to the second", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      expect([await failedAt(timeOf(2) + SILENCE - 1), await failedAt(timeOf(2) + SILENCE)]).to.deep.equal([false, true]);
      await post(chain, 1, 4, 10);
      expect([await failedAt(timeOf(4, 10) + SILENCE - 1), await failedAt(timeOf(4, 10) + SILENCE)]).to.deep.equal([false, true]);
    });

    it("batch after all: ends the silence, if nobody reported it meanwhile", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      await post(chain, 1, 9);
      expect(await failed()).to.equal(false);
    });

    it("grace: nobody is silent before it is over", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain, 1, await paramsOf(chain, 1, 1_000));
      expect([await failedAt(timeOf(2) + 999), await failedAt(timeOf(2) + 1_000)]).to.deep.equal([false, true]);
    });

    it("silence shorter than a turn of the row: waits until a slot of its own has passed", async () => {
      const chain = await chainOf(4);
      await at(2);
      await begin(chain, 1, await paramsOf(chain, 1, 0));
      expect([await failedAt(timeOf(2) + 5 * SLOT - 1), await failedAt(timeOf(2) + 5 * SLOT)]).to.deep.equal([false, true]);
    });

    it("slashed in the set: at once, also within the grace", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      expect(await failed()).to.equal(false);
      await slash(chain, 1);
      expect(await failed()).to.equal(true);
    });

    it("an operator that left the row, or never joined: fails by silence", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain, 8);
      expect(await failedAt(timeOf(2) + SILENCE)).to.equal(true);
    });

    it("dead chain: nobody fails on it", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      await post(chain, 1, 3);
      const declarable = async (): Promise<number> => Number(await chain.exodus.declarableAt());
      await scene.networkHelpers.time.increaseTo(await declarable());
      await chain.exodus.declare();
      expect(await chain.inbox.isStopped()).to.equal(true);
      expect(await failed()).to.equal(false);
    });
  });

  describe("hostile boards, settlements and sets", () => {
    it("begin: counts for who calls it and no other board", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      await post(chain, 1, 3);
      await confirmNext(chain);
      await meter.connect(signer(9)).begin(BOUNTY, signer(8).address, AGENT, await paramsOf(chain));
      expect([await units(), await units(signer(9).address)]).to.deep.equal([1, 0]);
      const watched = await meter.watchOf(signer(0).address, BOUNTY);
      expect([watched.operator, watched.before, watched.beganAt]).to.deep.equal([signer(1).address, 0n, BigInt(timeOf(2))]);
    });

    it("a bounty that never began: has no units and did not fail", async () => {
      expect([await units(signer(5).address, 1), await meter.hasFailed(signer(5).address, 1)]).to.deep.equal([0, false]);
    });

    it("set of another chain: is refused", async () => {
      const [chain, other] = [await chainOf(1), await scene.createRollup({ operatorBondWei: BOND })];
      const params = encoded(await chain.settlement.getAddress(), await other.sequencerSet.getAddress());
      await expect(begin(chain, 1, params)).to.be.revertedWithCustomError(meter, "WrongInbox").withArgs(await other.inbox.getAddress(), await chain.inbox.getAddress());
    });

    it("params: that are no contracts, too short, or out of range are refused", async () => {
      const chain = await chainOf(1);
      const good = await paramsOf(chain);
      const outOfRange = AbiCoder.defaultAbiCoder().encode(["address", "address", "uint256", "uint256"], [await chain.settlement.getAddress(), await chain.sequencerSet.getAddress(), 2n ** 32n, 0]);
      for (const params of ["0x", good.slice(0, -64), encoded(ZeroAddress, ZeroAddress), encoded(signer(3).address, signer(4).address), outOfRange]) {
        await expect(begin(chain, 1, params)).to.revert(scene.ethers);
      }
    });

    it("settlement that reverts, burns gas or answers with megabytes: costs a board its share of gas, and only that bounty", async () => {
      const chain = await chainOf(1);
      const liar = (await scene.ethers.deployContract("TestLiar")) as unknown as TestLiar;
      await liar.setInbox(await chain.inbox.getAddress());
      const address = await liar.getAddress();
      await at(2);
      await begin(chain);
      await meter.begin(BOUNTY + 1, signer(1).address, AGENT, encoded(address, address));
      await post(chain, 1, 3);
      await confirmNext(chain);
      for (const mode of [LIAR.REVERTS, LIAR.BURNS_GAS, LIAR.BOMB]) {
        await liar.setMode(mode);
        for (const data of questions(BOUNTY + 1)) {
          const asked = scene.ethers.provider.call({ to: await meter.getAddress(), data, gasLimit: ASKING_GAS });
          expect(await asked.then(() => "answered", () => "reverted")).to.equal("reverted");
        }
        expect(await units()).to.equal(1);
      }
    });

    it("set whose figures fall: pays nothing rather than a great deal", async () => {
      const chain = await chainOf(1);
      const liar = (await scene.ethers.deployContract("TestLiar")) as unknown as TestLiar;
      await liar.setInbox(await chain.inbox.getAddress());
      const address = await liar.getAddress();
      await liar.setWork(1_000);
      await meter.begin(BOUNTY, signer(1).address, AGENT, encoded(await chain.settlement.getAddress(), address));
      await post(chain, 1, 3);
      await confirmNext(chain);
      await liar.setWork(999);
      expect(await units()).to.equal(0);
      await liar.setWork(1_002);
      expect(await units()).to.equal(2);
    });

    it("gas: an answer costs far less than a board gives", async () => {
      const chain = await chainOf(1);
      await at(2);
      await begin(chain);
      for (let slot = 3; slot < 20; slot += 1) await post(chain, 1, slot);
      await confirmNext(chain);
      for (const data of questions(BOUNTY)) {
        const gas = await scene.ethers.provider.estimateGas({ to: await meter.getAddress(), data });
        expect(gas).to.be.lessThan(120_000n);
      }
    });
  });
});
