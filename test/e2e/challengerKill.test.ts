import { expect } from "chai";
import { Wallet } from "ethers";

import { ChallengerProcess } from "../builders/ChallengerProcess.ts";
import { startDisputeNetwork } from "../builders/disputeNetwork.ts";
import { pause, until } from "../builders/until.ts";
import type { DisputeNetwork } from "../builders/disputeNetwork.ts";
import { Random } from "../differential/scenario/Random.ts";

const LIARS = [`0x${"71".repeat(32)}`, `0x${"73".repeat(32)}`] as const;
const HONEST = `0x${"72".repeat(32)}`;
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
/** Killed when it is about to send the first of these, in this order of a dispute, and a few more answers. */
const PHASES = ["claim", "open", "answer", "answer", "answer", "prove", "confirm", "release", "settle", "withdraw"] as const;

for (const kind of ["anvil", "hardhat"] as const) {
  describe(`challenger killed at every phase, on ${kind}`, function () {
    this.timeout(300_000);
    let network: DisputeNetwork;
    let challenger: ChallengerProcess;

    before(async () => {
      network = await startDisputeNetwork(kind);
      for (const key of [...LIARS, HONEST]) await network.fund(key);
      challenger = new ChallengerProcess(network, HONEST);
    });
    after(async () => {
      await challenger.stop();
      await network.stop();
    });
    afterEach(function () {
      if (this.currentTest?.state === "failed") process.stderr.write(`seed ${SEED}\n${challenger.output.slice(-6_000)}\n`);
    });

    it("kill -9 when each kind of call is asked for: it takes up where L1 stands, wins both games and sends nothing twice", async () => {
      const random = new Random(SEED);
      const { settlement, game } = network.rollup.contracts;
      const epoch = await network.epoch(60);
      const { address } = new Wallet(HONEST);
      const before = await network.balanceOf(address);
      const [first, second] = [network.liar(LIARS[0], epoch, 1, 30), network.liar(LIARS[1], epoch, 40, 77)];
      await first.enter();
      let isOver = false;
      let isSecondIn = false;
      /** L1 goes on while the challenger is down. */
      const life = (async () => {
        while (!isOver) {
          await first.play();
          if (isSecondIn) await second.play();
          await pause(50);
        }
      })();

      await challenger.start();
      for (const phase of PHASES) {
        if (phase === "open") {
          await until("the true claim is made", async () => (await settlement.rounds(await settlement.genesisClaim())).entryCount === 2n);
          await second.enter();
          isSecondIn = true;
        }
        if (phase === "confirm") {
          await until("both liars are out", async () => (await settlement.queryFilter(settlement.filters.Eliminated())).length === 2);
          await network.skip(1_200);
        }
        // What it did in an earlier life it need not do again.
        await until(`it asks for ${phase}, or it is done`, async () => challenger.asked(phase) > 0 || (await isPast(phase)));
        await pause(random.between(0, 120));
        await challenger.kill();
        await challenger.start();
      }
      await until("all money is collected", async () => (await settlement.credit(address)) === 0n && (await network.balanceOf(address)) > before);
      isOver = true;
      await life;

      expect((await settlement.latestConfirmed()).stateRoot).to.equal(network.trueRoot(epoch));
      expect(challenger.lives).to.equal(PHASES.length + 1);
      const entered = await settlement.queryFilter(settlement.filters.Entered());
      expect(entered.filter(({ args }) => args.backer === address)).to.have.length(1);
      const opened = await game.queryFilter(game.filters.Opened());
      expect(opened.filter(({ args }) => args.n === 1n)).to.have.length(1);

      async function isPast(phase: string): Promise<boolean> {
        const eliminated = (await settlement.queryFilter(settlement.filters.Eliminated())).length;
        const isConfirmed = (await settlement.latestConfirmed()).nextEpoch > 0n;
        if (phase === "answer" || phase === "prove") return eliminated === 2;
        if (phase === "open") return (await game.queryFilter(game.filters.Opened())).some(({ args }) => args.n === 1n);
        if (phase === "claim") return (await settlement.rounds(await settlement.genesisClaim())).entryCount >= 2n;
        const isPaid = isConfirmed && (await settlement.credit(address)) === 0n && (await network.balanceOf(address)) > before;
        return phase === "confirm" ? isConfirmed : isPaid;
      }
    });
  });
}
