import { expect } from "chai";
import { Wallet } from "ethers";

import { ROOT_ABIS } from "../../../chain/connectContracts.ts";
import { createMemoryIntentJournal } from "../../../chain/transactions/MemoryIntentJournal.ts";
import { createTransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import type { TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import type { L1SideError } from "../../../services/sequencer/l1/L1SideError.ts";
import { OwnChain } from "../../../services/sequencer/l1/OwnChain.ts";
import { Poster } from "../../../services/sequencer/l1/Poster.ts";
import { readQueuedEntries } from "../../../services/sequencer/l1/readQueuedEntries.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../../builders/rollupOnChain.ts";
import { createSealedBatchList } from "../../builders/sealedBatchList.ts";
import type { SealedBatchList } from "../../builders/sealedBatchList.ts";
import { submitBatch } from "../../builders/submitBatch.ts";

const [, POSTER, STRANGER] = DEVELOPMENT_KEYS;
const GWEI = 1_000_000_000n;

describe("Poster", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let list: SealedBatchList;
  let manager: TransactionManager;
  let poster: Poster;
  const managers: TransactionManager[] = [];

  before(async () => {
    chain = await startLocalChain("anvil");
  });
  after(() => chain.stop());
  beforeEach(async () => {
    rollup = await deployRollupOn(chain, { inclusionDelaySeconds: 5_000, clockSeconds: 5_000 });
    list = createSealedBatchList();
    ({ manager, poster } = await startPoster());
  });
  afterEach(async () => {
    for (const one of managers.splice(0)) await one.stop();
    await chain.send("evm_setAutomine", [true]);
  });

  /** A poster with an empty journal. */
  async function startPoster(): Promise<{ manager: TransactionManager; poster: Poster }> {
    const { inbox } = rollup.contracts;
    const created: { poster?: Poster } = {};
    const indexOf = (id: string): number => Number(id.split("#")[0]?.split(":")[1]);
    const manager = createTransactionManager({
      provider: chain.provider,
      signer: new Wallet(POSTER),
      journal: createMemoryIntentJournal(),
      abis: ROOT_ABIS,
      pollMs: 30,
      isDone: async (intent) => (await created.poster?.isPosted(indexOf(intent.id))) === true,
      loadData: async (intent) => (await created.poster?.calldataOf(indexOf(intent.id))) ?? "0x",
    });
    managers.push(manager);
    await manager.start();
    const limits = { maxInFlight: 8, maxInFlightBytes: 1 << 20 };
    const poster = new Poster({ provider: chain.provider, contracts: { inbox }, inboxAddress: rollup.deployment.contracts.inbox, address: new Wallet(POSTER).address, manager, sealed: list.sealed, limits });
    created.poster = poster;
    return { manager, poster };
  }

  const now = async (): Promise<number> => (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
  const mine = (): Promise<unknown> => chain.send("evm_mine");
  const batchCount = async (): Promise<number> => Number(await rollup.contracts.inbox.batchCount());

  /** Sends a transaction into a block of its own at a chosen time, so that entries get the same due times again. */
  async function depositAt(seconds: number, units: number): Promise<void> {
    const amount = BigInt(units) * GWEI;
    await chain.send("evm_setNextBlockTimestamp", [seconds]);
    await (await rollup.contracts.bridge.deposit(rollup.wallet.address, amount, { value: amount })).wait();
  }

  async function feed(): Promise<void> {
    const { blockNumber, contracts } = rollup.deployment;
    await list.entries.onEntries(await readQueuedEntries(chain.provider, contracts.inbox, blockNumber, await chain.provider.getBlockNumber()));
  }

  async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (let tries = 0; !(await holds()); tries += 1) {
      if (tries > 400) throw new Error(`never: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** The pool has the intent's transaction. */
  async function underWay(id: string): Promise<void> {
    await until(`${id} is under way`, async () => {
      const hash = manager.find(id)?.attempts.at(-1)?.hash;
      return hash !== undefined && (await chain.provider.getTransaction(hash)) !== null;
    });
  }

  async function codeOfTurn(): Promise<string | undefined> {
    try {
      await poster.turn();
      return undefined;
    } catch (error) {
      return (error as L1SideError).code;
    }
  }

  it("chain: is computed from the log alone, and is what L1 ends at after each batch", async () => {
    const { inbox } = rollup.contracts;
    await depositAt((await now()) + 10, 1);
    await feed();
    const own = new OwnChain(list.sealed);
    for (let index = 0; index < 3; index += 1) {
      list.seal(await now(), index);
      await poster.turn();
      await until("the batch", async () => (await batchCount()) === index + 1);
      expect(await own.extendTo(index + 1)).to.equal(await inbox.accumulator());
    }
    await poster.turn();
    expect(poster.checkedCount()).to.equal(3);
    const again = new OwnChain(list.sealed);
    expect(await again.extendTo(3, 2)).to.equal(undefined);
    expect(await again.extendTo(3, 2)).to.equal(own.after(3));
    expect(again.has(own.after(1)!)).to.equal(true);
  });

  it("repetition: a batch that is sent again from a lost journal reverts, and the next ones go on", async () => {
    list.seal(await now());
    await poster.turn();
    await until("the batch", async () => (await batchCount()) === 1);
    const data = await poster.calldataOf(0);
    const again = await new Wallet(POSTER, chain.provider).sendTransaction({ to: rollup.deployment.contracts.inbox, data, gasLimit: 1_000_000n });
    const receipt = await chain.provider.waitForTransaction(again.hash, 1).catch((error: { receipt?: unknown }) => error.receipt);
    expect((receipt as { status: number }).status).to.equal(0);
    await manager.stop();
    ({ manager, poster } = await startPoster());
    list.seal(await now());
    await poster.turn();
    await until("the second batch", async () => (await batchCount()) === 2);
    expect(await codeOfTurn()).to.equal(undefined);
    expect(poster.checkedCount()).to.equal(2);
  });

  it("stranger: one who posts our batch before us takes nothing from us", async () => {
    await chain.send("evm_setAutomine", [false]);
    list.seal(await now());
    const data = await poster.calldataOf(0);
    // First in the pool, and it pays more.
    const [maxPriorityFeePerGas, maxFeePerGas] = [10n ** 13n, 2n * 10n ** 13n];
    await new Wallet(STRANGER, chain.provider).sendTransaction({ to: rollup.deployment.contracts.inbox, data, gasLimit: 1_000_000n, maxPriorityFeePerGas, maxFeePerGas });
    await poster.turn();
    await underWay("batch:0");
    await mine();
    const outcome = await manager.wait("batch:0");
    expect(outcome.status).to.equal("done-elsewhere");
    expect(await batchCount()).to.equal(1);
    list.seal(await now());
    await poster.turn();
    await underWay("batch:1");
    await mine();
    expect((await manager.wait("batch:1")).status).to.equal("confirmed");
    expect(await codeOfTurn()).to.equal(undefined);
    expect(poster.checkedCount()).to.equal(2);
  });

  it("revert: a batch that reverted by chance is sent again a block later", async () => {
    await chain.send("evm_setAutomine", [false]);
    // Taken for good at the head; the block that takes it is older than L1's clock said.
    const time = (await now()) + 100;
    await chain.send("evm_setNextBlockTimestamp", [time]);
    await mine();
    list.seal(time + 15);
    await poster.turn();
    await underWay("batch:0");
    await chain.send("anvil_reorg", [1, []]);
    await chain.send("evm_setNextBlockTimestamp", [time - 50]);
    await mine();
    await until("it reverted", () => manager.find("batch:0")?.outcome?.status === "reverted");
    expect(manager.find("batch:0")?.outcome?.error?.message).to.match(/L2TimeAhead/);
    expect((await poster.turn()).map((action) => action.type === "wait" && action.reason)).to.deep.equal(["reverted"]);
    await chain.send("evm_setNextBlockTimestamp", [time + 10]);
    await mine();
    expect((await poster.turn()).map(({ type }) => type)).to.deep.equal(["submit"]);
    await underWay("batch:0#1");
    await mine();
    expect((await manager.wait("batch:0#1")).status).to.equal("confirmed");
    expect(await batchCount()).to.equal(1);
    expect(await codeOfTurn()).to.equal(undefined);
  });

  it("reorganisation: a batch whose deposits are swapped reverts, the poster stops, and it lands when they are back", async () => {
    const l2Time = await now();
    const start = l2Time + 100;
    let before = await chain.send("evm_snapshot");
    await depositAt(start, 1);
    await depositAt(start + 10, 2);
    await feed();
    list.seal(l2Time);
    await chain.send("evm_setAutomine", [false]);
    await poster.turn();
    await underWay("batch:0");

    await manager.stop();
    await chain.send("anvil_dropAllTransactions");
    await chain.send("evm_revert", [before]);
    before = await chain.send("evm_snapshot");
    await chain.send("evm_setAutomine", [true]);
    await depositAt(start, 2);
    await depositAt(start + 10, 1);
    await manager.start();
    await until("it reverted", async () => {
      await mine();
      return manager.find("batch:0")?.outcome?.status === "reverted";
    });
    expect(manager.find("batch:0")?.outcome?.error?.message).to.match(/AccumulatorMismatch/);
    await mine();
    expect(await codeOfTurn()).to.equal("l1/entry-replaced");
    expect(await batchCount()).to.equal(0);
    expect(await rollup.contracts.inbox.consumedCount()).to.equal(0n);

    await chain.send("evm_revert", [before]);
    await depositAt(start, 1);
    await depositAt(start + 10, 2);
    await until("it is on L1", async () => {
      await mine();
      expect(await codeOfTurn()).to.equal(undefined);
      return (await batchCount()) === 1;
    });
    expect(await rollup.contracts.inbox.accumulator()).to.equal(await new OwnChain(list.sealed).extendTo(1));
  });

  it("history: stops when the batches on L1 are ours and the entries under them are others", async () => {
    const start = (await now()) + 100;
    const before = await chain.send("evm_snapshot");
    await depositAt(start, 1);
    await feed();
    list.seal(start);
    await chain.send("evm_revert", [before]);
    await depositAt(start, 2);
    const { l2Time, data } = await list.sealed.read(0);
    await (await submitBatch(rollup.as(STRANGER).inbox, l2Time, 1, data)).wait();
    expect(await codeOfTurn()).to.equal("l1/foreign-history");
  });
});
