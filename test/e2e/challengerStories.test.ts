import { expect } from "chai";
import { Wallet } from "ethers";

import { startDisputeNetwork } from "../builders/disputeNetwork.ts";
import { until } from "../builders/until.ts";
import type { DisputeNetwork } from "../builders/disputeNetwork.ts";

const LIARS = [`0x${"71".repeat(32)}`, `0x${"73".repeat(32)}`] as const;
const HONEST = `0x${"72".repeat(32)}`;

for (const kind of ["anvil", "hardhat"] as const) {
  describe(`challenger's stories on ${kind}`, function () {
    this.timeout(120_000);
    let network: DisputeNetwork;
    const { address } = new Wallet(HONEST);

    beforeEach(async () => {
      network = await startDisputeNetwork(kind);
      for (const key of [...LIARS, HONEST]) await network.fund(key);
    });
    afterEach(() => network.stop());

    async function eliminated(): Promise<number> {
      const { settlement } = network.rollup.contracts;
      return (await settlement.queryFilter(settlement.filters.Eliminated())).length;
    }

    it("saboteur: makes the true claim and throws its game; the challenger comes later, backs the dormant claim and wins", async () => {
      const { settlement, game } = network.rollup.contracts;
      const epoch = await network.epoch(30);
      const claimId = await network.claimTruth(epoch);
      const liar = network.liar(LIARS[0], epoch, 5);
      await liar.enter();
      const roundId = await settlement.roundIdOf(await settlement.genesisClaim(), 1);
      // The liar opens in time, the saboteur never answers.
      const { length } = liar.lie;
      const parts = Array.from({ length: 4 }, (_, part) => Math.floor((length * (part + 1)) / 4));
      const states = liar.lie.rootsAt(parts).map((root) => `0x${Buffer.from(root).toString("hex")}`);
      await (await liar.contracts.game.open(roundId, 1, states, { value: await game.openingBond(roundId, 1) })).wait();
      await network.skip(601);
      await (await liar.contracts.game.timeout(roundId, 0, 1)).wait();
      expect((await settlement.claims(claimId)).live, "the true claim is dormant").to.equal(0n);

      await network.challenger(HONEST);
      await until("the liar is out", async () => {
        await liar.play();
        return (await eliminated()) === 2;
      });
      await network.skip(1_200);
      await until("the true claim is confirmed", async () => (await settlement.latestConfirmed()).claimId === claimId);
    });

    it("unconfirmed epochs: lies in a parent and in its child are fought at the same time, and both are confirmed in order", async () => {
      const { settlement } = network.rollup.contracts;
      for (let count = 0; count < 2; count += 1) await network.epoch(20);
      const before = await network.balanceOf(address);
      const parent = await network.claimTruth(0);
      const child = await network.claimTruth(1, parent);
      const liars = [network.liar(LIARS[0], 0, 5), network.liar(LIARS[1], 1, 6)];
      for (const liar of liars) await liar.enter();
      const challenger = await network.challenger(HONEST);
      await until("both liars are out", async () => {
        for (const liar of liars) await liar.play();
        return (await eliminated()) === 2;
      });
      expect((await settlement.latestConfirmed()).nextEpoch, "nothing is confirmed before its time").to.equal(0n);
      await network.skip(1_200);
      await until("both are confirmed", async () => (await settlement.latestConfirmed()).claimId === child);
      await until("the challenger has more than before", async () => (await settlement.credit(address)) === 0n && (await network.balanceOf(address)) > before);
      expect(challenger.status().alarms).to.deep.equal([]);
    });

    it("staller: never moves; is run out of time, and the challenger loses nothing", async () => {
      const { settlement } = network.rollup.contracts;
      const epoch = await network.epoch(20);
      const before = await network.balanceOf(address);
      await network.liar(LIARS[0], epoch, 5).enter();
      await network.challenger(HONEST);
      await until("the truth is claimed and opened", async () => (await network.rollup.contracts.game.queryFilter(network.rollup.contracts.game.filters.Opened())).length === 1);
      expect(await eliminated()).to.equal(0);
      await network.skip(602);
      await until("the liar is out of time", async () => (await eliminated()) === 1);
      await network.skip(600);
      await until("the truth is confirmed and paid", async () => (await settlement.latestConfirmed()).nextEpoch === 1n && (await network.balanceOf(address)) > before);
    });
  });
}
