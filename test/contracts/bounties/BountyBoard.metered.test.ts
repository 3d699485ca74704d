import { expect } from "chai";
import { ZeroAddress } from "ethers";

import { BountyStage, errorOf, GOAL, SETTLE, STAKE, WORK } from "../../builders/bountyStage.ts";

const PRICE = 1_000n;

describe("BountyBoard: metered work", () => {
  let stage: BountyStage;
  let restore: () => Promise<void>;

  before(async () => {
    stage = await BountyStage.start({ feeBps: 250 });
    const snapshot = await stage.connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(async () => {
    expect(await stage.isSolvent(), "what is held covers what is owed").to.equal(true);
    await restore();
  });
  after(() => stage.connection.close());

  const net = (amount: bigint): bigint => amount - (amount * 250n) / 10_000n;
  const worker = (): (typeof stage.bidders)[number] => stage.bidders[0]!;

  it("claimUnits: pays each unit once, by anyone's call, less the fee", async () => {
    const id = await stage.engaged(stage.metered());
    expect(await errorOf(stage.by(stage.stranger).claimUnits(id))).to.equal("NothingToClaim");
    await stage.meterSays("Good", 7n);
    await stage.send(stage.by(stage.stranger).claimUnits(id));
    expect(await errorOf(stage.by(worker()).claimUnits(id))).to.equal("NothingToClaim");
    await stage.meterSays("Good", 10n);
    await stage.send(stage.by(worker()).claimUnits(id));
    expect(await stage.credit(worker())).to.equal(net(7n * PRICE) + net(3n * PRICE));
    expect(await stage.credit(stage.feeRecipient)).to.equal(250n);
    const { pool, paidUnits } = await stage.state(id);
    expect([pool, paidUnits]).to.deep.equal([GOAL - 10n * PRICE, 10n]);
    // A meter that takes something back gets nothing back.
    await stage.meterSays("Good", 5n);
    expect(await errorOf(stage.by(worker()).claimUnits(id))).to.equal("NothingToClaim");
    expect(await errorOf(stage.by(worker()).advance(id))).to.equal("WrongKind");
  });

  it("claimUnits: the claim that uses the pool up ends the bounty, and units without number are no more than the pool", async () => {
    const id = await stage.engaged(stage.metered({ goal: 10n * PRICE + 1n }));
    await stage.meterSays("Good", 2n ** 256n - 1n);
    const events = stage.events(await stage.send(stage.by(stage.stranger).claimUnits(id))).map(({ name }) => name);
    expect(events).to.include.members(["Claimed", "Finished", "Closed"]);
    expect(await stage.credit(worker())).to.equal(net(10n * PRICE) + STAKE);
    await stage.send(stage.by(stage.stranger).refund(id, stage.poster.address));
    expect(await stage.credit(stage.poster)).to.equal(1n);
  });

  it("finish: only after work and settling, with a last claim", async () => {
    const id = await stage.engaged(stage.metered());
    await stage.meterSays("Good", 4n);
    const { clock } = await stage.state(id);
    const { time } = stage.connection.networkHelpers;
    await time.setNextBlockTimestamp(clock + WORK + SETTLE - 1);
    expect(await errorOf(stage.by(stage.stranger).finish(id))).to.equal("NotOver");
    await time.setNextBlockTimestamp(clock + WORK + SETTLE);
    await stage.send(stage.by(stage.stranger).finish(id));
    expect(await stage.phase(id)).to.equal("CLOSED");
    expect(await stage.credit(worker())).to.equal(net(4n * PRICE) + STAKE);
  });

  it("fail: what is earned is credited first, then the stake is lost, and the next bidder takes over", async () => {
    const id = await stage.engaged(stage.metered(), [PRICE, PRICE - 1n]);
    await stage.meterSays("Good", 4n);
    expect(await errorOf(stage.by(stage.stranger).fail(id))).to.equal("NotFailed");
    await stage.meterSays("Good", 6n, true);
    await stage.send(stage.by(stage.stranger).fail(id));
    expect(await stage.credit(worker())).to.equal(net(6n * PRICE));
    expect(await stage.credit(stage.stranger)).to.equal(STAKE / 10n);
    await stage.until(id, "FALLBACK");
    await stage.send(stage.by(stage.stranger).awardBest(id));
    // The meter counts from zero for the next one.
    await stage.meterSays("Good", 2n);
    await stage.send(stage.by(stage.stranger).claimUnits(id));
    expect(await stage.credit(stage.bidders[1]!)).to.equal(net(2n * (PRICE - 1n)));
    expect((await stage.state(id)).pool).to.equal(GOAL - 6n * PRICE - 2n * (PRICE - 1n) + (STAKE * 4n) / 10n);
  });

  it("fail: not after the work's end, and not of a worker that has earned the whole pool", async () => {
    const late = await stage.engaged(stage.metered());
    await stage.meterSays("Good", 1n, true);
    await stage.pass(WORK);
    expect(await errorOf(stage.by(stage.stranger).fail(late))).to.equal("NotFailed");
    await stage.pass(SETTLE);
    await stage.send(stage.by(stage.stranger).finish(late));

    const id = await stage.engaged(stage.metered({ goal: 3n * PRICE }));
    await stage.meterSays("Good", 3n, true);
    await stage.send(stage.by(stage.stranger).fail(id));
    expect(await stage.phase(id)).to.equal("CLOSED");
    expect(await stage.credit(worker())).to.equal(net(PRICE) + net(3n * PRICE) + 2n * STAKE);
    expect(await stage.credit(stage.stranger)).to.equal(0n);
  });

  it("fund: pays for nothing that was earned before, and does not bind a worker whose pool is used up", async () => {
    const id = await stage.engaged(stage.metered());
    await stage.meterSays("Good", 900n);
    await stage.fund(id, 100_000n);
    expect((await stage.state(id)).pool).to.equal(200_000n);
    await stage.meterSays("Good", 1_100n);
    expect(await errorOf(stage.fund(id, PRICE))).to.equal("PoolTooSmall");
    await stage.send(stage.by(stage.stranger).claimUnits(id));
    expect(await stage.phase(id)).to.equal("CLOSED");

    // Half of the pool belongs to whoever brought half of it, although the poster brought ten times as much once.
    const other = await stage.engaged(stage.metered());
    await stage.meterSays("Good", 900n);
    await stage.fund(other, 100_000n);
    await stage.pass(WORK + SETTLE);
    await stage.send(stage.by(stage.stranger).finish(other));
    for (const funder of [stage.poster, stage.funder]) await stage.send(stage.by(stage.stranger).refund(other, funder.address));
    expect([await stage.credit(stage.poster), await stage.credit(stage.funder)]).to.deep.equal([100_000n, 100_000n]);
  });

  it("fee: raised after funding, it changes nothing; of a bounty that is funded later, it does", async () => {
    const early = await stage.engaged(stage.metered());
    const lump = await stage.engaged(stage.terms(), [PRICE]);
    await stage.send(stage.by(stage.owner).setFee(500, stage.stranger.address));
    await stage.send((stage.escrow.connect(stage.owner) as typeof stage.escrow).setFee(500, stage.stranger.address));
    await stage.meterSays("Good", 4n);
    await stage.send(stage.by(stage.stranger).claimUnits(early));
    expect(await stage.credit(worker())).to.equal(net(4n * PRICE));
    // The fee of a job is that of the bounty's first funding too, although the job of a second worker begins later.
    await stage.reject(lump);
    await stage.advance(lump);
    await stage.bids(lump, [PRICE]);
    await stage.send(stage.by(stage.poster).award(lump, worker().address));
    await stage.complete(lump);
    await stage.advance(lump);
    expect(await stage.jobCredit(worker())).to.equal(net(PRICE));
    expect(await stage.jobCredit(stage.stranger)).to.equal(0n);

    const late = await stage.engaged(stage.metered());
    const before = await stage.credit(worker());
    await stage.meterSays("Good", 4n);
    await stage.send(stage.by(stage.stranger).claimUnits(late));
    expect((await stage.credit(worker())) - before).to.equal(4n * PRICE - (4n * PRICE * 5n) / 100n);
    expect(await errorOf(stage.by(stage.owner).setFee(501, stage.stranger.address))).to.equal("FeeTooHigh");
    expect(await errorOf(stage.by(stage.poster).setFee(0, ZeroAddress))).to.equal("OwnableUnauthorizedAccount");
  });

  for (const mode of ["Reverts", "BurnsGas", "ReturnsBomb", "ReturnsNothing"] as const) {
    it(`meter: one that ${mode} pays nothing and blocks nothing`, async () => {
      const id = await stage.engaged(stage.metered());
      await stage.meterSays("Good", 3n);
      await stage.send(stage.by(stage.stranger).claimUnits(id));
      await stage.meterSays(mode, 9n, true);
      expect(await errorOf(stage.by(stage.stranger).claimUnits(id))).to.equal("NothingToClaim");
      expect(await errorOf(stage.by(stage.stranger).fail(id))).to.equal("NotFailed");
      await stage.fund(id, 5n);
      await stage.pass(WORK + SETTLE);
      const { gasUsed } = await stage.send(stage.by(stage.stranger).finish(id));
      expect(Number(gasUsed)).to.be.lessThan(600_000);
      expect(await stage.credit(worker())).to.equal(net(3n * PRICE) + STAKE);
      await stage.send(stage.by(stage.stranger).refund(id, stage.poster.address));
    });
  }

  it("meter: with too little gas for it a call reverts, so that nobody ends a bounty unpaid or makes a bidder fail", async () => {
    const id = await stage.post(stage.metered());
    await stage.bids(id, [PRICE, PRICE]);
    await stage.until(id, "FALLBACK");
    const begun = await stage.meter.begun();
    for (let gasLimit = 100_000; gasLimit < 2_500_000; gasLimit += 150_000) {
      expect(await errorOf(stage.by(stage.stranger).awardBest(id, { gasLimit }))).to.equal("TooLittleGas");
    }
    await stage.send(stage.by(stage.stranger).awardBest(id));
    expect((await stage.state(id)).worker).to.equal(worker().address);
    expect(await stage.meter.begun()).to.equal(begun + 1n);
    await stage.meterSays("Good", 4n);
    await stage.pass(WORK + SETTLE);
    let refused = 0;
    for (let gasLimit = 60_000; gasLimit < 900_000; gasLimit += 20_000) {
      const error = await errorOf(stage.by(stage.stranger).finish(id, { gasLimit }));
      if (error === "none") break;
      refused += 1;
    }
    expect(refused).to.be.greaterThan(10);
    // The first gas with which it went through was enough for the meter.
    expect(await stage.credit(worker())).to.equal(net(4n * PRICE) + STAKE);
  });

  it("meter: one that calls back meets the guard", async () => {
    const id = await stage.post(stage.metered());
    await stage.bids(id, [PRICE]);
    await stage.meterSays("CallsBack", 0n);
    await stage.send(stage.meter.setCall(stage.address, stage.board.interface.encodeFunctionData("withdrawBid", [id, worker().address])));
    await stage.send(stage.by(stage.poster).award(id, worker().address));
    expect(stage.board.interface.parseError(await stage.meter.lastRevert())?.name).to.equal("ReentrancyGuardReentrantCall");
  });
});
