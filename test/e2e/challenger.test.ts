import { expect } from "chai";
import { Wallet } from "ethers";

import { startDisputeNetwork } from "../builders/disputeNetwork.ts";
import { until } from "../builders/until.ts";
import type { DisputeNetwork } from "../builders/disputeNetwork.ts";
import type { ChainKind } from "../builders/localChain.ts";

const LIAR = `0x${"71".repeat(32)}`;
const HONEST = `0x${"72".repeat(32)}`;

for (const kind of ["anvil", "hardhat"] satisfies ChainKind[]) {
  describe(`challenger on ${kind}`, function () {
    this.timeout(120_000);
    let network: DisputeNetwork;

    before(async () => {
      network = await startDisputeNetwork(kind);
      await network.fund(LIAR);
      await network.fund(HONEST);
    });
    after(() => network.stop());

    it("liar: claims a false root, plays to the last step and loses its bond; the true claim confirms and the challenger is paid", async () => {
      const { settlement } = network.rollup.contracts;
      const epoch = await network.epoch(40);
      const { address } = new Wallet(HONEST);
      const before = await network.balanceOf(address);
      const liar = network.liar(LIAR, epoch, 1);
      await liar.enter();
      const challenger = await network.challenger(HONEST);

      await until("the liar is out", async () => {
        await liar.play();
        const [eliminated] = await settlement.queryFilter(settlement.filters.Eliminated());
        return eliminated !== undefined;
      });
      expect(liar.done, "what the liar did").to.include("answer");
      await network.skip(1_200);
      await until("the true claim is confirmed", async () => (await settlement.latestConfirmed()).nextEpoch > BigInt(epoch));
      expect((await settlement.latestConfirmed()).stateRoot).to.equal(network.trueRoot(epoch));

      await until("all money is collected", async () => {
        await challenger.run("collect");
        return (await settlement.credit(address)) === 0n && (await network.balanceOf(address)) > before;
      });
      expect(challenger.status()).to.include({ games: 0, rivals: 0 });
      expect(challenger.status().alarms).to.deep.equal([]);
    });
  });
}
