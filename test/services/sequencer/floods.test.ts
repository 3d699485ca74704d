import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

import { expect } from "chai";

import { ACK_LEVEL, encodeSubmissions } from "../../../core/codec/stream.ts";
import { ERROR } from "../../../core/generated/protocol.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { StreamServer } from "../../../services/sequencer/intake/StreamServer.ts";
import { INTAKE } from "../../../services/sequencer/Submission.ts";
import type { Client, Reply } from "../../../services/sequencer/Submission.ts";
import { StreamClient } from "../../builders/liveSequencer.ts";
import { LoneCore, bundleOf, temporaryFolder, testKey, transfers, until } from "../../builders/loneCore.ts";

const ALICE = testKey(1);
const BOB = testKey(2);
const MIB = 1024 * 1024;
const FULL_MESSAGE = 3_000_000;
const SLOW_CLIENTS = 14;
const quiet = createLogger({ service: "test", level: "error", output: new Writable({ write: (_chunk, _encoding, done) => done() }) });

describe("sequencer floods", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("floods");
  let lone: LoneCore;
  let http: Server;
  let stream: StreamServer;
  let url: string;
  let nonce = 0;
  /** Bundles of all clients that went on to the pipeline. */
  let submitted = 0;

  before(async () => {
    lone = await LoneCore.start(folder.path, { maxQueue: 2_000, maxQueuePerClient: 500, maxParked: 256, maxParkedPerAgent: 64, parkMs: 30_000 });
    await lone.deposit([ALICE, BOB], 1_000_000);
    const { pipeline } = lone.core;
    stream = new StreamServer({ submit: (...bundle) => ((submitted += 1), pipeline.submit(...bundle)) }, quiet);
    http = createServer();
    stream.attach(http);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  after(async () => {
    stream.close();
    await new Promise((resolve) => http.close(resolve));
    await lone.stop();
    folder.remove();
    expect(lone.failures).to.deep.equal([]);
  });

  /** What it takes until an honest client's bundle is durable, in ms of work of this process: those of others on the machine do not count. */
  async function honestMs(client: StreamClient): Promise<number> {
    const before = process.cpuUsage();
    const request = nonce;
    client.send(request, bundleOf(ALICE, 1, nonce++, transfers(2, 1)));
    await client.has(ACK_LEVEL.DURABLE, request);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  }

  it("message of hundreds of thousands of empty bundles: holds nobody up, and ends its connection", async () => {
    const honest = await StreamClient.open(url);
    const attacker = await StreamClient.open(url);
    await honestMs(honest);
    const empty = Buffer.alloc(FULL_MESSAGE - (FULL_MESSAGE % 9));
    for (let at = 0; at < empty.length; at += 9) empty[at] = 1;
    let longestMs = 0;
    submitted = 0;
    for (let i = 0; i < 5; i += 1) attacker.socket.send(empty);
    for (let i = 0; i < 20; i += 1) longestMs = Math.max(longestMs, await honestMs(honest));
    expect(submitted, "bundles that were looked at: the honest ones").to.equal(20);
    expect(longestMs, "the slowest honest bundle, ms of work").to.be.below(500);
    expect(await attacker.closed).to.equal(1008);
    expect(attacker.frames).to.deep.equal([{ request: 0, level: ACK_LEVEL.REJECTED, code: ERROR.H_GARBAGE }]);
    honest.socket.close();
  });

  it("message as full of bundles as allowed, none of them good: each is refused with a code", async () => {
    const client = await StreamClient.open(url);
    const position = lone.core.pipeline.position;
    const bytes = bundleOf(BOB, 1, 0, transfers(2, 1));
    client.socket.send(encodeSubmissions(Array.from({ length: 4_096 }, (_, request) => ({ request, bytes: request % 2 === 0 ? bytes : bytes.subarray(0, 100) }))));
    await until("all are answered", () => client.frames.length === 4_096);
    expect(new Set(client.frames.map(({ level }) => level))).to.deep.equal(new Set([ACK_LEVEL.REJECTED]));
    expect(new Set(client.frames.map(({ code }) => code)), "replay, garbage, or too many at once").to.deep.equal(new Set([ERROR.H_NONCE, ERROR.H_GARBAGE, INTAKE.BUSY]));
    expect(lone.core.pipeline.position).to.equal(position);
    client.socket.close();
  });

  it("small bundles that wait, each in a message of megabytes: keep no more than their own bytes", async () => {
    const client = await StreamClient.open(url);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 60; i += 1) {
      const filler = new Uint8Array(FULL_MESSAGE);
      client.socket.send(encodeSubmissions([{ request: i, bytes: bundleOf(ALICE, 1, nonce + 10 + i, transfers(2, 1)) }, { request: 1_000 + i, bytes: filler }]));
      await client.has(ACK_LEVEL.PARKED, i);
    }
    expect(lone.core.pipeline.waiting).to.equal(60);
    expect(client.frames.filter(({ code, level }) => level === ACK_LEVEL.REJECTED && code === INTAKE.TOO_LARGE)).to.have.length(60);
    // Buffers that nobody refers to go with the next collection: allocation brings it about.
    await until("the messages are let go", () => {
      new Uint8Array(4 * MIB).fill(1);
      return process.memoryUsage().arrayBuffers - before < 60 * MIB;
    }, 5_000);
    expect(lone.core.pipeline.waiting, "they wait still").to.equal(60);
    client.socket.close();
  });

  it("many clients that do not read: the worst are dropped before they fill the memory together", async () => {
    const text = "x".repeat(100_000);
    const heard = new Set<Client | undefined>();
    const talkative = { submit: (_bytes: Uint8Array, reply: Reply, client?: Client): void => void (heard.add(client), reply.rejected(1, text)) };
    const other = new StreamServer(talkative, quiet);
    const server = createServer();
    other.attach(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => StreamClient.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)));
    for (const [i, client] of slow.entries()) {
      (client.socket as unknown as { _socket: Socket })._socket.pause();
      // None reaches the limit of one client, 32 MiB; the system's own buffers take some of it.
      client.socket.send(encodeSubmissions(Array.from({ length: 290 + i }, (_, request) => ({ request, bytes: new Uint8Array(1) }))));
    }
    await until("all are answered", () => heard.size === SLOW_CLIENTS, 50_000);
    await until("the worst are dropped", () => other.clients < SLOW_CLIENTS && other.clients >= 7);
    await pause(1_200);
    expect(other.clients, "as many as fit 256 MiB").to.be.within(7, 11);
    for (const { socket } of slow) socket.terminate();
    other.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it("end while clients do not read: does not wait for them", async () => {
    const client = await StreamClient.open(url);
    (client.socket as unknown as { _socket: Socket })._socket.pause();
    const startedAt = Date.now();
    stream.close();
    await until("it is cut off", () => stream.clients === 0, 5_000);
    expect(Date.now() - startedAt).to.be.below(3_000);
    client.socket.terminate();
  });
});
