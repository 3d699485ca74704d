import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { WebSocket } from "ws";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { loadConfig } from "../../../runtime/config/loadConfig.ts";
import { apiSettings } from "../../../services/api/config.ts";
import { clientAddress } from "../../../services/api/clientAddress.ts";
import { Feed } from "../../../services/api/feed/Feed.ts";
import type { FeedOptions } from "../../../services/api/feed/Feed.ts";
import type { PastEvent } from "../../../services/api/feed/pastEvents.ts";
import { createApiService } from "../../../services/api/service.ts";
import type { ApiService } from "../../../services/api/service.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import { scriptFor } from "../../builders/rollupScript.ts";
import type { RollupScript } from "../../builders/rollupScript.ts";

type Json = Record<string, unknown>;

const MESSAGE_BYTES = 16 << 10;

/** A reader that keeps what it is told. */
class Reader {
  readonly socket: WebSocket;
  readonly messages: Json[] = [];
  readonly closed: Promise<number>;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("error", () => undefined);
    this.socket.on("message", (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as Json));
    this.closed = new Promise((resolve) => this.socket.once("close", (code) => resolve(code)));
  }

  async until(isThere: (messages: Json[]) => boolean): Promise<void> {
    for (const end = Date.now() + 20_000; !isThere(this.messages); ) {
      if (Date.now() > end) throw new Error(`it never came: ${JSON.stringify(this.messages).slice(0, 2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** What a server answers to an upgrade that it refuses. */
function refusal(url: string, headers: Record<string, string> = {}): Promise<{ status: number; code: string; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const request = httpRequest(url.replace(/^ws/, "http"), { headers: { ...upgrade, ...headers } });
    request.on("error", reject);
    request.on("upgrade", () => reject(new Error("it was not refused")));
    request.on("response", (response: IncomingMessage) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => {
        const { error } = JSON.parse(text) as { error: { code: string } };
        resolve({ status: response.statusCode ?? 0, code: error.code, retryAfter: response.headers["retry-after"] });
      });
    });
    request.end();
  });
}

describe("feed", () => {
  let http: Server;
  let feed: Feed;
  let url: string;
  let past: PastEvent[] = [];
  const readers: Reader[] = [];

  async function open(options: Partial<FeedOptions> = {}): Promise<void> {
    http = createServer();
    feed = new Feed({ hello: () => ({ type: "hello" }), past: () => past, ...options });
    feed.attach(http);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}/v1/feed`;
  }
  async function join(query = ""): Promise<Reader> {
    const reader = new Reader(url + query);
    readers.push(reader);
    await reader.until(({ length }) => length > 0);
    return reader;
  }
  /** A reader that upgrades and then reads nothing any more. */
  async function joinAsleep(query = ""): Promise<Socket> {
    const { port } = http.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(`GET /v1/feed${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
    await once(socket, "data");
    socket.pause();
    return socket;
  }
  const untilClients = async (count: number): Promise<void> => {
    for (const end = Date.now() + 10_000; feed.clientCount !== count; await new Promise((resolve) => setTimeout(resolve, 5))) {
      if (Date.now() > end) throw new Error(`${feed.clientCount} clients`);
    }
  };

  afterEach(async () => {
    past = [];
    for (const { socket } of readers.splice(0)) socket.terminate();
    feed.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  it("feed: drops a reader that does not keep up, with what waits for it bounded, and serves the others on", async () => {
    await open({ maxBufferedBytes: 256 << 10 });
    const good = await join();
    const asleep = await joinAsleep();
    await untilClients(2);
    const filler = "x".repeat(MESSAGE_BYTES);
    let sent = 0;
    for (; feed.clientCount === 2 && sent < 5_000; sent += 1) {
      feed.publish({ type: "batch", block: sent, filler });
      if (sent % 8 === 0) await good.until(({ length }) => length >= sent - 8);
    }
    // The kernel takes a few MiB, then the limit is met.
    expect(sent).to.be.below(5_000);
    expect(feed.clientCount).to.equal(1);
    await good.until(({ length }) => length === sent + 1);
    asleep.destroy();
  });

  it("feed: bounds what a reader is told again as well as what happens meanwhile", async () => {
    past = Array.from({ length: 4_000 }, (_, block) => ({ block, type: "batch", message: () => ({ type: "batch", block, filler: "x".repeat(MESSAGE_BYTES) }) }));
    let made = 0;
    past = past.map((event) => ({ ...event, message: () => (made++, event.message()) }));
    await open({ maxBufferedBytes: 256 << 10 });
    const asleep = await joinAsleep("?resumeBlock=0");
    await new Promise((resolve) => setTimeout(resolve, 300));
    // 64 MiB of past: only what the kernel takes, and one chunk, was made.
    expect(made).to.be.below(1_500);
    for (let i = 0; i < 40 && feed.clientCount > 0; i += 1) feed.publish({ type: "batch", block: 5_000 + i, filler: "y".repeat(MESSAGE_BYTES) });
    await untilClients(0);
    asleep.destroy();
  });

  it("feed: drops a reader that does not answer a ping", async () => {
    await open({ pingMs: 40 });
    const asleep = await joinAsleep();
    await untilClients(0);
    asleep.destroy();
  });

  it("feed: tells the past first, then what happened meanwhile, in order and without a gap", async () => {
    past = Array.from({ length: 500 }, (_, block) => ({ block, type: "batch", message: () => ({ type: "batch", block }) }));
    await open();
    const reader = new Reader(`${url}?resumeBlock=0`);
    readers.push(reader);
    await untilClients(1);
    for (let block = 500; block < 700; block += 1) feed.publish({ type: "batch", block });
    await reader.until(({ length }) => length === 701);
    expect(reader.messages.slice(1).map(({ block }) => block)).to.deep.equal(Array.from({ length: 700 }, (_, block) => block));
  });

  it("feed: cuts a reader off when L1 is reorganised while it is told the past", async () => {
    past = Array.from({ length: 2_000 }, (_, block) => ({ block, type: "batch", message: () => ({ type: "batch", block, filler: "x".repeat(MESSAGE_BYTES) }) }));
    await open();
    const asleep = await joinAsleep("?resumeBlock=0");
    feed.publish({ type: "rollback", block: 3 });
    await untilClients(0);
    asleep.destroy();
  });

  for (const [what, query, status, code] of [
    ["another path", "/../other", 404, "api/unknownRoute"],
    ["a type that is none", "?types=batch,lunch", 400, "api/badRequest"],
    ["a parameter that is not known", "?since=4", 400, "api/badRequest"],
    ["a block that is none", "?resumeBlock=-1", 400, "api/badRequest"],
    ["a hash that is none", "?resumeBlock=1&resumeHash=0x12", 400, "api/badRequest"],
  ] as const) {
    it(`feed: refuses with ${code} for ${what}`, async () => {
      await open();
      const answer = await refusal(url + query);
      expect([answer.status, answer.code]).to.deep.equal([status, code]);
      expect(feed.clientCount).to.equal(0);
    });
  }

  it("feed: refuses more readers than it takes, of all and of one address", async () => {
    await open({ maxClients: 3, maxClientsPerAddress: 2, trustedProxies: 1 });
    await Promise.all([join(), join()]);
    const own = await refusal(url);
    expect([own.status, own.code, own.retryAfter]).to.deep.equal([429, "api/tooMany", "10"]);
    // What a client writes into the header itself does not make it another one.
    const headers = { "x-forwarded-for": "10.0.0.9, 10.0.0.1" };
    const third = new WebSocket(url, { headers });
    await once(third, "message");
    const full = await refusal(url, { "x-forwarded-for": "10.0.0.2" });
    expect([full.status, full.code]).to.deep.equal([503, "api/notReady"]);
    third.terminate();
  });

  it("client address: is the peer's, or what the outermost of the own proxies says", () => {
    const request = (header: string | undefined): IncomingMessage => ({ headers: { "x-forwarded-for": header }, socket: { remoteAddress: "10.0.0.1" } }) as unknown as IncomingMessage;
    expect(clientAddress(request("1.1.1.1, 2.2.2.2"), 0)).to.equal("10.0.0.1");
    expect(clientAddress(request("1.1.1.1, 2.2.2.2"), 1)).to.equal("2.2.2.2");
    expect(clientAddress(request("1.1.1.1, 2.2.2.2"), 2)).to.equal("1.1.1.1");
    expect(clientAddress(request(undefined), 2)).to.equal("10.0.0.1");
  });
});

describe("feed and request limits of a replica", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let script: RollupScript;
  let service: ApiService;
  let dir: string;
  const readers: Reader[] = [];

  async function start(...more: string[]): Promise<void> {
    const flags = ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`, "--poll-ms=30", "--log-level=silent", ...more];
    service = createApiService(loadConfig(apiSettings, { env: {}, flags }), silentLogger);
    await service.start();
    for (let head: unknown = null; head === null; ) ({ head } = ((await (await fetch(`${service.url}/health`)).json()) as { l1: { head: unknown } }).l1);
  }
  const stop = (): Promise<void> => service.stop({ kind: "requested", by: "the test" });
  const read = (query = ""): Reader => {
    const reader = new Reader(`${service.url.replace("http", "ws")}/v1/feed${query}`);
    readers.push(reader);
    return reader;
  };
  const told = (messages: readonly Json[], type: string): Json[] => messages.filter((message) => message["type"] === type);
  const indexes = (messages: readonly Json[]): unknown[] => told(messages, "batch").map((message) => (message["batch"] as Json)["index"]);

  before(async () => {
    chain = await startLocalChain("anvil");
    const rollup = await deployRollupOn(chain);
    script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-feed-"));
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    await start();
  });
  afterEach(() => {
    for (const { socket } of readers.splice(0)) socket.terminate();
  });
  after(async () => {
    await stop();
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("feed: misses nothing when a reader comes back with its last block, also after a restart", async () => {
    const first = read();
    await first.until(({ length }) => length === 1);
    await script.deposit(DEVELOPMENT_KEYS[1], 500);
    await script.submit();
    await first.until((messages) => told(messages, "batch").length === 1);
    const last = first.messages.at(-1)!;
    first.socket.terminate();

    await script.deposit(DEVELOPMENT_KEYS[2], 700);
    await script.submit();
    await script.submit();
    await stop();
    await start();
    const at = (last["batch"] as { l1: { blockHash: string } }).l1.blockHash;
    const again = read(`?resumeBlock=${last["block"]}&resumeHash=${at}`);
    await again.until((messages) => told(messages, "batch").length === 3);
    await script.submit();
    await again.until((messages) => told(messages, "batch").length === 4);
    // The block that it named is told again, everything after it once.
    expect(indexes(again.messages)).to.deep.equal([0, 1, 2, 3]);
    expect(told(again.messages, "entry").map(({ index }) => index)).to.deep.equal([1]);
    expect(told(again.messages, "rollback")).to.deep.equal([]);
    const blocks = again.messages.slice(1).map(({ block }) => Number(block));
    expect(blocks).to.deep.equal([...blocks].sort((a, b) => a - b));
  });

  it("feed: tells only the types that are asked for, of the past too", async () => {
    const reader = read("?resumeBlock=0&types=entry");
    await reader.until((messages) => told(messages, "entry").length === 2);
    expect(reader.messages.map(({ type }) => type)).to.deep.equal(["hello", "entry", "entry"]);
  });

  it("feed: begins with a rollback when the block that a reader has is no more", async () => {
    const reader = read(`?resumeBlock=200&resumeHash=0x${"ab".repeat(32)}`);
    await reader.until(({ length }) => length >= 2);
    expect(reader.messages[1]).to.deep.include({ type: "rollback", block: 135, blockNumber: 135 });
    const known = read(`?resumeBlock=1&resumeHash=0x${"ab".repeat(32)}`);
    await known.until((messages) => told(messages, "batch").length === 4);
    expect(known.messages[1]).to.deep.include({ type: "rollback", block: -1, batchCount: 0 });
  });

  it("requests: are refused with 429, a code and Retry-After beyond an address's share, and health is not", async () => {
    await stop();
    await start("--rate-limit=5", "--trusted-proxies=1");
    const get = (path: string, address: string): Promise<Response> => fetch(`${service.url}${path}`, { headers: { "x-forwarded-for": address } });
    for (let i = 0; i < 5; i += 1) expect((await get("/v1/status", "10.1.1.1")).status).to.equal(200);
    for (const path of ["/v1/status", "/openapi.json", "/v1/nothing"]) {
      const refused = await get(path, "10.1.1.1");
      const { error } = (await refused.json()) as { error: Json };
      expect([refused.status, error["code"], error["limit"]]).to.deep.equal([429, "api/tooMany", 5]);
      expect(Number(refused.headers.get("retry-after"))).to.be.within(1, 60);
      expect(error["retryAfterSeconds"]).to.equal(Number(refused.headers.get("retry-after")));
    }
    expect((await get("/v1/status", "9.9.9.9, 10.1.1.1")).status).to.equal(429);
    expect((await get("/v1/status", "10.1.1.2")).status).to.equal(200);
    expect((await get("/health", "10.1.1.1")).status).to.equal(200);
    // Readers of the feed are counted with the others.
    const feedUrl = `${service.url}/v1/feed`;
    const noMore = await refusal(feedUrl, { "x-forwarded-for": "10.1.1.1" });
    expect([noMore.status, noMore.code]).to.deep.equal([429, "api/tooMany"]);
    await stop();
    await start("--rate-limit=0");
    const many = await Promise.all(Array.from({ length: 50 }, () => fetch(`${service.url}/v1/status`)));
    expect(many.every(({ status }) => status === 200)).to.equal(true);
  });
});
