import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";

import { bidCommitment } from "../../../chain/bounties/bidCommitment.ts";
import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import { termsFrom } from "../../../chain/bounties/BountyTerms.ts";
import { BOUNTY_PHASES, phaseOf } from "../../../chain/bounties/phaseOf.ts";
import { AWARD, BountyStage, COMMIT, errorOf, FUNDING, GOAL, REVEAL, SALT, SETTLE, STAKE, WORK } from "../../builders/bountyStage.ts";

const DAY = 86_400;

describe("BountyBoard", () => {
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

  describe("terms", () => {
    const cases: readonly (readonly [string, (stage: BountyStage) => BountyTerms])[] = [
      ["maxRounds", (s) => s.terms({ maxRounds: 0 })],
      ["maxRounds", (s) => s.terms({ maxRounds: 9 })],
      ["token", (s) => s.terms({ token: s.stranger.address })],
      ["goal", (s) => s.terms({ goal: 0n })],
      ["goal", (s) => s.terms({ goal: 2n ** 120n })],
      ["goal", (s) => s.terms({ bidder: s.bidders[0]!.address, goal: GOAL - 1n })],
      ["stake", (s) => s.terms({ stake: 2n ** 120n })],
      ["ceiling", (s) => s.terms({ ceiling: 0n })],
      ["ceiling", (s) => s.milestones({ ceiling: 9_999n })],
      ["fundingSeconds", (s) => s.terms({ fundingSeconds: 0 })],
      ["fundingSeconds", (s) => s.terms({ fundingSeconds: 30 * DAY + 1 })],
      ["awardSeconds", (s) => s.terms({ awardSeconds: 0 })],
      ["commitSeconds", (s) => s.terms({ commitSeconds: 0 })],
      ["commitSeconds", (s) => s.terms({ bidder: s.bidders[0]!.address, commitSeconds: 1 })],
      ["revealSeconds", (s) => s.terms({ revealSeconds: 30 * DAY + 1 })],
      ["shares", (s) => s.terms({ shares: [10_000] })],
      ["shares", (s) => s.milestones({ shares: [10_000] })],
      ["shares", (s) => s.milestones({ shares: [5_000, 4_999] })],
      ["shares", (s) => s.milestones({ shares: [10_000, 0] })],
      ["shares", (s) => s.milestones({ shares: Array.from({ length: 17 }, (_, index) => (index === 0 ? 9_984 : 1)) })],
      ["workSeconds", (s) => s.terms({ workSeconds: 0 })],
      ["workSeconds", (s) => s.milestones({ workSeconds: 123 * DAY })],
      ["proofOfService", (s) => s.terms({ minProvenCalls: 1n })],
      ["proofOfService", (s) => s.terms({ proofOfService: s.addressOf(s.proofs) })],
      ["evaluator", (s) => s.terms({ evaluator: ZeroAddress })],
      ["evaluator", (s) => s.metered({ evaluator: s.evaluator.address })],
      ["source", (s) => s.terms({ source: s.addressOf(s.meter) })],
      ["source", (s) => s.metered({ source: s.stranger.address })],
      ["sourceParams", (s) => s.terms({ sourceParams: "0x00" })],
      ["sourceParams", (s) => s.metered({ sourceParams: `0x${"00".repeat(2_049)}` })],
      ["settleSeconds", (s) => s.metered({ settleSeconds: 0 })],
      ["settleSeconds", (s) => s.terms({ settleSeconds: 1 })],
      ["reviewSeconds", (s) => s.terms({ reviewSeconds: 0 })],
      ["reviewSeconds", (s) => s.metered({ reviewSeconds: 1 })],
      ["arbiter", (s) => s.terms(s.withArbiter({ arbiter: s.poster.address }))],
      ["arbiter", (s) => s.terms(s.withArbiter({ arbiter: s.evaluator.address }))],
      ["arbiter", (s) => s.terms(s.withArbiter({ arbiter: s.address }))],
      ["arbiter", (s) => s.metered(s.withArbiter())],
      ["disputeSeconds", (s) => s.terms(s.withArbiter({ disputeSeconds: 0 }))],
      ["disputeSeconds", (s) => s.terms({ disputeSeconds: 1 })],
      ["rulingSeconds", (s) => s.terms(s.withArbiter({ rulingSeconds: 30 * DAY + 1 }))],
      ["unruledBps", (s) => s.terms(s.withArbiter({ unruledBps: 10_001 }))],
      ["unruledBps", (s) => s.terms({ unruledBps: 1 })],
      ["bidder", (s) => s.terms({ bidder: s.evaluator.address })],
      ["bidder", (s) => s.metered({ bidder: s.addressOf(s.meter) })],
    ];

    it("post: refuses terms that could not be met or not ended, and names the field", async () => {
      for (const [field, terms] of cases) {
        const error = await stage.tryPost(terms(stage)).then(() => "none", String);
        expect(error, field).to.contain(`BadTerms("${field}")`);
      }
      expect(cases.length).to.be.greaterThan(40);
    });

    it("post: keeps what it was given, and tells it", async () => {
      const terms = stage.milestones({ ...stage.withArbiter(), role: "BRIDGE", token: stage.addressOf(stage.token), minProvenCalls: 3n, proofOfService: stage.addressOf(stage.proofs) });
      const id = await stage.post(terms, 7n);
      expect(id).to.equal(1n);
      expect(termsFrom(await stage.board.termsOf(id))).to.deep.equal(terms);
      const [log] = await stage.board.queryFilter(stage.board.filters.BountyPosted);
      expect(termsFrom(log!.args.terms)).to.deep.equal(terms);
      expect(log!.args.poster).to.equal(stage.poster.address);
      const metered = stage.metered();
      expect(termsFrom(await stage.board.termsOf(await stage.post(metered)))).to.deep.equal(metered);
    });
  });

  describe("phases", () => {
    it("phaseOf: TypeScript and the contract agree at both sides of every edge", async () => {
      const open = stage.terms();
      const direct = stage.terms({ bidder: A().address });
      const checked = new Set<string>();
      for (const terms of [open, direct]) {
        for (const amount of [GOAL - 1n, GOAL]) {
          const id = await stage.post(terms, amount);
          const state = await stage.state(id);
          const edges = amount === GOAL ? [COMMIT, COMMIT + REVEAL, COMMIT + REVEAL + AWARD, COMMIT + REVEAL + 2 * AWARD, AWARD, 2 * AWARD] : [FUNDING];
          const begin = amount === GOAL ? state.clock - terms.commitSeconds - terms.revealSeconds : state.clock;
          for (const time of [...new Set(edges.flatMap((edge) => [begin + edge - 1, begin + edge, begin + edge + 1]))].sort((a, b) => a - b)) {
            await stage.connection.networkHelpers.time.increaseTo(time);
            const expected = phaseOf(state, terms, time).phase;
            expect(await stage.phase(id), `${time - begin}`).to.equal(expected);
            checked.add(expected);
          }
        }
      }
      expect([...checked].sort()).to.deep.equal(["AWARD", "COMMIT", "FALLBACK", "FUNDING", "LAPSED", "REVEAL"]);
      expect(BOUNTY_PHASES[Number(await stage.board.phaseOf(99n))]).to.equal("NONE");
    });

    it("calls: each is refused outside of its phase", async () => {
      const id = await stage.post(stage.terms(), 1n);
      const [poster, stranger] = [stage.by(stage.poster), stage.by(stage.stranger)];
      const always = {
        advance: () => stranger.advance(id),
        claimUnits: () => stranger.claimUnits(id),
        finish: () => stranger.finish(id),
        fail: () => stranger.fail(id),
        refund: () => stranger.refund(id, stage.poster.address),
        reopen: () => stranger.reopen(id),
      };
      const bidding = {
        commitBid: () => stage.by(A()).commitBid(id, ZeroHash, { value: STAKE }),
        revealBid: () => stage.by(A()).revealBid(id, 0n, 1n, ZeroHash),
        award: () => poster.award(id, A().address),
        take: () => stage.by(A()).take(id, 0n, { value: STAKE }),
        awardBest: () => stranger.awardBest(id),
      };
      const refused = async (calls: Readonly<Record<string, () => Promise<unknown>>>, allowed: readonly string[] = []): Promise<void> => {
        for (const [name, call] of Object.entries(calls)) {
          if (!allowed.includes(name)) expect(await errorOf(call()), name).to.equal("WrongPhase");
        }
      };
      await refused({ ...always, ...bidding });
      await stage.fund(id, GOAL - 1n);
      for (const [phase, allowed] of [["COMMIT", ["commitBid"]], ["REVEAL", ["revealBid"]], ["AWARD", ["award", "take"]], ["FALLBACK", ["awardBest"]]] as const) {
        await stage.until(id, phase);
        await refused({ ...always, ...bidding }, allowed);
        expect(await errorOf(stranger.close(id))).to.equal("NotPoster");
      }
      await stage.until(id, "LAPSED");
      await refused({ ...always, ...bidding }, ["reopen"]);
      await stage.send(poster.close(id));
      await refused({ ...always, ...bidding, close: () => poster.close(id), fund: () => poster.fund(id, 1n, { value: 1n }) }, ["refund"]);
      await refused({ close: () => poster.close(99n), fund: () => poster.fund(99n, 1n, { value: 1n }) });
    });

    it("each phase: anyone leads it to CLOSED by waiting", async () => {
      // FUNDING that misses its goal.
      const unfunded = await stage.post(stage.terms(), 5n);
      await stage.until(unfunded, "LAPSED");
      await stage.send(stage.by(stage.stranger).close(unfunded));
      await stage.send(stage.by(stage.stranger).refund(unfunded, stage.poster.address));
      expect(await stage.credit(stage.poster)).to.equal(5n);

      // Nobody bids, in every round.
      const unwanted = await stage.post(stage.terms({ maxRounds: 3 }));
      for (let round = 1; round < 3; round += 1) {
        await stage.until(unwanted, "LAPSED");
        expect(await errorOf(stage.by(stage.stranger).close(unwanted))).to.equal("NotPoster");
        await stage.send(stage.by(stage.stranger).reopen(unwanted));
      }
      await stage.until(unwanted, "LAPSED");
      expect(await errorOf(stage.by(stage.stranger).reopen(unwanted))).to.equal("WrongPhase");
      await stage.send(stage.by(stage.stranger).close(unwanted));

      // A direct award that is never taken.
      const untaken = await stage.post(stage.terms({ bidder: A().address, maxRounds: 1 }));
      await stage.until(untaken, "LAPSED");
      await stage.send(stage.by(stage.stranger).close(untaken));

      // Somebody is hired, and does nothing.
      const idle = await stage.engaged(stage.terms({ maxRounds: 1 }));
      await stage.pass(WORK);
      await stage.send(stage.escrowBy(stage.stranger).claimRefund((await stage.state(idle)).jobId));
      await stage.advance(idle);
      expect(await stage.phase(idle)).to.equal("CLOSED");

      // The meter has died.
      const unmetered = await stage.engaged(stage.metered({ maxRounds: 1 }));
      await stage.meterSays("BurnsGas", 0n);
      await stage.pass(WORK + SETTLE);
      await stage.send(stage.by(stage.stranger).finish(unmetered));
      expect(await stage.phase(unmetered)).to.equal("CLOSED");
    });
  });

  describe("bids", () => {
    it("commitment: is the same in TypeScript, and depends on every value", async () => {
      const { chainId } = await stage.connection.ethers.provider.getNetwork();
      const place = { chainId, board: stage.address, id: 7n, round: 2, bidder: A().address };
      const secret = { agentId: 0n, price: 5n, salt: SALT };
      expect(await stage.board.commitmentOf(7n, 2, A().address, 0n, 5n, SALT)).to.equal(bidCommitment(place, secret));
      const all = [[place, secret], [{ ...place, chainId: chainId + 1n }, secret], [{ ...place, board: stage.addressOf(stage.escrow) }, secret], [{ ...place, id: 8n }, secret], [{ ...place, round: 3 }, secret], [{ ...place, bidder: B().address }, secret], [place, { ...secret, agentId: 1n }], [place, { ...secret, price: 6n }], [place, { ...secret, salt: ZeroHash }]] as const;
      expect(new Set(all.map(([p, s]) => bidCommitment(p, s))).size).to.equal(all.length);
    });

    it("reveal: refuses what was not committed, a copied commitment, a price out of bounds, an agent of others", async () => {
      const id = await stage.post(stage.terms({ ceiling: GOAL / 2n }));
      await stage.commit(id, A(), GOAL / 4n);
      const copied = (await stage.board.bidOf(id, A().address)).commitment;
      await stage.send(stage.by(B()).commitBid(id, copied, { value: STAKE }));
      await stage.commit(id, C(), GOAL / 2n + 1n);
      await stage.commit(id, stage.bidders[3]!, 5n, { agentId: 0n });
      await stage.commit(id, stage.bidders[4]!, 5n, { agentId: 10n ** 20n });
      await stage.commit(id, stage.bidders[5]!, 0n);
      expect(await errorOf(stage.by(A()).commitBid(id, ZeroHash, { value: STAKE }))).to.equal("AlreadyBid");
      expect(await errorOf(stage.by(stage.bidders[6]!).commitBid(id, ZeroHash, { value: STAKE - 1n }))).to.equal("WrongValue");
      await stage.until(id, "REVEAL");
      expect(await errorOf(stage.reveal(id, A(), GOAL / 4n - 1n))).to.equal("WrongReveal");
      expect(await errorOf(stage.reveal(id, B(), GOAL / 4n, { agentId: 0n }))).to.equal("WrongReveal");
      expect(await errorOf(stage.reveal(id, C(), GOAL / 2n + 1n))).to.equal("BadPrice");
      expect(await errorOf(stage.reveal(id, stage.bidders[5]!, 0n))).to.equal("BadPrice");
      expect(await errorOf(stage.reveal(id, stage.bidders[3]!, 5n, { agentId: 0n }))).to.equal("NotOfAgent");
      expect(await errorOf(stage.reveal(id, stage.bidders[4]!, 5n, { agentId: 10n ** 20n }))).to.equal("NotOfAgent");
      expect(await errorOf(stage.reveal(id, stage.bidders[6]!, 5n))).to.equal("NoBid");
      await stage.reveal(id, A(), GOAL / 4n);
      expect(await errorOf(stage.reveal(id, A(), GOAL / 4n))).to.equal("NoBid");
      expect(await errorOf(stage.by(A()).withdrawBid(id, A().address))).to.equal("WrongPhase");
    });

    it("reveal: asks for proven calls where the terms do", async () => {
      const id = await stage.post(stage.terms({ minProvenCalls: 3n, proofOfService: stage.addressOf(stage.proofs) }));
      await stage.commit(id, A(), 5n);
      await stage.commit(id, B(), 6n);
      await stage.send(stage.proofs.setCalls(0n, 2n));
      await stage.send(stage.proofs.setCalls(1n, 3n));
      await stage.until(id, "REVEAL");
      expect(await errorOf(stage.reveal(id, A(), 5n))).to.equal("TooFewProvenCalls");
      await stage.reveal(id, B(), 6n);
      // What was proven before does not help an agent that lost it.
      await stage.send(stage.proofs.setCalls(1n, 0n));
      await stage.until(id, "AWARD");
      expect(await errorOf(stage.by(stage.poster).award(id, B().address))).to.equal("TooFewProvenCalls");
    });

    it("judges: evaluator and arbiter do not bid", async () => {
      const id = await stage.post(stage.terms(stage.withArbiter()));
      for (const judge of [stage.evaluator, stage.arbiter]) {
        expect(await errorOf(stage.by(judge).commitBid(id, ZeroHash, { value: STAKE }))).to.equal("Biased");
      }
    });

    it("withdrawBid: a bid that was not revealed loses half, by anyone's call; one that was has all back, by its bidder's", async () => {
      const id = await stage.post(stage.terms());
      await stage.bids(id, [5n, undefined, 4n]);
      expect(await errorOf(stage.by(stage.stranger).withdrawBid(id, A().address))).to.equal("BidStands");
      await stage.send(stage.by(stage.stranger).withdrawBid(id, B().address));
      expect(await stage.credit(B())).to.equal(STAKE / 2n);
      expect(await stage.credit({ address: await stage.board.BURN_ADDRESS() })).to.equal(STAKE - STAKE / 2n);
      await stage.send(stage.by(A()).withdrawBid(id, A().address));
      expect(await stage.credit(A())).to.equal(STAKE);
      expect(await errorOf(stage.by(A()).withdrawBid(id, A().address))).to.equal("NoBid");
      expect(await errorOf(stage.by(stage.poster).award(id, A().address))).to.equal("NoBid");
      expect([...(await stage.board.rankedOf(id))]).to.deep.equal([C().address]);
      await stage.send(stage.by(A()).withdraw(ZeroAddress, A().address));
      await stage.send(stage.by(stage.stranger).withdrawBurned(ZeroAddress));
    });

    for (const phase of ["COMMIT", "REVEAL"] as const) {
      it(`close: in ${phase} gives every hidden bid its whole stake`, async () => {
        const id = await stage.post(stage.terms());
        await stage.commit(id, A(), 5n);
        await stage.commit(id, B(), 5n);
        await stage.until(id, phase);
        if (phase === "REVEAL") await stage.reveal(id, A(), 5n);
        await stage.send(stage.by(stage.poster).close(id));
        expect(await errorOf(stage.by(C()).commitBid(id, ZeroHash, { value: STAKE }))).to.equal("WrongPhase");
        for (const bidder of [A(), B()]) {
          await stage.send(stage.by(stage.stranger).withdrawBid(id, bidder.address));
          expect(await stage.credit(bidder)).to.equal(STAKE);
        }
      });
    }

    it("list: the eight lowest, the earlier of equals first; who is ninth comes back by rank", async () => {
      const id = await stage.post(stage.terms());
      const prices = [50n, 40n, 50n, 30n, 60n, 20n, 70n, 10n, 45n, 80n];
      await stage.bids(id, prices);
      const order = prices.map((price, index) => ({ price, index })).sort((a, b) => Number(a.price - b.price) || a.index - b.index);
      const listed = (from: typeof order): string[] => from.map(({ index }) => stage.bidders[index]!.address);
      expect([...(await stage.board.rankedOf(id))]).to.deep.equal(listed(order.slice(0, 8)));
      expect((await stage.state(id)).liveBids).to.equal(10);
      const last = stage.bidders[order[9]!.index]!;
      const ninth = stage.bidders[order[8]!.index]!;
      expect(await errorOf(stage.by(stage.stranger).rank(id, ninth.address))).to.equal("NotLower");
      expect(await errorOf(stage.by(stage.stranger).rank(id, stage.bidders[7]!.address))).to.equal("NotLower");
      expect(await errorOf(stage.by(stage.stranger).rank(id, stage.stranger.address))).to.equal("NoBid");
      // Eight low bids that leave together do not keep out the honest one behind them.
      for (const { index } of order.slice(0, 8)) await stage.send(stage.by(stage.bidders[index]!).withdrawBid(id, stage.bidders[index]!.address));
      expect([...(await stage.board.rankedOf(id))]).to.deep.equal([]);
      await stage.send(stage.by(stage.stranger).rank(id, last.address));
      await stage.send(stage.by(stage.stranger).rank(id, ninth.address));
      expect([...(await stage.board.rankedOf(id))]).to.deep.equal([ninth.address, last.address]);
      await stage.until(id, "FALLBACK");
      await stage.send(stage.by(stage.stranger).awardBest(id));
      expect((await stage.state(id)).worker).to.equal(ninth.address);
    });
  });
});
