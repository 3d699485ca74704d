import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { bodyOf, Closers, httpUpstream, openDoor, rawExchange, rawUpstream, until } from "../../builders/doorScene.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

describe("door: bodies", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  it("bodies: a large upload and a large download pass unchanged, both at a time", async () => {
    const upstream = await httpUpstream(closers, (request, response) => {
      response.writeHead(200);
      request.pipe(response);
    });
    const { url } = await openDoor(closers, upstream.url);
    const body = randomBytes(8 << 20);
    const answer = await fetch(`${url}/free`, { method: "POST", body });
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).to.deep.equal(sha256(body));
  });

  it("bodies: an upstream that does not read holds the client up, not the door's memory", async () => {
    const upstream = await rawUpstream(closers, (socket) => void socket.pause());
    const { port, door } = await openDoor(closers, upstream.url, { route: { timeoutMs: 1_500, maxBodyBytes: 1 << 30 } });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    closers.add(() => socket.destroy());
    socket.write(`POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: ${1 << 28}\r\n\r\n`);
    const chunk = Buffer.alloc(1 << 20);
    let written = 0;
    let isBlocked = false;
    while (written < 1 << 28 && !isBlocked) {
      written += chunk.length;
      if (!socket.write(chunk)) isBlocked = !(await Promise.race([new Promise((resolve) => socket.once("drain", () => resolve(true))), new Promise((resolve) => setTimeout(() => resolve(false), 300))]));
    }
    expect(isBlocked).to.equal(true);
    expect(written).to.be.below(1 << 26);
    socket.destroy();
    await until(() => door.running === 0 && door.upstreamConnections === 0, "both sides end");
  });

  it("bodies: a sold body with the promised digest passes; of another one the upstream never sees the end", async () => {
    const body = randomBytes(300_000);
    let ended = 0;
    const upstream = await httpUpstream(closers, (request, response) => {
      void bodyOf(request).then(
        (got) => {
          ended++;
          response.end(String(got.length));
        },
        () => response.destroy(),
      );
    });
    const { url, gate } = await openDoor(closers, upstream.url, { bodyDigest: () => sha256(body) });
    const headers = { "payment-signature": "ok" };
    const right = await fetch(`${url}/paid`, { method: "POST", body, headers });
    expect([right.status, await right.text()]).to.deep.equal([200, "300000"]);
    const other = Buffer.from(body);
    other[299_999]! ^= 1;
    for (const wrong of [other, body.subarray(1), Buffer.from("x")]) {
      const answer = await fetch(`${url}/paid`, { method: "POST", body: wrong, headers });
      expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).to.deep.equal([400, "payment/digest"]);
      expect(gate.sales.at(-1)).to.deep.include({ answers: [], cancels: ["body-digest"] });
    }
    const none = await fetch(`${url}/paid`, { headers });
    expect(none.status).to.equal(400);
    expect(ended).to.equal(1);
  });

  it("bodies: an upstream that answers before the end of a wrong body is not sold", async () => {
    const body = randomBytes(200_000);
    const upstream = await rawUpstream(closers, (socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly"));
    for (const settles of ["after", "before"] as const) {
      const { url, gate } = await openDoor(closers, upstream.url, { settles, bodyDigest: () => sha256(body) });
      const answer = await fetch(`${url}/paid`, { method: "POST", body: body.subarray(1), headers: { "payment-signature": "ok" } });
      expect(answer.status).to.equal(400);
      expect(gate.sales[0]).to.deep.include({ answers: [], cancels: ["body-digest"] });
    }
  });

  it("bodies: what the gate read is sent on as it was, with its digest checked", async () => {
    const upstream = await httpUpstream(closers, (request, response) => void bodyOf(request).then((got) => response.end(`${request.headers["content-length"]} ${got.toString()}`)));
    const { url, port, gate } = await openDoor(closers, upstream.url, { readsBody: 100, bodyDigest: () => sha256(Buffer.from("hello")) });
    const answer = await fetch(`${url}/paid`, { method: "POST", body: "hello", headers: { "payment-signature": "ok" } });
    expect(await answer.text()).to.equal("5 hello");
    const chunked = await rawExchange(port, "POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    expect(chunked).to.match(/5 hello$/);
    expect(gate.sales.map(({ readBody }) => Buffer.from(readBody!).toString())).to.deep.equal(["hello", "hello"]);
    const large = await fetch(`${url}/paid`, { method: "POST", body: "x".repeat(101), headers: { "payment-signature": "ok" } });
    expect([large.status, ((await large.json()) as { error: { code: string } }).error.code]).to.deep.equal([413, "door/body-too-large"]);
  });

  it("bodies: one that is not whole within the payment's time is refused, and the service never sees its end", async () => {
    let ended = 0;
    const upstream = await httpUpstream(closers, (request, response) => void bodyOf(request).then(() => {
      ended += 1;
      response.end("done");
    }, () => undefined));
    const body = "x".repeat(10);
    const { port, gate, door } = await openDoor(closers, upstream.url, { bodyMs: 100, bodyDigest: () => createHash("sha256").update(body).digest() });
    const head = "POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 10\r\n\r\n";
    // One that has stopped is ended by the sweep, one whose end comes too late by that end.
    const got = await rawExchange(port, `${head}xxxx`);
    expect(got).to.match(/^HTTP\/1\.1 402 [\s\S]*payment\/expired/);
    expect(await rawExchange(port, `${head}${body}`, (all) => all.endsWith("done"))).to.match(/^HTTP\/1\.1 200 /);
    await until(() => door.running === 0, "all is over");
    expect([ended, gate.sales.map(({ answers, cancels }) => [answers.length, cancels])]).to.deep.equal([1, [[0, ["body-late"]], [1, []]]]);
  });

  it("bodies: trailers of an answer pass, sold or free", async () => {
    const upstream = await httpUpstream(closers, (_request, response) => {
      response.writeHead(200, { trailer: "X-Sum" });
      response.write("a");
      response.addTrailers({ "X-Sum": "1" });
      response.end();
    });
    const { port } = await openDoor(closers, upstream.url);
    for (const [target, paid] of [["/free", ""], ["/paid", "Payment-Signature: ok\r\n"]]) {
      const got = await rawExchange(port, `GET ${target} HTTP/1.1\r\nHost: x\r\n${paid}Connection: close\r\n\r\n`);
      expect(got).to.match(/\r\n0\r\nX-Sum: 1\r\n\r\n$/);
    }
  });

  it("bodies: a part of a file is asked for and given as it is", async () => {
    const upstream = await httpUpstream(closers, (request, response) => {
      expect(request.headers.range).to.equal("bytes=1-2");
      response.writeHead(206, { "content-range": "bytes 1-2/4", "content-length": 2 }).end("bc");
    });
    const { url } = await openDoor(closers, upstream.url);
    const answer = await fetch(`${url}/paid`, { headers: { range: "bytes=1-2", "payment-signature": "ok" } });
    expect([answer.status, answer.headers.get("content-range"), await answer.text()]).to.deep.equal([206, "bytes 1-2/4", "bc"]);
  });

  it("upstreams: a unix socket serves as well", async () => {
    const dir = mkdtempSync(join(tmpdir(), "agnt2-door-"));
    const path = join(dir, "up.sock");
    const server = createServer((request, response) => void response.end(request.headers.host));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    closers.add(() => {
      server.closeAllConnections();
      server.close();
      rmSync(dir, { recursive: true });
    });
    const { url, port } = await openDoor(closers, `unix:${path}`);
    expect(await (await fetch(`${url}/free`)).text()).to.equal(`127.0.0.1:${port}`);
  });

  it("upstreams: Python's http.server, HTTP/1.0 and closing each connection, is sold", async () => {
    expect(spawnSync("python3", ["--version"]).status, "python3 is needed here: install it and run this again").to.equal(0);
    const dir = mkdtempSync(join(tmpdir(), "agnt2-door-"));
    writeFileSync(join(dir, "a.txt"), "from python");
    const free = createTcpServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const { port: pythonPort } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const python = spawn("python3", ["-m", "http.server", String(pythonPort), "--bind", "127.0.0.1", "--directory", dir], { stdio: "ignore" });
    closers.add(async () => {
      const exited = new Promise((resolve) => python.once("exit", resolve));
      python.kill("SIGKILL");
      await exited;
      rmSync(dir, { recursive: true });
    });
    const { url, gate } = await openDoor(closers, `http://127.0.0.1:${pythonPort}`);
    for (let tries = 0; tries < 400; tries++) {
      if ((await fetch(`${url}/free`)).status !== 502) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    const answers = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${url}/a.txt`, { headers: { "payment-signature": "ok" } })).text()));
    expect(new Set(answers)).to.deep.equal(new Set(["from python"]));
    expect(gate.sales.every(({ answers: given }) => given.length === 1)).to.equal(true);
  });
});
