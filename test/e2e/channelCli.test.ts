import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { toHex } from "../../core/codec/hex.ts";
import { TowerNetwork } from "../builders/towerNetwork.ts";
import { until } from "../builders/until.ts";
import { TowerProcess } from "../builders/TowerProcess.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CLI = join(ROOT, "cli", "bin", "agnt2.mjs");
const COMMAND_MS = 90_000;
const GWEI = 1_000_000_000n;
const ETHER = 10n ** 18n;

type Json = Record<string, unknown>;

/** A command that goes on: what it has said so far, one JSON document after the other. */
class Serving {
  readonly child: ChildProcess;
  text = "";

  constructor(args: readonly string[], env: Record<string, string>) {
    this.child = spawn(process.execPath, [CLI, "--json", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.setEncoding("utf8").on("data", (data: string) => (this.text += data));
  }

  async said(event: string, channel = ""): Promise<string> {
    for (const endMs = Date.now() + COMMAND_MS; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = this.text.split(/\n(?=\{)/).find((part) => part.includes(`"event": "${event}"`) && part.includes(channel));
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || Date.now() > endMs) throw new Error(`serve did not say ${event}:\n${this.text}`);
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGINT");
    await ended;
  }
}

describe("CLI: channels on a live network", function () {
  this.timeout(COMMAND_MS);
  let network: LocalNetworkForTests;
  let towers: TowerNetwork;
  let tower: TowerProcess;
  let env: Record<string, string>;
  let serving: Serving;
  let listen: string;
  const alice = Wallet.createRandom();
  const bob = Wallet.createRandom();

  function run(wallet: { privateKey: string }, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [CLI, ...args], { env: { ...env, AGNT2_KEY: wallet.privateKey }, timeout: COMMAND_MS }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr }));
    });
  }
  async function ok(wallet: { privateKey: string }, ...args: string[]): Promise<Json> {
    const { code, stdout, stderr } = await run(wallet, ["--json", "channel", ...args]);
    expect(code, `agnt2 channel ${args.join(" ")}: ${stderr}`).to.equal(0);
    return JSON.parse(stdout) as Json;
  }
  async function fails(wallet: { privateKey: string }, ...args: string[]): Promise<unknown> {
    const { code, stderr } = await run(wallet, ["--json", "channel", ...args]);
    expect(code).to.not.equal(0);
    return (JSON.parse(stderr) as { error: Json }).error["code"];
  }
  const serve = (...more: string[]): Serving => new Serving(["channel", "serve", "--listen", "tls://127.0.0.1:0", "--price", "0.001", ...more], { ...env, AGNT2_KEY: bob.privateKey });

  before(async () => {
    network = await startLocalNetwork();
    const deployment = JSON.parse(readFileSync(network.deploymentFile, "utf8")) as { contracts: Record<string, string> };
    towers = await TowerNetwork.withBond(network.chain, deployment.contracts["adjudicator"]!);
    await towers.bondTower("cli");
    tower = new TowerProcess(towers, "cli");
    await tower.start();
    const deploymentFile = join(network.dir, "deployment-with-towers.json");
    writeFileSync(deploymentFile, JSON.stringify({ ...deployment, contracts: { ...deployment.contracts, towerBond: toHex(towers.domain.towerBond) } }));
    const { PATH = "", HOME = "" } = process.env;
    env = {
      PATH, HOME, NO_COLOR: "1", AGNT2_CHANNELS: join(network.dir, "channels"),
      AGNT2_SEQUENCER_URL: network.sequencerUrl, AGNT2_API_URL: network.apiUrl, L1_URL: network.l1Url, AGNT2_FAUCET_URL: network.faucetUrl, AGNT2_DEPLOYMENT: deploymentFile,
    };
    for (const wallet of [alice, bob]) {
      expect((await run(wallet, ["faucet"])).code).to.equal(0);
      expect((await run(wallet, ["deposit", "2"])).code).to.equal(0);
    }
    serving = serve("--command", "tr a-z A-Z", "--tower", tower.url);
    listen = String((JSON.parse(await serving.said("serving")) as Json)["listen"]);
  });
  after(async () => {
    await serving?.stop();
    await tower?.stop();
    await towers?.stopTowers();
    await network?.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${serving?.text.slice(-2_000)}\n${network?.output().slice(-2_000)}\n`);
  });

  it("channel open, call, pay, status, close: sell a shell command by the call, on L1", async () => {
    const opened = await ok(alice, "open", bob.address, "1", "--peer", listen, "--window", "600");
    const id = String(opened["channel"]);
    expect(opened).to.include({ home: "L1", deposit: String(ETHER) });
    const call = await ok(alice, "call", id, "--price", "0.001", "--input", "good morning");
    expect(call).to.include({ response: "GOOD MORNING", price: String(ETHER / 1000n), sequence: 1 });
    expect(await ok(alice, "call", id.slice(0, 12), "--price", "0.001", "--input", "x", "--repeat", "20")).to.include({ calls: 20, sequence: 21 });
    expect(await fails(alice, "call", id, "--price", "0.0001", "--input", "cheap")).to.equal("channel/call-failed");
    expect(await ok(alice, "pay", id, "0.1")).to.include({ amount: String(ETHER / 10n) });
    expect(await ok(alice, "status", id)).to.include({ status: "open", paid: String(121n * 10n ** 15n), deposit: String(ETHER), received: "0" });
    const [row] = (await ok(alice, "list"))["channels"] as Json[];
    expect(row).to.include({ channel: id, home: "L1", status: "open", held: String(ETHER), peer: listen });
    // Bob's store belongs to the process that serves; what the chain knows can be seen all the same.
    // The one that serves has handed each state to the tower of its command line; its receipts can be seen too.
    const receipts = join(network.dir, "channels", bob.address.toLowerCase(), `receipts-${id.slice(2, 18)}.json`);
    await until("the tower covers all that was paid", () => existsSync(receipts) && readFileSync(receipts, "utf8").includes('"paid":121000000'));
    const seen = await ok(bob, "status", id);
    expect(seen).to.include({ status: "open" });
    expect((seen["towers"] as Json[])[0]).to.include({ url: tower.url, version: 0, paid: 121_000_000 });
    expect(await fails(bob, "pay", id, "0.01")).to.equal("channel/store-locked");
    const closed = await ok(alice, "close", id);
    expect(closed).to.include({ yours: String(ETHER - 121n * 10n ** 15n), partners: String(121n * 10n ** 15n), unilateral: false });
    await serving.said("settled", id);
    expect(await fails(alice, "call", id, "--price", "0.001", "--input", "late")).to.equal("SDK_INPUT");
  });

  it("channel deposit, withdraw, dispute, finish, collect: the partner is not needed for the end", async () => {
    const opened = await ok(alice, "open", bob.address, "0.2", "--peer", listen, "--window", "3");
    const id = String(opened["channel"]);
    expect(await ok(alice, "deposit", id, "0.1")).to.include({ canSpend: String(3n * ETHER / 10n) });
    await ok(alice, "pay", id, "0.05");
    expect(await ok(alice, "withdraw", id, "0.1")).to.include({ amount: String(ETHER / 10n) });
    await ok(alice, "dispute", id);
    await serving.said("close-requested", id);
    // Bob answers with Alice's voucher, which she has kept back.
    await serving.said("answered-close", id);
    const end = await ok(alice, "finish", id);
    expect(end).to.include({ yours: String(15n * 10n ** 16n), partners: String(5n * 10n ** 16n), unilateral: true });
    expect(await ok(alice, "collect")).to.deep.equal({ collected: "0" });
  });

  it("channel open --home core: the same inside the chain, without an L1 transaction; short windows only when told", async () => {
    expect(await fails(alice, "open", bob.address, "0.5", "--home", "core", "--peer", listen, "--window", "600")).to.equal("SDK_INPUT");
    const nonces = async (): Promise<number[]> => Promise.all([alice, bob].map(({ address }) => network.chain.provider.getTransactionCount(address)));
    const before = await nonces();
    const opened = await ok(alice, "open", bob.address, "0.5", "--home", "core", "--peer", listen, "--window", "600", "--short-window");
    const id = String(opened["channel"]);
    expect(opened).to.include({ home: "Layer Core" });
    expect(await ok(alice, "call", id, "--price", "0.002", "--input", "inside")).to.include({ response: "INSIDE" });
    const closed = await ok(alice, "close", id);
    expect(closed).to.include({ yours: String(498n * 10n ** 15n), partners: String(2n * 10n ** 15n), unilateral: false });
    expect(await nonces()).to.deep.equal(before);
    expect(BigInt(String(closed["yours"])) % GWEI).to.equal(0n);
  });

  it("channel: says what is wrong with the command line, a channel that is not known, and a partner that is away", async () => {
    expect(await fails(alice, "call", "0x1234", "--price", "0.001", "--input", "x")).to.equal("SDK_INPUT");
    expect(await fails(alice, "pay", "nonsense", "1")).to.equal("CLI_USAGE");
    expect(await fails(alice, "status", "0x1234", "--tower", "nowhere")).to.equal("CLI_USAGE");
    expect(await fails(bob, "serve", "--listen", "tls://127.0.0.1:0")).to.equal("SDK_INPUT");
    const opened = await ok(alice, "open", bob.address, "0.1", "--peer", "tls://127.0.0.1:1", "--window", "600");
    expect(await fails(alice, "pay", String(opened["channel"]), "0.01", "--timeout", "1")).to.equal("SDK_TIMEOUT");
    const { towers: shown } = await ok(alice, "status", String(opened["channel"]), "--tower", tower.url, "--tower", "http://127.0.0.1:9");
    // Nobody has signed anything yet that a tower could hand in.
    expect((shown as Json[]).map(({ url, isNewest, until: end }) => [url, isNewest, end])).to.deep.equal([[tower.url, true, null], ["http://127.0.0.1:9", true, null]]);
  });
});
