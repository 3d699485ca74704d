import { createHash } from "node:crypto";

import { expect } from "chai";
import express from "express";

import { paid } from "../../../sidecar/middleware/express.ts";
import { Closers, httpUpstream, until } from "../../builders/doorScene.ts";
import { testGate } from "../../builders/testGate.ts";
import type { TestGateOptions } from "../../builders/testGate.ts";

const OK = { "payment-signature": "ok" };

describe("middleware: express", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  async function serve(build: (app: express.Express) => void, options: TestGateOptions = {}) {
    const gate = testGate(options);
    const app = express();
    app.use(paid(gate) as express.RequestHandler);
    build(app);
    const { url } = await httpUpstream(closers, app as never);
    return { gate, url };
  }

  it("express: a free request passes, an unpaid one gets the 402 and no handler runs", async () => {
    let ran = 0;
    const { url } = await serve((app) => app.get("/{*rest}", (_request, response) => void response.json({ ran: ++ran })));
    expect(await (await fetch(`${url}/free`)).json()).to.deep.equal({ ran: 1 });
    const unpaid = await fetch(`${url}/paid`);
    expect([unpaid.status, unpaid.headers.get("payment-required"), ran]).to.deep.equal([402, "pay", 1]);
  });

  it("express: a sold answer is held, paid, delivered with its headers", async () => {
    const { url, gate } = await serve((app) => app.get("/paid", (request, response) => void response.set("X-Payer", request.get("agnt2-payer")).cookie("a", "1").cookie("b", "2").json({ yes: true })));
    const answer = await fetch(`${url}/paid`, { headers: OK });
    expect([answer.status, answer.headers.get("payment-response"), await answer.json()]).to.deep.equal([200, "paid", { yes: true }]);
    expect(answer.headers.getSetCookie().length).to.equal(2);
    expect(answer.headers.get("x-payer")).to.match(/aa$/);
    expect(Buffer.from((gate.sales[0]!.answers[0] as { body: Uint8Array }).body).toString()).to.equal('{"yes":true}');
  });

  it("express: a body that the gate read is there for express.json after it", async () => {
    const { url, gate } = await serve((app) => app.use(express.json()).post("/paid", (request, response) => void response.json(request.body)), { readsBody: 1000 });
    const answer = await fetch(`${url}/paid`, { method: "POST", body: '{"a":1}', headers: { ...OK, "content-type": "application/json" } });
    expect(await answer.json()).to.deep.equal({ a: 1 });
    expect(Buffer.from(gate.sales[0]!.readBody!).toString()).to.equal('{"a":1}');
  });

  it("express: after express.json it needs the bytes that were read, and says so", async () => {
    const body = '{"a":1}';
    const digest = createHash("sha256").update(body).digest();
    for (const options of [{ readsBody: 1_000 }, { bodyDigest: () => digest }]) {
      for (const isKept of [true, false]) {
        const gate = testGate(options);
        const problems: unknown[] = [];
        const app = express();
        app.use(isKept ? express.json({ verify: (request, _response, bytes) => Object.assign(request, { rawBody: bytes }) }) : express.json());
        app.use(paid(gate, { log: { warn: () => undefined, error: (fields) => problems.push(fields) } }) as express.RequestHandler);
        app.post("/paid", (request, response) => void response.json(request.body));
        const { url } = await httpUpstream(closers, app as never);
        const answer = await fetch(`${url}/paid`, { method: "POST", body, headers: { ...OK, "content-type": "application/json" } });
        expect([answer.status, problems.length]).to.deep.equal(isKept ? [200, 0] : [500, 1]);
        expect(gate.sales.filter(({ answers }) => answers.length > 0).length).to.equal(isKept ? 1 : 0);
      }
    }
  });

  it("express: nothing is charged when a handler throws, and when its status is not charged", async () => {
    const { url, gate } = await serve((app) => {
      app.get("/paid/throws", () => {
        throw new Error("broken");
      });
      app.get("/paid/status", (_request, response) => void response.status(422).send("no"));
    });
    const log = console.error;
    console.error = () => undefined;
    try {
      expect((await fetch(`${url}/paid/throws`, { headers: OK })).status).to.equal(500);
    } finally {
      console.error = log;
    }
    expect((await fetch(`${url}/paid/status`, { headers: OK })).status).to.equal(422);
    expect(gate.sales.map(({ answers, cancels }) => [answers.length, cancels])).to.deep.equal([[0, ["not-charged"]], [0, ["not-charged"]]]);
  });

  it("express: nothing is charged when the client leaves before the answer", async () => {
    let began = false;
    const { url, gate } = await serve((app) => app.get("/paid", () => void (began = true)));
    const leaving = new AbortController();
    const asked = fetch(`${url}/paid`, { headers: OK, signal: leaving.signal }).catch(() => undefined);
    await until(() => began, "the handler runs");
    leaving.abort();
    await asked;
    await until(() => gate.sales[0]!.cancels.length === 1, "the sale is cancelled");
    expect(gate.sales[0]!.cancels).to.deep.equal(["client-gone"]);
  });

  it("express: a buyer who leaves while a POST is worked on pays for it", async () => {
    let finish: ((done: boolean) => void) | undefined;
    const { url, gate } = await serve((app) => app.post("/paid", express.json(), async (_request, response) => void response.json({ done: await new Promise<boolean>((resolve) => (finish = resolve)) })));
    const leaving = new AbortController();
    const asked = fetch(`${url}/paid`, { method: "POST", headers: { ...OK, "content-type": "application/json" }, body: "{}", signal: leaving.signal }).then(() => "answered", () => "left");
    await until(() => finish !== undefined, "the handler works");
    leaving.abort();
    expect(await asked).to.equal("left");
    finish!(true);
    await until(() => gate.sales[0]?.answers.length === 1, "it is paid");
    expect([Buffer.from((gate.sales[0]!.answers[0] as { body: Uint8Array }).body).toString(), gate.sales[0]!.cancels]).to.deep.equal(['{"done":true}', []]);
  });
});
