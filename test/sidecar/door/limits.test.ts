import { connect } from "node:net";
import type { Socket } from "node:net";

import { expect } from "chai";

import { bodyOf, Closers, httpUpstream, openDoor, rawExchange, rawUpstream, until } from "../../builders/doorScene.ts";

const GET_FREE = "GET /free HTTP/1.1\r\nHost: x\r\n\r\n";

describe("door: limits and drain", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  const echo = () => httpUpstream(closers, (request, response) => void bodyOf(request).then((body) => response.end(String(body.length)), () => response.destroy()));
  const hanging = () => rawUpstream(closers, () => undefined);

  async function openSocket(port: number, send = ""): Promise<{ readonly socket: Socket; received(): string; isClosed(): boolean }> {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    let isClosed = false;
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1"))).on("error", () => undefined).on("close", () => (isClosed = true));
    closers.add(() => socket.destroy());
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    if (send !== "") socket.write(send);
    return { socket, received: () => received, isClosed: () => isClosed };
  }

  it("limits: headers that are too large or too many are a 431", async () => {
    const { port } = await openDoor(closers, (await echo()).url, { limits: { headerBytes: 2_000, headerCount: 20 } });
    expect(await rawExchange(port, `GET /free HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(3_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 [\s\S]*door\/headers-too-large/);
    expect(await rawExchange(port, `GET /free HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(30)}\r\n`)).to.match(/^HTTP\/1\.1 431 [\s\S]*door\/headers-too-large/);
    expect(await rawExchange(port, `GET /free?${"a".repeat(3_000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /);
  });

  it("limits: headers that do not come in time end the connection, also on one that was used before", async () => {
    const { port, door } = await openDoor(closers, (await echo()).url, { limits: { headerMs: 200 } });
    const silent = await openSocket(port);
    const slow = await openSocket(port, "GET /free HTTP/1.1\r\nHo");
    const later = await openSocket(port, `${GET_FREE}GET /free HTTP/1.1\r\nHo`);
    await until(() => silent.isClosed() && slow.isClosed() && later.isClosed(), "all are closed");
    expect(slow.received()).to.match(/^HTTP\/1\.1 408 /);
    expect(later.received()).to.match(/^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 408 /);
    await until(() => door.connections === 0, "none is left");
  });

  it("limits: a body beyond the route's limit is a 413 and cancels the sale, announced or not", async () => {
    const { port, gate } = await openDoor(closers, (await echo()).url, { route: { maxBodyBytes: 10 } });
    const announced = await rawExchange(port, "POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 100000\r\n\r\nabc");
    expect(announced).to.match(/^HTTP\/1\.1 413 [\s\S]*door\/body-too-large/);
    const chunked = await rawExchange(port, "POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n", (all) => all.includes("too-large"));
    expect(chunked).to.match(/^HTTP\/1\.1 413 /);
    expect(gate.sales.map(({ cancels, answers }) => [cancels.length, answers.length])).to.deep.equal([[1, 0], [1, 0]]);
  });

  it("limits: a body that stops coming is a 408 and cancels the sale, whoever reads it", async () => {
    for (const readsBody of [undefined, 100]) {
      const { port, gate } = await openDoor(closers, (await echo()).url, { limits: { bodyIdleMs: 100 }, readsBody });
      const got = await rawExchange(port, "POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 10\r\n\r\nabc");
      expect(got).to.match(/^HTTP\/1\.1 408 [\s\S]*door\/body-slow/);
      expect(gate.sales.length).to.equal(readsBody === undefined ? 1 : 0);
      expect(gate.sales.every(({ cancels, answers }) => cancels.length === 1 && answers.length === 0)).to.equal(true);
    }
  });

  it("limits: a body that the gate reads has to be whole in time, however it trickles", async () => {
    const { port, gate } = await openDoor(closers, (await echo()).url, { limits: { bodyIdleMs: 300 }, readsBody: 1_000 });
    const slow = await openSocket(port, "POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 1000\r\n\r\n");
    const trickle = setInterval(() => slow.socket.write("a"), 20);
    closers.add(() => clearInterval(trickle));
    await until(() => slow.received() !== "", "it is refused");
    expect(slow.received()).to.match(/^HTTP\/1\.1 408 [\s\S]*door\/body-slow/);
    expect(gate.sales.length).to.equal(0);
  });

  it("limits: a 402 for a large body reaches the client, and the body is not read to its end", async () => {
    const { port } = await openDoor(closers, (await echo()).url);
    const body = Buffer.alloc(1 << 20, 97);
    const got = await rawExchange(port, Buffer.concat([Buffer.from(`POST /paid HTTP/1.1\r\nHost: x\r\nContent-Length: ${1 << 30}\r\n\r\n`), body]));
    expect(got).to.match(/^HTTP\/1\.1 402 /);
    expect(got).to.match(/connection: close/i);
  });

  it("limits: beyond the running exchanges a 503 comes before the gate is asked", async () => {
    const { port, gate, door } = await openDoor(closers, (await hanging()).url, { limits: { running: 2 } });
    await openSocket(port, GET_FREE);
    await openSocket(port, GET_FREE);
    await until(() => door.running === 2, "two run");
    const got = await rawExchange(port, "GET /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\n\r\n");
    expect(got).to.match(/^HTTP\/1\.1 503 [\s\S]*Retry-After: 1\r\n[\s\S]*door\/busy/);
    expect(gate.decisions).to.equal(2);
  });

  it("limits: one address has its share of the running exchanges, whoever has left included, and others find room", async () => {
    const { url } = await hanging();
    const { port, gate, door } = await openDoor(closers, url, { limits: { running: 3, runningPerAddress: 2 } });
    await openSocket(port, GET_FREE);
    const leaving = connect(port, "127.0.0.1");
    leaving.write("POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\n\r\n");
    await until(() => door.running === 2 && door.upstreamConnections === 2, "two run");
    leaving.destroy();
    await until(() => door.connections === 1, "one has left");
    expect(await rawExchange(port, GET_FREE)).to.match(/^HTTP\/1\.1 503 [\s\S]*door\/busy/);
    const other = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2" });
    other.write(GET_FREE);
    await until(() => door.running === 3, "another address has room");
    expect(gate.decisions).to.equal(3);
    other.destroy();
    await until(() => door.running === 2, "its place is free again");
  });

  it("limits: beyond the connections of one address a 503 comes, and a place that is left is free again", async () => {
    const { port, door } = await openDoor(closers, (await echo()).url, { limits: { connectionsPerAddress: 2 } });
    const first = await openSocket(port, GET_FREE);
    await openSocket(port, GET_FREE);
    await until(() => door.connections === 2, "two are open");
    expect(await rawExchange(port, GET_FREE)).to.match(/^HTTP\/1\.1 503 [\s\S]*door\/busy/);
    first.socket.destroy();
    await until(() => door.connections === 1, "one is left");
    expect(await rawExchange(port, GET_FREE, (all) => all.endsWith("\r\n\r\n0"))).to.match(/^HTTP\/1\.1 200 /);
  });

  it("limits: a connection ends after its requests", async () => {
    const { port } = await openDoor(closers, (await echo()).url, { limits: { requestsPerConnection: 2 } });
    const got = await rawExchange(port, GET_FREE + GET_FREE + GET_FREE, (all) => all.includes(" 503 "));
    expect(got.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 503"]);
    expect(got).to.match(/connection: close/i);
  });

  it("limits: a client that takes nothing is cut off, and its upstream with it", async () => {
    const upstream = await httpUpstream(closers, (_request, response) => {
      const chunk = Buffer.alloc(65_536, 97);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more);
      more();
    });
    const { port, door } = await openDoor(closers, upstream.url, { limits: { stallMs: 150 } });
    const stalled = await openSocket(port, GET_FREE);
    stalled.socket.pause();
    await until(() => door.running === 1, "it runs");
    await until(() => door.running === 0 && door.upstreamConnections === 0, "it is cut off");
  });

  it("limits: what waits for a connection to the upstream gets it when one is free", async () => {
    const { url, door } = await openDoor(closers, (await echo()).url, { limits: { upstreamConnections: 2 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/free`).then((answer) => answer.text())));
    expect(answers).to.deep.equal(Array.from({ length: 20 }, () => "0"));
    expect(door.upstreamConnections).to.be.at.most(2);
  });

  it("drain: running exchanges end, their connections close, new ones are refused", async () => {
    let finish = (): void => undefined;
    const upstream = await httpUpstream(closers, (request, response) => {
      if (request.url === "/free/now") return void response.end("now");
      finish = () => response.end("late");
    });
    const { port, door } = await openDoor(closers, upstream.url);
    const idle = await openSocket(port, "GET /free/now HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => idle.received().endsWith("now"), "the first is answered");
    const busy = await openSocket(port, "GET /free/late HTTP/1.1\r\nHost: x\r\n\r\n");
    await until(() => door.running === 1, "one runs");
    const drained = door.drain(5_000);
    await until(() => idle.isClosed(), "the idle one is closed");
    expect(await rawExchange(port, GET_FREE).catch(() => "")).to.equal("");
    finish();
    await drained;
    await until(() => busy.isClosed(), "the busy one is closed");
    expect(busy.received()).to.match(/^HTTP\/1\.1 200 [\s\S]*connection: close[\s\S]*late$/i);
  });

  it("drain: what is not done by the deadline is cancelled and told so", async () => {
    const { port, door, gate } = await openDoor(closers, (await hanging()).url);
    const busy = await openSocket(port, "GET /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\n\r\n");
    await until(() => door.running === 1 && gate.sales.length === 1, "one runs");
    await door.drain(50);
    await until(() => busy.isClosed(), "it is closed");
    expect(busy.received()).to.match(/^HTTP\/1\.1 503 [\s\S]*door\/stopping/);
    expect(gate.sales[0]?.cancels).to.deep.equal(["stopping"]);
  });

  it("drain: who is being charged is not told that nothing is", async () => {
    let settle = (): void => undefined;
    const { port, door, gate } = await openDoor(closers, (await echo()).url, { settle: () => new Promise((resolve) => (settle = () => resolve({ kind: "paid", headers: [] }))) });
    const busy = await openSocket(port, "GET /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\n\r\n");
    await until(() => gate.sales[0]?.answers.length === 1, "it is being settled");
    await door.drain(50);
    await until(() => busy.isClosed(), "it is closed");
    settle();
    expect(busy.received()).to.equal("");
    expect(gate.sales[0]!.cancels).to.deep.equal([]);
  });

  it("expect: 100 comes when the gate has taken the payment, and not when it has not", async () => {
    let let_in = (): void => undefined;
    const verified = new Promise<void>((resolve) => (let_in = resolve));
    const { port } = await openDoor(closers, (await echo()).url, { verifying: () => verified });
    const head = (paid: string) => `POST /paid HTTP/1.1\r\nHost: x\r\n${paid}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`;
    const unpaid = await rawExchange(port, head(""));
    expect(unpaid).to.match(/^HTTP\/1\.1 402 /);
    const paying = await openSocket(port, head("Payment-Signature: ok\r\n"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(paying.received()).to.equal("");
    let_in();
    await until(() => paying.received() === "HTTP/1.1 100 Continue\r\n\r\n", "the 100 comes");
    paying.socket.write("hello");
    await until(() => /HTTP\/1\.1 200 [\s\S]*5$/.test(paying.received()), "the answer comes");
  });
});
