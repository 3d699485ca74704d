import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet, ZeroHash, hexlify } from "ethers";

import { ROOT_ABIS } from "../../chain/connectContracts.ts";
import { createTransactionManager } from "../../chain/transactions/TransactionManager.ts";
import type { TransactionManager } from "../../chain/transactions/TransactionManager.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import { accumulatorAfter, batchHashOf } from "../builders/inboxHashes.ts";
import { layerSums } from "../builders/layerSums.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";
import type { RollupScript } from "../builders/rollupScript.ts";
import { dataRoot } from "../builders/stateTree.ts";
import { until } from "../builders/until.ts";

const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const REORG_BLOCKS = 10;
const BATCHES = 40;
const TRANSFERS = 50;
const BLOCK_MS = 40;
const SUBMIT_GAS = 3_000_000n;
const DEPOSIT_UNITS = 1_000_000;

describe("reorganisation under load", function () {
  this.timeout(120_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let script: RollupScript;
  let dir: string;
  let manager: TransactionManager;
  let replica: Replica;
  let source: L1Source;
  let miner: ReturnType<typeof setInterval>;
  let isMining = true;
  const reorged: string[] = [];

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain);
    script = scriptFor(chain, rollup);
    await script.deposit(ALICE, DEPOSIT_UNITS);
    await script.deposit(BOB, DEPOSIT_UNITS);
    dir = mkdtempSync(join(tmpdir(), "agnt2-reorg-"));
    replica = await openReplica({ dir: join(dir, "replica"), deployment: rollup.deployment, snapshotBatches: 8, onDivergence: () => undefined });
    source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, pollMs: 20, onError: () => undefined });
    manager = createTransactionManager({
      provider: chain.provider,
      signer: new Wallet(ALICE),
      journal: createFileIntentJournal({ path: join(dir, "intents.log") }),
      abis: ROOT_ABIS,
      pollMs: 20,
      rules: { bumpAfterMs: 5_000 },
      onReorged: (id) => reorged.push(id),
    });
    await chain.send("evm_setAutomine", [false]);
    miner = setInterval(() => {
      if (isMining) void chain.send("evm_mine");
    }, BLOCK_MS);
    await manager.start();
    source.start();
  });
  after(async () => {
    clearInterval(miner);
    await manager.stop();
    await source.stop();
    replica.close();
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("batches: are all there once and in order after ten blocks were replaced, and both layers sum to the deposits", async () => {
    const { inbox, bridge } = rollup.contracts;
    const l2Time = (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
    const ids: string[] = [];
    const entries = await Promise.all([inbox.entryHash(0), inbox.entryHash(1)]);
    let accumulator = ZeroHash;
    for (let nonce = 0; nonce < BATCHES; nonce += 1) {
      const data = script.bundle(ALICE, 1, nonce, ...Array.from({ length: TRANSFERS }, () => ({ op: "TRANSFER", fields: { to: 2, amount: 1 } }) as const));
      const id = `batch-${nonce}`;
      ids.push(id);
      const slots = hexlify(data);
      accumulator = accumulatorAfter(accumulator, batchHashOf(l2Time, 2n, data.length / SLOT_BYTES, dataRoot(slots)), nonce === 0 ? entries : []);
      const call = inbox.interface.encodeFunctionData("submitBatch", [l2Time, 2, accumulator, slots]);
      // One batch is taken back that is known as mined, however slow this machine is: no block comes until then.
      const isLost = nonce === BATCHES / 2;
      if (isLost) isMining = false;
      await manager.submit({ id, to: rollup.deployment.contracts.inbox, valueWei: 0n, data: call, gasLimit: SUBMIT_GAS });
      await new Promise((resolve) => setTimeout(resolve, BLOCK_MS / 2));
      if (isLost) {
        await until("it is in a block", async () => {
          if (Number(await inbox.batchCount()) > nonce) return true;
          await chain.send("evm_mine");
          return false;
        });
        await until("it is known to be", () => manager.find(id)?.mined !== undefined);
        await chain.send("anvil_reorg", [REORG_BLOCKS, []]);
        isMining = true;
      }
    }
    await until("all batches are in the replica", () => replica.batchCount >= BATCHES);

    expect(reorged.length).to.be.greaterThan(0);
    expect(Number(await inbox.batchCount())).to.equal(BATCHES);
    expect(await inbox.accumulator()).to.equal(accumulator);
    for (const id of ids) expect((await manager.wait(id)).status).to.equal("confirmed");
    const receipts = 2 + BATCHES * TRANSFERS;
    expect(replica.current.machine("receiptCount")).to.equal(receipts);
    expect(layerSums(replica).total).to.equal(2 * DEPOSIT_UNITS);
    expect(await bridge.heldUnits()).to.equal(BigInt(2 * DEPOSIT_UNITS));
  });
});
