import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { decodeLeaf } from "../../core/codec/index.ts";
import { ERROR, KIND, OP } from "../../core/generated/protocol.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import { layerSums } from "../builders/layerSums.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";
import type { RollupScript } from "../builders/rollupScript.ts";
import { pause, until } from "../builders/until.ts";

const SEQUENCER = join(import.meta.dirname, "..", "..", "services", "sequencer", "main.ts");
/** Their L1 accounts send nothing: deposits come from the deployer, batches from the sequencer's own key. */
const AGENT_KEYS = [DEVELOPMENT_KEYS[2], `0x${"a1".repeat(32)}`] as const;
const REORG_BLOCKS = 10;
/** Entries are executed below this depth, so that the reorganisation unmakes no deposit that was acknowledged. */
const DEPTH = 12;
const BLOCK_MS = 100;
const LOAD_MS = 4_000;
const TRANSFERS = 20;
const DEPOSIT_UNITS = 1_000_000;

/** What the sequencer promised for one bundle. */
interface DurableAnswer {
  readonly agent: number;
  readonly nonce: number;
  readonly firstReceipt: number;
}

describe("L1 reorganisation of ten blocks under the sequencer's load", function () {
  this.timeout(150_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let script: RollupScript;
  let dir: string;
  let url: string;
  let sequencer: ChildProcess;
  let output = "";
  let replica: Replica;
  let source: L1Source;
  let miner: ReturnType<typeof setInterval>;
  const promises: DurableAnswer[] = [];
  const rollbacks: number[] = [];

  async function get(path: string): Promise<Record<string, unknown>> {
    return (await (await fetch(`${url}${path}`)).json()) as Record<string, unknown>;
  }

  /** Sends bundle after bundle of transfers to the other agent, each once the one before is durable. */
  async function load(agent: number, untilMs: number): Promise<void> {
    const key = AGENT_KEYS[agent - 1] ?? "";
    for (let nonce = 0; Date.now() < untilMs; nonce += 1) {
      const records = Array.from({ length: TRANSFERS }, () => ({ op: "TRANSFER", fields: { to: 3 - agent, amount: 1 } }) as const);
      const answer = await fetch(`${url}/v1/bundles?wait=durable`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: Uint8Array.from(script.bundle(key, agent, nonce, ...records)),
      });
      const body = (await answer.json()) as { firstReceipt: number };
      expect(answer.status, JSON.stringify(body)).to.equal(200);
      promises.push({ agent, nonce, firstReceipt: body.firstReceipt });
      await pause(20);
    }
  }

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain);
    script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-e2e-reorg-"));
    const deployment = join(dir, "deployment.json");
    writeFileSync(deployment, JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    for (const key of AGENT_KEYS) await script.deposit(key, DEPOSIT_UNITS);
    replica = await openReplica({ dir: join(dir, "replica"), deployment: rollup.deployment, snapshotBatches: 4, onDivergence: () => undefined, onRollback: (batchCount) => rollbacks.push(batchCount) });
    source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, pollMs: 50, onError: () => undefined });
    source.start();
    await chain.send("evm_setAutomine", [false]);
    miner = setInterval(() => void chain.send("evm_mine"), BLOCK_MS);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const flags = ["--port", String(port), "--l1-url", chain.url, "--deployment", deployment, "--data-dir", join(dir, "sequencer"), "--depth", String(DEPTH), "--poll-ms", "50", "--batch-ms", "200", "--no-claiming"];
    sequencer = spawn(process.execPath, [SEQUENCER, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [sequencer.stdout, sequencer.stderr]) stream?.on("data", (data: Buffer) => (output += data.toString()));
  });
  after(async () => {
    if (sequencer.exitCode === null) {
      sequencer.kill("SIGTERM");
      await once(sequencer, "exit");
    }
    clearInterval(miner);
    await source.stop();
    replica.close();
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${output.slice(-6_000)}\n`);
  });

  it("recovery: every durable answer is on L1 at its place, and both layers sum to the deposits", async () => {
    await until("both accounts are open", async () => {
      if (sequencer.exitCode !== null) throw new Error(`the sequencer ended with code ${sequencer.exitCode}`);
      return (await fetch(`${url}/v1/agents/2`).catch(() => undefined))?.ok === true;
    });
    const endMs = Date.now() + LOAD_MS;
    const agents = [load(1, endMs), load(2, endMs)];
    await pause(LOAD_MS / 2);
    const before = await rollup.contracts.inbox.batchCount();
    expect(before > 0n, "batches were on L1 before the reorganisation").to.equal(true);
    // A deposit that the reorganisation takes back or moves: the money and the entry go together.
    const amount = BigInt(DEPOSIT_UNITS) * rollup.deployment.config.assetScale;
    await (await rollup.contracts.bridge.deposit(new Wallet(AGENT_KEYS[0]).address, amount, { value: amount })).wait();
    const head = await chain.provider.getBlockNumber();
    const recent = await rollup.contracts.inbox.queryFilter(rollup.contracts.inbox.filters.BatchSubmitted(), head - REORG_BLOCKS + 1);
    expect(recent, "batches in the blocks that will be replaced").not.to.have.length(0);
    await chain.send("anvil_reorg", [REORG_BLOCKS, []]);
    await Promise.all(agents);

    const lastReceipt = Math.max(...promises.map(({ firstReceipt }) => firstReceipt)) + TRANSFERS;
    await until("the replica has every receipt", () => replica.current.machine("receiptCount") >= lastReceipt);
    expect(rollbacks.length, "the replica saw the reorganisation").to.be.greaterThan(0);
    for (const { agent, nonce, firstReceipt } of promises) {
      const fields = decodeLeaf("RECEIPT", replica.current.appendLeaf(KIND.RECEIPT, firstReceipt));
      expect(fields).to.include({ op: OP.TRANSFER, outcome: ERROR.OK, agent, nonce, index: 0 });
    }
    const sums = layerSums(replica);
    expect(sums.total).to.equal(Number(await rollup.contracts.bridge.heldUnits()));
    const deposits = replica.view.entries.filter((entry) => entry.kind === OP.DEPOSIT);
    expect(sums.total).to.equal(deposits.reduce((sum, entry) => sum + entry.value, 0));
    const status = await get("/v1/status");
    expect(Number(status["sealedBatches"])).to.be.at.least(replica.batchCount);
  });
});
