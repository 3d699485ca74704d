import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet, ZeroHash } from "ethers";

import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { silentLogger } from "../../runtime/logger/createLogger.ts";
import { apiSettings } from "../../services/api/config.ts";
import { createApiService } from "../../services/api/service.ts";
import type { ApiService } from "../../services/api/service.ts";
import { claimState } from "../builders/claimState.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";

const CLI = join(import.meta.dirname, "..", "..", "cli", "bin", "agnt2.mjs");
const [LIAR, ALICE, BOB] = DEVELOPMENT_KEYS;
const W = 1_000;
const D = 500;
const BOND = 3_200n;

type Json = Record<string, unknown>;

/** No sequencer at all: a person with a replica of their own. */
describe("claims by hand", function () {
  this.timeout(60_000);
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
    const { error } = JSON.parse(stderr) as { error: Json };
    return `${String(error["code"])} ${String(error["message"])}`;
  }
  const passTime = async (seconds: number): Promise<void> => {
    await chain.send("evm_increaseTime", [seconds]);
    await chain.send("evm_mine", []);
  };
  async function until(what: string, isThere: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < 400; tries += 1) {
      if (await isThere()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect.fail(`${what} never came`);
  }
  const untilReplicaSees = (what: string, isThere: (claims: readonly Json[]) => boolean): Promise<void> =>
    until(what, async () => isThere(((await (await fetch(`${api.url}/v1/claims`)).json()) as { items?: Json[] }).items ?? []));

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain, { windowSeconds: W, joinSeconds: D });
    dir = mkdtempSync(join(tmpdir(), "agnt2-claims-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const flags = ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`, "--poll-ms=30", "--log-level=silent"];
    api = createApiService(loadConfig(apiSettings, { env: {}, flags }), silentLogger);
    await api.start();
    const script = scriptFor(chain, rollup);
    await script.deposit(ALICE, 5_000);
    await script.submit();
  });
  after(async () => {
    await api.stop({ kind: "requested", by: "the test" });
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("somebody claims a false state, and a person claims the true one beside it, plays for it, and sees it confirmed", async () => {
    const genesis = await rollup.contracts.settlement.genesisClaim();
    const { claimId: falseId } = await claimState(rollup.as(LIAR), { stateRoot: ZeroHash });
    await untilReplicaSees("the lie", (claims) => claims.length === 1);
    expect((await agnt2(ALICE, "claims")).stdout).to.include("Somebody claims a FALSE one");
    expect(await ok(ALICE, "claims", "round", genesis)).to.include({ round: 1, liveClaims: 1, entries: 1, bondWei: String((BOND * 33n) / 32n) });

    const made = await ok(ALICE, "claims", "make");
    expect(made).to.include({ n: 1, bondWei: String((BOND * 33n) / 32n) });
    expect(await refused(ALICE, "claims", "make")).to.match(/^SDK_INPUT /);
    const backed = await ok(BOB, "claims", "back", String(made["claimId"]));
    expect(backed).to.include({ n: 2, claimId: made["claimId"], roundId: made["roundId"] });
    expect(await refused(BOB, "claims", "confirm", String(made["claimId"]))).to.include("LiveRivals");
    expect(await refused(BOB, "claims", "release", String(made["roundId"]), "2")).to.include("BondLocked");

    // The liar never moves: Alice's challenger opens for her, and takes the liar out when its time is over.
    const challenge = agnt2(ALICE, "--json", "challenge", "--data-dir", join(dir, "alice"), "--until-quiet");
    const { game } = rollup.contracts;
    await until("the opening", async () => (await game.openings(String(made["roundId"]), 1)).openedAt > 0n);
    await passTime(61);
    const { code, stdout, stderr } = await challenge;
    expect(code, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.include({ address: new Wallet(ALICE).address, rivals: 0, confirmedEpochs: 0 });
    expect((await rollup.contracts.settlement.entries(String(made["roundId"]), 0)).isDead).to.equal(true);
    expect(await refused(BOB, "claims", "confirm", String(made["claimId"]))).to.include("RoundNotOver");
    await passTime(W + D);
    await ok(BOB, "claims", "confirm", String(made["claimId"]));
    await untilReplicaSees("the confirmation", (claims) => claims.some(({ status }) => status === "confirmed"));
    const rows = (await ok(ALICE, "claims"))["claims"] as Json[];
    expect(rows.map(({ claimId, status, isOurs }) => [claimId, status, isOurs])).to.deep.equal([[falseId, "lost", false], [made["claimId"], "confirmed", true]]);

    await ok(ALICE, "claims", "release", String(made["roundId"]), "2");
    const { amountWei } = await ok(BOB, "claims", "collect");
    expect(BigInt(String(amountWei))).to.be.greaterThan((BOND * 34n) / 32n - 1n);
    expect(await refused(BOB, "claims", "collect")).to.include("NothingToPay");
    expect(await refused(BOB, "claims", "back", falseId)).to.include("Decided");
  });
});
