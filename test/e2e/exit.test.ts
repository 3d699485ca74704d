import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { toHex } from "../../core/codec/hex.ts";
import { openReplica } from "../../derivation/Replica.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { silentLogger } from "../../runtime/logger/createLogger.ts";
import { apiSettings } from "../../services/api/config.ts";
import { createApiService } from "../../services/api/service.ts";
import type { ApiService } from "../../services/api/service.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";
import { concatBytes } from "../builders/signedBundle.ts";

const CLI = join(import.meta.dirname, "..", "..", "cli", "bin", "agnt2.mjs");
const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const FEE_RECIPIENT = `0x${"fe".repeat(20)}`;
const GWEI = 1_000_000_000n;
const FAR = 1_000_000;

type Json = Record<string, unknown>;

/** Whoever sequenced is gone; a person has L1, the deployment file and a replica of their own. */
describe("exit by hand", function () {
  this.timeout(90_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let api: ApiService;
  let dir: string;

  function agnt2(key: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const { PATH = "", HOME = "" } = process.env;
    const env = { PATH, HOME, NO_COLOR: "1", AGNT2_KEY: key, AGNT2_SEQUENCER_URL: "http://127.0.0.1:9", AGNT2_API_URL: api.url, L1_URL: chain.url, AGNT2_DEPLOYMENT: join(dir, "deployment.json") };
    return new Promise((resolve) => {
      execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }));
    });
  }
  async function ok(key: string, ...args: string[]): Promise<Json> {
    const { code, stdout, stderr } = await agnt2(key, "--json", ...args);
    expect(code, `agnt2 ${args.join(" ")}: ${stderr}`).to.equal(0);
    return JSON.parse(stdout) as Json;
  }
  async function refused(key: string, ...args: string[]): Promise<string> {
    const { code, stderr } = await agnt2(key, "--json", ...args);
    expect(code).to.equal(1);
    return String((JSON.parse(stderr) as { error: Json }).error["message"]);
  }
  const passTime = async (seconds: number): Promise<void> => {
    await chain.send("evm_increaseTime", [seconds]);
    await chain.send("evm_mine", []);
  };

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain, { feeRecipient: FEE_RECIPIENT, payoutDelaySeconds: 5 });
    dir = mkdtempSync(join(tmpdir(), "agnt2-exit-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const script = scriptFor(chain, rollup);
    const time = (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
    await script.deposit(ALICE, 5_000);
    await script.deposit(BOB, 5_000);
    await script.submit(
      concatBytes(
        script.bundle(
          ALICE, 1, 0,
          { op: "INVOKE", fields: { provider: 2, price: 100, deadline: time + FAR, flags: 4, inputHash: new Uint8Array(32).fill(7) } },
          { op: "WORKFLOW_OPEN", fields: { expected: 2, escrow: 50, deadline: time + FAR } },
          { op: "WITHDRAW", fields: { recipient: new Uint8Array(20).fill(0xca), amount: 300 } },
        ),
      ),
    );
    const replica = await openReplica({ dir: join(dir, "own"), deployment: rollup.deployment, onDivergence: () => undefined });
    const source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, cursors: replica.cursors, pollMs: 50, onError: () => undefined });
    await source.poll();
    await script.confirm(await script.claim(toHex(replica.rootAt(1)!)));
    replica.close();
    // Never in a confirmed state: one is in a batch, one is not.
    await script.deposit(BOB, 700);
    await script.submit();
    await script.deposit(BOB, 800);
    const flags = ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`, "--poll-ms=30", "--log-level=silent"];
    api = createApiService(loadConfig(apiSettings, { env: {}, flags }), silentLogger);
    await api.start();
  });
  after(async () => {
    await api.stop({ kind: "requested", by: "the test" });
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("everyone is paid once from the last confirmed state, by anyone who sends the calls", async () => {
    const { exodus, bridge } = rollup.contracts;
    expect((await agnt2(ALICE, "exit")).stdout).to.include("Something has been waiting since");
    expect(await refused(ALICE, "exit", "declare")).to.include("TooEarly");
    const now = (await chain.provider.getBlock("latest"))!.timestamp;
    await passTime(Number(await exodus.declarableAt()) - now);
    await ok(ALICE, "exit", "declare");
    expect(await refused(BOB, "exit", "declare")).to.include("AlreadyDeclared");
    expect(await refused(BOB, "exit", "pay")).to.include("NotFinalised");
    await ok(BOB, "exit", "finalise");
    expect(await refused(BOB, "exit", "pay")).to.include("PayoutDelayed");
    await passTime(5);
    expect((await agnt2(ALICE, "exit")).stdout).to.include("The chain is dead");

    const owed = (await ok(ALICE, "exit", "owed"))["owed"] as Json[];
    expect(owed.map(({ what, amount }) => [what, BigInt(String(amount)) / GWEI])).to.deep.equal([
      ["balance", 5_000n - 100n - 50n - 300n - 6n], ["balance", 5_000n], ["unansweredCall", 100n], ["openWorkflow", 50n], ["fees", 6n], ["withdrawal", 300n], ["deposit", 700n], ["deposit", 800n],
    ]);
    const before = await chain.provider.getBalance(new Wallet(ALICE).address);
    const mine = (await ok(BOB, "exit", "pay", "--to", new Wallet(ALICE).address))["paid"] as Json[];
    expect(mine.map(({ what }) => what)).to.deep.equal(["balance", "unansweredCall", "openWorkflow"]);
    expect((await chain.provider.getBalance(new Wallet(ALICE).address)) - before).to.equal(4_694n * GWEI);
    const all = (await ok(BOB, "exit", "pay", "--everyone"))["paid"] as Json[];
    expect(all.map(({ transaction }) => transaction === "paid before")).to.deep.equal([true, false, true, true, false, false, false, false]);
    expect(await bridge.heldUnits()).to.equal(0n);
    expect(await chain.provider.getBalance(FEE_RECIPIENT)).to.equal(6n * GWEI);
  });
});
