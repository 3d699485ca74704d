import { connect } from "node:net";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { WebSocket, WebSocketServer } from "ws";

import { Closers, openDoor, rawExchange, rawUpstream, until } from "../../builders/doorScene.ts";

const UPGRADE = "GET /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

describe("door: WebSocket", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  async function echoSockets(): Promise<string> {
    const server = createServer((_request, response) => void response.end("plain"));
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, request) => {
      socket.send(String(request.headers["agnt2-payer"]));
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.add(() => {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("websocket: is paid with the 101, then both sides talk, in order and at length", async () => {
    const { port, gate, door } = await openDoor(closers, await echoSockets());
    const socket = new WebSocket(`ws://127.0.0.1:${port}/paid`, { headers: { "payment-signature": "ok" } });
    const upgraded = new Promise<string>((resolve) => socket.once("upgrade", (response) => resolve(String(response.headers["payment-response"]))));
    const got: string[] = [];
    socket.on("message", (data) => got.push(data.toString()));
    await new Promise((resolve) => socket.once("open", resolve));
    expect(await upgraded).to.equal("paid");
    const big = "x".repeat(1 << 20);
    socket.send("one");
    socket.send(big);
    socket.send("three");
    await until(() => got.length === 4, "all came back");
    expect([got[0], got[1], got[2] === big, got[3]]).to.deep.equal(["0x00000000000000000000000000000000000000aa", "one", true, "three"]);
    expect(gate.sales.length).to.equal(1);
    expect(gate.sales[0]!.answers[0]!.status).to.equal(101);
    socket.close();
    await until(() => door.running === 0 && door.connections === 0 && door.upstreamConnections === 0, "all is closed");
    expect(gate.sales[0]!.cancels).to.deep.equal([]);
  });

  it("websocket: unpaid gets the 402, and an upstream that does not upgrade costs nothing", async () => {
    const { port } = await openDoor(closers, await echoSockets());
    const unpaid = await rawExchange(port, UPGRADE.replace("Payment-Signature: ok\r\n", ""));
    expect(unpaid).to.match(/^HTTP\/1\.1 402 /);
    const plain = await rawUpstream(closers, (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain"));
    const other = await openDoor(closers, plain.url);
    const got = await rawExchange(other.port, UPGRADE);
    expect(got).to.match(/^HTTP\/1\.1 200 [\s\S]*plain$/);
    expect(other.gate.sales[0]).to.deep.include({ answers: [], cancels: ["not-charged"] });
  });

  it("websocket: bytes right behind either head are not lost", async () => {
    const upstream = await rawUpstream(closers, (socket, received) => {
      if (received.endsWith("\r\n\r\nearly")) socket.write("late");
      else if (received.endsWith("\r\n\r\n")) socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nat once");
    });
    const { port } = await openDoor(closers, upstream.url);
    const got = await rawExchange(port, `${UPGRADE}early`, (all) => all.endsWith("late"));
    expect(got).to.match(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nat oncelate$/);
    expect(upstream.received()).not.to.match(/payment-signature/i);
  });

  it("websocket: when the upstream dies the client's side is closed, and the other way round", async () => {
    let kill = (): void => undefined;
    let isGone = false;
    const upstream = await rawUpstream(closers, (socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      kill = () => socket.destroy();
      socket.on("close", () => (isGone = true));
    });
    const { port, door } = await openDoor(closers, upstream.url);
    const first = rawExchange(port, UPGRADE);
    await until(() => door.running === 1, "it runs");
    await until(() => upstream.received() !== "", "it is there");
    await new Promise((resolve) => setTimeout(resolve, 50));
    kill();
    expect(await first).to.match(/^HTTP\/1\.1 101 /);
    await until(() => door.running === 0, "it is over");
    isGone = false;
    const socket = connect(port, "127.0.0.1");
    socket.write(UPGRADE);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await until(() => isGone && door.running === 0, "the upstream's side is closed");
  });

  it("websocket: the last words of a side that closes reach the other", async () => {
    const { port } = await openDoor(closers, await echoSockets());
    const socket = new WebSocket(`ws://127.0.0.1:${port}/free`);
    await new Promise((resolve) => socket.once("open", resolve));
    const closed = new Promise<number>((resolve) => socket.once("close", (code) => resolve(code)));
    socket.close(4_001);
    expect(await closed).to.equal(4_001);
    const upstream = await rawUpstream(closers, (bare) => void bare.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    const other = await openDoor(closers, upstream.url);
    const client = connect(other.port, "127.0.0.1");
    client.write(UPGRADE);
    await new Promise((resolve) => client.once("data", resolve));
    const words = "w".repeat(300_000);
    client.end(words);
    await until(() => upstream.received().endsWith(words), "all of it is there");
  });

  it("websocket: a drain ends it at its deadline", async () => {
    const { port, door } = await openDoor(closers, await echoSockets());
    const socket = new WebSocket(`ws://127.0.0.1:${port}/free`);
    await new Promise((resolve) => socket.once("open", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await door.drain(50);
    await closed;
    expect(door.running).to.equal(0);
  });

  it("websocket: without a byte for tunnelIdleMs it is closed", async () => {
    const { port, door } = await openDoor(closers, await echoSockets(), { limits: { tunnelIdleMs: 100 } });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/free`);
    await new Promise((resolve) => socket.once("close", resolve));
    await until(() => door.running === 0 && door.upstreamConnections === 0, "both sides are closed");
  });
});
