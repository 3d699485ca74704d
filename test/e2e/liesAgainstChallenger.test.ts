import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { dataSlice, keccak256, parseEther, toUtf8Bytes, Wallet } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import type { FileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { createChallenger } from "../../services/challenger/createChallenger.ts";
import type { Challenger } from "../../services/challenger/createChallenger.ts";
import { DEFAULT_TERMS } from "../builders/disputeChain.ts";
import { LiarCrowd } from "../builders/LiarCrowd.ts";
import { createMarketEpoch } from "../builders/marketEpoch.ts";
import type { MarketEpoch } from "../builders/marketEpoch.ts";
import { createMemoryQueue } from "../builders/memoryQueue.ts";
import { payVictim } from "../builders/payVictim.ts";
import { ruleLies } from "./lies/ruleLies.ts";
import { valueLies } from "./lies/valueLies.ts";

const HONEST_KEY = keccak256(toUtf8Bytes("an honest key of tests"));
const LIES = [...valueLies, ...ruleLies];

for (const node of ["anvil", "hardhat"] as const) {
  describe(`the challenger against every lie at once, on ${node}`, function () {
    this.timeout(240_000);
    let market: MarketEpoch;
    let challenger: Challenger;
    let crowd: LiarCrowd;
    let dir: string;
    let journal: FileIntentJournal;
    const { address } = new Wallet(HONEST_KEY);
    const queue = createMemoryQueue();

    before(async () => {
      dir = mkdtempSync(join(tmpdir(), "agnt2-lies-"));
      market = await createMarketEpoch([16], { node, terms: DEFAULT_TERMS });
      const { chain, parents, accumulator } = market;
      const table = chain.tables[0]!;
      const roundId = await table.settlement.roundIdOf(parents[0]!, 1);
      crowd = new LiarCrowd({ chain, table, roundId, accumulator, parent: parents[0]!, honest: address });
      await chain.connection.networkHelpers.setBalance(address, parseEther("100"));
      journal = createFileIntentJournal({ path: join(dir, "transactions.journal") });
      challenger = await createChallenger({
        provider: chain.provider!, deployment: await chain.deploymentOf(table), signer: new Wallet(HONEST_KEY), queue, dataDir: dir, everyMs: 100, collectEveryMs: 300,
        journal,
        logger: createLogger({ service: "challenger", level: (process.env["LOG_LEVEL"] ?? "fatal") as never, output: process.stderr }),
        transactions: { pollMs: 50 },
      });
      await challenger.start();
    });
    after(async () => {
      await challenger.stop();
      await queue.close();
      await journal.close();
      await market.chain.close();
      rmSync(dir, { recursive: true, force: true });
    });

    async function liarAt(place: number) {
      const { ethers, networkHelpers } = market.chain.connection;
      const signer = await ethers.getImpersonatedSigner(dataSlice(keccak256(toUtf8Bytes(`liar ${place}`)), 12));
      await networkHelpers.setBalance(signer.address, parseEther("100"));
      return signer;
    }

    /** Lets the liars play against the challenger until they are all out. */
    async function playOut(): Promise<void> {
      while ((await crowd.livingCount()) > 0) if (!(await crowd.turn())) await new Promise((resolve) => setTimeout(resolve, 50));
      await crowd.turn();
    }

    it(`${LIES.length} lies: each loses at the very step that it is about, half of them claimed in the last minute of W`, async () => {
      const told = LIES.map((lie) => lie.tell(market));
      const half = Math.ceil(told.length / 2);
      for (const [place, lie] of told.slice(0, half).entries()) await crowd.enter(await liarAt(place), lie);
      await playOut();
      const { openedAt } = await market.chain.tables[0]!.settlement.rounds(market.parents[0]!);
      const { windowSeconds } = market.chain.terms;
      for (const [place, lie] of told.slice(half).entries()) {
        if (place === 0) await market.chain.setNextTime(Number(openedAt) + windowSeconds - 60);
        await crowd.enter(await liarAt(half + place), lie);
      }
      await playOut();
      const [found, meant] = [crowd.liars.map(({ n }) => crowd.leaves.get(n)), told.map(({ step }) => step)];
      expect(found).to.deep.equal(meant);
    });

    it("true claim: is confirmed by the challenger, which has more than before, and the victim is paid", async () => {
      const { chain, truth } = market;
      const { settlement } = chain.tables[0]!;
      await chain.connection.networkHelpers.time.increase(chain.terms.windowSeconds + chain.terms.joinSeconds);
      await chain.connection.networkHelpers.mine();
      const trueClaim = await settlement.claimIdOf(market.parents[0]!, 1, 1, toHex(truth.stateRootAt(truth.length)));
      for (;;) {
        if ((await settlement.latestConfirmed()).claimId === trueClaim) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await payVictim(market, trueClaim);
      for (;;) {
        await challenger.run("collect");
        if ((await settlement.credit(address)) === 0n && (await chain.connection.ethers.provider.getBalance(address)) > parseEther("100")) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(challenger.status()).to.include({ games: 0, rivals: 0 });
      expect(challenger.status().alarms).to.deep.equal([]);
    });
  });
}
