import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { dataSlice, keccak256, parseEther, toUtf8Bytes, Wallet } from "ethers";

import { DEFAULT_TERMS } from "../builders/disputeChain.ts";
import { InventedTrace } from "../builders/InventedTrace.ts";
import { LiarCrowd } from "../builders/LiarCrowd.ts";
import { createMarketEpoch } from "../builders/marketEpoch.ts";
import type { MarketEpoch } from "../builders/marketEpoch.ts";
import { MeteredChallenger } from "../builders/MeteredChallenger.ts";
import type { Load } from "../builders/MeteredChallenger.ts";

const HONEST_KEY = keccak256(toUtf8Bytes("another honest key of tests"));
/** What twenty games may take more than two: their calldata, proofs and receipts on the way. */
const SPREAD_BYTES = 96 * 2 ** 20;
/** Looks at L1 while it lasts included. */
const CPU_SECONDS_A_RIVAL = 1;
/** Bounded, so that garbage does not count for long. */
const HEAP_MIB = 256;
const FEW = 2;
const MANY = 20;

describe("the challenger's own load, in a process of its own", function () {
  this.timeout(240_000);
  let market: MarketEpoch;
  let challenger: MeteredChallenger;
  let crowd: LiarCrowd;
  let dir: string;
  let made = 0;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-load-"));
    market = await createMarketEpoch([16], { node: "anvil", terms: DEFAULT_TERMS });
    const { chain, parents, accumulator } = market;
    const table = chain.tables[0]!;
    const { address } = new Wallet(HONEST_KEY);
    crowd = new LiarCrowd({ chain, table, accumulator, roundId: await table.settlement.roundIdOf(parents[0]!, 1), parent: parents[0]!, honest: address });
    await chain.connection.networkHelpers.setBalance(address, parseEther("1000"));
    challenger = await MeteredChallenger.start({ dir, l1Url: chain.url!, deployment: await chain.deploymentOf(table), key: HONEST_KEY, heapMiB: HEAP_MIB });
  });
  after(async () => {
    await challenger.stop();
    await market.chain.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** So many rivals at once, until all are out. Answers the most memory it took, and the CPU of it all. */
  async function face(count: number): Promise<Load> {
    const { ethers, networkHelpers } = market.chain.connection;
    const before = await challenger.load();
    for (let i = 0; i < count; i += 1, made += 1) {
      const signer = await ethers.getImpersonatedSigner(dataSlice(keccak256(toUtf8Bytes(`rival ${made}`)), 12));
      await networkHelpers.setBalance(signer.address, parseEther("1000"));
      await crowd.enter(signer, new InventedTrace(market.truth, 1 + ((made * 811) % market.truth.length), `rival ${made}`));
    }
    let [residentBytes, heapBytes, cpuSeconds] = [0, 0, 0];
    while ((await crowd.livingCount()) > 0) {
      if (!(await crowd.turn())) await new Promise((resolve) => setTimeout(resolve, 50));
      const load = await challenger.load();
      [residentBytes, heapBytes] = [Math.max(residentBytes, load.residentBytes), Math.max(heapBytes, load.heapBytes)];
      cpuSeconds = load.cpuSeconds - before.cpuSeconds;
    }
    const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
    process.stdout.write(`      ${count} rivals: at most ${mib(residentBytes)} MiB, heap ${mib(heapBytes)} MiB, ${cpuSeconds.toFixed(2)} s of CPU\n`);
    return { residentBytes, heapBytes, cpuSeconds };
  }

  it("memory: stays flat, and a rival costs less than a second of CPU, when 20 rivals come instead of 2", async () => {
    // The first ones pay for what every dispute needs once: the trace, and code that is not compiled yet.
    await face(FEW);
    const few = await face(FEW);
    const many = await face(MANY);
    expect(many.residentBytes - few.residentBytes).to.be.below(SPREAD_BYTES);
    expect(many.heapBytes - few.heapBytes).to.be.below(SPREAD_BYTES / 2);
    expect(many.cpuSeconds / MANY).to.be.below(CPU_SECONDS_A_RIVAL);
  });
});
