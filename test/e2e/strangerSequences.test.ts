import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { connectSequencerSet } from "../../chain/connectContracts.ts";
import { domainSeparator } from "../../core/codec/bundle.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { headDigest } from "../../core/codec/heads.ts";
import { findEquivocations } from "../../core/dispute/findEquivocations.ts";
import type { SeenHead } from "../../core/dispute/findEquivocations.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import { recoverAddress } from "../../runtime/crypto/secp.ts";
import type { SequencerSet } from "../../typechain-types/root/index.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";
import type { RollupScript } from "../builders/rollupScript.ts";
import { pause, until } from "../builders/until.ts";

const SEQUENCER = join(import.meta.dirname, "..", "..", "services", "sequencer", "main.ts");
const [, OPERATOR_KEY, ALICE] = DEVELOPMENT_KEYS;
/** The fourth well-known development key. */
const STRANGER_KEY = "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6";
const BOB = `0x${"b2".repeat(32)}`;
const BOND_WEI = 1_000n;
const SLOT_SECONDS = 4;
const VACANCY_SECONDS = 24;
const DEPOSIT_UNITS = 1_000_000;
const KILLS = 4;

interface DurableBody {
  readonly position: number;
  readonly head: string;
  readonly headSlot: number;
  readonly headPosition: number;
  readonly signature: string;
}

