import { expect } from "chai";
import { AbiCoder, keccak256, ZeroHash } from "ethers";

import { createClaimStage, DISPUTE } from "../builders/claimStage.ts";
import type { ClaimStage } from "../builders/claimStage.ts";
import { sparseState } from "../builders/stateTree.ts";

const { windowSeconds: W, joinSeconds: D, bondWei: BOND, moveBondWei: MOVE } = DISPUTE;
const TRUE_ROOT = `0x${"11".repeat(32)}`;
const FALSE_ROOT = `0x${"66".repeat(32)}`;
const MAX_U64 = 2n ** 64n - 1n;

describe("Settlement", function () {
  this.timeout(120_000);
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

  describe("genesis", () => {
    it("claim: is the empty state's root, bound to L1 chain and inbox", async () => {
      const root = sparseState([]).root;
      const { claimId, nextEpoch, stateRoot } = await settlement.latestConfirmed();
      expect([claimId, nextEpoch, stateRoot]).to.deep.equal([genesis, 0n, root]);
      const types = ["uint256", "address", "bytes32", "uint32", "uint64", "bytes32"];
      expect(genesis).to.equal(keccak256(AbiCoder.defaultAbiCoder().encode(types, [31337, await stage.inbox.getAddress(), ZeroHash, 0, MAX_U64, root])));
    });

    it("claim: can be neither backed, confirmed nor rejected", async () => {
      await reverts(settlement.back(genesis, genesis.slice(0, 42), { value: BOND }), "UnknownClaim");
      await reverts(settlement.confirm(genesis), "UnknownClaim");
      await reverts(settlement.reject(genesis), "UnknownClaim");
      expect([await settlement.canConfirm(genesis), await settlement.isVoid(genesis)]).to.deep.equal([false, false]);
    });
  });

  describe("claim", () => {
    it("first: opens the round, takes the bond and announces itself", async () => {
      const made = stage.claim(1, genesis, 0, TRUE_ROOT);
      const claimId = await stage.id(genesis, 0, TRUE_ROOT);
      await expect(made).to.emit(settlement, "Claimed").withArgs(claimId, genesis, 1, 0, TRUE_ROOT);
      const { address } = stage.signers[1]!;
      await expect(made).to.emit(settlement, "Entered").withArgs(await stage.roundId(genesis), 0, claimId, address, address, BOND);
      const { openedAt, number, entryCount, claimCount, liveClaims, liveEntries } = await settlement.rounds(genesis);
      expect(Number(openedAt)).to.equal(await stage.now());
      expect([number, entryCount, claimCount, liveClaims, liveEntries]).to.deep.equal([1n, 1n, 1n, 1n, 1n]);
    });

    it("epoch: rejects any but the one after the parent's, and one that is not closed", async () => {
      await reverts(settlement.claim(genesis, 1, 1, TRUE_ROOT, stage.accumulators[1]!, ZeroHash.slice(0, 42), { value: BOND }), "WrongEpoch");
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      let parent = await stage.id(genesis, 0, TRUE_ROOT);
      for (let epoch = 1; epoch < stage.accumulators.length; epoch += 1) {
        await stage.claim(1, parent, epoch, TRUE_ROOT);
        parent = await stage.id(parent, epoch, TRUE_ROOT);
      }
      const late = settlement.claim(parent, 1, stage.accumulators.length, TRUE_ROOT, ZeroHash, ZeroHash.slice(0, 42), { value: BOND });
      await expect(late).to.be.revertedWithCustomError(stage.inbox, "EpochNotClosed");
    });

    it("epoch: has a step, even if its one batch is empty", async () => {
      for (let epoch = 0; epoch < stage.accumulators.length; epoch += 1) expect(await stage.inbox.epochTrace(epoch)).to.equal(1n);
      await expect(stage.inbox.closeEpoch()).to.revert(stage.connection.ethers);
    });

    it("parent: rejects one that nobody claimed", async () => {
      await reverts(stage.claim(1, TRUE_ROOT, 0, TRUE_ROOT), "UnknownClaim");
    });

    it("accumulator: rejects when the inbox holds other data than the claimant saw", async () => {
      const call = settlement.claim(genesis, 1, 0, TRUE_ROOT, stage.accumulators[1]!, ZeroHash.slice(0, 42), { value: BOND });
      await reverts(call, "WrongAccumulator");
    });

    it("equal claims: are one claim with several entries", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, TRUE_ROOT);
      await settlement.connect(stage.signers[3]!).back(await stage.id(genesis, 0, TRUE_ROOT), stage.signers[4]!.address, { value: 2n * BOND });
      const { live, round } = await settlement.claims(await stage.id(genesis, 0, TRUE_ROOT));
      expect([live, round]).to.deep.equal([3n, 1n]);
      const { claimCount, liveClaims, entryCount } = await settlement.rounds(genesis);
      expect([claimCount, liveClaims, entryCount]).to.deep.equal([1n, 1n, 3n]);
    });

    it("bond: costs B(1 + n/32) for the n-th entry, rounded up, whatever it claims; more is credited, less reverts", async () => {
      const roundId = await stage.roundId(genesis);
      for (let n = 0; n < 40; n += 1) {
        const bond = (BOND * BigInt(32 + n) + 31n) / 32n;
        expect(await settlement.bondFor(genesis)).to.equal(bond);
        const root = n % 3 === 0 ? FALSE_ROOT : TRUE_ROOT;
        await reverts(stage.claim(1, genesis, 0, root, { value: bond - 1n }), "BondTooSmall");
        await stage.claim(1, genesis, 0, root, { value: bond + 5n });
        expect((await settlement.entries(roundId, n)).bondWei).to.equal(bond);
      }
      expect(await settlement.credit(stage.signers[1]!.address)).to.equal(200n);
    });

    it("number: names the try that is meant, so that no call falls into the next one", async () => {
      await reverts(stage.claim(1, genesis, 0, TRUE_ROOT, { round: 2 }), "WrongRound");
      await reverts(stage.claim(1, genesis, 0, TRUE_ROOT, { round: 0 }), "WrongRound");
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await reverts(stage.claim(1, genesis, 0, FALSE_ROOT, { round: 2 }), "WrongRound");
    });

    it("claim: by a contract wallet", async () => {
      const wallet = await (await stage.connection.ethers.deployContract("HostileRecipient")).getAddress();
      const made = settlement.interface.encodeFunctionData("claim", [genesis, 1, 0, TRUE_ROOT, stage.accumulators[0]!, wallet]);
      const actor = await stage.connection.ethers.getContractAt("HostileRecipient", wallet);
      await (actor as unknown as { execute(to: string, value: bigint, data: string, options: object): Promise<unknown> }).execute(await settlement.getAddress(), BOND, made, { value: BOND });
      const entry = await settlement.entries(await stage.roundId(genesis), 0);
      expect([entry.backer, entry.mover]).to.deep.equal([wallet, wallet]);
    });

    it("state root zero: is a claim like any other", async () => {
      await stage.claim(1, genesis, 0, ZeroHash);
      const claimId = await stage.id(genesis, 0, ZeroHash);
      await stage.at(genesis, W);
      await settlement.confirm(claimId);
      expect((await settlement.latestConfirmed()).claimId).to.equal(claimId);
      await stage.claim(1, claimId, 1, ZeroHash);
    });
  });

  describe("time", () => {
    it("time: the second before, at and after each limit, for claims, entries and confirmations", async () => {
      const back = async () => settlement.back(await stage.id(genesis, 0, TRUE_ROOT), stage.signers[0]!.address, { value: 2n * BOND });
      const confirm = async () => settlement.confirm(await stage.id(genesis, 0, TRUE_ROOT));
      const rival = () => stage.claim(2, genesis, 0, FALSE_ROOT);
      const cases = [
        { name: "a rival until W", limit: W, isBefore: true, call: rival, error: "RoundClosed", hasRival: false },
        { name: "an entry until W + D", limit: W + D, isBefore: true, call: back, error: "RoundClosed", hasRival: false },
        { name: "confirmation alone from W on", limit: W, isBefore: false, call: confirm, error: "RoundNotOver", hasRival: false },
        { name: "confirmation after a rival from W + D on", limit: W + D, isBefore: false, call: confirm, error: "RoundNotOver", hasRival: true },
      ];
      for (const { name, limit, isBefore, call, error, hasRival } of cases) {
        for (const offset of [-1, 0, 1]) {
          await stage.claim(1, genesis, 0, TRUE_ROOT);
          if (hasRival) {
            await rival();
            await stage.timeout(genesis, 0, 1);
          }
          await stage.at(genesis, limit + offset);
          if (isBefore === offset < 0) await call();
          else await reverts(call(), error);
          await stage.restore();
        }
        expect(name).to.be.a("string");
      }
    });
  });

  describe("confirm", () => {
    it("child: waits for its parent, and then needs no window of its own", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      const parent = await stage.id(genesis, 0, TRUE_ROOT);
      await stage.claim(1, parent, 1, TRUE_ROOT);
      const child = await stage.id(parent, 1, TRUE_ROOT);
      await stage.at(parent, W);
      await reverts(settlement.confirm(child), "ParentNotConfirmed");
      expect(await settlement.canConfirm(child)).to.equal(false);
      await settlement.confirm(parent);
      await settlement.confirm(child);
      await reverts(settlement.confirm(parent), "Decided");
      expect((await settlement.latestConfirmed()).nextEpoch).to.equal(2n);
    });

    it("rivals: block each other for as long as both live, however late", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, FALSE_ROOT);
      await stage.at(genesis, 1_000 * (W + D));
      for (const root of [TRUE_ROOT, FALSE_ROOT]) await reverts(settlement.confirm(await stage.id(genesis, 0, root)), "LiveRivals");
    });

    it("late siblings: are refused once their epoch is decided", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.at(genesis, W);
      await settlement.confirm(await stage.id(genesis, 0, TRUE_ROOT));
      await reverts(stage.claim(2, genesis, 0, FALSE_ROOT), "Decided");
      await reverts(settlement.back(await stage.id(genesis, 0, TRUE_ROOT), stage.signers[2]!.address, { value: BOND }), "Decided");
    });
  });

  describe("dormant", () => {
    it("claim: is backed again until W + D when its entries are out, and is confirmed", async () => {
      await stage.claim(1, genesis, 0, FALSE_ROOT);
      await stage.claim(2, genesis, 0, TRUE_ROOT);
      await stage.timeout(genesis, 0, 1);
      const claimId = await stage.id(genesis, 0, TRUE_ROOT);
      expect((await settlement.rounds(genesis)).liveClaims).to.equal(1n);
      // The false one is alone, and still cannot be confirmed before W + D.
      await stage.at(genesis, W);
      await reverts(settlement.confirm(await stage.id(genesis, 0, FALSE_ROOT)), "RoundNotOver");
      await stage.claim(3, genesis, 0, TRUE_ROOT);
      expect((await settlement.rounds(genesis)).liveClaims).to.equal(2n);
      await stage.game.connect(stage.signers[3]!).open(await stage.roundId(genesis), 2, [TRUE_ROOT], { value: MOVE });
      await stage.timeout(genesis, 0, 2);
      await stage.at(genesis, Math.max(W + D, (await stage.now()) - Number((await settlement.rounds(genesis)).openedAt) + 1));
      await settlement.confirm(claimId);
    });

    it("round: all fall, the next one has its own ids and the first price, and children of the fallen stay fallen", async () => {
      await stage.claim(1, genesis, 0, TRUE_ROOT);
      await stage.claim(2, genesis, 0, FALSE_ROOT);
      const fallen = await stage.id(genesis, 0, TRUE_ROOT);
      await stage.claim(3, fallen, 1, TRUE_ROOT);
      const child = await stage.id(fallen, 1, TRUE_ROOT);
      await stage.eliminateBoth(genesis, 0, 1);
      await stage.at(genesis, W + D);
      await stage.connection.networkHelpers.mine();
      expect(await settlement.currentRound(genesis)).to.equal(2n);
      expect(await settlement.bondFor(genesis)).to.equal(BOND);
      expect([await settlement.isVoid(fallen), await settlement.isVoid(child)]).to.deep.equal([true, true]);
      await reverts(settlement.back(fallen, stage.signers[1]!.address, { value: BOND }), "RoundClosed");
      await stage.claim(1, genesis, 0, TRUE_ROOT, { round: 2 });
      const again = await stage.id(genesis, 0, TRUE_ROOT, 2);
      expect(again).not.to.equal(fallen);
      await reverts(settlement.back(fallen, stage.signers[1]!.address, { value: BOND }), "ClaimVoid");
      await reverts(stage.claim(3, fallen, 1, FALSE_ROOT), "ClaimVoid");
      // The child's entry lost nothing.
      await settlement.release(await stage.roundId(fallen), 0);
      expect(await settlement.credit(stage.signers[3]!.address)).to.equal(BOND);
      const openedAt = Number((await settlement.rounds(genesis)).openedAt);
      await stage.connection.networkHelpers.time.setNextBlockTimestamp(openedAt + W);
      await settlement.confirm(again);
    });
  });
});
