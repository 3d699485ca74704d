import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet, ZeroHash, hexlify } from "ethers";

import { createL1Provider } from "../../../chain/createL1Provider.ts";
import type { FailoverProvider } from "../../../chain/FailoverProvider.ts";
import { toHex } from "../../../core/codec/index.ts";
import { createFileIntentJournal } from "../../../derivation/files/FileIntentJournal.ts";
import type { FileIntentJournal } from "../../../derivation/files/FileIntentJournal.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { Metrics } from "../../../runtime/metrics/Metrics.ts";
import type { WakeQueue } from "../../../runtime/queue/WakeQueue.ts";
import { createL1Side } from "../../../services/sequencer/l1/createL1Side.ts";
import type { L1Side, L1SideLimits } from "../../../services/sequencer/l1/createL1Side.ts";
import { sealedBatchHash } from "../../../services/sequencer/l1/OwnChain.ts";
import { claimState } from "../../builders/claimState.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { ChainKind, LocalChain } from "../../builders/localChain.ts";
import { createMemoryQueue } from "../../builders/memoryQueue.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../../builders/rollupOnChain.ts";
import { createSealedBatchList } from "../../builders/sealedBatchList.ts";
import type { SealedBatchList } from "../../builders/sealedBatchList.ts";
import { submitBatch } from "../../builders/submitBatch.ts";
import { startSwitchableProxy } from "../../builders/switchableProxy.ts";
import type { SwitchableProxy } from "../../builders/switchableProxy.ts";

const [, POSTER, RIVAL] = DEVELOPMENT_KEYS;
const GWEI = 1_000_000_000n;

interface Running {
  readonly side: L1Side;
  readonly stops: Error[];
  readonly metrics: Metrics;
  stop(): Promise<void>;
}

