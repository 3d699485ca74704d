import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { freePort } from "../builders/localChain.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";
import { until } from "../builders/until.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const STEP_MS = 60_000;

/** The three commands of README's tour, as they stand there. */
function tour(): string[] {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const section = text.slice(text.indexOf("## Sell your own HTTP service"));
  const block = /```sh\n([\s\S]*?)```/.exec(section)![1]!;
  return block.trim().split("\n").map((line) => line.replace(/\s+#.*$/, ""));
}

describe("README's tour: sell your own HTTP service", function () {
  this.timeout(STEP_MS);
  let network: LocalNetworkForTests;
  let home: string;
  let env: Record<string, string>;
  const running: { readonly child: ChildProcess; output: string }[] = [];
  let commands: string[];

  function start(command: string): { readonly child: ChildProcess; output: string } {
    // A group of its own, so that what the shell has started ends with it.
    const child = spawn("sh", ["-c", `exec ${command}`], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const started = { child, output: "" };
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (started.output += data.toString()));
    running.push(started);
    return started;
  }
  async function stop({ child }: { readonly child: ChildProcess }, signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const closed = once(child, "close") as Promise<[number | null]>;
    process.kill(-child.pid!, signal);
    return (await closed)[0];
  }
  async function run(command: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const started = start(command);
    const [code] = (await once(started.child, "close")) as [number | null];
    return { code, output: started.output };
  }

  before(async () => {
    network = await startLocalNetwork("ETH", true);
    home = mkdtempSync(join(tmpdir(), "agnt2-tour-"));
    symlinkSync(join(ROOT, "docs"), join(home, "docs"));
    // What npx does in the repository, without asking a registry.
    mkdirSync(join(home, "bin"));
    writeFileSync(join(home, "bin", "npx"), `#!/bin/sh\nshift\nexec "${process.execPath}" "${join(ROOT, "cli", "bin", "agnt2.mjs")}" "$@"\n`);
    chmodSync(join(home, "bin", "npx"), 0o755);
    const [service, door, admin] = [await freePort(), await freePort(), await freePort()];
    // The ports of the page may be in use here.
    commands = tour().map((line) => line.replaceAll("8080", String(service)).replaceAll("8402", String(door)));
    env = {
      PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`, HOME: home, NO_COLOR: "1", SIDECAR_PORT: String(door), SIDECAR_ADMIN_PORT: String(admin), SIDECAR_CHANNEL_LISTEN: "tls://127.0.0.1:0",
      AGNT2_SEQUENCER_URL: network.sequencerUrl, AGNT2_API_URL: network.apiUrl, L1_URL: network.l1Url, AGNT2_FAUCET_URL: network.faucetUrl, AGNT2_DEPLOYMENT: network.deploymentFile,
    };
  });
  after(async () => {
    for (const each of running) await stop(each, "SIGKILL");
    await network?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it("three commands: a service is started, sold, and bought from", async () => {
    expect(commands).to.have.length(3);
    start(commands[0]!);
    const sidecar = start(commands[1]!);
    await until("the sidecar is open for business", () => {
      if (sidecar.child.exitCode !== null) expect.fail(sidecar.output);
      return sidecar.output.includes("Open for business");
    });
    expect(sidecar.output).to.match(/agentId +\d/).and.match(/ways +.*call/).and.match(/prices +\* \/\* 0\.0001/);
    const bought = await run(commands[2]!);
    expect(bought.code, bought.output).to.equal(0);
    expect(bought.output).to.include("# 17. The payment escorts the request").and.match(/paid +0\.0001 ETH/).and.match(/way +call/);
  });

  it("the books, while it runs: what came in and what was bought", async () => {
    const earned = await run("npx agnt2 sidecar earnings");
    expect(earned.output, "earnings").to.match(/call +0x0+ +1 +0\.0001 ETH/);
    const bought = await run("npx agnt2 --json sidecar receipts --data-dir .agnt2/buyer");
    const { receipts } = JSON.parse(bought.output) as { receipts: Record<string, unknown>[] };
    expect(receipts.map(({ way, state, amount }) => [way, state, amount])).to.deep.equal([["call", "paid", String(10n ** 14n)]]);
  });

  it("SIGHUP: reads the prices again while it runs", async () => {
    process.kill(running[1]!.child.pid!, "SIGHUP");
    await until("the prices are in force", () => running[1]!.output.includes("The new prices are in force"));
    expect((await fetch(commands[1]!.match(/http\S+/)![0])).status).to.equal(200);
  });

  it("without funds: says what is missing, is alive and not ready, serves what is free, and ends when it is told to", async () => {
    const [door, admin] = [await freePort(), await freePort()];
    const routes = join(home, "routes.yaml");
    writeFileSync(routes, "routes:\n  - match: GET /adr/*\n    free: true\n  - match: \"* /*\"\n    price: \"0.1\"\n");
    const poor = start(`npx agnt2 sidecar ${commands[1]!.match(/--upstream \S+/)![0]} --routes ${routes} --ways call --faucet http://127.0.0.1:9 --port ${door} --admin-port ${admin} --data-dir poor`);
    await until("it asks for funds", () => poor.output.includes("Waiting for funds: send"));
    await until("the door is open", async () => (await fetch(`http://127.0.0.1:${door}/adr/`).catch(() => undefined))?.status === 200);
    expect((await fetch(`http://127.0.0.1:${door}/`)).status).to.equal(503);
    expect((await fetch(`http://127.0.0.1:${admin}/health`)).status).to.equal(200);
    const ready = await fetch(`http://127.0.0.1:${admin}/ready`);
    expect([ready.status, ((await ready.json()) as { missingSteps: string[] }).missingSteps]).to.deep.equal([503, ["registration", "account", "link", "session", "advertise"]]);
    expect(await stop(poor, "SIGTERM"), poor.output).to.equal(0);
  });

  it("Ctrl-C: drains and ends with 0; what is wrong ends with 1 and a code", async () => {
    const sidecar = running[1]!;
    expect(await stop(sidecar, "SIGINT"), sidecar.output).to.equal(0);
    const unpriced = await run("npx agnt2 --json sidecar --upstream http://127.0.0.1:1");
    expect([unpriced.code, (JSON.parse(unpriced.output) as { error: Record<string, unknown> }).error["code"]]).to.deep.equal([1, "config/invalid"]);
    expect((await run("npx agnt2 sidecar dance")).code).to.equal(2);
    const checked = await run("npx agnt2 --json sidecar check --price 0.25 --upstream http://127.0.0.1:1");
    expect(JSON.parse(checked.output)).to.deep.include({ routes: [{ match: "* /*", price: "0.25", x402: null, paid: "after", timeoutMs: 30_000, maxBodyBytes: 1_048_576 }] });
    const nothing = await run("npx agnt2 --json sidecar earnings --data-dir nowhere");
    expect([nothing.code, (JSON.parse(nothing.output) as { error: Record<string, unknown> }).error["code"]]).to.deep.equal([1, "SDK_INPUT"]);
  });
});
