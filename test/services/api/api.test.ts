import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { AbiCoder, keccak256, Wallet, ZeroAddress } from "ethers";
import { WebSocket } from "ws";

import { fromHex } from "../../../core/codec/index.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { loadConfig } from "../../../runtime/config/loadConfig.ts";
import { apiSettings } from "../../../services/api/config.ts";
import { expressPath } from "../../../services/api/createHttpApp.ts";
import { createApiService } from "../../../services/api/service.ts";
import type { ApiService } from "../../../services/api/service.ts";
import { routes } from "../../../services/api/routes/index.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../../builders/rollupOnChain.ts";
import { scriptFor } from "../../builders/rollupScript.ts";
import type { RollupScript } from "../../builders/rollupScript.ts";
import { concatBytes } from "../../builders/signedBundle.ts";

type Json = Record<string, unknown>;

const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const CAROL = "0x00000000000000000000000000000000000ca401";
const FAR = 1_000;
const WITHDRAWN_UNITS = 300;
/** Price of the call that is answered: what the answer costs in fees. */
const ANSWERED_UNITS = 2;
/** Of the answer: after two deposits and six records. */
const ANSWER_RECEIPT = 8;

describe("API", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let script: RollupScript;
  let service: ApiService;
  let dir: string;

  const get = async (path: string): Promise<{ status: number; body: Json }> => {
    const response = await fetch(`${service.url}${path}`);
    return { status: response.status, body: (await response.json()) as Json };
  };
  const codeOf = (body: Json): unknown => (body["error"] as Json | undefined)?.["code"];
  const until = async (path: string, isThere: (body: Json) => boolean): Promise<Json> => {
    for (let tries = 0; tries < 200; tries += 1) {
      const { body } = await get(path);
      if (isThere(body)) return body;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${path} never got there`);
  };
  const untilBatches = (count: number): Promise<Json> => until("/v1/status", (body) => Number(body["batchCount"]) >= count);

  function start(...more: string[]): Promise<void> {
    const config = loadConfig(apiSettings, {
      env: {},
      flags: ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`, "--poll-ms=30", "--log-level=silent", ...more],
    });
    service = createApiService(config, silentLogger);
    return service.start();
  }

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain);
    script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-api-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    await start();
    const time = (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
    await script.deposit(ALICE, 5_000);
    await script.deposit(BOB, 5_000);
    await script.submit(
      concatBytes(
        script.bundle(
          ALICE, 1, 0,
          { op: "INVOKE", fields: { provider: 2, price: 100, deadline: time + FAR, flags: 4, inputHash: new Uint8Array(32).fill(7) } },
          { op: "WORKFLOW_OPEN", fields: { expected: 2, escrow: 50, deadline: time + FAR } },
          { op: "WITHDRAW", fields: { recipient: fromHex(CAROL), amount: WITHDRAWN_UNITS } },
          { op: "TRANSFER", fields: { to: 1, amount: 1 } },
          { op: "CHANNEL_OPEN", fields: { partner: 2, amount: 70, window: 600 } },
          { op: "INVOKE", fields: { provider: 2, price: ANSWERED_UNITS, deadline: time + FAR } },
        ),
        script.bundle(BOB, 2, 0, { op: "RESPOND", fields: { status: 0, slot: 1, id: 2, outputHash: new Uint8Array(32).fill(8) } }),
      ),
    );
    await untilBatches(1);
  });
  after(async () => {
    await service.stop({ kind: "requested", by: "the test" });
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("agent: is found by index and by address, with amounts in whole and base units", async () => {
    const byIndex = await get("/v1/agents/2");
    const byAddress = await get(`/v1/agents/${new Wallet(BOB).address}`);
    expect(byAddress.body).to.deep.equal(byIndex.body);
    expect(byIndex.body["balance"]).to.deep.equal({ whole: "0.000005", base: "5000000000000", units: 5_000 });
  });

  it("calls, workflows, sessions: show what is open", async () => {
    const calls = (await get("/v1/calls?provider=2")).body["items"] as Json[];
    expect(calls.map((call) => [call["requester"], call["status"], (call["price"] as Json)["units"]])).to.deep.equal([[1, "OPEN", 100]]);
    expect((await get("/v1/calls?provider=1")).body["items"]).to.deep.equal([]);
    expect((await get("/v1/workflows/0")).body["steps"]).to.deep.include({ expected: 2, added: 0 });
    expect((await get(`/v1/sessions?agent=${new Wallet(BOB).address}`)).body["items"]).to.have.length(1);
  });

  it("channel: shows both sides, what they signed for, and what is recorded", async () => {
    const { body } = await get("/v1/channels/0");
    expect((await get("/v1/channels?agent=2")).body["items"]).to.deep.equal([body]);
    expect((await get(`/v1/channels?agent=${new Wallet(BOB).address}&from=1`)).body["items"]).to.deep.equal([]);
    expect(codeOf((await get("/v1/channels/1")).body)).to.equal("api/notFound");
    const owners = [new Wallet(ALICE).address, new Wallet(BOB).address];
    const types = ["uint8", "address", "address", "address", "uint64", "uint32", "uint8", "uint64"];
    const channelId = keccak256(AbiCoder.defaultAbiCoder().encode(types, [1, ...owners, ZeroAddress, 0, 600, 0, 1]));
    expect(body).to.deep.include({ slot: 0, id: 1, channelId, status: "OPEN", windowSeconds: 600, deadline: null, version: 0 });
    expect(body["a"]).to.deep.include({ agent: 1, owner: owners[0]!.toLowerCase(), key: null });
    expect(((body["a"] as Json)["deposit"] as Json)["units"]).to.equal(70);
    expect(((body["b"] as Json)["deposit"] as Json)["units"]).to.equal(0);
  });

  it("receipts: name the outcome and what to do about a rejection", async () => {
    const items = (await get("/v1/receipts?agent=1&from=2")).body["items"] as Json[];
    expect(items.map((item) => item["outcome"])).to.deep.equal(["OK", "OK", "OK", "E_SELF", "OK", "OK"]);
    expect(items[3]?.["todo"]).to.equal("name another agent");
  });

  it("paid call: is found by who was paid, and provable once a confirmed claim holds its receipt", async () => {
    const items = (await get("/v1/receipts?paidTo=2")).body["items"] as Json[];
    expect(items.map(({ number, op, settlement }) => [number, op, settlement])).to.deep.equal([[ANSWER_RECEIPT, "RESPOND", "PAID"]]);
    expect((await get("/v1/receipts?paidTo=1")).body["items"]).to.deep.equal([]);
    expect(codeOf((await get(`/v1/receipts/${ANSWER_RECEIPT}/service`)).body)).to.equal("api/notYet");
    for (const number of [0, 2, 999]) expect(codeOf((await get(`/v1/receipts/${number}/service`)).body)).to.equal("api/notFound");
  });

  it("withdrawal: goes from made to paid, and its ready-made call pays", async () => {
    expect((await get("/v1/withdrawals/0")).body["status"]).to.equal("made");
    expect(codeOf((await get("/v1/withdrawals/0/proof")).body)).to.equal("api/notYet");
    const claimId = await script.claim(String((await get("/v1/batches/0")).body["stateRoot"]));
    await until("/v1/withdrawals/0", (body) => body["status"] === "claimed");
    await script.confirm(claimId);
    await chain.send("evm_mine");
    const ready = await until("/v1/withdrawals/0/proof", (body) => body["claimId"] === claimId);
    const before = await chain.provider.getBalance(CAROL);
    await (await rollup.wallet.sendTransaction(ready["transaction"] as { to: string; data: string })).wait();
    expect((await chain.provider.getBalance(CAROL)) - before).to.equal(BigInt(WITHDRAWN_UNITS) * 1_000_000_000n);
    const paid = await until(`/v1/withdrawals?recipient=${CAROL}`, (body) => (body["items"] as Json[])[0]?.["status"] === "paid");
    expect(paid["items"]).to.have.length(1);
    expect((await get(`/v1/claims/${claimId}`)).body).to.include({ status: "confirmed", isOurs: true });
  });

  it("feed: tells of a batch as it comes, and only of what was asked for", async () => {
    const socket = new WebSocket(`${service.url.replace("http", "ws")}/v1/feed?types=batch`);
    const messages: Json[] = [];
    const second = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        messages.push(JSON.parse(data.toString()) as Json);
        if (messages.length === 2) resolve();
      });
    });
    await new Promise((resolve) => socket.once("open", resolve));
    await script.submit();
    await second;
    socket.close();
    expect(messages.map((message) => message["type"])).to.deep.equal(["hello", "batch"]);
    expect((messages[1]?.["batch"] as Json)["index"]).to.equal((messages[0] as Json)["batchCount"]);
  });

  describe("every route", () => {
    const known = async (path: string): Promise<Record<string, string>> => {
      const claims = (await get("/v1/claims")).body["items"] as Json[];
      return { agent: "1", slot: "0", index: "0", number: path.endsWith("/service") ? String(ANSWER_RECEIPT) : "0", object: "agents", claimId: String(claims[0]?.["claimId"]) };
    };

    for (const route of routes) {
      it(`${route.path}: answers as the OpenAPI document says`, async () => {
        const values = await known(route.path);
        const path = route.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? "");
        // On a machine that is busy the last confirmed state may take longer than one question.
        await until(path, (answer) => codeOf(answer) !== "api/notReady");
        const { status, body } = await get(path);
        expect(status, JSON.stringify(body)).to.equal(200);
        const strict = route.answer.safeParse(body) as { success: boolean; error?: Error };
        expect(strict.success, strict.error?.message).to.equal(true);
        const document = (await get("/openapi.json")).body["paths"] as Record<string, Json>;
        expect(document[route.path]).to.have.property("get");
      });

      it(`${route.path}: refuses an unknown query with a code`, async () => {
        const values = await known(route.path);
        const path = route.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => values[name] ?? "");
        const { status, body } = await get(`${path}?surely=not`);
        expect([status, codeOf(body)]).to.deep.equal([400, "api/badRequest"]);
      });
    }

    it("document: names every path that is served and no other", async () => {
      const document = (await get("/openapi.json")).body;
      const served = [...routes.map((route) => route.path), "/metrics", "/openapi.json", "/docs", "/v1/feed"];
      expect(document["openapi"]).to.equal("3.1.0");
      expect(Object.keys(document["paths"] as Json)).to.have.members(served);
      expect(new Set(served.map(expressPath)).size).to.equal(served.length);
    });
  });

  for (const [what, path, status, code] of [
    ["an agent that does not exist", "/v1/agents/77", 404, "api/notFound"],
    ["index zero, which is no account", "/v1/agents/0", 404, "api/notFound"],
    ["an address that is none", "/v1/agents/0x12", 400, "api/badRequest"],
    ["a page that is too long", "/v1/receipts?limit=501", 400, "api/badRequest"],
    ["a number beyond what is exact", "/v1/receipts/9999999999999999", 400, "api/badRequest"],
    ["a receipt that is not there", "/v1/receipts/4000", 404, "api/notFound"],
    ["a proof of it", "/v1/receipts/4000/proof", 404, "api/notFound"],
    ["a withdrawal that is not there", "/v1/withdrawals/9/proof", 404, "api/notFound"],
    ["a free slot", "/v1/calls/5", 404, "api/notFound"],
    ["a slot beyond the tree", "/v1/workflows/99999999", 404, "api/notFound"],
    ["a claim that is not there", `/v1/claims/0x${"00".repeat(32)}`, 404, "api/notFound"],
    ["a route that is not there", "/v1/nothing", 404, "api/unknownRoute"],
    ["a path that is no URL", "/v1/agents/%E0%A4%A", 400, "api/badRequest"],
  ] as const) {
    it(`bad input: answers ${code} for ${what}`, async () => {
      const answer = await get(path);
      expect([answer.status, codeOf(answer.body)]).to.deep.equal([status, code]);
      expect((answer.body["error"] as Json)["todo"]).to.be.a("string");
    });
  }

  it("docs and metrics: are served", async () => {
    expect(await (await fetch(`${service.url}/docs`)).text()).to.include("/v1/receipts/{number}/proof");
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).to.match(/agnt2_replica_batches\{service="api"\} [1-9]/);
  });

  it("sequencer: a root that it announces and L1 does not give is told, and shows in health", async () => {
    let rooted = { batchCount: 1, stateRoot: String((await get("/v1/batches/0")).body["stateRoot"]) };
    const sequencer = createServer((_request, response) => response.end(JSON.stringify({ rooted })));
    sequencer.listen(0, "127.0.0.1");
    await once(sequencer, "listening");
    await service.stop({ kind: "requested", by: "the test" });
    await start(`--sequencer-url=http://127.0.0.1:${(sequencer.address() as AddressInfo).port}`);
    await until("/health", (body) => body["status"] === "ok");
    rooted = { batchCount: 1, stateRoot: `0x${"ab".repeat(32)}` };
    const body = await until("/health", (health) => health["status"] === "diverged");
    expect(body["todo"]).to.include("0xabab");
    await service.stop({ kind: "requested", by: "the test" });
    sequencer.close();
    await start();
  });

  it("restart: goes on with the same state; a second one on the same data is refused", async () => {
    const before = await untilBatches(1);
    const config = loadConfig(apiSettings, { env: {}, flags: ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`] });
    let code: unknown;
    await createApiService(config, silentLogger).start().catch((error: { code: string }) => (code = error.code));
    expect(code).to.equal("files/locked");
    await service.stop({ kind: "requested", by: "the test" });
    await start();
    const after = await untilBatches(Number(before["batchCount"]));
    expect(after["stateRoot"]).to.equal(before["stateRoot"]);
  });
});