for (const kind of ["anvil", "hardhat"] as const satisfies readonly ChainKind[]) {
  describe(`L1 side on ${kind}`, function () {
    this.timeout(180_000);
    let chain: LocalChain;
    let proxy: SwitchableProxy;
    let rollup: RollupOnChain;
    let list: SealedBatchList;
    let dir: string;
    const running = new Set<Running>();

    before(async () => {
      chain = await startLocalChain(kind);
      proxy = await startSwitchableProxy(chain.url);
    });
    after(async () => {
      await proxy.stop();
      await chain.stop();
    });
    beforeEach(async () => {
      dir = mkdtempSync(join(tmpdir(), "agnt2-l1-"));
      list = createSealedBatchList();
      rollup = await deployRollupOn(chain, { epochAgeSeconds: 1_000, windowSeconds: 100, inclusionDelaySeconds: 5_000, clockSeconds: 5_000 });
    });
    afterEach(async () => {
      proxy.isUp = true;
      for (const one of running) await one.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    async function start(limits: Partial<L1SideLimits> = {}): Promise<Running> {
      const provider: FailoverProvider = await createL1Provider(proxy.url, chain.chainId);
      const journal: FileIntentJournal = createFileIntentJournal({ path: join(dir, "intents") });
      const queue: WakeQueue = createMemoryQueue();
      const stops: Error[] = [];
      const metrics = new Metrics({ service: "test", processMetrics: false });
      const side = await createL1Side({
        provider,
        deployment: rollup.deployment,
        signer: new Wallet(POSTER),
        journal,
        sealed: list.sealed,
        roots: list.roots,
        entries: list.entries,
        queue,
        logger: silentLogger,
        metrics,
        limits: { everyMs: 100, depth: 0, ...limits },
        onStop: (error) => stops.push(error),
        transactions: { pollMs: 50 },
      });
      await side.start();
      const one: Running = {
        side,
        stops,
        metrics,
        async stop() {
          if (!running.delete(one)) return;
          await side.stop();
          await queue.close();
          await journal.close();
          provider.destroy();
        },
      };
      running.add(one);
      return one;
    }

    /** More than one request to L1 that is lost may take. */
    async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 45_000): Promise<void> {
      const endMs = Date.now() + timeoutMs;
      while (!(await holds())) {
        if (Date.now() > endMs) throw new Error(`not in ${timeoutMs} ms: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }

    const now = async (): Promise<number> => (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
    const batchCount = async (): Promise<number> => Number(await rollup.contracts.inbox.batchCount());
    const confirmedEpochs = async (): Promise<number> => Number((await rollup.contracts.settlement.latestConfirmed())[1]);

    async function sealMany(count: number): Promise<void> {
      const l2Time = await now();
      for (let sealed = 0; sealed < count; sealed += 1) list.seal(l2Time);
    }

    /** Every batch on L1 is ours, once, in order. */
    async function expectOurs(count: number): Promise<void> {
      expect(await batchCount()).to.equal(count);
      for (let index = 0; index < count; index += 1) {
        expect(await rollup.contracts.inbox.batchHash(index), `batch ${index}`).to.equal(sealedBatchHash(await list.sealed.read(index)));
      }
    }

    async function passTime(seconds: number): Promise<void> {
      await chain.send("evm_increaseTime", [seconds]);
      await chain.send("evm_mine");
    }

    async function deposit(units: number): Promise<void> {
      const amount = BigInt(units) * GWEI;
      await (await rollup.contracts.bridge.deposit(rollup.wallet.address, amount, { value: amount })).wait();
    }

    it("story: posts five batches, closes the epoch, claims, confirms and takes the bond back, with a restart between all of it", async () => {
      const { inbox, settlement } = rollup.contracts;
      let one = await start();
      await sealMany(3);
      one.side.wake("post");
      await until("the first batches", async () => (await batchCount()) >= 1);
      await one.stop();
      one = await start();
      await sealMany(2);
      await until("all batches", async () => (await batchCount()) === 5);
      await expectOurs(5);
      expect(await inbox.epochCount()).to.equal(0n);

      await passTime(1_010);
      await until("the epoch's end", async () => (await inbox.epochCount()) === 1n);
      expect(await inbox.epochEnd(0)).to.equal(5n);
      const parent = await settlement.genesisClaim();
      const claimId = await settlement.claimIdOf(parent, 1, 0, toHex(list.rootOf(5)));
      await until("the claim", async () => (await settlement.claims(claimId)).live === 1n);
      await one.stop();

      one = await start();
      expect(await confirmedEpochs()).to.equal(0);
      await passTime(110);
      await until("the confirmation", async () => (await confirmedEpochs()) === 1);
      await until("the bond", async () => (await chain.provider.getBalance(await settlement.getAddress())) === 0n);
      expect(await settlement.credit(new Wallet(POSTER).address)).to.equal(0n);
      await expectOurs(5);
      expect(one.stops).to.deep.equal([]);
      expect(one.side.status()).to.include({ sealedBatches: 5, postedBatches: 5, rivalClaims: 0 });
    });

    it("claim: waits for our root, and stands beside a false one", async () => {
      const { inbox, settlement } = rollup.contracts;
      list.rootsUntil = 0;
      const one = await start();
      await sealMany(1);
      await until("the batch", async () => (await batchCount()) === 1);
      await passTime(1_010);
      await until("the epoch's end", async () => (await inbox.epochCount()) === 1n);
      const parent = await settlement.genesisClaim();
      await (await claimState(rollup.as(RIVAL), { stateRoot: ZeroHash })).made.wait();
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect((await settlement.rounds(parent)).liveClaims).to.equal(1n);
      list.rootsUntil = Infinity;
      await until("our claim", async () => (await settlement.rounds(parent)).liveClaims === 2n);
      await until("the alarm", () => one.side.status().rivalClaims === 1);
      expect(await one.metrics.text()).to.match(/agnt2_l1_alarms_total\{code="l1\/rival-claim",service="test"\} 1/);
      await passTime(200);
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(await confirmedEpochs()).to.equal(0);
    });

    it("foreign batch: stops with a code when somebody else posted", async () => {
      const one = await start();
      await (await submitBatch(rollup.as(RIVAL).inbox, await now(), 0, hexlify(new Uint8Array(96)))).wait();
      await until("the stop", () => one.stops.length > 0);
      expect(one.stops.map((error) => (error as { code?: string }).code)).to.deep.equal(["l1/unknown-batch"]);
      await one.stop();
      await sealMany(2);
      const two = await start();
      await until("the stop", () => two.stops.length > 0);
      expect(two.stops.map((error) => (error as { code?: string }).code)).to.deep.equal(["l1/foreign-batch"]);
      expect(await batchCount()).to.equal(1);
    });

    it("entries: are handed over once, in order, below the depth, with forced data, across a restart", async () => {
      const { inbox } = rollup.contracts;
      await deposit(1);
      await deposit(2);
      let one = await start({ depth: 2 });
      await chain.send("evm_mine");
      await until("the first", () => list.fed.length === 1);
      await until("the due time of the second", async () => one.side.status().l2TimeEnd === Number(BigInt(await inbox.entryHash(1)) & 0xffffffffn));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(list.fed).to.have.length(1);
      await one.stop();
      await (await inbox.force(hexlify(new Uint8Array(192).fill(7)), { value: await inbox.forcedFee(2) })).wait();
      one = await start({ depth: 2, rangeBlocks: 1 });
      await chain.send("evm_mine");
      await chain.send("evm_mine");
      await until("all", () => list.fed.length === 3);
      expect(list.fed.map(({ entry }) => [entry.index, entry.value, entry.data.length])).to.deep.equal([[0, 1, 0], [1, 2, 0], [2, 0, 192]]);
      await sealMany(1);
      await until("the batch that consumes them", async () => (await inbox.consumedCount()) === 3n);
    });

    it("outage: goes on by itself when L1 is back", async () => {
      const one = await start();
      await sealMany(1);
      await until("the first", async () => (await batchCount()) === 1);
      proxy.isUp = false;
      await sealMany(4);
      const { l2TimeEnd } = one.side.status();
      await passTime(6_000);
      await deposit(1);
      await new Promise((resolve) => setTimeout(resolve, 800));
      expect(await batchCount()).to.equal(1);
      const due = Number(BigInt(await rollup.contracts.inbox.entryHash(0)) & 0xffffffffn);
      expect(one.side.status().l2TimeEnd).to.equal(l2TimeEnd).and.to.be.at.most(due);
      proxy.isUp = true;
      await until("the rest", async () => (await batchCount()) === 5 && list.fed.length === 1);
      await until("the chain's time", () => one.side.status().l2TimeEnd > due);
      await expectOurs(5);
      expect(one.stops).to.deep.equal([]);
    });

    if (kind !== "anvil") return;

    it("reorganisation: three lost blocks come back with every batch once and in order", async () => {
      const one = await start({ maxInFlight: 2 });
      await sealMany(4);
      await until("the batches", async () => (await batchCount()) === 4);
      await chain.send("anvil_reorg", [3, []]);
      expect(await batchCount()).to.equal(1);
      await sealMany(2);
      await until("all batches", async () => (await batchCount()) === 6);
      await expectOurs(6);
      await until("a look after it", () => one.side.status().postedBatches === 6);
      expect(one.stops).to.deep.equal([]);
    });

    it("reorganisation: stops with a code when an entry that was handed over is replaced", async () => {
      await chain.send("evm_mine");
      const one = await start();
      await deposit(1);
      await until("the entry", () => list.fed.length === 1);
      await chain.send("anvil_reorg", [1, []]);
      await deposit(2);
      await until("the stop", () => one.stops.length > 0);
      expect(one.stops.map((error) => (error as { code?: string }).code)).to.deep.equal(["l1/entry-replaced"]);
      expect(list.fed).to.have.length(1);
    });
  });
}
