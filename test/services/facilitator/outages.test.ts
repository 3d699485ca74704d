import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { DollarStage, ask } from "../../builders/dollarStage.ts";
import { freePort } from "../../builders/localChain.ts";
import { startSwitchableProxy } from "../../builders/switchableProxy.ts";
import { until } from "../../builders/until.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
/** Code of a contract that takes every signature (ERC-1271), after so many rounds of 26 gas. */
const agreesAfter = (rounds: number): string => `0x62${rounds.toString(16).padStart(6, "0")}5b60019003806004575063${"1626ba7e"}60e01b5f5260205ff3`;
const REFUSES = "0x5f5f5260205ff3";
const mine = (stage: DollarStage): Promise<unknown> => stage.chain.send("evm_mine");

describe("facilitator when things go wrong", function () {
  this.timeout(60_000);
  let stage: DollarStage;

  before(async () => {
    stage = await DollarStage.start();
  });
  after(() => stage.stop());

  /** Transactions that wait for a block. */
  const waiting = async (): Promise<number> => Number(await stage.chain.send("eth_getBlockTransactionCountByNumber", ["pending"]));
  /** No block until `work` has asked for one. */
  const withoutBlocks = async (work: () => Promise<void>): Promise<void> => {
    await stage.chain.send("evm_setAutomine", [false]);
    try {
      await work();
    } finally {
      await stage.chain.send("evm_setAutomine", [true]);
      await mine(stage);
    }
  };

  it("L1 away: says so, calls no payment bad, takes the other endpoint, and is well again by itself", async () => {
    const proxy = await startSwitchableProxy(stage.chain.url);
    const alone = await stage.facilitator([], { l1Url: proxy.url });
    const doubled = await stage.facilitator(["--plain-key", `0x${"9".repeat(64)}`], { l1Url: `${proxy.url},${stage.chain.url}` });
    try {
      const payload = await stage.pay();
      proxy.isUp = false;
      for (const route of ["verify", "settle"] as const) {
        const answer = await ask(alone.url, route, payload, stage.requirements());
        expect(answer.status).to.equal(503);
        expect(answer).to.not.have.any.keys("isValid", "success");
      }
      await until("it is not well", async () => (await fetch(`${alone.statusUrl}/health`)).status === 503 && (await fetch(`${alone.url}/health`)).status === 503);
      expect(await ask(doubled.url, "verify", payload, stage.requirements())).to.include({ isValid: true });
      proxy.isUp = true;
      await until("it is well", async () => (await fetch(`${alone.statusUrl}/health`)).ok);
      expect(await ask(alone.url, "settle", payload, stage.requirements())).to.include({ success: true });
    } finally {
      await alone.stop();
      await doubled.stop();
      await proxy.stop();
    }
  });

  it("blocks that do not come: is pending with its transaction, and the same one is settled when it is asked again", async () => {
    const running = await stage.facilitator(["--settle-ms", "300"]);
    const payload = await stage.pay();
    const before = (await stage.transfersTo(stage.payee.address)).length;
    await withoutBlocks(async () => {
      let first: Awaited<ReturnType<typeof ask>> | undefined;
      await until("it is sent", async () => {
        first = await ask(running.url, "settle", payload, stage.requirements());
        expect(first).to.include({ success: false, errorReason: "settlement_pending" });
        return /^0x[0-9a-f]{64}$/.test(String(first["transaction"]));
      });
      expect(await ask(running.url, "settle", payload, stage.requirements())).to.include({ errorReason: "settlement_pending" });
      await mine(stage);
      expect(await ask(running.url, "settle", payload, stage.requirements())).to.include({ success: true, transaction: first!["transaction"] });
    });
    expect((await stage.transfersTo(stage.payee.address)).length).to.equal(before + 1);
    await running.stop();
  });

  it("block that is taken back: the payment is sent again by itself, and told as before or as it is now", async () => {
    const running = await stage.facilitator();
    const payload = await stage.pay();
    const before = await stage.balanceOf(stage.payee.address);
    expect(await ask(running.url, "settle", payload, stage.requirements())).to.include({ success: true });
    await stage.chain.send("anvil_reorg", [1, []]);
    await until("it is paid again", async () => (await stage.balanceOf(stage.payee.address)) === before + 2_500n);
    const again = await ask(running.url, "settle", payload, stage.requirements());
    expect(again).to.include({ success: true });
    expect(await stage.transfersTo(stage.payee.address)).to.include(again["transaction"]);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + 2_500n);
    await running.stop();
  });

  it("many at once from one account: every nonce is used once, and every payment paid", async () => {
    const running = await stage.facilitator(["--rate-limit", "0"]);
    const before = await stage.balanceOf(stage.payee.address);
    const payloads = await Promise.all(Array.from({ length: 24 }, () => stage.pay()));
    const answers = await Promise.all(payloads.map((payload) => ask(running.url, "settle", payload, stage.requirements())));
    expect(answers.filter(({ success }) => success)).to.have.length(24);
    expect(await stage.balanceOf(stage.payee.address)).to.equal(before + 24n * 2_500n);
    await running.stop();
  });

  it("flood: more than it settles at once is refused before anything is sent", async () => {
    const running = await stage.facilitator(["--max-pending", "2", "--settle-ms", "2s"]);
    const payloads = await Promise.all(Array.from({ length: 10 }, () => stage.pay()));
    await withoutBlocks(async () => {
      const asked = payloads.map((payload) => ask(running.url, "settle", payload, stage.requirements()));
      await until("two are under way", async () => (await waiting()) === 2);
      await mine(stage);
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      expect(statuses.filter((status) => status === 503)).to.have.length(8);
    });
    await running.stop();
  });

  it("contract that makes its payment dear: is refused before it costs gas; one that changes its mind costs once", async () => {
    const running = await stage.facilitator();
    const contract = Wallet.createRandom().address;
    await stage.mint(contract);
    const signature = `0x${"71".repeat(66)}`;
    await stage.chain.send("anvil_setCode", [contract, agreesAfter(20_000)]);
    const dear = await stage.pay(undefined, { from: contract, signature });
    expect(await ask(running.url, "verify", dear, stage.requirements())).to.include({ isValid: true });
    expect(await ask(running.url, "settle", dear, stage.requirements())).to.include({ success: false, errorReason: "gas_limit_exceeded" });

    await stage.chain.send("anvil_setCode", [contract, agreesAfter(1)]);
    const fickle = await stage.pay(undefined, { from: contract, signature });
    await withoutBlocks(async () => {
      const asked = ask(running.url, "settle", fickle, stage.requirements());
      await until("it is under way", async () => (await waiting()) === 1);
      await stage.chain.send("anvil_setCode", [contract, REFUSES]);
      await mine(stage);
      expect(await asked).to.include({ success: false, errorReason: "invalid_exact_evm_transaction_failed" });
    });
    await stage.chain.send("anvil_setCode", [contract, agreesAfter(1)]);
    const later = await stage.pay(undefined, { from: contract, signature });
    expect(await ask(running.url, "settle", later, stage.requirements())).to.include({ success: false, errorReason: "payer_limit" });
    await running.stop();
  });

  it("stop: what is under way is answered first", async () => {
    const running = await stage.facilitator(["--settle-ms", "10s"]);
    const payload = await stage.pay();
    await withoutBlocks(async () => {
      const asked = ask(running.url, "settle", payload, stage.requirements());
      await until("it is under way", async () => (await waiting()) === 1);
      const stopped = running.stop();
      await mine(stage);
      expect(await asked).to.include({ success: true });
      await stopped;
    });
  });

  it("kill -9 while a payment is under way: the next run settles it, and sends it no second time", async () => {
    const dataDir = stage.folder();
    const [port, statusPort] = [await freePort(), await freePort()];
    const start = (): ChildProcess => {
      const flags = ["--l1-url", stage.chain.url, "--assets", stage.asset, "--data-dir", dataDir, "--port", String(port), "--status-port", String(statusPort)];
      return spawn(process.execPath, [join(ROOT, "services", "facilitator", "main.ts"), ...flags], { cwd: ROOT, stdio: "ignore" });
    };
    const url = `http://127.0.0.1:${port}`;
    const isUp = async (): Promise<boolean> => (await fetch(`${url}/health`).catch(() => undefined))?.ok === true;
    const payload = await stage.pay();
    const before = await stage.transfersTo(stage.payee.address);
    let child = start();
    try {
      await until("it is up", isUp);
      await withoutBlocks(async () => {
        const lost = ask(url, "settle", payload, stage.requirements()).then(() => "answered", () => "lost");
        await until("it was sent", async () => (await waiting()) === 1);
        child.kill("SIGKILL");
        await once(child, "exit");
        expect(await lost).to.equal("lost");
        child = start();
        await until("it is up again", isUp);
        const again = ask(url, "settle", payload, stage.requirements());
        await mine(stage);
        expect(await again).to.include({ success: true });
      });
      expect((await stage.transfersTo(stage.payee.address)).length).to.equal(before.length + 1);
    } finally {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        await ended;
      }
    }
  });
});
