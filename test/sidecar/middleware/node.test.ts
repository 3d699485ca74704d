import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { createGzip, gunzipSync } from "node:zlib";

import { expect } from "chai";
import { WebSocket, WebSocketServer } from "ws";

import { wrapHandler, wrapUpgrade } from "../../../sidecar/middleware/node.ts";
import { bodyOf, Closers, httpUpstream, rawExchange, until } from "../../builders/doorScene.ts";
import { testGate } from "../../builders/testGate.ts";
import type { TestGateOptions } from "../../builders/testGate.ts";

const OK = { "payment-signature": "ok" };
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

describe("middleware: node:http", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  async function serve(handler: Handler, options: TestGateOptions = {}) {
    const gate = testGate(options);
    const { url, port, server } = await httpUpstream(closers, wrapHandler(gate, handler));
    return { gate, url, port, server };
  }
  const errorCode = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code;

  it("handler: free and unpaid requests are decided within the same turn", async () => {
    let turns = "";
    const { url } = await serve((_request, response) => {
      turns += "handler";
      response.end("free");
    });
    expect(await (await fetch(`${url}/free`)).text()).to.equal("free");
    expect((await fetch(`${url}/paid`)).status).to.equal(402);
    expect((await fetch(`${url}/free/../paid`)).status).to.equal(402);
    expect((await fetch(`${url}/free%2fpaid`)).status).to.equal(400);
    expect(turns).to.equal("handler");
  });

  it("handler: writeHead with a list, writes, pipe and flushHeaders are held and come out as they went in", async () => {
    const { url, gate } = await serve((request, response) => {
      response.setHeader("X-Before", "1");
      if (request.url === "/list") response.writeHead(201, "Made", ["X-A", "1", "X-A", "2", "Set-Cookie", "a=1", "Set-Cookie", "b=2"]);
      else response.writeHead(202, { "x-b": ["3", "4"] });
      response.flushHeaders();
      expect(response.headersSent).to.equal(true);
      expect(() => response.writeHead(200)).to.throw().with.property("code", "ERR_HTTP_HEADERS_SENT");
      if (request.url === "/list") Readable.from(["a", "b", Buffer.from("c")]).pipe(response);
      else {
        response.write("6162", "hex");
        response.end("Yw==", "base64");
        expect(response.writableEnded).to.equal(true);
      }
    });
    const list = await fetch(`${url}/list`, { headers: OK });
    expect([list.status, list.statusText, await list.text(), list.headers.get("x-a"), list.headers.get("x-before")]).to.deep.equal([201, "Made", "abc", "1, 2", "1"]);
    expect(list.headers.getSetCookie()).to.deep.equal(["a=1", "b=2"]);
    expect([list.headers.get("content-length"), list.headers.get("payment-response")]).to.deep.equal(["3", "paid"]);
    const map = await fetch(`${url}/map`, { headers: OK });
    expect([map.status, await map.text(), map.headers.get("x-b")]).to.deep.equal([202, "abc", "3, 4"]);
    expect(gate.sales.map(({ answers }) => Buffer.from((answers[0] as { body: Uint8Array }).body).toString())).to.deep.equal(["abc", "abc"]);
  });

  for (const [size, bytes] of [["small", 1_000], ["large", 100_000]] as const) {
    it(`handler: a ${size} answer keeps each of its bytes, and those of its headers; text is UTF-8 unless it says otherwise`, async () => {
      const body = Buffer.from(Array.from({ length: bytes }, (_, i) => i % 256));
      const text = "caf\u00e9 \u20ac ".repeat(bytes / 10);
      const { port, gate } = await serve((request, response) => {
        response.setHeader("X-Name", "caf\u00e9\u00ff");
        if (request.url === "/bytes") response.end(body);
        else if (request.url === "/text") response.end(text);
        else response.end("caf\u00e9\u00ff", "latin1");
      });
      for (const [target, expected] of [["/bytes", body], ["/text", Buffer.from(text)], ["/latin1", Buffer.from("caf\u00e9\u00ff", "latin1")]] as const) {
        const answer = await rawExchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nPayment-Signature: ok\r\n\r\n`);
        const [head = "", ...rest] = answer.split("\r\n\r\n");
        expect(head).to.contain("X-Name: caf\u00e9\u00ff\r\n").and.to.contain(`Content-Length: ${expected.length}`);
        expect(Buffer.from(rest.join("\r\n\r\n"), "latin1").equals(expected), target).to.equal(true);
        expect(Buffer.from((gate.sales.at(-1)!.answers[0] as { body: Uint8Array }).body).equals(expected), `${target}, as sold`).to.equal(true);
      }
    });
  }

  it("handler: HEAD and 204 keep their headers and have no body", async () => {
    const { url, gate } = await serve((request, response) => {
      if (request.method === "HEAD") response.writeHead(200, { "content-length": 7 }).end();
      else response.writeHead(204).end();
    });
    const head = await fetch(url, { method: "HEAD", headers: OK });
    expect([head.status, head.headers.get("content-length"), head.headers.get("payment-response")]).to.deep.equal([200, "7", "paid"]);
    expect((await fetch(url, { headers: OK })).status).to.equal(204);
    expect(gate.sales.every(({ answers }) => answers.length === 1)).to.equal(true);
  });

  it("handler: what it throws, at once, later or after its head, costs nothing", async () => {
    const { url, gate } = await serve(async (request, response) => {
      if (request.url === "/head") response.writeHead(200).write("half");
      if (request.url !== "/now") await new Promise((resolve) => setTimeout(resolve, 5));
      throw new Error("broken");
    });
    for (const path of ["/now", "/later", "/head"]) {
      const answer = await fetch(`${url}${path}`, { headers: OK });
      expect([answer.status, await errorCode(answer)]).to.deep.equal([500, "door/failed"]);
    }
    expect(gate.sales.map(({ answers, cancels }) => [answers.length, cancels])).to.deep.equal(Array.from({ length: 3 }, () => [0, ["upstream-failed"]]));
  });

  it("handler: an answer that is too large, too late or cut off costs nothing", async () => {
    const { url, gate } = await serve(
      (request, response) => {
        if (request.url === "/large") response.end("x".repeat(101));
        if (request.url === "/cut") response.destroy();
      },
      { route: { holdBytes: 100, timeoutMs: 100 } },
    );
    const large = await fetch(`${url}/large`, { headers: OK });
    expect([large.status, await errorCode(large)]).to.deep.equal([502, "sale/answer-too-large"]);
    const late = await fetch(`${url}/late`, { headers: OK });
    expect([late.status, await errorCode(late)]).to.deep.equal([504, "door/upstream-timeout"]);
    expect(await fetch(`${url}/cut`, { headers: OK }).then(() => "answered", () => "cut")).to.equal("cut");
    await until(() => gate.sales.length === 3 && gate.sales.every(({ cancels }) => cancels.length === 1), "all are cancelled");
    expect(gate.sales.map(({ cancels }) => cancels[0])).to.deep.equal(["answer-too-large", "upstream-timeout", "client-gone"]);
  });

  it("handler: money that did not move withholds the answer", async () => {
    for (const settles of ["after", "before"] as const) {
      const { url } = await serve((_request, response) => void response.setHeader("X-Secret", "s").end("secret"), { settles, settle: () => Promise.resolve({ kind: "unpaid", refusal: { status: 402, headers: [["X-Why", "no"]], body: Buffer.from("no") } }) });
      const answer = await fetch(url, { headers: OK });
      expect([answer.status, answer.headers.get("x-why"), answer.headers.get("x-secret"), await answer.text()]).to.deep.equal([402, "no", null, "no"]);
    }
  });

  it("handler: a stream is paid with its head, then flows as it is written", async () => {
    let write = (_text: string): void => undefined;
    let end = (): void => undefined;
    const { url, gate } = await serve(
      (_request, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: 1\n\n");
        write = (text) => void response.write(text);
        end = () => response.end();
      },
      { settles: "before" },
    );
    const answer = await fetch(url, { headers: OK });
    expect([answer.headers.get("payment-response"), gate.sales[0]!.answers[0]!.status]).to.deep.equal(["paid", 200]);
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal("data: 1\n\n");
    write("data: 2\n\n");
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal("data: 2\n\n");
    end();
    expect((await reader.read()).done).to.equal(true);
  });

  it("handler: a large stream waits for the client, and none of it is lost", async () => {
    const bytes = Buffer.alloc(4 << 20, 113);
    const { url } = await serve((_request, response) => void Readable.from((function* () { for (let i = 0; i < bytes.length; i += 65_536) yield bytes.subarray(i, i + 65_536); })()).pipe(response), { settles: "before" });
    const answer = await fetch(url, { headers: OK });
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).to.deep.equal(sha256(bytes));
  });

  it("handler: what is compressed inside is sold as the client gets it", async () => {
    const { url, gate } = await serve((_request, response) => {
      response.setHeader("content-encoding", "gzip");
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.end("hello ".repeat(100));
    });
    const answer = await fetch(url, { headers: OK });
    expect(await answer.text()).to.equal("hello ".repeat(100));
    expect(gunzipSync((gate.sales[0]!.answers[0] as { body: Uint8Array }).body).toString()).to.equal("hello ".repeat(100));
  });

  it("handler: a body with the promised digest passes, whole or in pieces; of another one it never sees the end", async () => {
    const body = Buffer.alloc(200_000, 98);
    let ended = 0;
    const { url, gate } = await serve(
      (request, response) =>
        bodyOf(request).then(
          (got) => {
            ended++;
            response.end(String(got.length));
          },
          () => undefined,
        ),
      { bodyDigest: () => sha256(body) },
    );
    expect(await (await fetch(url, { method: "POST", body, headers: OK })).text()).to.equal("200000");
    for (const wrong of [body.subarray(1), Buffer.from("x")]) {
      const status = await fetch(url, { method: "POST", body: wrong, headers: OK }).then((answer) => answer.status);
      expect(status).to.equal(400);
    }
    await until(() => gate.sales.length === 3 && gate.sales.slice(1).every(({ cancels }) => cancels.length === 1), "both are cancelled");
    expect(gate.sales.map(({ answers, cancels }) => [answers.length, cancels[0]])).to.deep.equal([[1, undefined], [0, "body-digest"], [0, "body-digest"]]);
    expect(ended).to.equal(1);
  });

  it("handler: of a body that is not whole within the payment's time it never sees the end", async () => {
    let ended = 0;
    const { port, gate } = await serve((request, response) => bodyOf(request).then(() => response.end(String(ended++)), () => undefined), { bodyMs: 20, bodyDigest: () => sha256(Buffer.from("abcd")) });
    const socket = connect(port, "127.0.0.1");
    let got = "";
    socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1"))).on("error", () => undefined);
    socket.write("POST /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 4\r\n\r\nab");
    await until(() => gate.sales.length === 1, "it is sold");
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.write("cd");
    await until(() => gate.sales[0]!.cancels.length === 1 && got.includes("payment/expired"), "it is refused");
    expect([ended, gate.sales[0]!.cancels, gate.sales[0]!.answers.length, got.slice(0, 12)]).to.deep.equal([0, ["body-late"], 0, "HTTP/1.1 402"]);
    socket.destroy();
  });

  it("handler: one that answers without reading a wrong body is not paid", async () => {
    const { url, gate } = await serve((_request, response) => void response.end("quick"), { bodyDigest: () => sha256(Buffer.from("right")) });
    expect(await (await fetch(url, { method: "POST", body: "right", headers: OK })).text()).to.equal("quick");
    const status = await fetch(url, { method: "POST", body: "wrong", headers: OK }).then((answer) => answer.status);
    expect(status).to.equal(400);
    await until(() => gate.sales[1]?.cancels.length === 1, "it is cancelled");
    expect(gate.sales[1]!.answers.length).to.equal(0);
  });

  it("handler: what is thrown after a whole answer takes nothing from it", async () => {
    let settle = (): void => undefined;
    const { url, gate } = await serve(
      async (_request, response) => {
        response.end("whole");
        await Promise.resolve();
        throw new Error("late");
      },
      { settle: () => new Promise((resolve) => (settle = () => resolve({ kind: "paid", headers: [] }))) },
    );
    const asked = fetch(url, { headers: OK });
    await until(() => gate.sales[0]?.answers.length === 1, "it is being settled");
    settle();
    expect(await (await asked).text()).to.equal("whole");
  });

  it("handler: whoever leaves once it has a request that must not be repeated pays for its work", async () => {
    const finish: (() => void)[] = [];
    const gone: string[] = [];
    const told: string[] = [];
    const { url, gate } = await serve(
      async (request, response) => {
        const body = await bodyOf(request);
        response.on("close", () => told.push(request.url!));
        request.socket.on("close", () => gone.push(request.url!));
        finish.push(() => {
          if (request.url === "/piped") Readable.from([body, "!"]).pipe(response);
          else if (request.url === "/broken") response.destroy();
          else response.writeHead(request.url === "/no" ? 404 : 200).end("done");
        });
      },
      { readsBody: 100 },
    );
    for (const target of ["/paid", "/piped", "/no", "/broken"]) {
      const count = finish.length;
      const leaving = new AbortController();
      const asked = fetch(`${url}${target}`, { method: "POST", body: "ab", headers: OK, signal: leaving.signal }).then(() => "answered", () => "left");
      await until(() => finish.length > count, "the handler has it");
      leaving.abort();
      expect(await asked).to.equal("left");
      await until(() => gone.includes(target), "its connection is gone");
      expect(told).not.to.include(target);
      finish.at(-1)!();
      await until(() => told.includes(target), "it is over");
    }
    expect(gate.sales.map(({ answers, cancels }) => [(answers[0] as { body?: Uint8Array } | undefined)?.body?.toString(), cancels])).to.deep.equal([["done", []], ["ab!", []], [undefined, ["not-charged"]], [undefined, ["client-gone"]]]);
  });

  it("handler: whoever leaves before the whole body is there, or asks for what may be repeated, costs and pays nothing", async () => {
    let running = 0;
    const { port, gate } = await serve((_request, response) => {
      running += 1;
      response.on("close", () => (running -= 1));
    });
    for (const [count, text] of ["POST /half HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 5\r\n\r\nab", "PUT /whole HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nContent-Length: 2\r\n\r\nab"].entries()) {
      await rawExchange(port, text, undefined, 50);
      await until(() => gate.sales[count]?.cancels.length === 1 && running === 0, "it is cancelled");
    }
    expect(gate.sales.map(({ answers, cancels }) => [answers.length, cancels])).to.deep.equal([[0, ["client-gone"]], [0, ["client-gone"]]]);
  });

  it("handler: forged headers of the gate do not reach it", async () => {
    const { port } = await serve((request, response) => void response.end(JSON.stringify([request.headers["agnt2-payer"] ?? null, request.rawHeaders.filter((name) => /^agnt2/i.test(name)).length])));
    expect(await rawExchange(port, "GET /free HTTP/1.1\r\nHost: x\r\nAGNT2-Payer: me\r\nAgnt2-Amount: 9\r\nConnection: close\r\n\r\n")).to.match(/\[null,0\]$/);
  });

  it("upgrade: is paid before the handler sees it, refused unpaid", async () => {
    const gate = testGate();
    const { port, server } = await httpUpstream(closers, (_request, response) => void response.end());
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", wrapUpgrade(gate, (request, socket, head) => sockets.handleUpgrade(request, socket, head, (opened) => opened.send(String(request.headers["agnt2-payer"])))));
    closers.add(() => {
      for (const client of sockets.clients) client.terminate();
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/paid`, { headers: OK });
    const first = await new Promise<string>((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    expect(first).to.match(/aa$/);
    expect(gate.sales[0]!.answers[0]!.status).to.equal(101);
    socket.terminate();
    const unpaid = new WebSocket(`ws://127.0.0.1:${port}/paid`);
    const message = await new Promise<string>((resolve) => unpaid.once("error", (error) => resolve(error.message)));
    expect(message).to.contain("402");
  });
});
