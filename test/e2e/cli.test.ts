import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";
import { until } from "../builders/until.ts";

const CLI = join(import.meta.dirname, "..", "..", "cli", "bin", "agnt2.mjs");
const COMMAND_MS = 90_000;
const PASSWORD = "correct horse battery";
const FEE_UNITS = 2n;
const UNIT = 1_000_000_000n;
const ETHER = 10n ** 18n;

type Json = Record<string, unknown>;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("CLI on a live network", function () {
  this.timeout(COMMAND_MS);
  let network: LocalNetworkForTests;
  let env: Record<string, string>;
  const alice = Wallet.createRandom();
  const bob = Wallet.createRandom();
  const carol = Wallet.createRandom();

  function run(key: string | undefined, args: readonly string[], more: Record<string, string> = {}): Promise<Outcome> {
    return new Promise((resolve) => {
      const own = { ...env, ...(key === undefined ? {} : { AGNT2_KEY: key }), ...more };
      execFile(process.execPath, [CLI, ...args], { env: own, timeout: COMMAND_MS }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr }),
      );
    });
  }
  /** Runs a command with --json and returns its document. */
  async function ok(wallet: { privateKey: string }, ...args: string[]): Promise<Json> {
    const { code, stdout, stderr } = await run(wallet.privateKey, ["--json", ...args]);
    expect(code, `agnt2 ${args.join(" ")}: ${stderr}`).to.equal(0);
    return JSON.parse(stdout) as Json;
  }
  async function fails(key: string | undefined, args: readonly string[], more: Record<string, string> = {}): Promise<{ code: number; error: Json }> {
    const { code, stdout, stderr } = await run(key, ["--json", ...args], more);
    expect(stdout).to.equal("");
    return { code, error: (JSON.parse(stderr) as { error: Json }).error };
  }
  const balanceOf = async (wallet: { privateKey: string }): Promise<bigint> => BigInt(String((await ok(wallet, "account"))["balance"]));
  const callOf = (answer: Json): string => String(answer["reference"]);

  before(async () => {
    network = await startLocalNetwork();
    const { PATH = "", HOME = "" } = process.env;
    env = {
      PATH, HOME, NO_COLOR: "1",
      AGNT2_SEQUENCER_URL: network.sequencerUrl, AGNT2_API_URL: network.apiUrl, L1_URL: network.l1Url, AGNT2_FAUCET_URL: network.faucetUrl, AGNT2_DEPLOYMENT: network.deploymentFile,
    };
  });
  after(() => network?.stop());
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${network?.output().slice(-3_000)}\n`);
  });

  it("keys new: makes an encrypted key that other commands use, and writes over none", async () => {
    const file = join(network.dir, "carol.json");
    const secrets = { AGNT2_PASSWORD: PASSWORD };
    const made = await run(undefined, ["--json", "keys", "new", file], secrets);
    expect(made.code, made.stderr).to.equal(0);
    const { address } = JSON.parse(made.stdout) as { address: string };
    expect((await fails(undefined, ["keys", "new", file], secrets)).error["code"]).to.equal("SDK_KEYSTORE");
    const gift = await run(undefined, ["--json", "--keystore", file, "faucet", "--amount", "3"], secrets);
    expect((JSON.parse(gift.stdout) as Json)["recipient"]).to.equal(address);
    writeFileSync(join(network.dir, "password"), `${PASSWORD}\n`);
    const shown = await run(undefined, ["--json", "--keystore", file, "--password-file", join(network.dir, "password"), "balance"]);
    expect(JSON.parse(shown.stdout)).to.deep.equal({ owner: address, agent: null, balance: "0", l1Balance: String(3n * ETHER) });
    expect((await fails(undefined, ["--keystore", file, "balance"], { AGNT2_PASSWORD: "wrong horse battery" })).error).to.include({ code: "SDK_KEYSTORE" });
  });

  it("faucet, deposit: give money on L1 and pay it in, which opens the account", async () => {
    for (const wallet of [alice, bob]) {
      await ok(wallet, "faucet");
      const deposit = await ok(wallet, "deposit", "1.5");
      expect(deposit).to.include({ amount: String(15n * 10n ** 17n), agent: wallet === alice ? 1 : 2 });
    }
    expect(await balanceOf(alice)).to.equal(15n * 10n ** 17n);
  });

  it("account, balance: show whole units to people and base units to programs", async () => {
    const { stdout } = await run(alice.privateKey, ["account"]);
    expect(stdout).to.include("Agent 1 holds 1.5 ETH.");
    const text = await run(alice.privateKey, ["balance", "1"]);
    expect(text.stdout).to.match(/holds 1\.5 ETH on the chain and 8\.49\d* ETH on L1/);
    expect(await ok(alice, "account", bob.address)).to.include({ index: 2, owner: bob.address.toLowerCase(), balance: String(15n * 10n ** 17n) });
  });

  it("invoke, respond: lock the price and pay it to the one who answers", async () => {
    const before = await balanceOf(bob);
    const call = await ok(alice, "invoke", "2", "--price", "0.01", "--input", "good morning");
    expect(call["price"]).to.equal(String(ETHER / 100n));
    await ok(bob, "respond", callOf(call), "--output", "GOOD MORNING!");
    expect((await balanceOf(bob)) - before).to.equal(ETHER / 100n - FEE_UNITS * UNIT);
  });

  it("calls, requests: show a provider what waits for it, and a requester what it has asked for", async () => {
    const call = callOf(await ok(alice, "invoke", "2", "--price", "0.04", "--input", "waiting", "--wait", "posted"));
    const expected = { reference: call, requester: 1, provider: 2, price: String(ETHER / 25n), status: "OPEN" };
    expect(((await ok(bob, "calls"))["calls"] as Json[])[0]).to.include(expected);
    expect(((await ok(alice, "requests"))["requests"] as Json[])[0]).to.include(expected);
    expect((await run(bob.privateKey, ["calls", "1"])).stdout).to.include("None in the newest batch");
    await ok(bob, "respond", call, "--failed");
  });

  it("respond --failed: gives the price back", async () => {
    const before = await balanceOf(alice);
    await ok(bob, "respond", callOf(await ok(alice, "invoke", bob.address, "--price", "0.02", "--input", "x")), "--failed");
    expect(before - (await balanceOf(alice))).to.equal(FEE_UNITS * UNIT);
  });

  it("accept, reject: pay an answer under review, or take the price back", async () => {
    const before = await balanceOf(bob);
    const review = async (): Promise<string> => {
      const call = callOf(await ok(alice, "invoke", "2", "--price", "0.1", "--input", "draft", "--review", "600"));
      await ok(bob, "respond", call, "--output", "a draft");
      return call;
    };
    await ok(alice, "accept", await review(), "--rating", "5");
    await ok(alice, "reject", await review(), "--rating", "1");
    expect((await balanceOf(bob)) - before).to.equal(ETHER / 10n - 2n * FEE_UNITS * UNIT);
    expect(await ok(bob, "account")).to.include({ disputed: 1 });
  });

  it("timeout: refunds a call that nobody answered, and says why not when it is too early", async () => {
    const waiting = callOf(await ok(alice, "invoke", "2", "--price", "0.1", "--input", "soon", "--deadline", "600"));
    const early = await fails(alice.privateKey, ["timeout", waiting]);
    expect([early.code, early.error["code"]]).to.deep.equal([1, "E_NOT_DUE"]);
    await ok(bob, "respond", waiting, "--failed");
    const call = callOf(await ok(alice, "invoke", "2", "--price", "0.3", "--input", "late", "--deadline", "1"));
    const before = await balanceOf(alice);
    await until("it is due", async () => (await run(bob.privateKey, ["timeout", call])).code === 0);
    expect((await balanceOf(alice)) - before).to.equal((3n * ETHER) / 10n);
  });

  it("transfer, open-account, advertise: move money, make an account for somebody, publish what one can do", async () => {
    await ok(alice, "open-account", carol.address, "0.05");
    expect(await ok(carol, "account")).to.include({ index: 3, balance: String(ETHER / 20n) });
    await ok(alice, "transfer", carol.address, "0.05");
    expect(await balanceOf(carol)).to.equal(ETHER / 10n);
    const { stdout } = await run(carol.privateKey, ["advertise", '["shout"]', '{"shout":"0.01"}']);
    expect(stdout).to.include("Advertised.");
  });

  it("session-key: lets another key spend up to its cap, and is taken back", async () => {
    const session = Wallet.createRandom();
    await ok(alice, "session-key", session.address, "--cap", "0.02", "--seconds", "600");
    const asAlice = ["--account", alice.address];
    await ok(session, ...asAlice, "transfer", "3", "0.01");
    expect((await fails(session.privateKey, [...asAlice, "transfer", "3", "0.015"])).error["code"]).to.match(/^E_/);
    expect(await ok(alice, "account")).to.include({ sessionKey: session.address.toLowerCase() });
    await ok(alice, "session-key");
    expect((await fails(session.privateKey, [...asAlice, "transfer", "3", "0.001"])).error["code"]).to.equal("H_SIGNATURE");
  });

  it("workflow: pays all steps together", async () => {
    const before = await balanceOf(bob);
    const flow = callOf(await ok(alice, "workflow", "open", "--steps", "2", "--escrow", "0.3"));
    const first = callOf(await ok(alice, "workflow", "step", flow, "2", "--price", "0.1", "--input", "one"));
    await ok(bob, "respond", first, "--output", "1");
    const second = callOf(await ok(alice, "workflow", "step", flow, "3", "--price", "0.2", "--input", "two", "--depends-on", first));
    await ok(carol, "respond", second, "--output", "2");
    await ok(alice, "workflow", "compose", flow);
    await ok(bob, "workflow", "claim", first);
    await ok(carol, "workflow", "claim", second);
    expect((await balanceOf(bob)) - before).to.equal(ETHER / 10n - 2n * FEE_UNITS * UNIT);
  });

  it("withdraw, claim-withdrawal: take money out and have the bridge pay it by proof, once", async () => {
    const recipient = Wallet.createRandom().address;
    const { withdrawal } = await ok(alice, "withdraw", "0.25", "--recipient", recipient);
    const paid = await ok(alice, "claim-withdrawal", String(withdrawal), "--timeout", "60");
    expect(paid).to.include({ amount: String(ETHER / 4n), recipient });
    expect((await ok(alice, "balance", recipient))["l1Balance"]).to.equal(String(ETHER / 4n));
    const twice = await fails(alice.privateKey, ["claim-withdrawal", String(withdrawal)]);
    expect(twice.error["message"]).to.include("AlreadyWithdrawn");
    const text = await run(alice.privateKey, ["withdraw", "0.1", "--wait", "rooted"]);
    expect(text.stdout).to.match(/agnt2 claim-withdrawal 1/);
  });

  it("force: takes money out through L1, with a sequencer that is away and the replica's word, or none at all", async () => {
    const recipient = Wallet.createRandom().address;
    const nobody = { AGNT2_SEQUENCER_URL: "http://127.0.0.1:9" };
    const forced = async (...args: string[]): Promise<Json> => {
      const { code, stdout, stderr } = await run(alice.privateKey, ["--json", "force", ...args], nobody);
      expect(code, stderr).to.equal(0);
      return JSON.parse(stdout) as Json;
    };
    const status = async (): Promise<number> => Number(((await (await fetch(`${network.apiUrl}/v1/status`)).json()) as Json)["withdrawalCount"]);
    await ok(alice, "transfer", "2", "0.001", "--wait", "posted");
    const before = await status();
    const first = await forced("withdraw", "0.125", "--recipient", recipient, "--wait", "30");
    expect(first).to.include({ recipient, amount: String(ETHER / 8n) });
    const { index, nonce } = await ok(alice, "account");
    const second = await forced("withdraw", "0.125", "--recipient", recipient, "--wait", "30", "--agent", String(index), "--nonce", String(nonce));
    expect(Number(second["entry"])).to.equal(Number(first["entry"]) + 1);
    for (let tries = 0; (await status()) < before + 2; tries += 1) {
      if (tries > 100) expect.fail("the forced withdrawals are in no batch that the replica has executed");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const withdrawal of [before, before + 1]) {
      const { code, stderr } = await run(alice.privateKey, ["claim-withdrawal", String(withdrawal), "--timeout", "60"], nobody);
      expect(code, stderr).to.equal(0);
    }
    expect((await ok(alice, "balance", recipient))["l1Balance"]).to.equal(String(ETHER / 4n));
    // A used nonce: the entry is taken, and does nothing.
    await forced("transfer", "2", "0.001", "--wait", "30", "--agent", String(index), "--nonce", String(nonce));
    expect((await fails(alice.privateKey, ["force", "transfer", "2", "1", "--nonce", "3"], nobody)).error["code"]).to.equal("CLI_USAGE");
  });

  for (const [level, field] of [["rooted", "stateRoot"], ["proven", "stateRoot"], ["posted", "batch"], ["confirmed", "claim"]] as const) {
    it(`--wait ${level}: waits so far and shows it`, async () => {
      const answer = await ok(alice, "transfer", "2", "0.001", "--wait", level);
      expect(answer).to.have.property(field);
    });
  }

  it("proof: checks what a replica proves", async () => {
    const { fields, siblings } = (await ok(alice, "proof", "agents", "2")) as { fields: Json; siblings: string[] };
    expect(fields["owner"]).to.equal(bob.address.toLowerCase());
    expect(siblings.length).to.equal(42);
    for (const [object, index] of [["receipts", "3"], ["directory", "1"], ["withdrawals", "0"]]) {
      const { stdout, code } = await run(undefined, ["proof", object!, index!]);
      expect([code, stdout.includes("the proof of")], stdout).to.deep.equal([0, true]);
    }
    expect((await fails(undefined, ["proof", "receipts", "99999"])).error["code"]).to.equal("api/notFound");
  });

  it("status, batches, claims: show where the chain is", async () => {
    const status = await ok(alice, "status");
    expect(status).to.have.property("durablePosition");
    expect((status["replica"] as Json)["mode"]).to.equal("replica");
    expect(((await ok(alice, "batches"))["batches"] as Json[]).length).to.be.greaterThan(0);
    const claims = (await ok(alice, "claims"))["claims"] as Json[];
    expect(claims[0]).to.include({ status: "confirmed", isOurs: true });
    // One sequencer alone: it claims what the replica derives, and nothing else.
    expect(claims.filter(({ isOurs }) => isOurs === false)).to.deep.equal([]);
    expect((await run(undefined, ["claims"])).stdout).to.include("stateRoot");
  });

  for (const [what, args, exit, code] of [
    ["an amount that is none", ["transfer", "2", "much"], 2, "CLI_USAGE"],
    ["an unknown command", ["dance"], 2, "CLI_USAGE"],
    ["a missing option", ["invoke", "2"], 2, "CLI_USAGE"],
    ["a level that is not there", ["transfer", "2", "1", "--wait", "ever"], 2, "CLI_USAGE"],
    ["a reference that is none", ["respond", "12"], 2, "CLI_USAGE"],
    ["an address that is none", ["open-account", "0x12"], 2, "CLI_USAGE"],
    ["finer than the chain counts", ["transfer", "2", "0.0000000001"], 1, "SDK_AMOUNT"],
    ["more than the agent has", ["transfer", "2", "1000"], 1, "E_BALANCE"],
    ["an agent that is not there", ["transfer", "4000", "0.1"], 1, "E_UNKNOWN_AGENT"],
    ["an address without an account", ["transfer", `0x${"ab".repeat(20)}`, "0.1"], 1, "SDK_NO_ACCOUNT"],
    ["a call that is not there", ["respond", "999:999"], 1, "INTAKE_WAITED_TOO_LONG"],
    ["a sequencer that is away", ["--sequencer", "http://127.0.0.1:9", "status"], 1, "SDK_UNREACHABLE"],
    ["an L1 that is away", ["--l1", "http://127.0.0.1:9", "deposit", "0.1"], 1, "SDK_UNREACHABLE"],
    ["a replica that is away", ["--api", "http://127.0.0.1:9", "batches"], 1, "SDK_UNREACHABLE"],
    ["a sequencer that somebody else is", ["--sequencer-address", `0x${"ab".repeat(20)}`, "transfer", "2", "0.1"], 1, "SDK_BAD_SIGNATURE"],
    ["a deployment file that is not there", ["--deployment", "nowhere.json", "status"], 1, "SDK_INPUT"],
    ["a withdrawal that does not come", ["claim-withdrawal", "77", "--timeout", "1"], 1, "SDK_TIMEOUT"],
  ] as const) {
    it(`bad input: ends with ${exit} and ${code} for ${what}`, async () => {
      const { code: actual, error } = await fails(alice.privateKey, args);
      expect([actual, error["code"]], String(error["message"])).to.deep.equal([exit, code]);
      expect(error["todo"]).to.be.a("string");
    });
  }

  it("bad input: says in words what happened and what to do when nothing but text is asked for", async () => {
    const noKey = await run(undefined, ["account"]);
    expect([noKey.code, noKey.stdout]).to.deep.equal([1, ""]);
    expect(noKey.stderr).to.include("SDK_SIGNER").and.include("What to do:");
    const usage = await run(undefined, ["transfer", "2"]);
    expect([usage.code, usage.stderr.includes("missing required argument")]).to.deep.equal([2, true]);
  });
});

describe("CLI on a chain that settles in a token", function () {
  this.timeout(COMMAND_MS);
  let network: LocalNetworkForTests;
  const agent = Wallet.createRandom();

  const run = (args: readonly string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const { PATH = "", HOME = "" } = process.env;
      const env = {
        PATH, HOME, NO_COLOR: "1", AGNT2_KEY: agent.privateKey,
        AGNT2_SEQUENCER_URL: network.sequencerUrl, AGNT2_API_URL: network.apiUrl, L1_URL: network.l1Url, AGNT2_FAUCET_URL: network.faucetUrl, AGNT2_DEPLOYMENT: network.deploymentFile,
      };
      execFile(process.execPath, [CLI, ...args], { env, timeout: COMMAND_MS }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr }),
      );
    });

  before(async () => {
    network = await startLocalNetwork("token");
  });
  after(() => network?.stop());

  it("deposit, withdraw, claim-withdrawal: approve, pay in and take out the token, in its own symbol and decimals", async () => {
    for (const args of [["faucet", "--amount", "8"], ["deposit", "5"], ["withdraw", "1.25"], ["claim-withdrawal", "0", "--timeout", "60"]]) {
      const { code, stderr } = await run(args);
      expect(code, `agnt2 ${args.join(" ")}: ${stderr}`).to.equal(0);
    }
    const { stdout } = await run(["balance"]);
    expect(stdout).to.match(/holds 3\.74\d* TEST on the chain and 4\.25 TEST on L1/);
  });
});
