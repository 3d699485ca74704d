import { expect } from "chai";
import { Wallet, ZeroAddress, getBytes, id } from "ethers";
import type { HDNodeWallet } from "ethers";

import { readOperators } from "../../chain/readOperators.ts";
import { encodeReportHeads } from "../../chain/reportHeadsCall.ts";
import { findEquivocations } from "../../core/dispute/findEquivocations.ts";
import type { SeenHead } from "../../core/dispute/findEquivocations.ts";
import type { HostileRecipient, Inbox, SequencerSet } from "../../typechain-types/index.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { signHeadFor } from "../builders/signedHead.ts";
import type { HeadStruct } from "../builders/signedHead.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const BOND = 1_001n;
const SLOT = 100;
const VACANCY = 1_000;
const GRACE = 20;
const UNBONDING = 2 * 860;
/** A whole slot far in the future: block times are chosen from here on. */
const FIRST_SLOT = 30_000_000;

const wallet = (seed: string): Wallet => new Wallet(id(seed));
type Key = Wallet | HDNodeWallet;

describe("SequencerSet", () => {
  let scene: L1Scene;
  let empty: Awaited<ReturnType<L1Scene["networkHelpers"]["takeSnapshot"]>>;
  before(async () => {
    scene = await createL1Scene();
    empty = await scene.networkHelpers.takeSnapshot();
  });
  // Block times are exact, and go back with the chain.
  beforeEach(() => empty.restore());
  after(() => scene.close());

  interface SetScene {
    readonly set: SequencerSet;
    readonly inbox: Inbox;
  }
  const settle = async (): Promise<SetScene> => {
    const { sequencerSet, inbox } = await scene.createRollup({ operatorBondWei: BOND });
    return { set: sequencerSet, inbox };
  };
  const operator = (index: number) => scene.signers[index]!;
  const keyOf = (index: number): Wallet => wallet(`head key ${index}`);
  /** The next transaction is in this slot, so many seconds after its begin. */
  const at = (slot: number, seconds = 0): Promise<void> => scene.setNextTime((FIRST_SLOT + slot) * SLOT + seconds);
  const join = (set: SequencerSet, index: number) => set.connect(operator(index)).join(keyOf(index).address, { value: BOND });
  /** Operators 1 to n join in slot 0; the rows' turns begin in slot 2 with operator 1. */
  const withOperators = async (count: number): Promise<SetScene> => {
    const made = await settle();
    await at(0);
    for (let index = 1; index <= count; index += 1) await join(made.set, index);
    return made;
  };
  const one = (): Promise<SetScene> => withOperators(1);
  const two = (): Promise<SetScene> => withOperators(2);
  const three = (): Promise<SetScene> => withOperators(3);
  const post = async (inbox: Inbox, index: number, slot: number, seconds = 0) => {
    await at(slot, seconds);
    return await submitBatch(inbox.connect(operator(index)), (FIRST_SLOT + slot) * SLOT + seconds, 0, "0x");
  };
  const mayAt = (set: SequencerSet, index: number, slot: number, seconds = 0): Promise<boolean> =>
    set.maySubmitAt(operator(index).address, (FIRST_SLOT + slot) * SLOT + seconds);
  const refused = async ({ inbox }: SetScene, index: number, slot: number, seconds = 0): Promise<void> => {
    await expect(post(inbox, index, slot, seconds)).to.be.revertedWithCustomError(inbox, "NotSequencer").withArgs(operator(index).address);
  };
  const domainOf = async (inbox: Inbox) => ({ chainId: Number((await scene.ethers.provider.getNetwork()).chainId), inbox: await inbox.getAddress() });
  const head = (slot: number, position: number, text: string): HeadStruct => ({ slot: FIRST_SLOT + slot, position, head: id(text) });
  const report = async ({ set, inbox }: SetScene, accused: number, a: HeadStruct, b: HeadStruct, keys: readonly [Key, Key] = [keyOf(accused), keyOf(accused)], reporter = 9) => {
    const domain = await domainOf(inbox);
    const [sigA, sigB] = [await signHeadFor(keys[0] as Wallet, a, domain), await signHeadFor(keys[1] as Wallet, b, domain)];
    return await set.connect(operator(reporter)).reportHeads(operator(accused).address, a, sigA, b, sigB);
  };
  const heldBy = async (set: SequencerSet): Promise<bigint> => scene.ethers.provider.getBalance(set);

  describe("join", () => {
    it("bond: has to be exact, the signer somebody", async () => {
      const { set } = await settle();
      for (const value of [0n, BOND - 1n, BOND + 1n]) {
        await expect(set.join(keyOf(1).address, { value })).to.be.revertedWithCustomError(set, "WrongBond").withArgs(value, BOND);
      }
      await expect(set.join(ZeroAddress, { value: BOND })).to.be.revertedWithCustomError(set, "ZeroSigner");
      await expect(operator(1).sendTransaction({ to: await set.getAddress(), value: 1 })).to.revert(scene.ethers);
    });

    it("operator: is in the row once, also while it is leaving", async () => {
      const { set } = await one();
      await expect(join(set, 1)).to.be.revertedWithCustomError(set, "AlreadyOperator").withArgs(operator(1).address);
      await set.connect(operator(1)).unbond();
      await expect(join(set, 1)).to.be.revertedWithCustomError(set, "AlreadyOperator").withArgs(operator(1).address);
      expect(await set.operatorCount()).to.equal(0);
    });

    it("signer: of somebody else may be named, which harms nobody but who names it", async () => {
      const scene1 = await one();
      await scene1.set.connect(operator(2)).join(keyOf(1).address, { value: BOND });
      await report(scene1, 2, head(5, 7, "a"), head(5, 7, "b"), [keyOf(1), keyOf(1)]);
      expect((await scene1.set.operators(operator(2).address)).isSlashed).to.equal(true);
      expect((await scene1.set.operators(operator(1).address)).isSlashed).to.equal(false);
    });
  });

  describe("turns", () => {
    it("nobody in the row: anyone may submit", async () => {
      const { set, inbox } = await settle();
      expect(await mayAt(set, 8, 0)).to.equal(true);
      await post(inbox, 8, 0);
      await post(inbox, 7, 0, 1);
    });

    it("onBatch: only for the Inbox", async () => {
      const { set } = await one();
      await expect(set.connect(operator(1)).onBatch(operator(1).address, 0)).to.be.revertedWithCustomError(set, "NotInbox").withArgs(operator(1).address);
    });

    it("leader: alone until half of its slot is over, then any operator, in turns", async () => {
      const { set, inbox } = await three();
      for (const [slot, leading] of [[2, 1], [3, 2], [4, 3], [5, 1], [602, 1]] as const) {
        expect(await set.leaderOf(FIRST_SLOT + slot)).to.equal(operator(leading).address);
      }
      await refused({ set, inbox }, 2, 2, 0);
      await refused({ set, inbox }, 2, 2, 49);
      expect(await mayAt(set, 2, 2, 49)).to.equal(false);
      await post(inbox, 2, 2, 50);
      await post(inbox, 3, 2, 51);
      await refused({ set, inbox }, 8, 2, 52);
      // The leader comes after all: the rest of the slot is its own.
      await post(inbox, 1, 2, 60);
      await refused({ set, inbox }, 2, 2, 61);
      await post(inbox, 2, 3, 0);
      await post(inbox, 2, 3, 99);
      await refused({ set, inbox }, 1, 3, 99 + 50);
    });

    it("leader that has begun: keeps its slot to itself, second half included", async () => {
      const made = await two();
      await post(made.inbox, 1, 2, 3);
      await refused(made, 2, 2, 50);
      await refused(made, 2, 2, 99);
      await post(made.inbox, 2, 3, 0);
    });

    it("grace: the last leader may go on until the successor begins, and not a second longer than agreed", async () => {
      const made = await three();
      await post(made.inbox, 1, 2, 90);
      await post(made.inbox, 1, 3, 0);
      await post(made.inbox, 1, 3, GRACE - 1);
      await refused(made, 1, 3, GRACE);
      await refused(made, 3, 3, GRACE + 1);
      await post(made.inbox, 2, 3, GRACE + 2);
      await post(made.inbox, 3, 4, 0);
      await refused(made, 2, 4, 1);
    });

    it("grace: a tail does not count as the successor's batch", async () => {
      const made = await three();
      await post(made.inbox, 1, 2, 90);
      await post(made.inbox, 1, 3, 5);
      await post(made.inbox, 3, 3, 50);
    });

    it("vacancy: anyone may submit from its second on, until an operator does", async () => {
      const made = await one();
      await post(made.inbox, 1, 2, 0);
      await refused(made, 8, 2 + VACANCY / SLOT - 1, 99);
      const first = 2 + VACANCY / SLOT;
      await post(made.inbox, 8, first, 0);
      await post(made.inbox, 7, first, 1);
      await post(made.inbox, 8, first + 30, 1);
      await post(made.inbox, 1, first + 31, 0);
      await refused(made, 8, first + 31, 1);
    });

    it("vacancy: counts from the first operator's joining when there was no batch", async () => {
      const made = await one();
      await refused(made, 8, VACANCY / SLOT - 1, 99);
      await post(made.inbox, 8, VACANCY / SLOT, 0);
    });

    it("joining later: does not put a vacancy off", async () => {
      const made = await one();
      await at(5);
      await join(made.set, 2);
      expect(await mayAt(made.set, 8, VACANCY / SLOT)).to.equal(true);
    });

    it("views: agree with the Inbox for every operator and second around each limit", async () => {
      const { set, inbox } = await two();
      await post(inbox, 1, 2, 90);
      for (const [slot, seconds] of [[3, 0], [3, 19], [3, 20], [3, 49], [3, 50], [3, 99], [4, 0]] as const) {
        for (const index of [1, 2, 8]) {
          const snapshot = await scene.networkHelpers.takeSnapshot();
          const said = await mayAt(set, index, slot, seconds);
          const did = await post(inbox, index, slot, seconds).then(() => true, () => false);
          expect(did, `${index} at ${slot}+${seconds}`).to.equal(said);
          await snapshot.restore();
        }
      }
    });
  });

  describe("changes of the row", () => {
    it("this slot and the next: keep their leaders whoever joins or leaves", async () => {
      const { set } = await three();
      await at(7);
      const [now, next] = [await set.leaderOf(FIRST_SLOT + 7), await set.leaderOf(FIRST_SLOT + 8)];
      for (let index = 4; index <= 7; index += 1) {
        await at(7, 5 * index);
        await join(set, index);
        expect([await set.leaderOf(FIRST_SLOT + 7), await set.leaderOf(FIRST_SLOT + 8)]).to.deep.equal([now, next]);
      }
      const idle = [1, 2, 3].find((index) => ![now, next].includes(operator(index).address))!;
      await set.connect(operator(idle)).unbond();
      expect([await set.leaderOf(FIRST_SLOT + 7), await set.leaderOf(FIRST_SLOT + 8)]).to.deep.equal([now, next]);
      // Also in the next slot, for itself and the one after it.
      await at(8);
      const after = await set.leaderOf(FIRST_SLOT + 9);
      await set.connect(operator(7)).unbond();
      expect([await set.leaderOf(FIRST_SLOT + 8), await set.leaderOf(FIRST_SLOT + 9)]).to.deep.equal([next, after === operator(7).address ? ZeroAddress : after]);
    });

    it("previous leader: keeps its grace when the row changes in its successor's slot", async () => {
      const { set, inbox } = await two();
      await post(inbox, 1, 2, 99);
      await at(3, 1);
      await join(set, 3);
      await post(inbox, 1, 3, 5);
      await post(inbox, 2, 3, 6);
    });

    it("newcomers: come after everybody who is in the row", async () => {
      const { set } = await two();
      await at(2, 1);
      await join(set, 3);
      const turns = await Promise.all([2, 3, 4, 5, 6, 7].map(async (slot) => await set.leaderOf(FIRST_SLOT + slot)));
      expect(turns).to.deep.equal([1, 2, 1, 2, 3, 1].map((index) => operator(index).address));
    });

    it("leader that leaves: leaves its slot to any operator", async () => {
      const { set, inbox } = await two();
      await at(2, 1);
      await set.connect(operator(1)).unbond();
      expect(await set.leaderOf(FIRST_SLOT + 2)).to.equal(ZeroAddress);
      await post(inbox, 2, 2, 2);
      await refused({ set, inbox }, 1, 2, 99);
    });

    it("leaving: closes the gap with the last of the row, whatever its place", async () => {
      for (const leaving of [1, 2, 3]) {
        await empty.restore();
        const { set } = await three();
        await set.connect(operator(leaving)).unbond();
        const row = [await set.operatorAt(0), await set.operatorAt(1)];
        expect(await set.operatorCount()).to.equal(2);
        const staying = [1, 2, 3].filter((index) => index !== leaving).map((index) => operator(index).address);
        expect(row).to.have.members(staying);
        for (const address of staying) expect(row[Number((await set.operators(address)).place) - 1]).to.equal(address);
        for (const address of staying) await set.connect(await scene.ethers.getSigner(address)).unbond();
        expect(await set.operatorCount()).to.equal(0);
      }
    });

    it("cost: does not grow with the row", async () => {
      const { set } = await settle();
      const gas: bigint[] = [];
      for (let index = 1; index <= 15; index += 1) {
        await at(index);
        gas.push((await (await join(set, index)).wait())!.gasUsed);
      }
      const spread = (figures: readonly bigint[]): bigint => figures.reduce((a, b) => (a > b ? a : b)) - figures.reduce((a, b) => (a < b ? a : b));
      // No more than whether a word was zero before.
      expect(spread(gas)).to.be.lessThan(60_000n);
      expect(spread(gas.slice(3))).to.be.lessThan(20_000n);
      const leaving: bigint[] = [];
      for (let index = 1; index <= 8; index += 1) {
        await at(20 + index);
        leaving.push((await (await set.connect(operator(index)).unbond()).wait())!.gasUsed);
      }
      expect(spread(leaving)).to.be.lessThan(20_000n);
    });
  });

  describe("unbonding", () => {
    it("bond: is paid at the second and not before, to whom the operator says", async () => {
      const { set } = await two();
      await expect(set.connect(operator(1)).withdraw(operator(5).address)).to.be.revertedWithCustomError(set, "BondLocked").withArgs(operator(1).address, 0);
      await at(4);
      await set.connect(operator(1)).unbond();
      const payableAt = (FIRST_SLOT + 4) * SLOT + UNBONDING;
      expect((await set.operators(operator(1).address)).payableAt).to.equal(payableAt);
      await expect(set.connect(operator(1)).unbond()).to.be.revertedWithCustomError(set, "AlreadyUnbonding").withArgs(operator(1).address);
      await scene.setNextTime(payableAt - 1);
      await expect(set.connect(operator(1)).withdraw(operator(5).address)).to.be.revertedWithCustomError(set, "BondLocked").withArgs(operator(1).address, payableAt);
      await scene.setNextTime(payableAt);
      await expect(set.connect(operator(1)).withdraw(operator(5).address)).to.changeEtherBalances(scene.ethers, [set, operator(5)], [-BOND, BOND]);
      await expect(set.connect(operator(1)).withdraw(operator(5).address)).to.be.revertedWithCustomError(set, "NotOperator").withArgs(operator(1).address);
      await join(set, 1);
    });

    it("strangers: have nothing to leave or to take", async () => {
      const { set } = await one();
      const calls = [() => set.connect(operator(8)).unbond(), () => set.connect(operator(8)).withdraw(operator(8).address)];
      for (const call of calls) await expect(call()).to.be.revertedWithCustomError(set, "NotOperator").withArgs(operator(8).address);
      await expect(set.connect(operator(8)).withdrawCredit(operator(8).address)).to.be.revertedWithCustomError(set, "NoCredit").withArgs(operator(8).address);
      await expect(set.withdrawBurned()).to.be.revertedWithCustomError(set, "NothingBurned");
    });

    it("reentrant recipient: gets its bond once", async () => {
      const { set } = await one();
      const hostile = (await scene.ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
      await hostile.execute(set, BOND, set.interface.encodeFunctionData("join", [keyOf(9).address]), { value: BOND });
      await hostile.execute(set, 0, set.interface.encodeFunctionData("unbond"));
      await scene.networkHelpers.time.increase(UNBONDING);
      const call = set.interface.encodeFunctionData("withdraw", [await hostile.getAddress()]);
      await hostile.setCall(set, call);
      await hostile.setMode(4);
      await hostile.execute(set, 0, call);
      expect(await hostile.successes()).to.equal(0);
      expect(await heldBy(set)).to.equal(BOND);
    });
  });

  describe("equivocation", () => {
    const [a, b] = [head(5, 77, "one history"), head(5, 77, "another")];

    it("two heads for one place: cost the bond, half to who reports, the odd wei burned", async () => {
      const made = await two();
      const { set } = made;
      await expect(report(made, 1, a, b)).to.emit(set, "Slashed").withArgs(operator(1).address, operator(9).address, BOND / 2n, BOND - BOND / 2n);
      expect(await set.credit(operator(9).address)).to.equal(500n);
      expect(await set.burned()).to.equal(501n);
      expect(await set.operatorCount()).to.equal(1);
      await expect(set.connect(operator(9)).withdrawCredit(operator(4).address)).to.changeEtherBalances(scene.ethers, [set, operator(4)], [-500n, 500n]);
      await expect(set.withdrawBurned()).to.changeEtherBalance(scene.ethers, await set.BURN_ADDRESS(), 501n);
      await expect(set.connect(operator(9)).withdrawCredit(operator(4).address)).to.be.revertedWithCustomError(set, "NoCredit");
      expect(await heldBy(set)).to.equal(BOND);
    });

    it("evidence that a program finds among heads: is what the contract takes", async () => {
      const { set, inbox } = await two();
      const domain = await domainOf(inbox);
      const seen = async (signed: HeadStruct, key: Wallet): Promise<SeenHead> => ({ ...signed, head: getBytes(signed.head), signature: await signHeadFor(key, signed, domain) });
      const heads = [await seen(a, keyOf(1)), await seen(b, keyOf(2)), await seen(head(6, 77, "another"), keyOf(1)), await seen(a, keyOf(1)), await seen({ ...b, slot: 0 }, keyOf(1))];
      const separator = getBytes(await inbox.domainSeparator());
      expect(findEquivocations(separator, heads)).to.deep.equal([]);
      expect(findEquivocations(separator, [...heads, { ...(await seen(b, keyOf(1))), signature: new Uint8Array(64) }])).to.deep.equal([]);
      const found = findEquivocations(separator, [...heads, await seen(b, keyOf(1)), await seen(head(5, 77, "a third"), keyOf(1))]);
      expect(found.map(({ signer }) => signer)).to.deep.equal([keyOf(1).address.toLowerCase()]);
      expect(await readOperators(set)).to.deep.equal([1, 2].map((index) => ({ address: operator(index).address, signer: keyOf(index).address })));
      await operator(9).sendTransaction({ to: await set.getAddress(), data: encodeReportHeads(operator(1).address, found[0]!) });
      expect((await set.operators(operator(1).address)).isSlashed).to.equal(true);
    });

    it("slash: once, whatever else was signed, and no coming back", async () => {
      const made = await two();
      await report(made, 1, a, b);
      for (const [c, d] of [[a, b], [b, a], [a, head(5, 77, "a third")], [head(6, 1, "x"), head(6, 1, "y")]] as const) {
        await expect(report(made, 1, c, d)).to.be.revertedWithCustomError(made.set, "NotOperator").withArgs(operator(1).address);
      }
      await expect(join(made.set, 1)).to.be.revertedWithCustomError(made.set, "OperatorSlashed").withArgs(operator(1).address);
      await expect(made.set.connect(operator(1)).withdraw(operator(1).address)).to.be.revertedWithCustomError(made.set, "NotOperator");
      await refused(made, 1, 3, 60);
    });

    it("one head twice, other slots, other positions: are no offence", async () => {
      const made = await one();
      for (const other of [a, head(6, 77, "another"), head(5, 78, "another"), head(6, 77, "one history")]) {
        await expect(report(made, 1, a, other)).to.be.revertedWithCustomError(made.set, "NoContradiction");
      }
    });

    it("other keys, chains and messages: are no offence", async () => {
      const made = await two();
      const { set, inbox } = made;
      const notSigned = async (sent: Promise<unknown>): Promise<void> => {
        await expect(sent).to.be.revertedWithCustomError(set, "NotSignedBy").withArgs(keyOf(1).address);
      };
      await notSigned(report(made, 1, a, b, [keyOf(1), keyOf(2)]));
      await notSigned(report(made, 1, a, b, [keyOf(2), keyOf(1)]));
      const domain = await domainOf(inbox);
      const good = await signHeadFor(keyOf(1), a, domain);
      const elsewhere = [{ ...domain, chainId: 1 }, { ...domain, inbox: await set.getAddress() }];
      for (const other of elsewhere) await notSigned(set.reportHeads(operator(1), a, good, b, await signHeadFor(keyOf(1), b, other)));
      const right = await signHeadFor(keyOf(1), b, domain);
      for (const bad of [right.slice(0, 63), new Uint8Array(65), new Uint8Array(64), new Uint8Array(0), new Uint8Array(64).fill(0xff)]) {
        await notSigned(set.reportHeads(operator(1), a, good, b, bad));
      }
      await set.reportHeads(operator(1), a, good, b, right);
    });

    it("heads from before the bond and of the slot it was paid in: are not held against it", async () => {
      const made = await one();
      for (const slot of [-1, 0]) {
        await expect(report(made, 1, head(slot, 7, "a"), head(slot, 7, "b"))).to.be.revertedWithCustomError(made.set, "SlotBeforeBond").withArgs(FIRST_SLOT + slot, FIRST_SLOT);
      }
      await expect(report(made, 1, { ...a, slot: 0 }, { ...b, slot: 0 })).to.be.revertedWithCustomError(made.set, "SlotBeforeBond");
      await report(made, 1, head(1, 7, "a"), head(1, 7, "b"));
    });

    it("leaving: does not save the bond until it is paid out", async () => {
      const made = await two();
      await made.set.connect(operator(1)).unbond();
      const { payableAt } = await made.set.operators(operator(1).address);
      await scene.setNextTime(Number(payableAt) + 10);
      await report(made, 1, a, b);
      expect(await made.set.burned()).to.equal(501n);
      expect(await made.set.operatorCount()).to.equal(1);
    });

    it("after the bond is paid out: nothing is left to slash, and a new bond does not answer for the old one", async () => {
      const made = await one();
      await made.set.connect(operator(1)).unbond();
      await scene.networkHelpers.time.increase(UNBONDING);
      await made.set.connect(operator(1)).withdraw(operator(1).address);
      await expect(report(made, 1, a, b)).to.be.revertedWithCustomError(made.set, "NotOperator").withArgs(operator(1).address);
      await join(made.set, 1);
      await expect(report(made, 1, a, b)).to.be.revertedWithCustomError(made.set, "SlotBeforeBond");
    });

    it("self-report: loses half", async () => {
      const made = await one();
      await report(made, 1, a, b, [keyOf(1), keyOf(1)], 1);
      expect(await made.set.credit(operator(1).address)).to.equal(BOND / 2n);
    });
  });

  it("money and slashes: bonds in = held + paid + burned + credits, one slash an operator, through 300 random calls that go through", async () => {
    const { set, inbox } = await settle();
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
    const counts = new Map<string, number>();
    const slashed = new Set<number>();
    let [bondsIn, paid, time] = [0n, 0n, FIRST_SLOT * SLOT];
    const calls: Record<string, (who: number) => Promise<void>> = {
      join: async (who) => {
        await join(set, who);
        bondsIn += BOND;
      },
      unbond: async (who) => void (await set.connect(operator(who)).unbond()),
      withdraw: async (who) => {
        await set.connect(operator(who)).withdraw(operator(who).address);
        paid += BOND;
      },
      post: async (who) => void (await submitBatch(inbox.connect(operator(who)), time, 0, "0x")),
      report: async (who) => {
        const slot = Math.floor(time / SLOT) - FIRST_SLOT + 1;
        await report({ set, inbox }, who, head(slot, 1, "a"), head(slot, 1, "b"), undefined, 1 + random(8));
        expect(slashed.has(who), `operator ${who} is slashed once`).to.equal(false);
        slashed.add(who);
      },
      withdrawCredit: async (who) => {
        const credit = await set.credit(operator(who).address);
        await set.connect(operator(who)).withdrawCredit(operator(who).address);
        paid += credit;
      },
      withdrawBurned: async () => {
        const burned = await set.burned();
        await set.withdrawBurned();
        paid += burned;
      },
    };
    const names = ["join", "join", "join", "post", "post", "post", "unbond", "withdraw", "withdraw", "withdrawCredit", "withdrawBurned"];
    for (let done = 0, tries = 0; done < 300 && tries < 3_000; tries += 1) {
      const name = tries % 100 === 99 ? "report" : names[random(names.length)]!;
      time += 1 + random(name === "withdraw" ? 400 : 60);
      await scene.setNextTime(time);
      const went = await calls[name]!(1 + random(17)).then(() => true, (error: Error) => {
        if (/slashed once/.test(error.message)) throw error;
        return false;
      });
      if (!went) continue;
      done += 1;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      if (done % 10 > 0) continue;
      let bonded = 0n;
      let credits = 0n;
      for (let who = 1; who <= 17; who += 1) {
        const { joinedAt, place } = await set.operators(operator(who).address);
        if (joinedAt > 0n) bonded += BOND;
        if (place > 0n) expect(await set.operatorAt(place - 1n)).to.equal(operator(who).address);
        credits += await set.credit(operator(who).address);
      }
      expect(await heldBy(set)).to.equal(bonded + credits + (await set.burned()));
      expect(bondsIn).to.equal(paid + (await heldBy(set)));
    }
    for (const name of Object.keys(calls)) expect(counts.get(name) ?? 0, name).to.be.greaterThan(0);
    expect(slashed.size).to.equal(counts.get("report"));
  });
});
