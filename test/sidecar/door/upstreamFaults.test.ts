import { connect } from "node:net";

import { expect } from "chai";

import { answering, Closers, openDoor, rawExchange, rawUpstream, until } from "../../builders/doorScene.ts";

const GET_PAID = "GET /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nConnection: close\r\n\r\n";
const GET_FREE = "GET /free HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/** Answers that are not what they say; after each the upstream closes the connection where `closes`. */
const LIES: Readonly<Record<string, { readonly answer: string; readonly closes?: boolean; readonly code?: string }>> = {
  "nothing at all": { answer: "", closes: true },
  "half a head": { answer: "HTTP/1.1 200 OK\r\nContent-", closes: true },
  "a body shorter than its Content-Length": { answer: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", closes: true },
  "a body longer than its Content-Length": { answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger" },
  "a second answer behind the first": { answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad" },
  "two Content-Lengths": { answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok" },
  "Content-Length and Transfer-Encoding": { answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
  "a Content-Length that is none": { answer: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok" },
  "a Transfer-Encoding that is not chunked": { answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok" },
  "chunks in HTTP/1.0": { answer: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
  "a chunk size that is none": { answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nok\r\n0\r\n\r\n" },
  "a chunk longer than its size": { answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n" },
  "chunks without an end": { answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", closes: true },
  "a chunk that ends early": { answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", closes: true },
  "an endless chunk size": { answer: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;${"x".repeat(1_000)}` },
  "a status line that is none": { answer: "SSH-2.0-OpenSSH_9.2\r\n\r\n" },
  "a status that is none": { answer: "HTTP/1.1 20 OK\r\n\r\n" },
  "a status beyond all": { answer: "HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n" },
  "HTTP/2 in plain": { answer: "HTTP/2 200\r\n\r\n" },
  "headers ended by bare LF": { answer: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", closes: true },
  "a bare CR in a header": { answer: "HTTP/1.1 200 OK\r\nX-A: b\rc\r\nContent-Length: 2\r\n\r\nok" },
  "NUL in a header": { answer: "HTTP/1.1 200 OK\r\nX-A: \0\r\nContent-Length: 2\r\n\r\nok" },
  "a folded header": { answer: "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok" },
  "a header without a colon": { answer: "HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 2\r\n\r\nok" },
  "huge headers": { answer: `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(20_000)}\r\nContent-Length: 2\r\n\r\nok` },
  "too many headers": { answer: `HTTP/1.1 200 OK\r\n${"X-A: b\r\n".repeat(200)}Content-Length: 2\r\n\r\nok` },
  "an endless line of 1xx": { answer: "HTTP/1.1 102 Processing\r\n\r\n".repeat(100) },
  "a change of protocols that nobody asked for": { answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" },
};

describe("door: an upstream that fails or lies", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  for (const [name, { answer, closes }] of Object.entries(LIES)) {
    it(`upstream: ${name} is a 502 that costs nothing`, async () => {
      const upstream = await rawUpstream(closers, (socket) => void (closes === true ? socket.end(answer, "latin1") : socket.write(answer, "latin1")));
      const { port, gate, door } = await openDoor(closers, upstream.url, { limits: { answerHeaderBytes: 16_384 } });
      const got = await rawExchange(port, GET_PAID);
      expect(got).to.match(/^HTTP\/1\.1 502 /);
      expect(got).to.contain('"code":"door/upstream"');
      expect(got).not.to.contain("PAYMENT-RESPONSE");
      expect(gate.sales.map(({ answers, cancels }) => [answers.length, cancels])).to.deep.equal([[0, ["upstream-failed"]]]);
      await until(() => door.upstreamConnections === 0 && door.running === 0, "nothing is left of it");
    });
  }

  it("upstream: a stream that breaks is broken for the client too", async () => {
    for (const head of ["Content-Length: 10", "Transfer-Encoding: chunked"]) {
      const upstream = await rawUpstream(closers, (socket) => void socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n2\r\nok\r\n`));
      const { url } = await openDoor(closers, upstream.url);
      const answer = await fetch(`${url}/free`);
      expect(answer.status).to.equal(200);
      expect(await answer.text().then(() => "whole", () => "broken")).to.equal("broken");
    }
  });

  it("upstream: a stream that breaks is reset for a client of HTTP/1.0, which would take its end for a whole answer", async () => {
    const upstream = await rawUpstream(closers, (socket) => void socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"));
    const { port } = await openDoor(closers, upstream.url);
    const socket = connect(port, "127.0.0.1");
    socket.on("data", () => undefined);
    socket.write("GET /free HTTP/1.0\r\n\r\n");
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => socket.once("error", resolve).once("close", () => resolve(undefined)));
    expect(error?.code).to.equal("ECONNRESET");
  });

  it("upstream: hangs, before its head and within its body, are a 504 that costs nothing", async () => {
    for (const answer of ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]) {
      const upstream = await rawUpstream(closers, (socket) => void socket.write(answer));
      const { port, gate } = await openDoor(closers, upstream.url, { route: { timeoutMs: 150 } });
      const got = await rawExchange(port, GET_PAID);
      expect(got).to.match(/^HTTP\/1\.1 504 [\s\S]*door\/upstream-timeout/);
      expect(gate.sales[0]?.cancels).to.deep.equal(["upstream-timeout"]);
    }
  });

  it("upstream: an answer larger than what is held, known or not, is not sold", async () => {
    const big = "x".repeat(3_000);
    for (const answer of [`Content-Length: 3000\r\n\r\n${big}`, `Transfer-Encoding: chunked\r\n\r\nbb8\r\n${big}\r\n0\r\n\r\n`, `Connection: close\r\n\r\n${big}`]) {
      const upstream = await rawUpstream(closers, (socket) => void socket.end(`HTTP/1.1 200 OK\r\n${answer}`));
      const { port, gate } = await openDoor(closers, upstream.url, { route: { holdBytes: 2_999 } });
      expect(await rawExchange(port, GET_PAID)).to.match(/^HTTP\/1\.1 502 [\s\S]*sale\/answer-too-large/);
      expect(gate.sales[0]?.cancels).to.deep.equal(["answer-too-large"]);
    }
  });

  it("upstream: answers that are held together beyond heldBytes are not sold, and the place is free again afterwards", async () => {
    let release = (): void => undefined;
    const upstream = await rawUpstream(closers, (socket, received) => {
      if (!received.split("GET ").at(-1)!.startsWith("/paid/first")) return void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n${"x".repeat(600)}`);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 601\r\n\r\n${"x".repeat(600)}`);
      release = () => socket.write("x");
    });
    const { port, gate, door } = await openDoor(closers, upstream.url, { limits: { heldBytes: 1_000 } });
    const first = rawExchange(port, GET_PAID.replace("/paid", "/paid/first"));
    await until(() => upstream.received() !== "" && gate.sales.length === 1, "the first is asked");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await rawExchange(port, GET_PAID)).to.match(/^HTTP\/1\.1 503 [\s\S]*door\/busy/);
    expect(gate.sales[1]?.cancels).to.deep.equal(["answer-too-large"]);
    release();
    expect(await first).to.match(/^HTTP\/1\.1 200 /);
    await until(() => door.running === 0, "both are over");
    expect(await rawExchange(port, GET_PAID)).to.match(/^HTTP\/1\.1 200 /);
  });

  it("upstream: an answer without an end is not sold after holdMs", async () => {
    const upstream = await rawUpstream(closers, (socket) => void socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"));
    const { port, gate } = await openDoor(closers, upstream.url, { limits: { holdMs: 100 } });
    expect(await rawExchange(port, GET_PAID)).to.match(/^HTTP\/1\.1 502 [\s\S]*sale\/answer-too-large/);
    expect(gate.sales[0]?.cancels).to.deep.equal(["answer-too-large"]);
  });

  it("upstream: an answer until the connection closes is held and sold, with a length", async () => {
    const upstream = await rawUpstream(closers, (socket) => void socket.end("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"));
    const { port, gate } = await openDoor(closers, upstream.url);
    expect(await rawExchange(port, GET_PAID)).to.match(/^HTTP\/1\.1 200 OK[\s\S]*Content-Length: 5\r\n[\s\S]*hello$/);
    expect(gate.sales[0]?.answers.length).to.equal(1);
  });

  it("upstream: HEAD, 204 and 304 have no body and keep what they say of one", async () => {
    const upstream = await rawUpstream(closers, (socket, received) => {
      const status = /status=(\d+)/.exec(received)?.[1] ?? "200";
      socket.write(`HTTP/1.1 ${status} X\r\nETag: "a"\r\n${status === "204" ? "" : "Content-Length: 77\r\n"}\r\n`);
    });
    for (const [method, target, paid] of [["HEAD", "/free", ""], ["HEAD", "/paid", "Payment-Signature: ok\r\n"], ["GET", "/paid?status=204", "Payment-Signature: ok\r\n"], ["GET", "/paid?status=304", "Payment-Signature: ok\r\n"]]) {
      const { port } = await openDoor(closers, upstream.url);
      const got = await rawExchange(port, `${method} ${target} HTTP/1.1\r\nHost: x\r\n${paid}Connection: close\r\n\r\n`);
      expect(got).to.match(/^HTTP\/1\.1 (200|204|304) /);
      expect(got.endsWith("\r\n\r\n")).to.equal(true);
      expect(got.includes("Content-Length: 77")).to.equal(!target!.includes("204"));
    }
  });

  it("upstream: a body where none may be does not reach the next answer", async () => {
    const upstream = await rawUpstream(closers, answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"));
    const { port } = await openDoor(closers, upstream.url);
    const got = await rawExchange(port, "HEAD /free HTTP/1.1\r\nHost: x\r\n\r\nGET /free HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(got.match(/HTTP\/1\.1 200/g)?.length).to.equal(2);
    expect(got.match(/evil/g)?.length).to.equal(1);
    expect(upstream.connections).to.equal(2);
  });

  it("upstream: bytes on an idle connection end it, and are nobody's answer", async () => {
    let poisoned = false;
    const upstream = await rawUpstream(closers, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      if (!poisoned) setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), 20);
      poisoned = true;
    });
    const { port, door } = await openDoor(closers, upstream.url);
    expect(await rawExchange(port, GET_FREE)).to.match(/ok$/);
    await until(() => door.upstreamConnections === 0, "the connection is gone");
    expect(await rawExchange(port, GET_FREE)).to.match(/ok$/);
  });

  it("upstream: a kept connection that was closed is tried again, for methods that may be repeated only", async () => {
    let answers = 0;
    const upstream = await rawUpstream(closers, (socket, received) => {
      // The first request of a connection is answered, the second one finds it closed.
      if (received.split("\r\n\r\n").length > 2) return void socket.destroy();
      answers++;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    const { port } = await openDoor(closers, upstream.url);
    expect(await rawExchange(port, GET_FREE)).to.match(/ok$/);
    expect(await rawExchange(port, GET_FREE)).to.match(/ok$/);
    expect(answers).to.equal(2);
    // Its second connection is as new, so this one meets the same fate and is not tried again.
    const post = await rawExchange(port, "POST /free HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(post).to.match(/^HTTP\/1\.1 502 /);
    expect(answers).to.equal(2);
  });

  it("upstream: early hints pass, other informational answers do not", async () => {
    const upstream = await rawUpstream(closers, (socket) => void socket.write("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    const { port } = await openDoor(closers, upstream.url);
    const got = await rawExchange(port, GET_FREE);
    expect(got.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(["HTTP/1.1 103", "HTTP/1.1 200"]);
    expect(got.toLowerCase()).to.contain("link: </a.css>; rel=preload");
  });

  it("upstream: what it says of payments and attestations itself does not reach the client", async () => {
    const upstream = await rawUpstream(closers, (socket) => void socket.write("HTTP/1.1 200 OK\r\nPayment-Response: forged\r\nAgnt2-Attestation: forged\r\nConnection: X-Gone\r\nX-Gone: 1\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok"));
    const { port } = await openDoor(closers, upstream.url);
    const got = await rawExchange(port, GET_PAID);
    expect(got).not.to.contain("forged");
    expect(got).not.to.contain("X-Gone");
    expect(got.match(/Date: /g)?.length).to.equal(1);
    expect(got).to.contain("Date: Mon, 01 Jan 2024");
    expect(got).to.contain("Via: 1.1 agnt2");
  });

  it("upstream: the client's leaving ends the upstream's work, and nothing is charged", async () => {
    let isClosed = false;
    const upstream = await rawUpstream(closers, (socket) => void socket.on("close", () => (isClosed = true)));
    const { port, gate, door } = await openDoor(closers, upstream.url);
    await rawExchange(port, GET_PAID, undefined, 100);
    await until(() => isClosed && door.running === 0, "both sides are closed");
    expect(gate.sales[0]?.cancels).to.deep.equal(["client-gone"]);
  });

  it("upstream: whoever leaves once the service has a request that must not be repeated pays for its work", async () => {
    const answers: (() => void)[] = [];
    const upstream = await rawUpstream(closers, (socket, received) => {
      if (received.endsWith("\r\n\r\nab")) answers.push(() => void (received.includes("/broken") ? socket.destroy() : socket.write(`HTTP/1.1 ${received.includes("/no") ? 404 : 200} X\r\nContent-Length: 4\r\n\r\ndone`)));
    });
    const { port, gate, door } = await openDoor(closers, upstream.url);
    for (const target of ["/paid", "/no", "/broken"]) {
      const count = answers.length;
      const leaving = connect(port, "127.0.0.1");
      leaving.write(`POST ${target} HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 2\r\n\r\nab`);
      await until(() => answers.length > count, "the service has it");
      leaving.destroy();
      await until(() => door.connections === 0, "the client is gone");
      answers.at(-1)!();
      await until(() => door.running === 0, "it is over");
    }
    expect(gate.sales.map(({ answers: sold, cancels }) => [sold.length, cancels])).to.deep.equal([[1, []], [0, ["not-charged"]], [0, ["upstream-failed"]]]);
  });

  it("upstream: one that dies while its stream is being paid breaks an answer that says it was paid, and is no 502", async () => {
    let settle = (): void => undefined;
    let isClosed = false;
    const upstream = await rawUpstream(closers, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
      setTimeout(() => socket.destroy(), 50);
      socket.on("close", () => (isClosed = true));
    });
    const { port, gate, door } = await openDoor(closers, upstream.url, { settles: "before", settle: () => new Promise((resolve) => (settle = () => resolve({ kind: "paid", headers: [["PAYMENT-RESPONSE", "paid"]] }))) });
    const asked = rawExchange(port, GET_PAID);
    await until(() => gate.sales[0]?.answers.length === 1 && isClosed, "the upstream is gone");
    // A paused connection tells of its end late; the sale goes on either way.
    settle();
    const got = await asked;
    expect(got).to.match(/^HTTP\/1\.1 200 [\s\S]*PAYMENT-RESPONSE: paid/);
    expect(got.endsWith("0\r\n\r\n")).to.equal(false);
    await until(() => door.running === 0, "it is over");
    expect(gate.sales[0]!.cancels).to.deep.equal([]);
  });

  it("upstream: a withheld answer is not seen when the money did not move, or settling threw", async () => {
    const upstream = await rawUpstream(closers, answering("HTTP/1.1 200 OK\r\nX-Secret: s\r\nContent-Length: 6\r\n\r\nsecret"));
    for (const settles of ["after", "before"] as const) {
      const unpaid = await openDoor(closers, upstream.url, { settles, settle: () => Promise.resolve({ kind: "unpaid", refusal: { status: 402, headers: [["X-Why", "no"]], body: Buffer.from("no") } }) });
      const first = await rawExchange(unpaid.port, GET_PAID);
      expect(first).to.match(/^HTTP\/1\.1 402 [\s\S]*X-Why: no[\s\S]*no$/);
      expect(first.toLowerCase()).not.to.contain("secret");
      const thrown = await openDoor(closers, upstream.url, { settles, settle: () => Promise.reject(new Error("no")) });
      const second = await rawExchange(thrown.port, GET_PAID);
      expect(second).to.match(/^HTTP\/1\.1 500 [\s\S]*door\/failed/);
      expect(second.toLowerCase()).not.to.contain("secret");
      expect(thrown.gate.sales[0]?.cancels).to.deep.equal(["upstream-failed"]);
    }
  });
});
