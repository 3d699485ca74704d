import { expect } from "chai";
import { id as hashOf } from "ethers";

import type { Crowd, HostileRecipient } from "../../typechain-types/index.ts";
import { createClaimStage, DISPUTE } from "../builders/claimStage.ts";
import type { ClaimStage } from "../builders/claimStage.ts";

const { windowSeconds: W, joinSeconds: D, bondWei: BOND, gasRefundWei: REFUND, rewardCapWei: REWARD } = DISPUTE;
const TRUE_ROOT = `0x${"11".repeat(32)}`;
const FALSE_ROOT = `0x${"66".repeat(32)}`;
const UNKNOWN = hashOf("nobody claimed this");
const MODES = { reverts: 1, burnsGas: 2, returnsBomb: 3, callsBack: 4 } as const;

describe("Settlement, edges", function () {
  this.timeout(300_000);
  let stage: ClaimStage;
  let settlement: ClaimStage["settlement"];
  let genesis: string;

  before(async () => {
    stage = await createClaimStage();
    ({ settlement, genesis } = stage);
  });
  afterEach(() => stage.restore());
  after(() => stage.connection.close());

  const reverts = (call: Promise<unknown>, error: string) => expect(call).to.be.revertedWithCustomError(settlement, error);
  const canCall = (call: Promise<unknown>): Promise<boolean> =>
    call.then(
      () => true,
      () => false,
    );

  describe("reject", () => {
    /** Two rivals on genesis, and on the false one a child, on that a grandchild. */
    async function family(): Promise<{ top: string; child: string; grandchild: string }> {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, FALSE_ROOT);
      const top = await stage.id(genesis, 0, FALSE_ROOT);
      await stage.claim(3, top, 1, FALSE_ROOT);
      const child = await stage.id(top, 1, FALSE_ROOT);
      await stage.claim(4, child, 2, FALSE_ROOT);
      return { top, child, grandchild: await stage.id(child, 2, FALSE_ROOT) };
    }

    it("reject: takes children along, in any order of calls, and their bonds come back", async () => {
      for (const order of [["child", "grandchild"], ["grandchild", "child", "grandchild"]] as const) {
        const claims = await family();
        await stage.timeout(genesis, 0, 1);
        await reverts(settlement.reject(claims.child), "ClaimStands");
        await stage.at(genesis, W + D);
        await stage.connection.networkHelpers.mine();
        const marked = new Set<string>(["top"]);
        for (const name of order) {
          const parent = name === "child" ? "top" : "child";
          if (marked.has(parent)) await settlement.reject(claims[name]);
          else await reverts(settlement.reject(claims[name]), "ClaimStands");
          if (marked.has(parent)) marked.add(name);
        }
        for (const name of ["child", "grandchild"] as const) await reverts(settlement.reject(claims[name]), "ClaimVoid");
        await settlement.release(await stage.roundId(claims.child), 0);
        await settlement.release(await stage.roundId(claims.top), 0);
        expect(await settlement.credit(stage.signers[3]!.address)).to.equal(BOND);
        expect(await settlement.credit(stage.signers[4]!.address)).to.equal(BOND);
        await reverts(stage.claim(5, claims.grandchild, 3, FALSE_ROOT), "ClaimVoid");
        await settlement.confirm(await stage.id(genesis, 0, TRUE_ROOT));
        await stage.restore();
      }
    });

    it("reject: is not needed where the epoch is decided, whatever happened to the parent", async () => {
      const { child } = await family();
      await stage.timeout(genesis, 0, 1);
      await stage.at(genesis, W + D);
      const kept = await stage.id(genesis, 0, TRUE_ROOT);
      await settlement.confirm(kept);
      await stage.claim(1, kept, 1, TRUE_ROOT);
      await stage.at(kept, W);
      await settlement.confirm(await stage.id(kept, 1, TRUE_ROOT));
      expect(await settlement.isVoid(child)).to.equal(true);
      await settlement.release(await stage.roundId(await stage.id(genesis, 0, FALSE_ROOT)), 0);
      expect(await settlement.credit(stage.signers[3]!.address)).to.equal(BOND);
    });

    it("game: of a void parent's children is over, and nobody loses in it", async () => {
      const { top, child } = await family();
      await stage.claim(5, top, 1, TRUE_ROOT);
      await stage.timeout(genesis, 0, 1);
      await stage.at(genesis, W + D);
      await stage.connection.networkHelpers.mine();
      const roundId = await stage.roundId(top);
      await expect(stage.game.timeout(roundId, 0, 1)).to.be.revertedWithCustomError(stage.game, "RoundOver");
      for (const n of [0, 1]) await settlement.release(roundId, n);
      expect((await settlement.claims(child)).live).to.equal(1n);
    });
  });

  describe("views", () => {
    it("views: agree with calls for unknown ids too", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, FALSE_ROOT);
      const known = [await stage.id(genesis, 0, TRUE_ROOT), await stage.id(genesis, 0, FALSE_ROOT)];
      await stage.claim(3, known[1]!, 1, FALSE_ROOT);
      const claims = [...known, await stage.id(known[1]!, 1, FALSE_ROOT), genesis, UNKNOWN, `0x${"00".repeat(32)}`];
      const compare = async (when: string): Promise<void> => {
        await stage.connection.networkHelpers.mine();
        for (const claimId of claims) {
          expect(await settlement.canConfirm(claimId), `${when}: confirm ${claimId}`).to.equal(await canCall(settlement.confirm.staticCall(claimId)));
          expect(await settlement.isVoid(claimId), `${when}: reject ${claimId}`).to.equal(await canCall(settlement.reject.staticCall(claimId)));
        }
        const roundId = await stage.roundId(genesis);
        for (const [id, i, j] of [[roundId, 0, 1], [roundId, 0, 2], [roundId, 1, 0], [UNKNOWN, 0, 1]] as const) {
          const late = await stage.game.deadline(id, i, j).then(([, at]) => Number(at), () => null);
          const canTimeOut = await canCall(stage.game.timeout.staticCall(id, i, j));
          expect(canTimeOut, `${when}: timeout ${i} ${j}`).to.equal(late !== null && late <= (await stage.now()));
        }
      };
      await compare("at once");
      await stage.at(genesis, W);
      await compare("from W on");
      await stage.timeout(genesis, 0, 1);
      await compare("one is out");
      await stage.at(genesis, W + D);
      await compare("from W + D on");
      await settlement.confirm(known[0]!);
      await compare("confirmed");
      await reverts(settlement.confirm(UNKNOWN), "UnknownClaim");
      await reverts(settlement.confirmedState(UNKNOWN), "NotConfirmed");
      await reverts(settlement.entryView(UNKNOWN, 0), "UnknownEntry");
      await reverts(settlement.pairView(UNKNOWN, 0, 1), "UnknownEntry");
      await expect(stage.game.openingBond(UNKNOWN, 0)).to.be.revertedWithCustomError(settlement, "UnknownEntry");
      expect((await settlement.claims(UNKNOWN)).claimedAt).to.equal(0n);
      expect((await settlement.rounds(UNKNOWN)).openedAt).to.equal(0n);
    });
  });

  describe("payout", () => {
    const wallet = async (mode: number): Promise<HostileRecipient> => {
      const made = (await stage.connection.ethers.deployContract("HostileRecipient")) as unknown as HostileRecipient;
      await made.setMode(mode);
      return made;
    };

    it("payout: settles with a winner that reverts, burns gas, returns a bomb", async () => {
      for (const [name, mode] of Object.entries(MODES).slice(0, 3)) {
        const winner = await wallet(mode);
        const call = settlement.interface.encodeFunctionData("claim", [genesis, 1, 0, TRUE_ROOT, stage.accumulators[0]!, await winner.getAddress()]);
        await winner.execute(settlement, BOND, call, { value: BOND });
        await stage.claim(2, genesis, 0, FALSE_ROOT);
        await stage.claim(3, genesis, 0, TRUE_ROOT);
        await stage.timeout(genesis, 0, 1);
        const account = await winner.getAddress();
        expect(await settlement.credit(account), name).to.equal(REFUND + REWARD);
        await stage.at(genesis, W + D);
        await settlement.confirm(await stage.id(genesis, 0, TRUE_ROOT));
        for (const n of [0, 2]) await settlement.release(await stage.roundId(genesis), n);
        // Others are paid; the winner can name an account that takes money.
        await expect(settlement.connect(stage.signers[3]!).withdrawCredit(stage.signers[3]!.address)).to.changeEtherBalance(stage.connection.ethers, stage.signers[3]!, (BOND * 34n) / 32n);
        const toItself = winner.execute(settlement, 0, settlement.interface.encodeFunctionData("withdrawCredit", [account]));
        await reverts(toItself, "PaymentFailed");
        const elsewhere = winner.execute(settlement, 0, settlement.interface.encodeFunctionData("withdrawCredit", [stage.signers[7]!.address]));
        await expect(elsewhere).to.changeEtherBalance(stage.connection.ethers, stage.signers[7]!, BOND + REFUND + REWARD);
        await settlement.withdrawBurned();
        await stage.restore();
      }
    });

    it("withdrawal: pays a credit once, also to one that calls back", async () => {
      const winner = await wallet(MODES.callsBack);
      const account = await winner.getAddress();
      await winner.setCall(settlement, settlement.interface.encodeFunctionData("withdrawCredit", [account]));
      await winner.execute(settlement, BOND, settlement.interface.encodeFunctionData("claim", [genesis, 1, 0, TRUE_ROOT, stage.accumulators[0]!, account]), { value: BOND });
      await stage.claim(2, genesis, 0, TRUE_ROOT);
      await stage.at(genesis, W);
      await settlement.confirm(await stage.id(genesis, 0, TRUE_ROOT));
      await settlement.release(await stage.roundId(genesis), 0);
      await winner.execute(settlement, 0, settlement.interface.encodeFunctionData("withdrawCredit", [account]));
      expect(await winner.successes()).to.equal(0n);
      expect(await stage.connection.ethers.provider.getBalance(account)).to.equal(BOND);
      await reverts(settlement.withdrawCredit(account), "NothingToPay");
      await reverts(settlement.withdrawBurned(), "NothingToPay");
    });

    it("bond: is locked while its claim is open, and given back once", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      const roundId = await stage.roundId(genesis);
      await reverts(settlement.release(roundId, 0), "BondLocked");
      await reverts(settlement.release(roundId, 1), "UnknownEntry");
      await stage.at(genesis, W);
      await settlement.confirm(await stage.id(genesis, 0, TRUE_ROOT));
      await settlement.connect(stage.signers[8]!).release(roundId, 0);
      expect(await settlement.credit(stage.signers[1]!.address)).to.equal(BOND);
      await reverts(settlement.release(roundId, 0), "EntryOut");
    });

    it("game's calls: are refused to anyone else", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, FALSE_ROOT);
      const roundId = await stage.roundId(genesis);
      await reverts(settlement.eliminate(roundId, 0, 1), "NotGame");
      await reverts(settlement.eliminateBoth(roundId, 0, 1, stage.signers[0]!.address), "NotGame");
      await reverts(settlement.addCredit(stage.signers[0]!.address, { value: 1 }), "NotGame");
      await reverts(settlement.addBurned({ value: 1 }), "NotGame");
    });
  });

  describe("many", () => {
    it("round: 2,000 entries, constant gas of entering, opening and taking out", async () => {
      const { connection, signers, game } = stage;
      const gasOf = async (sent: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>): Promise<number> => Number((await (await sent).wait())!.gasUsed);
      const gas: Record<"back" | "open" | "timeout", number[]> = { back: [], open: [], timeout: [] };
      const roundId = await stage.roundId(genesis);
      const claims = [await stage.id(genesis, 0, TRUE_ROOT), await stage.id(genesis, 0, FALSE_ROOT)];
      const crowd = (await connection.ethers.deployContract("Crowd")) as unknown as Crowd;
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, FALSE_ROOT);
      const { address } = signers[2]!;
      // By turns for the true and the false one: odd entries are false. Two of every hundred are sent by hand, to be measured.
      for (let entered = 2; entered < 2_000; entered += entered === 2 ? 98 : 100) {
        await crowd.back(settlement, claims, address, entered === 2 ? 96 : 98, { value: BOND * 100n * 70n, gasLimit: 16_000_000 });
        for (const claimId of claims) {
          gas.back.push(await gasOf(settlement.connect(signers[2]!).back(claimId, address, { value: await settlement.bondFor(genesis) })));
        }
      }
      const { liveEntries, entryCount } = await settlement.rounds(genesis);
      expect([liveEntries, entryCount]).to.deep.equal([2_000n, 2_000n]);
      for (const n of [301, 1_001, 1_999]) {
        const value = await game.openingBond(roundId, n);
        expect(value).to.equal(1_000n * DISPUTE.moveBondWei);
        gas.open.push(await gasOf(game.connect(signers[2]!).open(roundId, n, [FALSE_ROOT], { value })));
      }
      await connection.networkHelpers.time.increase(W + D);
      for (const n of [3, 303, 1_003, 1_997]) gas.timeout.push(await gasOf(game.timeout(roundId, 0, n)));
      const spread = (figures: readonly number[]): number => Math.max(...figures) - Math.min(...figures);
      // A nonzero byte more of calldata is 12 gas; the first credit of an account is a slot.
      expect(spread(gas.back), "back").to.be.lessThan(100);
      expect(spread(gas.open), "open").to.be.lessThan(100);
      expect(spread(gas.timeout.slice(1)), "timeout").to.be.lessThan(100);
      await reverts(settlement.confirm(claims[0]!), "LiveRivals");
    });
  });
});
