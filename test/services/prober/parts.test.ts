import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ManualClock } from "../../../runtime/clock/ManualClock.ts";
import { LOCAL_POLICY, PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { loadProberConfig } from "../../../services/prober/config.ts";
import { measureEndpoint } from "../../../services/prober/measure/measureEndpoint.ts";
import type { MeasureOptions, Sample } from "../../../services/prober/measure/measureEndpoint.ts";
import { Sampler } from "../../../services/prober/measure/Sampler.ts";
import { createProberProcessor, LOOK } from "../../../services/prober/processor.ts";
import { L1Time } from "../../../services/prober/read/L1Time.ts";
import { attestationOf } from "../../../services/prober/read/readEngagement.ts";
import { ProberStore } from "../../../services/prober/store/ProberStore.ts";
import { createMemoryQueue } from "../../builders/memoryQueue.ts";
import { until } from "../../builders/until.ts";

const METER = { chainId: 1, meter: "0xmeter" };
const KEY = "0xkey";

describe("prober: store", () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-prober-"));
    path = join(dir, "data", "prober.json");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("keepSecret: is on disk when it resolves, for its owner only, and the first one stays", async () => {
    const store = await ProberStore.open(path, METER);
    store.addSample(KEY, 3, true);
    store.addSample(KEY, 3, false);
    const first = await store.keepSecret(KEY, 3, { uptimeBps: 5_000, salt: "0x01" });
    expect(await store.keepSecret(KEY, 3, { uptimeBps: 1, salt: "0x02" })).to.equal(first);
    expect(statSync(path).mode & 0o077).to.equal(0);
    const again = await ProberStore.open(path, METER);
    expect([...again.secretsOf(KEY)]).to.deep.equal([[3, { uptimeBps: 5_000, salt: "0x01" }]]);
    expect([...again.measuresOf(KEY)]).to.deep.equal([[3, { ok: 1, total: 2 }]]);
  });

  it("forget, noteJoined: are remembered too", async () => {
    const store = await ProberStore.open(path, METER);
    for (const period of [1, 2]) await store.keepSecret(KEY, period, { uptimeBps: 1, salt: "0x" });
    store.forget(KEY, (period) => period < 2);
    await store.noteJoined();
    const again = await ProberStore.open(path, METER);
    expect([[...again.secretsOf(KEY).keys()], again.hasJoined]).to.deep.equal([[2], true]);
  });

  it("save: a failure is told, and the next save writes all", async () => {
    const store = await ProberStore.open(path, METER);
    rmSync(join(dir, "data"), { recursive: true });
    store.addSample(KEY, 0, true);
    await store.save().then(() => expect.fail("a save into a folder that is gone"), () => undefined);
    const other = await ProberStore.open(path, METER);
    expect(other.hasJoined).to.equal(false);
    await store.save();
    expect((await ProberStore.open(path, METER)).measuresOf(KEY).size).to.equal(1);
  });

  it("open: refuses the file of another meter and what is no such file, and leaves it there", async () => {
    await (await ProberStore.open(path, METER)).noteJoined();
    const codeOf = async (meter: typeof METER): Promise<unknown> => await ProberStore.open(path, meter).then(() => "none", (error: unknown) => (error as { code: string }).code);
    expect(await codeOf({ ...METER, meter: "0xother" })).to.equal("prober/storage");
    expect(await codeOf({ ...METER, chainId: 2 })).to.equal("prober/storage");
    for (const text of ["", "{", "[]", "null", `{"format":"else"}`, `{"format":"agnt2-prober"}`]) {
      writeFileSync(path, text);
      expect(await codeOf(METER), text).to.equal("prober/storage");
      expect(readFileSync(path, "utf8")).to.equal(text);
    }
  });
});

