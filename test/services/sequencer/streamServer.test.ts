import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";

import { expect } from "chai";
import { WebSocket } from "ws";

import { ACK_LEVEL, decodeAnswers, encodeSubmissions } from "../../../core/codec/stream.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { StreamServer } from "../../../services/sequencer/intake/StreamServer.ts";
import type { Client, Reply } from "../../../services/sequencer/Submission.ts";
import { until } from "../../builders/loneCore.ts";

const LONG_TEXT = "x".repeat(100_000);

describe("stream server", () => {
  let http: Server;
  let stream: StreamServer;
  let socket: WebSocket;
  let messages: Buffer[];
  let clients: Set<Client | undefined>;
  let lines: string[];
  let answer: (reply: Reply, bytes: Uint8Array) => void;

  beforeEach(async () => {
    messages = [];
    clients = new Set();
    lines = [];
    const logger = createLogger({ service: "sequencer", level: "warn", output: new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) }) });
    const pipeline = {
      submit(bytes: Uint8Array, reply: Reply, client?: Client): void {
        clients.add(client);
        answer(reply, bytes);
      },
    };
    stream = new StreamServer(pipeline, logger);
    http = createServer();
    stream.attach(http);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/v1/stream`);
    socket.on("message", (message: Buffer) => messages.push(message));
    await once(socket, "open");
  });

  afterEach(async () => {
    socket.terminate();
    stream.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  const submit = (count: number): void => socket.send(encodeSubmissions(Array.from({ length: count }, (_, request) => ({ request, bytes: Uint8Array.of(request) }))));
  const answers = () => messages.flatMap((message) => decodeAnswers(message) ?? []);

  it("stream server: answers every bundle of a message in one message when it can do so at once", async () => {
    answer = (reply) => {
      reply.sequenced();
      reply.rooted(1, new Uint8Array(32), new Uint8Array(64), 1);
    };
    submit(100);
    await until("all answers are there", () => answers().length === 200);
    expect(messages).to.have.length(1);
    expect(answers().filter(({ level }) => level === ACK_LEVEL.SEQUENCED).map(({ request }) => request)).to.deep.equal(Array.from({ length: 100 }, (_, request) => request));
    expect(clients.size, "one connection counts as one client").to.equal(1);
  });

  it("stream server: splits answers over messages when there are many", async () => {
    answer = (reply) => reply.rejected(1, LONG_TEXT);
    submit(20);
    await until("all answers are there", () => answers().length === 20);
    expect(messages.length).to.be.greaterThan(4);
    expect(messages.every(({ length }) => length < 500_000)).to.equal(true);
  });

  it("stream server: says what is wrong and closes when a message is not well formed", async () => {
    socket.send(Uint8Array.of(1, 2, 3));
    const [code] = (await once(socket, "close")) as [number];
    expect(code).to.equal(1008);
    expect(answers().map(({ level, request }) => ({ level, request }))).to.deep.equal([{ level: ACK_LEVEL.REJECTED, request: 0 }]);
  });

  it("stream server: tells what it knows before it closes", async () => {
    answer = (reply) => {
      reply.sequenced();
      stream.close();
    };
    submit(1);
    const [code] = (await once(socket, "close")) as [number];
    expect(code).to.equal(1012);
    expect(answers().map(({ level }) => level)).to.deep.equal([ACK_LEVEL.SEQUENCED]);
  });

  it("stream server: drops a client when it does not read its answers", async () => {
    answer = (reply) => reply.rejected(1, LONG_TEXT);
    socket.pause();
    for (let i = 0; i < 10; i += 1) submit(60);
    await until("the client is gone", () => stream.clients === 0);
    expect(lines.filter((line) => line.includes("does not read its answers"))).to.have.length(1);
  });
});
