import { expect } from "chai";
import { AbiCoder, id as hashOf, ZeroAddress } from "ethers";

import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import type { BatchMeter } from "../../../typechain-types/index.ts";
import { BountyStage, errorOf, STAKE } from "../../builders/bountyStage.ts";
import { claimState } from "../../builders/claimState.ts";
import { createL1Scene } from "../../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../../builders/rollupContracts.ts";
import { submitBatch } from "../../builders/submitBatch.ts";

const BOND = 1_000n;
const SLOT = 100;
const [SILENCE, GRACE] = [450, 300] as const;
const DAY = 86_400;

describe("BountyBoard: sequencers, paid for each confirmed batch", () => {
  let scene: L1Scene;
  let stage: BountyStage;
  let chain: RollupContracts;
  let meter: BatchMeter;
  let terms: BountyTerms;
  before(async () => {
    scene = await createL1Scene();
    chain = await scene.createRollup({ operatorBondWei: BOND, windowSeconds: 1, joinSeconds: 1, slotSeconds: SLOT, vacancySeconds: 1_000 });
    meter = (await scene.ethers.deployContract("BatchMeter")) as unknown as BatchMeter;
    stage = await BountyStage.start({ connection: scene.connection });
    for (const operator of stage.bidders.slice(0, 2)) await chain.sequencerSet.connect(operator).join(operator.address, { value: BOND });
    const sourceParams = AbiCoder.defaultAbiCoder().encode(["address", "address", "uint32", "uint32"], [await chain.settlement.getAddress(), await chain.sequencerSet.getAddress(), SILENCE, GRACE]);
    terms = stage.metered({ role: "SEQUENCER", source: await meter.getAddress(), sourceParams, workSeconds: 30 * DAY, settleSeconds: DAY, goal: 20_000n, ceiling: 1_000n });
  });
  after(() => scene.close());

  /** Counted batches, each in the next slot that the operator leads, and confirmed as its own epoch. */
  async function work(operator: (typeof stage.bidders)[number], batches: number): Promise<void> {
    for (let batch = 0; batch < batches; batch += 1) {
      let time = (Math.floor((await scene.now()) / SLOT) + 1) * SLOT;
      while (!(await chain.sequencerSet.maySubmitAt(operator.address, time)) || (await chain.sequencerSet.leaderOf(time / SLOT)) !== operator.address) {
        await scene.networkHelpers.time.increaseTo(time);
        time += SLOT;
      }
      await scene.setNextTime(time);
      await submitBatch(chain.inbox.connect(operator), time, 0, "0x");
      await confirm();
    }
  }
  async function confirm(): Promise<void> {
    const { nextEpoch } = await chain.settlement.latestConfirmed();
    const { claimId } = await claimState(chain, { stateRoot: hashOf(`state ${nextEpoch}`) });
    await scene.networkHelpers.time.increase(5);
    await chain.settlement.confirm(claimId);
  }

  it("story: hired, paid, silent, slashed; the next bidder takes over, and is paid until the pool is used up", async () => {
    const [first, second] = [stage.bidders[0]!, stage.bidders[1]!];
    const id = await stage.engaged(terms, [900n, 1_000n]);
    await work(first, 3);
    await stage.send(stage.by(stage.stranger).claimUnits(id));
    expect(await stage.credit(first)).to.equal(2_700n);
    await work(first, 1);
    await work(second, 2);
    // Batches of others are not its, and it is not silent yet.
    expect(await errorOf(stage.by(stage.stranger).fail(id))).to.equal("NotFailed");

    await stage.pass(SILENCE + 3 * SLOT);
    await stage.send(stage.by(stage.stranger).fail(id));
    expect(await stage.credit(first)).to.equal(3_600n);
    expect(await stage.credit(stage.stranger)).to.equal(STAKE / 10n);
    expect(await stage.phase(id)).to.equal("AWARD");

    await stage.until(id, "FALLBACK");
    await stage.send(stage.by(stage.stranger).awardBest(id));
    expect((await stage.state(id)).worker).to.equal(second.address);
    expect(await errorOf(stage.by(stage.stranger).claimUnits(id))).to.equal("NothingToClaim");
    const { pool } = await stage.state(id);
    expect(pool).to.equal(20_000n - 3_600n + (STAKE * 4n) / 10n);
    await work(second, Number(pool / 1_000n) + 1);
    await stage.send(stage.by(stage.stranger).claimUnits(id));
    expect(await stage.phase(id)).to.equal("CLOSED");
    expect(await stage.credit(second)).to.equal((pool / 1_000n) * 1_000n + STAKE);
    await stage.send(stage.by(stage.stranger).refund(id, stage.poster.address));
    expect(await stage.credit(stage.poster)).to.equal(pool % 1_000n);
    for (const account of [first, second, stage.poster, stage.stranger]) await stage.send(stage.by(account).withdraw(ZeroAddress, account.address));
    await stage.send(stage.by(stage.stranger).withdrawBurned(ZeroAddress));
    expect(await stage.board.owed(ZeroAddress)).to.equal(0n);
  });

  it("set of another chain: the meter refuses it, and nobody is hired", async () => {
    const other = await scene.createRollup({ operatorBondWei: BOND });
    const sourceParams = AbiCoder.defaultAbiCoder().encode(["address", "address", "uint32", "uint32"], [await other.settlement.getAddress(), await chain.sequencerSet.getAddress(), SILENCE, GRACE]);
    const id = await stage.post({ ...terms, sourceParams });
    await stage.bids(id, [1_000n]);
    expect(await errorOf(stage.by(stage.poster).award(id, stage.bidders[0]!.address))).to.equal("MeterRefused");
  });
});