describe("prober: measurement", () => {
  let server: Server;
  let url: string;
  let answers: Record<string, unknown> = {};
  let mode: "json" | "status" | "garbage" | "hang" | "huge" = "json";

  before(async () => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        if (mode === "hang") return;
        if (mode === "status") return void response.writeHead(503).end("{}");
        if (mode === "garbage") return void response.end("not JSON");
        if (mode === "huge") return void response.end(`{"result":"${"0".repeat(300_000)}"}`);
        const { method } = JSON.parse(Buffer.concat(pieces).toString()) as { method: string };
        response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: answers[method] }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  const look = (change: Partial<MeasureOptions> = {}): Promise<Sample> => measureEndpoint(url, { policy: LOCAL_POLICY, timeoutMs: 500, nowSeconds: () => 1_000, ...change });

  it("measureEndpoint: well when it answers with its head", async () => {
    mode = "json";
    answers = { eth_blockNumber: "0x10" };
    expect(await look()).to.deep.equal({ isOk: true, block: 16 });
  });

  it("measureEndpoint: checks chain and age of the head where they are asked for", async () => {
    mode = "json";
    answers = { eth_chainId: "0x7", eth_getBlockByNumber: { number: "0x10", timestamp: "0x3e0" } };
    expect(await look({ chainId: 7, maxHeadAgeSeconds: 8 })).to.deep.equal({ isOk: true, block: 16 });
    expect(await look({ chainId: 7, maxHeadAgeSeconds: 7 })).to.deep.equal({ isOk: false, reason: "its head is 8 s old" });
    expect(await look({ chainId: 8 })).to.deep.equal({ isOk: false, reason: "it serves chain 7" });
  });

  it("measureEndpoint: down when it hangs, fails, or answers with anything else", async () => {
    for (const each of ["status", "garbage", "hang", "huge"] as const) {
      mode = each;
      expect((await look({ timeoutMs: 200 })).isOk, each).to.equal(false);
    }
    mode = "json";
    for (const result of [undefined, null, 16, "16", "0x", `0x${"f".repeat(64)}`, {}]) {
      answers = { eth_blockNumber: result };
      expect((await look()).isOk, String(result)).to.equal(false);
    }
    answers = { eth_getBlockByNumber: "0x10" };
    expect((await look({ maxHeadAgeSeconds: 1 })).isOk).to.equal(false);
  });

  it("measureEndpoint: a stranger's URL leads to public addresses only", async () => {
    mode = "json";
    answers = { eth_blockNumber: "0x10" };
    for (const each of [url, "https://127.0.0.1/", "file:///etc/passwd", "nonsense"]) {
      expect((await measureEndpoint(each, { policy: PUBLIC_POLICY, timeoutMs: 500, nowSeconds: () => 0 })).isOk, each).to.equal(false);
    }
  });

  it("Sampler: one sample at a time, at regular times, of what is watched, and none after it has stopped", async () => {
    const clock = new ManualClock();
    const samples: string[] = [];
    const sampler = new Sampler({
      everyMs: 1_000, clock,
      measure: async (each) => {
        await clock.sleep(300);
        return { isOk: each === "a", block: 1, reason: "" } as Sample;
      },
      onSample: (each, { isOk }) => samples.push(`${each} ${isOk}`),
    });
    sampler.watch(new Set(["a", "b"]));
    await clock.advance(1_000);
    expect(samples).to.deep.equal(["a true", "b false"]);
    await clock.advance(300);
    expect(samples).to.have.length(4);
    sampler.watch(new Set(["b"]));
    await clock.advance(1_000);
    expect(samples.slice(4)).to.deep.equal(["b false"]);
    const stopped = sampler.stop();
    await clock.advance(1_000);
    await stopped;
    expect(samples).to.have.length(5);
  });

  it("L1Time: the machine's, or that of a chain that is ahead, going on from its last block", async () => {
    const clock = new ManualClock(1_000_000);
    const time = new L1Time(clock);
    expect(time.now()).to.equal(1_000);
    time.observe(900);
    expect(time.now()).to.equal(1_000);
    time.observe(5_000);
    await clock.advance(2_500);
    time.observe(5_000);
    expect(time.now()).to.equal(5_002);
  });

  it("attestationOf: tells nothing, a commitment and a value apart", () => {
    const word = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;
    expect([0n, 1n, 10_001n, 10_002n, 1n << 255n].map((value) => attestationOf(word(value)))).to.deep.equal(["none", "revealed", "revealed", "committed", "committed"]);
  });
});

describe("prober: processor", () => {
  const logger = createLogger({ service: "prober", level: "silent", output: process.stderr });

  it("looks fall together, failures are told once and nothing ends it", async () => {
    const queue = createMemoryQueue();
    const codes: string[] = [];
    let looks = 0;
    let isBroken = true;
    const gate = Promise.withResolvers<void>();
    const processor = createProberProcessor({
      queue, everyMs: 60_000, logger, onRetry: ({ code }) => codes.push(code),
      look: async () => {
        looks += 1;
        if (looks === 1) await gate.promise;
        if (isBroken) throw new Error("L1 is away");
      },
    });
    await processor.start();
    const runs = [processor.run(LOOK), processor.run(LOOK), processor.run(LOOK)];
    gate.resolve();
    await Promise.all(runs);
    expect(looks).to.equal(2);
    expect([processor.troubleOf(LOOK) !== undefined, codes.length]).to.deep.equal([true, 2]);
    isBroken = false;
    await processor.run(LOOK);
    expect(processor.troubleOf(LOOK)).to.equal(undefined);
    await processor.stop();
    await queue.close();
  });

  it("a queue that is silent does not put it to sleep", async () => {
    let looks = 0;
    const queue = { ...createMemoryQueue(), process: () => Promise.resolve(), every: () => Promise.resolve() };
    const processor = createProberProcessor({ queue, everyMs: 20, logger, look: () => Promise.resolve(void (looks += 1)) });
    await processor.start();
    await until("it looks by itself", () => looks > 1, 5_000);
    await processor.stop();
  });

  it("config: has defaults for all that can have one", () => {
    const config = loadProberConfig(["--endpoints", "http://a/,http://b/", "--bounties", "0,7"]);
    expect([config.endpoints, config.bounties, config.minCoveragePercent, config.allowPrivate]).to.deep.equal([["http://a/", "http://b/"], [0, 7], 80, undefined]);
  });
});
