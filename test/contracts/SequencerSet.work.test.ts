import { expect } from "chai";
import { Wallet, id } from "ethers";

import { batchGas } from "../../services/sequencer/l1/decidePosting.ts";
import type { Inbox, SequencerSet } from "../../typechain-types/index.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { signHeadFor } from "../builders/signedHead.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const BOND = 1_001n;
const SLOT = 100;
const VACANCY = 1_000;
const UNBONDING = 2 * 860;
/** A whole slot far in the future: block times are chosen from here on. */
const FIRST_SLOT = 30_000_000;

interface SetScene {
  readonly set: SequencerSet;
  readonly inbox: Inbox;
}

describe("SequencerSet, the work of operators", () => {
  let scene: L1Scene;
  let empty: Awaited<ReturnType<L1Scene["networkHelpers"]["takeSnapshot"]>>;
  before(async () => {
    scene = await createL1Scene();
    empty = await scene.networkHelpers.takeSnapshot();
  });
  // Block times are exact, and go back with the chain.
  beforeEach(() => empty.restore());
  after(() => scene.close());

  const operator = (index: number) => scene.signers[index]!;
  const keyOf = (index: number): Wallet => new Wallet(id(`head key ${index}`));
  const at = (slot: number, seconds = 0): Promise<void> => scene.setNextTime((FIRST_SLOT + slot) * SLOT + seconds);
  const join = (set: SequencerSet, index: number) => set.connect(operator(index)).join(keyOf(index).address, { value: BOND });
  async function settle(): Promise<SetScene> {
    const { sequencerSet, inbox } = await scene.createRollup({ operatorBondWei: BOND });
    return { set: sequencerSet, inbox };
  }
  /** Operators 1 to n join in slot 0; the rows' turns begin in slot 2 with operator 1. */
  async function withOperators(count: number): Promise<SetScene> {
    const made = await settle();
    await at(0);
    for (let index = 1; index <= count; index += 1) await join(made.set, index);
    return made;
  }
  async function post(inbox: Inbox, index: number, slot: number, seconds = 0) {
    await at(slot, seconds);
    return await submitBatch(inbox.connect(operator(index)), (FIRST_SLOT + slot) * SLOT + seconds, 0, "0x");
  }
  const mayAt = (set: SequencerSet, index: number, slot: number, seconds: number): Promise<boolean> =>
    set.maySubmitAt(operator(index).address, (FIRST_SLOT + slot) * SLOT + seconds);
  async function refused({ inbox }: SetScene, index: number, slot: number, seconds: number): Promise<void> {
    await expect(post(inbox, index, slot, seconds)).to.be.revertedWithCustomError(inbox, "NotSequencer").withArgs(operator(index).address);
  }
  async function report({ set, inbox }: SetScene, accused: number): Promise<void> {
    const domain = { chainId: Number((await scene.ethers.provider.getNetwork()).chainId), inbox: await inbox.getAddress() };
    const [a, b] = ["one history", "another"].map((text) => ({ slot: FIRST_SLOT + 5, position: 77, head: id(text) }));
    const [sigA, sigB] = [await signHeadFor(keyOf(accused), a!, domain), await signHeadFor(keyOf(accused), b!, domain)];
    await set.connect(operator(9)).reportHeads(operator(accused).address, a!, sigA, b!, sigB);
  }
  const workOf = async (set: SequencerSet, index: number, batchEnd: number | bigint = 2n ** 64n - 1n): Promise<number> => Number(await set.workOf(operator(index).address, batchEnd));

  it("a batch: counts from its index on, the chain's first one too", async () => {
    const { set, inbox } = await withOperators(1);
    expect([await workOf(set, 1), await set.lastBatchAt(operator(1).address)]).to.deep.equal([0, 0n]);
    await post(inbox, 1, 2, 7);
    expect([await workOf(set, 1, 0), await workOf(set, 1, 1), await workOf(set, 1)]).to.deep.equal([0, 1, 1]);
    expect(await set.lastBatchAt(operator(1).address)).to.equal((FIRST_SLOT + 2) * SLOT + 7);
  });

  it("more batches in a slot: count once, and its time is the first one's", async () => {
    const { set, inbox } = await withOperators(1);
    for (const seconds of [3, 4, 50, 99]) await post(inbox, 1, 2, seconds);
    expect(await workOf(set, 1)).to.equal(1);
    expect(await set.lastBatchAt(operator(1).address)).to.equal((FIRST_SLOT + 2) * SLOT + 3);
    await post(inbox, 1, 3, 0);
    expect([await workOf(set, 1, 4), await workOf(set, 1, 5)]).to.deep.equal([1, 2]);
  });

  it("slots of others: count for who submits in them, and for each of two who do", async () => {
    const { set, inbox } = await withOperators(3);
    await post(inbox, 2, 2, 50);
    await post(inbox, 3, 2, 51);
    await post(inbox, 1, 2, 60);
    await post(inbox, 1, 3, 1);
    expect([await workOf(set, 1), await workOf(set, 2), await workOf(set, 3)]).to.deep.equal([2, 1, 1]);
    expect([await workOf(set, 1, 2), await workOf(set, 1, 3), await workOf(set, 1, 4)]).to.deep.equal([0, 1, 2]);
  });

  it("strangers: count neither in a vacancy nor while the row is empty", async () => {
    const { set, inbox } = await settle();
    await post(inbox, 8, 0);
    await at(1);
    await join(set, 1);
    await post(inbox, 8, 1 + VACANCY / SLOT, 0);
    await post(inbox, 1, 1 + VACANCY / SLOT, 1);
    expect([await workOf(set, 8), Number(await set.lastBatchAt(operator(8).address)), await workOf(set, 1)]).to.deep.equal([0, 0, 1]);
  });

  it("who has left: is a stranger until it is back, and keeps what it did", async () => {
    const { set, inbox } = await withOperators(1);
    await post(inbox, 1, 2, 0);
    await set.connect(operator(1)).unbond();
    await post(inbox, 1, 3, 0);
    expect(await workOf(set, 1)).to.equal(1);
    await scene.networkHelpers.time.increase(UNBONDING);
    await set.connect(operator(1)).withdraw(operator(1).address);
    expect(await workOf(set, 1)).to.equal(1);
    await at(30);
    await join(set, 1);
    await post(inbox, 1, 32, 0);
    expect([await workOf(set, 1, 2), await workOf(set, 1)]).to.deep.equal([1, 2]);
  });

  it("who is slashed: keeps what it did, and does no more", async () => {
    const made = await withOperators(2);
    await post(made.inbox, 1, 2, 0);
    await report(made, 1);
    expect(await workOf(made.set, 1)).to.equal(1);
    await refused(made, 1, 4, 60);
  });

  it("a refused batch: leaves no trace", async () => {
    const made = await withOperators(2);
    await refused(made, 2, 2, 1);
    await at(2, 60);
    await expect(made.inbox.connect(operator(2)).submitBatch((FIRST_SLOT + 2) * SLOT, 0, id("another accumulator"), "0x")).to.revert(scene.ethers);
    expect([await workOf(made.set, 2), Number(await made.set.lastBatchAt(operator(2).address))]).to.deep.equal([0, 0]);
  });

  it("gas: of an operator's first batch, which is the chain's and closes an epoch, is less than a sequencer offers", async () => {
    const { inbox } = await withOperators(3);
    const receipt = (await (await post(inbox, 1, 2)).wait())!;
    expect(await inbox.epochCount()).to.equal(1);
    expect(receipt.gasUsed).to.be.lessThan((batchGas(0, 0) * 4) / 5);
  });

  it("every end: agrees with a count by hand over 40 random slots of three operators", async () => {
    const { set, inbox } = await withOperators(3);
    let seed = 3;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const posted: { readonly by: number; readonly slot: number }[] = [];
    for (let slot = 2; slot < 42; slot += 1) {
      let seconds = 50;
      for (let count = random(4); count > 0; count -= 1) {
        const by = 1 + random(3);
        if (!(await mayAt(set, by, slot, (seconds += 1)))) continue;
        await post(inbox, by, slot, seconds);
        posted.push({ by, slot });
      }
    }
    expect(posted.length).to.be.greaterThan(40);
    for (const index of [1, 2, 3]) {
      for (let end = 0; end <= posted.length; end += 1) {
        const slots = posted.slice(0, end).filter(({ by }) => by === index).map(({ slot }) => slot);
        expect(await workOf(set, index, end), `operator ${index} below ${end}`).to.equal(new Set(slots).size);
      }
    }
  });
});