describe("a set that vanishes", function () {
  this.timeout(240_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let set: SequencerSet;
  let script: RollupScript;
  let dir: string;
  let separator: Uint8Array;
  let port: number;
  let sequencer: ChildProcess | undefined;
  let output = "";
  const heads: SeenHead[] = [];

  const url = (): string => `http://127.0.0.1:${port}`;
  const get = async (path: string): Promise<Record<string, unknown>> => (await (await fetch(`${url()}${path}`)).json()) as Record<string, unknown>;
  const postedCount = async (): Promise<number> => Number(await rollup.contracts.inbox.batchCount());

  async function start(name: string, key: string, ...more: string[]): Promise<void> {
    const flags = ["--port", String(port), "--l1-url", chain.url, "--deployment", join(dir, "deployment.json"), "--data-dir", join(dir, name), "--poll-ms", "100", "--batch-ms", "100", "--no-claiming", ...more];
    const child = spawn(process.execPath, [SEQUENCER, ...flags], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, SEQUENCER_KEY: key } });
    sequencer = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    await until(`${name} answers`, async () => {
      if (child.exitCode !== null) throw new Error(`the sequencer ended with code ${child.exitCode}`);
      return (await fetch(`${url()}/health`).catch(() => undefined))?.ok === true;
    });
  }

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (sequencer === undefined || sequencer.exitCode !== null || sequencer.signalCode !== null) return;
    sequencer.kill(signal);
    await once(sequencer, "exit");
  }

  /** A transfer from Alice to Bob; its durable answer. */
  async function transfer(nonce: number, units = 1): Promise<DurableBody> {
    const bytes = script.bundle(ALICE, 1, nonce, { op: "TRANSFER", fields: { to: 2, amount: units } });
    const answer = await fetch(`${url()}/v1/bundles?wait=durable`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: Buffer.from(bytes) });
    const body = (await answer.json()) as DurableBody;
    if (!answer.ok) throw new Error(`bundle ${nonce}: ${answer.status} ${JSON.stringify(body)}`);
    heads.push({ slot: body.headSlot, position: body.headPosition, head: fromHex(body.head, 32), signature: fromHex(body.signature, 64) });
    return body;
  }

  const signerOf = ({ headSlot, headPosition, head, signature }: DurableBody): string =>
    toHex(recoverAddress(headDigest(separator, headSlot, headPosition, fromHex(head, 32)), fromHex(signature, 64)) ?? new Uint8Array());
  const balanceOf = async (agent: number): Promise<number> => Number((await get(`/v1/agents/${agent}`))["balance"]);

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain, { operatorBondWei: BOND_WEI, slotSeconds: SLOT_SECONDS, vacancySeconds: VACANCY_SECONDS, graceSeconds: 1 });
    set = connectSequencerSet(rollup.deployment, new Wallet(OPERATOR_KEY, chain.provider))!;
    separator = domainSeparator({ chainId: chain.chainId, inbox: fromHex(rollup.deployment.contracts.inbox, 20) });
    script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-e2e-stranger-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    for (const key of [ALICE, BOB]) await script.deposit(key, DEPOSIT_UNITS);
    await (await set.join(new Wallet(OPERATOR_KEY).address, { value: BOND_WEI })).wait();
    port = await freePort();
  });
  after(async () => {
    await kill("SIGTERM");
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${output.slice(-6_000)}\n`);
  });

  let nonce = 0;
  let alice = 0;
  let bob = 0;

  it("operator: signs heads for the slot of their time, and for no slot and position two, however often it is killed", async () => {
    await start("operator", OPERATOR_KEY);
    await until("both accounts are open", async () => (await fetch(`${url()}/v1/agents/2`)).ok);
    for (let kills = 0; kills <= KILLS; kills += 1) {
      const before = Math.floor(Date.now() / 1000 / SLOT_SECONDS);
      const told: DurableBody[] = [];
      for (let sent = 0; sent < 20; sent += 1) told.push(await transfer(nonce++));
      const after = Math.floor(Date.now() / 1000 / SLOT_SECONDS);
      for (const each of told) {
        expect(each.headSlot).to.be.within(before, after);
        expect(signerOf(each)).to.equal(new Wallet(OPERATOR_KEY).address.toLowerCase());
      }
      if (kills === KILLS) break;
      const unanswered = transfer(nonce++).catch(() => undefined);
      await pause(kills);
      await kill();
      await unanswered;
      await start("operator", OPERATOR_KEY);
      // What was answered is answered again with the same words; what was not, now or for the first time.
      for (const [i, sent] of told.entries()) expect(await transfer(nonce - 1 - told.length + i)).to.deep.include({ headSlot: sent.headSlot, headPosition: sent.headPosition, head: sent.head });
      await transfer(nonce - 1);
    }
    expect(findEquivocations(separator, heads)).to.deep.equal([]);
    await until("all is on L1", async () => (await postedCount()) === Number((await get("/v1/status"))["sealedBatches"]) && Number((await get("/v1/status"))["queuedBundles"]) === 0);
    [alice, bob] = [await balanceOf(1), await balanceOf(2)];
    expect(bob).to.equal(DEPOSIT_UNITS + nonce);
  });

  it("stranger: goes on from L1 alone, posts from the vacancy on and not before, and nothing that was posted is lost", async () => {
    // Its last batches may still be on their way when it stops in order.
    await kill("SIGTERM");
    rmSync(join(dir, "operator"), { recursive: true });
    const left = await postedCount();
    await start("stranger", STRANGER_KEY, "--adopt");
    expect(existsSync(join(dir, "stranger", "signAfter.json"))).to.equal(true);
    expect([await balanceOf(1), await balanceOf(2)]).to.deep.equal([alice, bob]);

    const stranger = new Wallet(STRANGER_KEY).address;
    const answer = await transfer(nonce++, 5);
    expect(signerOf(answer)).to.equal(stranger.toLowerCase());
    const vacantAt = Number(await set.activeAt()) + VACANCY_SECONDS;
    while (Date.now() / 1000 < vacantAt - 2) {
      expect(await postedCount()).to.equal(left);
      await pause(500);
    }
    await until("the stranger's batches are on L1", async () => (await postedCount()) > left);
    const block = await chain.provider.getBlock("latest");
    expect(block!.timestamp).to.be.at.least(vacantAt);

    // Users go on: a deposit and transfers, all on L1, and the same for everybody who derives it.
    await script.deposit(ALICE, 1_000);
    for (let sent = 0; sent < 10; sent += 1) await transfer(nonce++);
    await until("the deposit is there", async () => (await balanceOf(2)) === bob + 15 && (await balanceOf(1)) > alice - 15 - 100 * nonce + 900);
    const replica = await openReplica({ dir: join(dir, "replica"), deployment: rollup.deployment, onDivergence: (error) => expect.fail(error.message) });
    const source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, pollMs: 100, onError: () => undefined });
    source.start();
    await until("a replica has the stranger's root", async () => {
      const { rooted } = (await get("/v1/status")) as { rooted: { batchCount: number; stateRoot: string } | null };
      const root = rooted === null ? undefined : replica.rootAt(rooted.batchCount);
      return root !== undefined && toHex(root) === rooted?.stateRoot && Number(rooted.batchCount) > left;
    });
    await source.stop();
    replica.close();
    expect(findEquivocations(separator, heads)).to.deep.equal([]);
  });

  it("stranger: started again, goes on with its own log", async () => {
    await kill();
    await start("stranger", STRANGER_KEY, "--adopt");
    const posted = await postedCount();
    await transfer(nonce++);
    await until("it posts", async () => (await postedCount()) > posted);
  });
});
