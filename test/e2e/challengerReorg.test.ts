import { expect } from "chai";
import { Wallet } from "ethers";

import type { DisputeCall } from "../../services/challenger/decide/DisputeAction.ts";
import type { DisputeLiar } from "../builders/DisputeLiar.ts";
import { startDisputeNetwork } from "../builders/disputeNetwork.ts";
import { pause, until } from "../builders/until.ts";
import type { DisputeNetwork } from "../builders/disputeNetwork.ts";

const LIAR = `0x${"71".repeat(32)}`;
const HONEST = `0x${"72".repeat(32)}`;
const REORG_BLOCKS = 5;
/** After the first call of the kind is in a block, that block and four below it are replaced by empty ones. */
const PHASES = ["claim", "open", "answer", "prove", "confirm", "release", "withdraw"] as const;

for (const liarEnters of ["first", "second"] as const) {
  describe(`L1 reorganised five blocks deep at every phase, the liar enters ${liarEnters}`, function () {
    this.timeout(180_000);
    let network: DisputeNetwork;
    const asked: DisputeCall["type"][] = [];

    before(async () => {
      network = await startDisputeNetwork("anvil");
      for (const key of [LIAR, HONEST]) await network.fund(key);
    });
    after(() => network.stop());

    async function mine(blocks: number): Promise<void> {
      for (let block = 0; block < blocks; block += 1) await network.chain.send("evm_mine");
    }

    /** Moves that were taken back are made again, by the liar too. */
    async function keepPlaying(liar: DisputeLiar, isOver: () => boolean): Promise<void> {
      while (!isOver()) {
        try {
          await liar.play();
        } catch (error) {
          // Its transaction went away with a block; the next look is of the chain as it is.
          if (!/revert|replaced|not found|nonce|timeout/i.test(String(error))) throw error;
        }
        await pause(50);
      }
    }

    it("reorganisation: what was taken back is done again, and the liar is out at the end", async () => {
      const { settlement } = network.rollup.contracts;
      const epoch = await network.epoch(40);
      await mine(2 * REORG_BLOCKS);
      const { address } = new Wallet(HONEST);
      const before = await network.balanceOf(address);
      const liar = network.liar(LIAR, epoch, 1, 50);
      if (liarEnters === "first") await liar.enter();
      await network.challenger(HONEST, { onCall: ({ type }) => asked.push(type), policy: { backing: "always" } });
      let isOver = false;
      if (liarEnters === "second") {
        await until("the true claim is made", async () => (await settlement.rounds(await settlement.genesisClaim())).entryCount > 0n);
        await liar.enter();
      }
      const playing = keepPlaying(liar, () => isOver);
      const isConfirmed = async (): Promise<boolean> => (await settlement.latestConfirmed()).nextEpoch > BigInt(epoch);
      const isLiarOut = async (): Promise<boolean> => (await settlement.queryFilter(settlement.filters.Eliminated())).length > 0;
      const isCollected = async (): Promise<boolean> => (await isConfirmed()) && (await settlement.credit(address)) === 0n && (await network.balanceOf(address)) > before;
      let reorganisations = 0;
      for (const [at, phase] of PHASES.entries()) {
        if (phase === "open" && liarEnters === "second") continue;
        if (phase === "confirm") {
          await until("the liar is out", isLiarOut);
          // Time is about to jump over what is left of the clocks: that the liar is out stays.
          await mine(REORG_BLOCKS);
          await network.skip(1_200);
        }
        // Who comes first after a reorganisation opens nothing, and what is over needs no more calls.
        await until(`it asks for ${phase}`, async () => PHASES.slice(at).some((later) => asked.includes(later)) || (await isCollected()));
        await pause(150);
        await network.chain.send("anvil_reorg", [REORG_BLOCKS, []]);
        reorganisations += 1;
        const isAfterwards = phase === "confirm" || phase === "release" || phase === "withdraw";
        // The blocks in which the time passed are gone too.
        if (isAfterwards) await network.skip(1_200);
        if (!isAfterwards && !(await isLiarOut()) && !(await liar.isIn())) await liar.enter();
        await until("what was claimed is claimed again", async () => (await settlement.rounds(await settlement.genesisClaim())).entryCount > 0n);
      }
      await until("the true claim is confirmed and paid", isCollected);
      isOver = true;
      await playing;
      expect(reorganisations).to.be.at.least(PHASES.length - 1);
      expect((await settlement.latestConfirmed()).stateRoot).to.equal(network.trueRoot(epoch));
      expect(await isLiarOut()).to.equal(true);
    });
  });
}
