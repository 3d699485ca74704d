import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { JsonRpcProvider, Wallet, parseEther } from "ethers";

import { connectIdentityRegistry } from "../../chain/agents/connectRegistries.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";

const CHILD = join(import.meta.dirname, "..", "builders", "sidecarIdentity.ts");
/**
 * The moments after which something could happen twice, in stories of one agent each: what was written is sent by the next start, so a step has
 * one crash after that. `ALL_POINTS=1` plays every moment.
 */
const STORIES = process.env["ALL_POINTS"] === undefined
  ? [["registration:written", "account:sent", "link:written", "session:set"], ["registration:mined", "account:written", "uri:sent", "advertise:set"]]
  : [
      ["registration:written", "account:signed", "account:sent", "link:mined", "uri:written", "session:set"],
      ["registration:sent", "account:written", "link:sent", "uri:mined", "advertise:set"],
      ["registration:signed", "registration:mined", "account:mined", "link:written", "uri:sent"],
    ];
const STEP_MS = 60_000;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("sidecar identity", function () {
  this.timeout(STEP_MS);
  let network: LocalNetworkForTests;
  let provider: JsonRpcProvider;
  const dirs: string[] = [];

  function newDir(): string {
    const dir = mkdtempSync(join(tmpdir(), "agnt2-identity-"));
    dirs.push(dir);
    return dir;
  }
  function flagsOf(dir: string, ...more: string[]): string[] {
    const { sequencerUrl, apiUrl, l1Url, faucetUrl, deploymentFile } = network;
    return ["--data-dir", dir, "--sequencer", sequencerUrl, "--api", apiUrl, "--l1", l1Url, "--deployment", deploymentFile, "--faucet", faucetUrl, ...more];
  }
  /** Compiled once for all runs. */
  function plainEnv(): Record<string, string> {
    return { PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: join(network.dir, "compiled") };
  }
  /** Runs until it ends, or is killed at a point. */
  async function run(point: string, flags: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    const child = spawn(process.execPath, [CHILD, point, ...flags], { env: { ...plainEnv(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
      if (stdout.includes(`at ${point}\n`)) child.kill("SIGKILL");
    });
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, stderr };
  }
  async function finish(flags: readonly string[], env?: Record<string, string>): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await run("never", flags, env);
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as Record<string, unknown>;
  }
  async function account(address: unknown): Promise<Record<string, unknown>> {
    return (await (await fetch(`${network.sequencerUrl}/v1/agents/${String(address)}`)).json()) as Record<string, unknown>;
  }
  function registry() {
    const { contracts } = loadDeployment(JSON.parse(readFileSync(network.deploymentFile, "utf8")));
    return connectIdentityRegistry(contracts.identityRegistry!, provider);
  }

  before(async () => {
    network = await startLocalNetwork("ETH", true);
    provider = new JsonRpcProvider(network.l1Url, undefined, { staticNetwork: true, cacheTimeout: -1 });
  });
  after(async () => {
    provider?.destroy();
    await network?.stop();
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  });

  it("first start: makes key, registration, account, link, session key and advertisement; the second does nothing", async () => {
    const dir = newDir();
    const first = await finish(flagsOf(dir));
    const own = await account(first["address"]);
    expect(own).to.include({ index: first["accountIndex"], erc8004Id: Number(first["agentId"]) });
    expect((own["sessionKey"] as Record<string, unknown>)["address"]).to.equal(new Wallet(String(first["session"])).address.toLowerCase());
    expect(own["capabilitiesHash"]).not.to.match(/^0x0+$/);
    expect(await registry().tokenURI(BigInt(String(first["agentId"])))).to.include(`"account":${String(first["accountIndex"])}`);
    for (const file of ["key.json", "password", "session.json", "identity.json"]) expect(statSync(join(dir, file)).mode & 0o077, file).to.equal(0);
    const sent = await provider.getTransactionCount(String(first["address"]));
    expect(await finish(flagsOf(dir))).to.deep.equal(first);
    expect(await provider.getTransactionCount(String(first["address"]))).to.equal(sent);
    expect(((await account(first["address"]))["nonce"])).to.equal(own["nonce"]);
  });

  it("kill -9 at each point of the first start: the next one goes on, and nothing is done twice", async () => {
    await Promise.all(STORIES.map(async (points) => {
      const { privateKey, address } = Wallet.createRandom();
      const flags = flagsOf(newDir());
      for (const point of points) {
        const { stdout, stderr } = await run(point, flags, { AGNT2_KEY: privateKey });
        expect(stdout, `${point}: ${stderr}`).to.include(`at ${point}`);
      }
      const { agentId } = await finish(flags, { AGNT2_KEY: privateKey });
      const owned = await registry().queryFilter(registry().filters.Registered(undefined, undefined, address), 0);
      expect(owned.map(({ args }) => String(args.agentId))).to.deep.equal([agentId]);
      // register, deposit, link, URI.
      expect(await provider.getTransactionCount(address)).to.equal(4);
      const own = await account(address);
      expect(Number(own["balance"])).to.be.within(9_999_900, 10_000_000);
      expect(own["erc8004Id"]).to.equal(Number(agentId));
    }));
  });

  it("lost folder: finds agent and account of its key again, and registers nothing", async () => {
    const { privateKey, address } = Wallet.createRandom();
    const first = await finish(flagsOf(newDir()), { AGNT2_KEY: privateKey });
    const again = await finish(flagsOf(newDir()), { AGNT2_KEY: privateKey });
    expect([again["agentId"], again["accountIndex"]]).to.deep.equal([first["agentId"], first["accountIndex"]]);
    expect(again["session"]).not.to.equal(first["session"]);
    expect(await provider.getTransactionCount(address)).to.equal(4);
  });

  it("funds: says what is missing and goes on when it has come, without a faucet", async () => {
    const wallet = Wallet.createRandom();
    const flags = [...flagsOf(newDir()).filter((each) => each !== "--faucet" && each !== network.faucetUrl), "--faucet", "http://127.0.0.1:9"];
    const child = spawn(process.execPath, [CHILD, "never", ...flags], { env: { ...plainEnv(), AGNT2_KEY: wallet.privateKey }, stdio: ["ignore", "pipe", "pipe"] });
    let told = "";
    child.stderr.on("data", (data: Buffer) => {
      const isFirst = !told.includes("\"funds\"");
      told += data.toString();
      if (isFirst && told.includes("\"funds\"")) void fetch(`${network.faucetUrl}/v1/faucet`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ address: wallet.address, amountBase: String(parseEther("1")) }) });
    });
    const [code] = (await once(child, "close")) as [number];
    expect(code, told).to.equal(0);
    const funds = JSON.parse(told.split("\n").find((line) => line.includes("\"funds\""))!) as { missingWei: string; address: string };
    expect(funds.address).to.equal(wallet.address.toLowerCase());
    expect(BigInt(funds.missingWei) > parseEther("0.01")).to.equal(true);
  });

  it("steps that are left out are not made", async () => {
    const { privateKey, address } = Wallet.createRandom();
    const made = await finish(flagsOf(newDir(), "--identity", "account,session"), { AGNT2_KEY: privateKey });
    expect(made["agentId"]).to.equal("undefined");
    const own = await account(address);
    expect([own["erc8004Id"], own["capabilitiesHash"]]).to.deep.equal([null, `0x${"0".repeat(64)}`]);
    expect(await provider.getTransactionCount(address)).to.equal(1);
  });

  it("half a pair, another key, a broken journal: stops with a code, and makes no new key", async () => {
    const dir = newDir();
    const flags = flagsOf(dir, "--identity", "");
    await finish(flags);
    const key = readFileSync(join(dir, "key.json"), "utf8");
    expect((await run("never", flags, { AGNT2_KEY: Wallet.createRandom().privateKey })).stderr).to.include("identity/other");
    const password = readFileSync(join(dir, "password"), "utf8");
    rmSync(join(dir, "password"));
    expect((await run("never", flags)).stderr).to.include("identity/key");
    expect(existsSync(join(dir, "password"))).to.equal(false);
    writeFileSync(join(dir, "password"), password);
    writeFileSync(join(dir, "identity.json"), "{");
    expect((await run("never", flags)).stderr).to.include("identity/journal");
    expect(readFileSync(join(dir, "key.json"), "utf8")).to.equal(key);
  });
});
