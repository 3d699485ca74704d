import { expect } from "chai";
import { AbiCoder, Interface, keccak256, ZeroAddress, ZeroHash, zeroPadValue } from "ethers";

import { dueOf } from "../../../chain/bounties/workCost.ts";
import { BountyStage, errorOf, GOAL, REVIEW, STAKE, WORK } from "../../builders/bountyStage.ts";

describe("BountyBoard: hiring and one-shot work", () => {
  let stage: BountyStage;
  let restore: () => Promise<void>;

  before(async () => {
    stage = await BountyStage.start();
    const snapshot = await stage.connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(async () => {
    expect(await stage.isSolvent(), "what is held covers what is owed").to.equal(true);
    await restore();
  });
  after(() => stage.connection.close());

  const [A, B, C] = [0, 1, 2].map((index) => () => stage.bidders[index]!) as [() => (typeof stage.bidders)[number], () => (typeof stage.bidders)[number], () => (typeof stage.bidders)[number]];

  describe("hiring", () => {
    it("award: by the poster alone, any revealed bid", async () => {
      const id = await stage.post(stage.terms());
      await stage.bids(id, [5n, 4n, undefined]);
      expect(await errorOf(stage.by(stage.stranger).award(id, A().address))).to.equal("NotPoster");
      expect(await errorOf(stage.by(stage.poster).award(id, C().address))).to.equal("NoBid");
      await stage.send(stage.by(stage.poster).award(id, A().address));
      const { worker, jobId, pool } = await stage.state(id);
      expect([worker, pool]).to.deep.equal([A().address, GOAL - 5n]);
      const job = await stage.escrow.jobOf(jobId);
      expect([job.provider, job.client, job.evaluator, job.budget, job.providerAgentId]).to.deep.equal([A().address, stage.address, stage.evaluator.address, 5n, 0n]);
      expect(await stage.board.bountyOfJob(jobId)).to.equal(id);
      expect(await errorOf(stage.by(A()).withdrawBid(id, A().address))).to.equal("NoBid");
      expect(await errorOf(stage.by(stage.poster).close(id))).to.equal("WrongPhase");
      expect(await errorOf(stage.by(stage.funder).fund(id, 1n, { value: 1n }))).to.equal("WrongPhase");
      // B stands by, and may leave at any time.
      await stage.send(stage.by(B()).withdrawBid(id, B().address));
      expect(await stage.credit(B())).to.equal(STAKE);
    });

    it("award and withdrawBid: of two in one block the first counts, and nobody loses anything", async () => {
      const id = await stage.post(stage.terms());
      await stage.bids(id, [5n]);
      const { connection } = stage;
      for (const isBidderFirst of [true, false]) {
        const snapshot = await connection.networkHelpers.takeSnapshot();
        await connection.ethers.provider.send("evm_setAutomine", [false]);
        const calls = [() => stage.by(A()).withdrawBid(id, A().address, { gasLimit: 3_000_000, gasPrice: isBidderFirst ? 9_000_000_000n : 3_000_000_000n }), () => stage.by(stage.poster).award(id, A().address, { gasLimit: 3_000_000, gasPrice: 6_000_000_000n })];
        for (const call of calls) await call();
        await connection.networkHelpers.mine();
        await connection.ethers.provider.send("evm_setAutomine", [true]);
        expect(await stage.phase(id)).to.equal(isBidderFirst ? "AWARD" : "ENGAGED");
        expect(await stage.credit(A())).to.equal(isBidderFirst ? STAKE : 0n);
        await snapshot.restore();
      }
    });

    it("awardBest: passes over an agent that was sold and a bidder that the meter refuses", async () => {
      const id = await stage.post(stage.metered());
      await stage.bids(id, [1n, 2n, 3n]);
      await stage.send((stage.registry.connect(A()) as typeof stage.registry).transferFrom(A().address, stage.stranger.address, 0n));
      await stage.send(stage.meter.setOnly(C().address));
      expect(await errorOf(stage.by(stage.poster).award(id, A().address))).to.equal("NotOfAgent");
      expect(await errorOf(stage.by(stage.poster).award(id, B().address))).to.equal("MeterRefused");
      await stage.until(id, "FALLBACK");
      await stage.send(stage.by(stage.stranger).awardBest(id));
      expect((await stage.state(id)).worker).to.equal(C().address);
      expect(await stage.meter.operator()).to.equal(C().address);
      expect(await stage.meter.params()).to.equal("0x1234");
    });

    it("awardBest: refuses when nobody can be hired, and the bounty goes on by time", async () => {
      const id = await stage.post(stage.metered({ maxRounds: 1 }));
      await stage.bids(id, [1n]);
      await stage.meterSays("BurnsGas", 0n);
      await stage.until(id, "FALLBACK");
      expect(await errorOf(stage.by(stage.stranger).awardBest(id))).to.equal("NobodyToHire");
      await stage.until(id, "LAPSED");
      await stage.send(stage.by(stage.stranger).close(id));
      await stage.send(stage.by(stage.stranger).withdrawBid(id, A().address));
      expect(await stage.credit(A())).to.equal(STAKE);
    });

    it("take: the named bidder alone, with its stake, at the ceiling; again after a failure", async () => {
      const id = await stage.post(stage.terms({ bidder: B().address }));
      expect(await errorOf(stage.by(A()).take(id, 0n, { value: STAKE }))).to.equal("NotNamed");
      expect(await errorOf(stage.by(B()).take(id, 0n, { value: STAKE }))).to.equal("NotOfAgent");
      expect(await errorOf(stage.by(B()).take(id, 1n))).to.equal("WrongValue");
      await stage.send(stage.by(B()).take(id, 1n, { value: STAKE }));
      expect((await stage.escrow.jobOf((await stage.state(id)).jobId)).budget).to.equal(GOAL);
      await stage.reject(id);
      await stage.advance(id);
      expect(await stage.phase(id)).to.equal("AWARD");
      await stage.send(stage.by(B()).take(id, 1n, { value: STAKE }));
      await stage.complete(id);
      await stage.advance(id);
      expect(await stage.phase(id)).to.equal("CLOSED");
      expect(await stage.jobCredit(B())).to.equal(GOAL);
    });

    it("hire, openPart: nobody calls them but the board", async () => {
      const id = await stage.engaged(stage.terms());
      expect(await errorOf(stage.by(stage.poster).hire(id, A().address, A().address))).to.equal("NotSelf");
      expect(await errorOf(stage.by(stage.poster).openPart(id))).to.equal("NotSelf");
      expect(await errorOf(stage.stranger.sendTransaction({ to: stage.address, value: 1n }))).to.equal("NotEscrow");
    });
  });

  describe("one-shot work", () => {
    it("lump: the worker is paid, has its stake back, and funders share what is left", async () => {
      const id = await stage.post(stage.terms(), GOAL / 4n);
      await stage.fund(id, (GOAL * 3n) / 4n);
      await stage.bids(id, [400_001n]);
      await stage.send(stage.by(stage.poster).award(id, A().address));
      expect(await errorOf(stage.advance(id))).to.equal("JobNotEnded");
      await stage.complete(id);
      await stage.advance(id);
      expect(await stage.jobCredit(A())).to.equal(400_001n);
      expect(await stage.credit(A())).to.equal(STAKE);
      const left = GOAL - 400_001n;
      for (const [funder, part] of [[stage.poster, left / 4n], [stage.funder, (left * 3n) / 4n]] as const) {
        await stage.send(stage.by(stage.stranger).refund(id, funder.address));
        expect(await stage.credit(funder)).to.equal(part);
        expect(await errorOf(stage.by(stage.stranger).refund(id, funder.address))).to.equal("NothingToRefund");
      }
      // Less than a base unit of each funder is lost.
      expect((await stage.state(id)).pool).to.equal(left - left / 4n - (left * 3n) / 4n);
    });

    it("lump: a silent evaluator pays", async () => {
      const id = await stage.engaged(stage.terms());
      const { jobId } = await stage.state(id);
      await stage.send(stage.escrowBy(A()).submit(jobId, ZeroHash, "0x"));
      await stage.pass(REVIEW);
      await stage.send(stage.escrowBy(stage.stranger).completeSilent(jobId));
      await stage.advance(id);
      expect(await stage.jobCredit(A())).to.equal(GOAL);
      expect(await stage.phase(id)).to.equal("CLOSED");
    });

    it("lump: an arbiter that gives the worker a part leaves the rest to the funders, with the bond that it won or lost", async () => {
      for (const [providerBps, phase] of [[6_000, "CLOSED"], [2_000, "COMMIT"]] as const) {
        const id = await stage.engaged(stage.terms(stage.withArbiter()));
        const { jobId } = await stage.state(id);
        const before = await stage.credit(A());
        await stage.send(stage.escrowBy(A()).submit(jobId, ZeroHash, "0x"));
        await stage.reject(id);
        await stage.send(stage.escrowBy(A()).dispute(jobId, { value: await stage.escrow.bondOf(jobId) }));
        await stage.send(stage.escrowBy(stage.arbiter).rule(jobId, providerBps));
        await stage.advance(id);
        expect(await stage.phase(id)).to.equal(phase);
        const paid = (GOAL * BigInt(providerBps)) / 10_000n;
        const { pool } = await stage.state(id);
        if (phase === "CLOSED") expect([pool, (await stage.credit(A())) - before]).to.deep.equal([GOAL - paid, STAKE]);
        else expect(pool).to.equal(GOAL - paid + GOAL / 20n + (STAKE * 4n) / 10n);
        expect(await stage.jobCredit(stage)).to.equal(0n);
      }
    });

    it("failure: a tenth to who reports it, four tenths to the pool, half burned; the standby takes over", async () => {
      const id = await stage.engaged(stage.terms(), [GOAL - 10n, GOAL]);
      await stage.reject(id);
      const events = stage.events(await stage.advance(id));
      expect(events.map(({ name }) => name)).to.deep.equal(["PartEnded", "Failed", "Credited", "Credited", "RoundStarted"]);
      expect(await stage.credit(stage.stranger)).to.equal(STAKE / 10n);
      const toPool = (STAKE * 4n) / 10n;
      expect(await stage.credit({ address: await stage.board.BURN_ADDRESS() })).to.equal(STAKE - STAKE / 10n - toPool);
      expect((await stage.state(id)).pool).to.equal(GOAL + toPool);
      expect([await stage.phase(id), (await stage.state(id)).round]).to.deep.equal(["AWARD", 2]);
      await stage.until(id, "FALLBACK");
      await stage.send(stage.by(stage.stranger).awardBest(id));
      await stage.complete(id);
      await stage.advance(id);
      expect(await stage.jobCredit(B())).to.equal(GOAL);
      expect(await stage.credit(B())).to.equal(STAKE);
      // What the failure brought is the funders'.
      await stage.send(stage.by(stage.stranger).refund(id, stage.poster.address));
      expect(await stage.credit(stage.poster)).to.equal(toPool);
    });

    it("failure: with nobody standing by, the next round begins at COMMIT; after the last one it is closed", async () => {
      const id = await stage.engaged(stage.terms());
      await stage.reject(id);
      await stage.advance(id);
      expect([await stage.phase(id), (await stage.state(id)).round]).to.deep.equal(["COMMIT", 2]);
      await stage.bids(id, [7n]);
      await stage.send(stage.by(stage.poster).award(id, A().address));
      await stage.reject(id);
      await stage.advance(id);
      expect(await stage.phase(id)).to.equal("CLOSED");
      await stage.send(stage.by(stage.stranger).refund(id, stage.poster.address));
      expect(await stage.credit(stage.poster)).to.equal(GOAL + 2n * ((STAKE * 4n) / 10n));
    });

    it("standby: stays for later rounds at its price, and may leave before every award", async () => {
      const id = await stage.post(stage.terms({ maxRounds: 3 }));
      await stage.bids(id, [7n]);
      await stage.until(id, "LAPSED");
      await stage.send(stage.by(stage.stranger).reopen(id));
      expect(await errorOf(stage.by(A()).commitBid(id, ZeroHash, { value: STAKE }))).to.equal("AlreadyBid");
      await stage.commit(id, B(), 6n);
      await stage.until(id, "REVEAL");
      expect(await errorOf(stage.reveal(id, A(), 7n))).to.equal("NoBid");
      await stage.reveal(id, B(), 6n);
      await stage.until(id, "AWARD");
      expect([...(await stage.board.rankedOf(id))]).to.deep.equal([B().address, A().address]);
      await stage.send(stage.by(stage.poster).award(id, A().address));
      await stage.complete(id);
      await stage.advance(id);
      expect(await stage.jobCredit(A())).to.equal(7n);
      await stage.send(stage.by(stage.stranger).withdrawBid(id, B().address));
      expect(await stage.credit(B())).to.equal(STAKE);
    });

    it("verified: a bridge is paid when its deployed code is the one that was asked for, whoever shows it; other code fails by time", async () => {
      const verifier = await stage.connection.ethers.deployContract("CodeVerifier");
      const bridge = await (await stage.connection.ethers.deployContract("TestToken")).getAddress();
      const codeHash = keccak256(await stage.connection.ethers.provider.getCode(bridge));
      const callData = new Interface(["function decimals() view returns (uint8)"]).encodeFunctionData("decimals");
      const spec = { codeHash, callData, returnHash: keccak256(zeroPadValue("0x12", 32)) };
      const sourceParams = AbiCoder.defaultAbiCoder().encode(["tuple(bytes32 codeHash, bytes callData, bytes32 returnHash)"], [spec]);
      const terms = stage.terms({ role: "BRIDGE", kind: "VERIFIED", evaluator: ZeroAddress, source: await verifier.getAddress(), sourceParams });
      const id = await stage.engaged(terms, [GOAL, GOAL]);

      const first = (await stage.state(id)).jobId;
      await stage.send(stage.escrowBy(A()).submit(first, zeroPadValue(stage.addressOf(stage.meter), 32), "0x"));
      expect(await errorOf(stage.escrowBy(A()).completeVerified(first, sourceParams))).to.equal("WrongCode");
      expect(await errorOf(stage.escrowBy(stage.evaluator).complete(first, ZeroHash, "0x"))).to.equal("NotAllowed");
      await stage.pass(WORK + REVIEW);
      await stage.send(stage.escrowBy(stage.stranger).claimRefund(first));
      await stage.advance(id);
      await stage.send(stage.by(stage.poster).award(id, B().address));

      const { jobId } = await stage.state(id);
      await stage.send(stage.escrowBy(B()).submit(jobId, zeroPadValue(bridge, 32), "0x"));
      await stage.send(stage.escrowBy(stage.stranger).completeVerified(jobId, sourceParams));
      await stage.advance(id);
      expect([await stage.jobCredit(A()), await stage.jobCredit(B()), await stage.phase(id)]).to.deep.equal([0n, GOAL, "CLOSED"]);
    });

    it("milestones: parts come one after the other, each with its own time, and cost the price together", async () => {
      const price = 99_999n;
      const id = await stage.engaged(stage.milestones(), [price]);
      const budgets: bigint[] = [];
      for (let part = 0; part < 3; part += 1) {
        const { jobId, part: done } = await stage.state(id);
        expect(done).to.equal(part);
        const job = await stage.escrow.jobOf(jobId);
        expect(Number(job.expiredAt)).to.equal((await stage.now()) + WORK);
        budgets.push(job.budget);
        await stage.complete(id);
        // Whoever is slow to advance takes nothing of the worker's time.
        await stage.pass(WORK * 3);
        await stage.advance(id);
      }
      expect(budgets).to.deep.equal([19_999n, 30_000n, 50_000n]);
      expect(budgets).to.deep.equal([1, 2, 3].map((parts) => dueOf(stage.milestones(), price, parts) - dueOf(stage.milestones(), price, parts - 1)));
      expect(await stage.jobCredit(A())).to.equal(price);
      expect(await stage.phase(id)).to.equal("CLOSED");
    });

    it("milestones: whoever follows after a failure does what is left, at its own price", async () => {
      const id = await stage.engaged(stage.milestones(), [100_000n, 200_000n]);
      await stage.complete(id);
      await stage.advance(id);
      await stage.reject(id);
      await stage.advance(id);
      await stage.send(stage.by(stage.poster).award(id, B().address));
      const { jobId, part } = await stage.state(id);
      expect([part, (await stage.escrow.jobOf(jobId)).budget]).to.deep.equal([1, 60_000n]);
      for (let rest = 0; rest < 2; rest += 1) {
        await stage.complete(id);
        await stage.advance(id);
      }
      expect(await stage.jobCredit(A())).to.equal(20_000n);
      expect(await stage.jobCredit(B())).to.equal(160_000n);
      expect((await stage.state(id)).pool).to.equal(GOAL - 180_000n + (STAKE * 4n) / 10n);
    });

    it("milestones: a worker that takes the first part and leaves loses its stake, and holds nobody up beyond the part's time", async () => {
      const id = await stage.engaged(stage.milestones(), [100_000n, 200_000n]);
      await stage.complete(id);
      await stage.advance(id);
      const { jobId } = await stage.state(id);
      await stage.pass(WORK);
      await stage.send(stage.escrowBy(stage.stranger).claimRefund(jobId));
      const before = await stage.board.credit(ZeroAddress, stage.stranger.address);
      await stage.send(stage.by(stage.stranger).advance(id));
      expect((await stage.board.credit(ZeroAddress, stage.stranger.address)) - before).to.equal(STAKE / 10n);
      expect([await stage.jobCredit(A()), await stage.board.credit(ZeroAddress, A().address)]).to.deep.equal([20_000n, 0n]);
      // What was paid is the first part's share and no more; the pool has the rest, with four tenths of the stake.
      expect((await stage.state(id)).pool).to.equal(GOAL - 20_000n + (STAKE * 4n) / 10n);
      expect(await stage.phase(id)).to.equal("AWARD");
    });

    it("milestones: an evaluator that rejects each part pays nothing less, when the arbiter sees that the work was done", async () => {
      const id = await stage.engaged(stage.milestones(stage.withArbiter()), [100_000n]);
      for (let part = 0; part < 3; part += 1) {
        const { jobId } = await stage.state(id);
        await stage.send(stage.escrowBy(A()).submit(jobId, zeroPadValue("0x01", 32), "0x"));
        await stage.send(stage.escrowBy(stage.evaluator).reject(jobId, ZeroHash, "0x"));
        await stage.send(stage.escrowBy(A()).dispute(jobId, { value: await stage.escrow.bondOf(jobId) }));
        await stage.send(stage.escrowBy(stage.arbiter).rule(jobId, 10_000));
        await stage.advance(id);
      }
      expect(await stage.jobCredit(A())).to.equal(100_000n + [20_000n, 30_000n, 50_000n].reduce((bonds, price) => bonds + price / 20n, 0n));
      expect(await stage.phase(id)).to.equal("CLOSED");
    });

    it("milestones: a bid that the pool no longer pays for is not hired", async () => {
      const id = await stage.engaged(stage.milestones(), [GOAL, GOAL]);
      await stage.complete(id);
      await stage.advance(id);
      await stage.reject(id);
      await stage.advance(id);
      // Four fifths are left and four fifths are due: it still pays.
      await stage.send(stage.by(stage.poster).award(id, B().address));
      expect((await stage.state(id)).worker).to.equal(B().address);
      const short = await stage.post(stage.terms({ goal: GOAL / 2n }));
      await stage.commit(short, C(), GOAL);
      await stage.until(short, "REVEAL");
      expect(await errorOf(stage.reveal(short, C(), GOAL))).to.equal("PoolTooSmall");
      await stage.fund(short, GOAL / 2n);
      await stage.reveal(short, C(), GOAL);
    });
  });
});
