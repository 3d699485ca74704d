import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { WebSocket } from "ws";

import { decodeLeaf, fromHex, toHex } from "../../core/codec/index.ts";
import { ACK_LEVEL, decodeAnswers, decodeBundleRecord, encodeSubmissions } from "../../core/codec/stream.ts";
import { DEPTH, ERROR, KIND, OP, TOP_DEPTH } from "../../core/generated/protocol.ts";
import { hashNode, keccak256 } from "../../core/hash/index.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";
import type { RollupScript } from "../builders/rollupScript.ts";
import { pause, until } from "../builders/until.ts";
import { Random } from "../differential/scenario/Random.ts";

const SEQUENCER = join(import.meta.dirname, "..", "..", "services", "sequencer", "main.ts");
const AGENT_KEYS = [DEVELOPMENT_KEYS[2], `0x${"b2".repeat(32)}`] as const;
/** `KILLS=50` for the long run. */
const KILLS = Number(process.env["KILLS"] ?? 6);
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const TRANSFERS = 128;
const IN_FLIGHT = 6;
const DEPOSIT_UNITS = 1_000_000_000;

interface DurableAnswer {
  readonly agent: number;
  readonly nonce: number;
  readonly firstReceipt: number;
}

/** The state root that a leaf and its proof lead to (RULES N-1 … N-4). */
function rootOf(kind: number, depth: number, index: number, leaf: Uint8Array, proof: Uint8Array): string {
  const node = new Uint8Array(129);
  let hash = new Uint8Array(32);
  hashNode(leaf, 0, kind, hash, 0);
  const levels = depth + TOP_DEPTH;
  let path = index;
  for (let level = 0; level < levels; level += 1) {
    if (level === depth) path = kind;
    const place = path % 4;
    const siblings = proof.subarray(96 * level, 96 * level + 96);
    node.set(siblings.subarray(0, 32 * place));
    node.set(hash, 32 * place);
    node.set(siblings.subarray(32 * place), 32 * place + 32);
    if (level === levels - 1) {
      node[128] = 255;
      return toHex(keccak256(node));
    }
    hash = new Uint8Array(32);
    hashNode(node.subarray(0, 128), 0, 0, hash, 0);
    path = Math.floor(path / 4);
  }
  return "0x";
}

describe("sequencer killed at random moments", function () {
  this.timeout(120_000 + KILLS * 15_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let script: RollupScript;
  let dir: string;
  let port: number;
  let url: string;
  let sequencer: ChildProcess;
  let output = "";
  const journal: DurableAnswer[] = [];

  async function get(path: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`${url}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return (await answer.json()) as Record<string, unknown>;
  }

  async function start(): Promise<void> {
    const flags = ["--port", String(port), "--l1-url", chain.url, "--deployment", join(dir, "deployment.json"), "--data-dir", join(dir, "sequencer"), "--poll-ms", "100", "--batch-ms", "100", "--no-claiming"];
    sequencer = spawn(process.execPath, [SEQUENCER, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [sequencer.stdout, sequencer.stderr]) stream?.on("data", (data: Buffer) => (output += data.toString()));
    await until("the sequencer answers", async () => {
      if (sequencer.exitCode !== null) throw new Error(`the sequencer ended with code ${sequencer.exitCode}`);
      return (await fetch(`${url}/health`).catch(() => undefined))?.ok === true;
    });
  }

  /** Sends bundle after bundle of an agent, several under way, until the connection breaks; journals every durable answer. */
  async function load(agent: number): Promise<void> {
    const key = AGENT_KEYS[agent - 1] ?? "";
    // Killed before it could answer: no load this time.
    const account = await get(`/v1/agents/${agent}`).catch(() => undefined);
    if (account === undefined) return;
    let nonce = Number(account["nonce"]);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`);
    socket.on("error", () => undefined);
    const send = (): void => {
      if (socket.readyState !== socket.OPEN) return;
      const records = Array.from({ length: TRANSFERS }, () => ({ op: "TRANSFER", fields: { to: 3 - agent, amount: 1 } }) as const);
      socket.send(encodeSubmissions([{ request: nonce, bytes: script.bundle(key, agent, nonce, ...records) }]));
      nonce += 1;
    };
    socket.on("message", (message: Buffer) => {
      for (const { level, request, body } of decodeAnswers(message) ?? []) {
        if (level !== ACK_LEVEL.DURABLE) continue;
        journal.push({ agent, nonce: request, firstReceipt: decodeBundleRecord(body).firstReceipt });
        send();
      }
    });
    socket.on("open", () => {
      for (let i = 0; i < IN_FLIGHT; i += 1) send();
    });
    await new Promise((resolve) => socket.on("close", resolve));
  }

  before(async () => {
    process.stdout.write(`    seed ${SEED}, ${KILLS} kills\n`);
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain);
    script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-e2e-kill-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    for (const key of AGENT_KEYS) await script.deposit(key, DEPOSIT_UNITS);
    port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await start();
    await until("both accounts are open", async () => (await fetch(`${url}/v1/agents/2`)).ok);
  });
  after(async () => {
    if (sequencer?.exitCode === null && sequencer.signalCode === null) {
      sequencer.kill("SIGTERM");
      await once(sequencer, "exit");
    }
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${output.slice(-6_000)}\n`);
  });

  it("every durable answer: is proven by its receipt after the restarts, and the roots are those of a replica", async () => {
    const random = new Random(SEED);
    let loadMs = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const loads = [load(1), load(2)];
      const ms = random.between(50, 900);
      await pause(ms);
      loadMs += ms;
      sequencer.kill("SIGKILL");
      await once(sequencer, "exit");
      await Promise.all(loads);
      await start();
    }
    const perSecond = Math.round((journal.length * TRANSFERS * 1000) / loadMs);
    process.stdout.write(`    ${journal.length * TRANSFERS} operations acknowledged, ${perSecond} a second under load\n`);
    expect(perSecond, "operations a second under load").to.be.at.least(5000);

    await until("everything is hashed", async () => Number((await get("/v1/status"))["queuedBundles"]) === 0);
    for (const { agent, nonce, firstReceipt } of journal) {
      const answer = await get(`/v1/receipts/${firstReceipt}`);
      const leaf = fromHex(String(answer["leaf"]), 128);
      expect(decodeLeaf("RECEIPT", leaf)).to.include({ op: OP.TRANSFER, outcome: ERROR.OK, agent, nonce, index: 0 });
      expect(rootOf(KIND.RECEIPT, DEPTH.RECEIPT, firstReceipt, leaf, fromHex(String(answer["proof"])))).to.equal(answer["stateRoot"]);
    }

    const { rooted } = (await get("/v1/status")) as { rooted: { batchCount: number; stateRoot: string } };
    const roots = new Map<number, string>();
    const replica = await openReplica({ dir: join(dir, "replica"), deployment: rollup.deployment, onDivergence: () => undefined, onBatch: (index, result) => roots.set(index + 1, toHex(result.stateRoot)) });
    const source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, pollMs: 100, onError: () => undefined });
    source.start();
    await until("the replica has derived as many batches", async () => roots.has(rooted.batchCount));
    expect(roots.get(rooted.batchCount)).to.equal(rooted.stateRoot);
    await source.stop();
    replica.close();
  });
});
