import { createConnection } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

import { expect } from "chai";
import { WebSocket } from "ws";

import { ACK_LEVEL, decodeAnswers, encodeSubmissions } from "../../../core/codec/stream.ts";
import { ERROR } from "../../../core/generated/protocol.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { Metrics } from "../../../runtime/metrics/Metrics.ts";
import { HttpServer } from "../../../services/sequencer/intake/HttpServer.ts";
import { StreamServer } from "../../../services/sequencer/intake/StreamServer.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";
import { signedBundle } from "../../builders/signedBundle.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const CAROL = testKey(3);
const MAX_CONNECTIONS = 24;

describe("sequencer intake", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("intake");
  let lone: LoneCore;
  let http: HttpServer;
  let port: number;
  const lines: string[] = [];

  before(async () => {
    lone = await LoneCore.start(folder.path, { maxQueue: 20_000, maxQueuePerClient: 5_000 });
    await lone.deposit([ALICE, BOB, CAROL], 1_000_000_000);
    const logger = createLogger({ service: "sequencer", level: "debug", output: new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) }) });
    const { pipeline, state, roots } = lone.core;
    const stream = new StreamServer(pipeline, logger);
    http = new HttpServer({ host: "127.0.0.1", port: 0, maxConnections: 10 * MAX_CONNECTIONS, maxConnectionsPerAddress: MAX_CONNECTIONS, pipeline, stream, state, roots, metrics: new Metrics({ service: "test" }), logger, config: {}, isWell: () => pipeline.isWell, status: () => ({ clients: stream.clients }), signedHead: () => lone.core.committer.signed });
    port = await http.listen();
  });
  after(async () => {
    await http.close();
    await lone.stop();
    folder.remove();
  });

  /** A client of the stream; gathers the frames of all messages. */
  async function connect(): Promise<{ socket: WebSocket; frames: { request: number; level: number; code: number }[]; closed: Promise<number> }> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`);
    socket.on("error", () => undefined);
    const frames: { request: number; level: number; code: number }[] = [];
    socket.on("message", (message: Buffer) => {
      for (const { request, level, body } of decodeAnswers(message) ?? []) frames.push({ request, level, code: body[0] ?? 0 });
    });
    const closed = once(socket, "close").then(([code]) => code as number);
    await once(socket, "open");
    return { socket, frames, closed };
  }

  const post = async (body: Uint8Array | string, type = "application/octet-stream", wait = "durable"): Promise<{ status: number; body: { error?: { code: string }; results?: { code: string }[] } }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/bundles?wait=${wait}`, { method: "POST", headers: { "content-type": type }, body: typeof body === "string" ? body : Buffer.from(body) });
    return { status: answer.status, body: (await answer.json()) as { error?: { code: string } } };
  };
  let aliceNonce = 0;
  const aliceBundle = (count = 1): Uint8Array => bundleOf(ALICE, 1, aliceNonce++, transfers(2, count));

  /** What a refused request must leave as it was. */
  async function unchanged(work: () => Promise<void>): Promise<void> {
    const before = { position: lone.core.pipeline.position, waiting: lone.core.pipeline.waiting };
    await work();
    expect({ position: lone.core.pipeline.position, waiting: lone.core.pipeline.waiting }).to.deep.equal(before);
    expect((await post(aliceBundle())).status).to.equal(200);
  }

  it("HTTP body that is no bundle: is refused with a code, and changes nothing", async () => {
    const whole = bundleOf(BOB, 2, 0, transfers(1, 2));
    const bad: [Uint8Array | string, string, number, string][] = [
      [new Uint8Array(0), "application/octet-stream", 400, "H_GARBAGE"],
      [whole.subarray(0, whole.length - 1), "application/octet-stream", 400, "H_GARBAGE"],
      [whole.subarray(0, 96), "application/octet-stream", 400, "H_GARBAGE"],
      [Buffer.concat([whole, Buffer.alloc(96)]), "application/octet-stream", 400, "H_GARBAGE"],
      [new Uint8Array(96).fill(255), "application/octet-stream", 400, "H_GARBAGE"],
      [new Uint8Array(513 * 96 + 96), "application/octet-stream", 413, "TOO_LARGE"],
      ["{", "application/json", 400, "BAD_REQUEST"],
      ["{}", "application/json", 400, "BAD_BUNDLE"],
      ['{"bundle":"0xzz"}', "application/json", 400, "BAD_BUNDLE"],
      ["bundle", "text/plain", 400, "BAD_BUNDLE"],
    ];
    await unchanged(async () => {
      for (const [body, type, status, code] of bad) {
        const answer = await post(body, type);
        expect([answer.status, answer.body.error?.code], `${type} of ${body.length} bytes`).to.deep.equal([status, code]);
      }
      expect((await post(whole, "application/octet-stream", "tomorrow")).body.error?.code).to.equal("BAD_LEVEL");
    });
  });

  it("bundle that its signer may not send: is refused with a code, and changes nothing", async () => {
    const now = Math.floor(Date.now() / 1000);
    const otherChain = signedBundle({ domainSeparator: new Uint8Array(32).fill(1), key: BOB, agent: 2, nonce: 0, records: transfers(1, 1) });
    const bad: [Uint8Array, string][] = [
      [bundleOf(ALICE, 2, 0, transfers(1, 1)), "H_SIGNATURE"],
      [otherChain, "H_SIGNATURE"],
      [bundleOf(BOB, 2, 0, transfers(1, 1), now - 100), "H_EXPIRED"],
      [bundleOf(BOB, 77, 0, transfers(1, 1)), "H_AGENT"],
      [bundleOf(BOB, 0, 0, transfers(1, 1)), "H_AGENT"],
      [bundleOf(BOB, 2, 3, transfers(1, 1)), "INTAKE_WAITED_TOO_LONG"],
    ];
    await post(aliceBundle());
    await unchanged(async () => {
      for (const [bytes, code] of bad) expect((await post(bytes)).body.error?.code, code).to.equal(code);
      expect((await post(bundleOf(ALICE, 1, 0, transfers(3, 1)))).body.error?.code).to.equal("H_NONCE");
    });
  });

  it("records that fail: have an outcome each, and the others run", async () => {
    const records = [...transfers(3, 1), { op: "TRANSFER", fields: { to: 3, amount: 2 ** 52 } }, { op: "TRANSFER", fields: { to: 99, amount: 1 } }, ...transfers(3, 1)] as const;
    const answer = await post(bundleOf(BOB, 2, 0, records));
    expect(answer.body.results?.map(({ code }) => code)).to.deep.equal(["OK", "E_BALANCE", "E_UNKNOWN_AGENT", "OK"]);
  });

  it("stream message that is not frames: is answered, and ends that connection only", async () => {
    const other = await connect();
    const whole = encodeSubmissions([{ request: 5, bytes: aliceBundle() }]);
    aliceNonce -= 1;
    const bad: (Uint8Array | string)[] = ["text", whole.subarray(0, whole.length - 1), whole.subarray(0, 5), Buffer.concat([whole, Buffer.of(7)]), new Uint8Array(50).fill(9)];
    for (const message of bad) {
      const { socket, frames, closed } = await connect();
      socket.send(message);
      expect(await closed).to.equal(1008);
      expect(frames).to.deep.equal([{ request: 0, level: ACK_LEVEL.REJECTED, code: ERROR.H_GARBAGE }]);
    }
    other.socket.send(encodeSubmissions([{ request: 6, bytes: aliceBundle() }]));
    await until("the other is served", () => other.frames.some(({ request, level }) => request === 6 && level === ACK_LEVEL.ROOTED));
    other.socket.close();
    await other.closed;
  });

  it("stream message that is too large: ends that connection before it is read", async () => {
    const { socket, closed } = await connect();
    socket.send(new Uint8Array(8 * 1024 * 1024));
    expect(await closed).to.be.oneOf([1009, 1006]);
  });

  it("client that vanishes in the middle of a message: leaves nothing behind, and what it had sent runs", async () => {
    const position = lone.core.pipeline.position;
    const { socket } = await connect();
    socket.send(encodeSubmissions([{ request: 1, bytes: aliceBundle(4) }]));
    const raw = (socket as unknown as { _socket: Socket })._socket;
    await until("it runs", () => lone.core.pipeline.position === position + 4);
    // The start of a frame of a megabyte, and then nothing any more.
    raw.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 5]));
    raw.resetAndDestroy();
    await until("it is forgotten", () => lone.core.pipeline.queueLength === 0);
    expect((await post(aliceBundle())).status).to.equal(200);
  });

  it("client that does not read: is dropped, and the others are served meanwhile", async () => {
    const slow = await connect();
    (slow.socket as unknown as { _socket: Socket })._socket.pause();
    // Of one and the same bundle, asked for again and again: each answer has 512 results.
    const bytes = bundleOf(CAROL, 3, 0, transfers(1, 512));
    const many = encodeSubmissions(Array.from({ length: 60 }, (_, request) => ({ request, bytes })));
    const isDropped = (): boolean => lines.some((line) => line.includes("does not read its answers"));
    for (let i = 0; i < 400 && !isDropped(); i += 1) {
      slow.socket.send(many);
      await pause(5);
      if (i % 50 === 0) expect((await post(aliceBundle())).status).to.equal(200);
    }
    await until("it is dropped", isDropped, 30_000);
    expect((await post(aliceBundle())).status).to.equal(200);
    slow.socket.terminate();
  });

  it("flood of connections from one address: is cut off, and those that are there are served", async () => {
    const there = await connect();
    const flood = await Promise.all(Array.from({ length: 2 * MAX_CONNECTIONS }, async () => {
      const socket = createConnection(port, "127.0.0.1");
      socket.on("error", () => undefined);
      await once(socket, "connect");
      return socket;
    }));
    await until("most are cut off", () => flood.filter(({ readyState, destroyed }) => readyState === "open" && !destroyed).length < MAX_CONNECTIONS);
    there.socket.send(encodeSubmissions([{ request: 9, bytes: aliceBundle() }]));
    await until("the one before is served", () => there.frames.some(({ level }) => level === ACK_LEVEL.DURABLE));
    for (const socket of flood) socket.destroy();
    there.socket.close();
    await there.closed;
    await pause(50);
    expect((await post(aliceBundle())).status).to.equal(200);
  });

  it("address that is not there, or an upgrade elsewhere: is refused", async () => {
    expect((await fetch(`http://127.0.0.1:${port}/nothing`)).status).to.equal(404);
    expect((await fetch(`http://127.0.0.1:${port}/v1/agents/12x`)).status).to.equal(400);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/elsewhere`);
    const [error] = (await once(socket, "error")) as [Error];
    expect(error.message).to.be.a("string");
  });
});
