import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";

import { writeRegistrationFile } from "../../../chain/agents/writeRegistrationFile.ts";
import { mined } from "../../builders/mined.ts";
import { apiClient, startEconomyStage } from "../../builders/economyStage.ts";
import type { EconomyStage, Json } from "../../builders/economyStage.ts";
import { freePort } from "../../builders/localChain.ts";

const MAIN = join(import.meta.dirname, "..", "..", "..", "services", "api", "main.ts");
const AGENTS = Number(process.env["ECONOMY_AGENTS"] ?? 1_000);
const PER_BLOCK = 25;
const PAGE = 200;
const KILLS = 2;
/** Every so many agents one is hostile: its file is no file. */
const HOSTILE_EVERY = 10;

describe("API: a thousand agents, and an index that is killed while it is made", function () {
  this.timeout(120_000);
  let stage: EconomyStage;
  let server: Server;
  let base: string;
  let port: number;
  let child: ChildProcess | undefined;
  let output = "";
  let fetchesNow = 0;
  let fetchesMost = 0;

  const api = (): ReturnType<typeof apiClient> => apiClient(`http://127.0.0.1:${port}`, stage.chain);
  function run(): void {
    const flags = stage.flags(`--port=${port}`, "--cards-local", "--card-fetches=16", "--log-level=info").filter((flag) => flag !== "--port=0");
    child = spawn(process.execPath, [MAIN, ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => (output += data.toString()));
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
  /** Waits until the process answers and what it says is so; an answer of nobody is no answer. */
  async function until(isSo: (status: Json) => boolean): Promise<Json> {
    for (const deadline = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (child?.exitCode !== null) throw new Error(`the API ended:\n${output.slice(-3_000)}`);
      const answer = await api().get("/v1/economy/status").catch(() => undefined);
      if (answer?.status === 200 && isSo(answer.body)) return answer.body;
      if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(answer?.body)}\n${output.slice(-3_000)}`);
    }
  }

  before(async () => {
    stage = await startEconomyStage();
    server = createServer((request, response) => {
      const number = Number(request.url?.slice(1));
      fetchesNow += 1;
      fetchesMost = Math.max(fetchesMost, fetchesNow);
      setImmediate(() => {
        fetchesNow -= 1;
        const capabilities = [{ id: number % 7, name: `skill ${number % 7}` }];
        const service = { endpoint: "x", sequencer: undefined, chain: stage.chainRef, account: 1, capabilities, prices: [{ capability: number % 7, units: number }] };
        response.end(number % HOSTILE_EVERY === 0 ? "[".repeat(200_000) : writeRegistrationFile({ name: `Agent ${number}`, agnt2: [service] }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    port = await freePort();
    const [from] = (await stage.chain.send("eth_accounts")) as string[];
    const to = await stage.identity.getAddress();
    const nonce = await stage.chain.provider.getTransactionCount(from ?? "");
    await stage.chain.send("evm_setAutomine", [false]);
    for (let first = 0; first < AGENTS; first += PER_BLOCK) {
      const numbers = Array.from({ length: PER_BLOCK }, (_, place) => first + place);
      const sent = numbers.map((number) => stage.chain.send("eth_sendTransaction", [{ from, to, nonce: `0x${(nonce + number).toString(16)}`, gas: "0x7a120", data: stage.identity.interface.encodeFunctionData("register(string)", [`${base}/${number}`]) }]));
      await Promise.all(sent);
      await stage.chain.send("evm_mine");
    }
    await stage.chain.send("evm_setAutomine", [true]);
  });
  after(async () => {
    await end("SIGTERM");
    server.closeAllConnections();
    server.close();
    await stage.stop();
  });

  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${output.slice(-6_000)}\n`);
  });

  it("kill -9: again and again while it indexes and fetches; what comes out is whole, with every agent once", async () => {
    run();
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await until(({ agents, files }) => Number(agents) >= (AGENTS * kill) / (KILLS + 1) && Number((files as Json)["ok"]) > 0);
      await end("SIGKILL");
      run();
    }
    await until(({ agents, files }) => agents === AGENTS && (files as Json)["pending"] === 0);
    const items: Json[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await api().get(`/v1/economy/agents?limit=${PAGE}${cursor}`);
      items.push(...(body["items"] as Json[]));
      if (body["next"] === undefined) break;
      cursor = `&cursor=${String(body["next"])}`;
    }
    expect(items.map(({ agentId }) => Number(agentId))).to.deep.equal(Array.from({ length: AGENTS }, (_, agentId) => agentId));
    for (const item of items) {
      const number = Number(String(item["uri"]).slice(base.length + 1));
      const isHostile = number % HOSTILE_EVERY === 0;
      expect(item["card"]).to.deep.include(isHostile ? { status: "failed", code: "fetch/json", name: null } : { status: "ok", name: `Agent ${number}` });
    }
    expect(fetchesMost).to.be.at.most(16);
  });

  it("search: among a thousand is answered in pages, at once", async () => {
    const startedMs = performance.now();
    const found = await api().items(`/v1/economy/agents?capability=3&maxPrice=500&limit=${PAGE}`);
    const tookMs = performance.now() - startedMs;
    const numbers = found.map((item) => Number(String(item["uri"]).slice(base.length + 1))).sort((a, b) => a - b);
    const expected = Array.from({ length: AGENTS }, (_, number) => number).filter((number) => number % 7 === 3 && number <= 500 && number % HOSTILE_EVERY !== 0);
    expect(numbers).to.deep.equal(expected.slice(0, PAGE));
    expect(await api().items(`/v1/economy/agents?text=${AGENTS - 23}`)).to.have.length(1);
    // Far above what it takes, far below what a client waits.
    expect(tookMs).to.be.below(5_000);
  });

  it("private addresses: without the operator's word no file of this machine is fetched", async () => {
    await end("SIGTERM");
    const careful = await stage.startApi("--card-retry-ms=1");
    await careful.settled();
    await mined(stage.identity["register(string)"](`${base}/1`));
    await careful.until(`/v1/economy/agents/${AGENTS}`, (body) => (body["card"] as Json | undefined)?.["code"] === "fetch/scheme");
    await careful.stop();
  });
});
