import { createServer } from "node:http";
import type { Server } from "node:http";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createLogger, silentLogger } from "../../runtime/logger/createLogger.ts";
import { readSidecarConfig } from "../../sidecar/config.ts";
import type { SidecarConfig } from "../../sidecar/config.ts";
import { createSidecar } from "../../sidecar/createSidecar.ts";
import type { Sidecar } from "../../sidecar/createSidecar.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";
import { rejection } from "../services/runtime/rejection.ts";
import { until } from "../builders/until.ts";

describe("sidecar process", function () {
  this.timeout(60_000);
  let network: LocalNetworkForTests;
  let service: Server;
  let sidecar: Sidecar;
  let started: { readonly config: SidecarConfig };
  let log = "";
  const dirs: string[] = [];

  function configOf(...flags: string[]) {
    const dir = mkdtempSync(join(tmpdir(), "agnt2-sidecar-"));
    dirs.push(dir);
    const { sequencerUrl, apiUrl, l1Url, faucetUrl, deploymentFile } = network;
    const common = ["--data-dir", dir, "--sequencer", sequencerUrl, "--api", apiUrl, "--l1", l1Url, "--deployment", deploymentFile, "--faucet", faucetUrl, "--port", "0", "--admin-port", "0", "--channel-listen", "/ip4/127.0.0.1/tcp/0"];
    return readSidecarConfig({ env: {}, flags: [...common, ...flags] });
  }

  before(async () => {
    network = await startLocalNetwork("ETH", true);
    service = createServer((request, response) => response.end(`you asked for ${request.url}`)).listen(0, "127.0.0.1");
    await once(service, "listening");
    const upstream = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    started = { config: configOf("--upstream", upstream, "--price", "0.0001", "--name", "Echo") };
    sidecar = createSidecar({ config: started.config, logger: createLogger({ service: "sidecar", level: "debug", output: { write: (text) => (log += text) } }) });
    await sidecar.start();
  });
  after(async () => {
    await sidecar?.stop({ kind: "requested", by: "the test" });
    service?.close();
    await network?.stop();
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(log.slice(-6_000));
  });

  it("sells: another sidecar buys by calls, then by a channel that it opens by itself; both sides count the same", async () => {
    await sidecar.whenReady();
    const agentId = sidecar.facts.agentId!;
    const buyer = createSidecar({
      config: configOf("--gateway-port", "0", "--local-targets", "--buy-agents", `echo=${agentId}`, "--promote-deposit", "0.01", "--promote-calls", "3", "--buy-per-day", "0.1", "--promote-window-seconds", "60"),
      logger: createLogger({ service: "buyer", level: "debug", output: { write: (text) => (log += text) } }),
    });
    await buyer.start();
    try {
      await buyer.whenReady();
      const shop = `http://127.0.0.1:${buyer.gatewayPort}/agents/echo`;
      const buy = async (path: string): Promise<string> => {
        const answer = await fetch(`${shop}${path}`);
        const text = await answer.text();
        expect(answer.status, text).to.equal(200);
        return text;
      };
      expect(await buy("/first")).to.equal("you asked for /first");
      expect(buyer.buyer.receipts.list()[0]).to.deep.include({ way: "call", state: "paid", amount: 10n ** 14n, payee: sidecar.facts.address });
      await until("the pair has a channel", async () => {
        await buy("/again");
        return buyer.buyer.receipts.list()[0]!.way === "channel";
      });
      await until("every payment has its end", () => buyer.buyer.receipts.list({ limit: 1_000 }).every(({ state }) => state === "paid"));
      const earned = (way: string): bigint => sidecar.totals().filter((total) => total.way === way && total.payer === undefined).reduce((sum, { amount }) => sum + amount, 0n);
      const spent = (way: string): bigint => buyer.buyer.receipts.sums().filter((sum) => sum.way === way).reduce((sum, { amount }) => sum + amount, 0n);
      expect(spent("call")).to.equal(earned("call"));
      await buy("/private?token=hunter22");
      expect(log).not.to.include("hunter22");
      expect(JSON.stringify(buyer.buyer.receipts.list(), (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value))).not.to.include("hunter22");
      expect(Number(spent("channel") / 10n ** 14n)).to.be.greaterThan(0);
    } finally {
      await buyer.stop({ kind: "requested", by: "the test" });
    }
  });

  it("comes up: health at once, ready when the first start is done, with card, prices and ways", async () => {
    await sidecar.whenReady();
    const ready = (await (await fetch(`http://127.0.0.1:${sidecar.adminPort}/ready`)).json()) as Record<string, unknown>;
    expect(ready).to.deep.include({ ready: true, problems: [], ways: { call: true, channel: true } });
    const unpaid = await fetch(`${sidecar.url}/hello`);
    expect(unpaid.status).to.equal(402);
    const card = (await (await fetch(`${sidecar.url}/.well-known/agent-card.json`)).json()) as Record<string, unknown>;
    expect(card["name"]).to.equal("Echo");
    expect((await fetch(`${sidecar.url}/.well-known/agent-registration.json`)).status).to.equal(200);
    const metrics = await (await fetch(`http://127.0.0.1:${sidecar.adminPort}/metrics`)).text();
    expect(metrics).to.match(/agnt2_sidecar_unpaid_total\{.*\} [1-9]/).and.match(/agnt2_sidecar_ready\{.*\} 1/);
  });

  it("prices that change: are asked for at once, published, and leave everything as it was when they are wrong", async () => {
    const { config } = started;
    const hashOf = async (): Promise<unknown> => ((await (await fetch(`${network.sequencerUrl}/v1/agents/${sidecar.facts.address}`)).json()) as Record<string, unknown>)["pricesHash"];
    const asked = async (): Promise<string[]> => {
      const header = (await fetch(`${sidecar.url}/hello`)).headers.get("payment-required");
      return (JSON.parse(Buffer.from(header!, "base64").toString()) as { accepts: { amount: string }[] }).accepts.map(({ amount }) => amount);
    };
    const before = await hashOf();
    await sidecar.replacePrices({ ...config, settings: { ...config.settings, price: "0.0003" } });
    expect(new Set(await asked())).to.deep.equal(new Set([String(3n * 10n ** 14n)]));
    expect(await hashOf()).not.to.equal(before);
    await rejection("pricing/invalid", () => sidecar.replacePrices({ settings: { ...config.settings, price: undefined }, routes: [{ match: "nonsense" }] }));
    expect(new Set(await asked())).to.deep.equal(new Set([String(3n * 10n ** 14n)]));
  });

  it("a second process on the same folder: is refused", async () => {
    const second = createSidecar({ config: started.config, logger: silentLogger });
    await rejection("files/locked", () => second.start());
  });
});
