import { expect } from "chai";
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import { Readable } from "node:stream";

import { fastifyPaid } from "../../../sidecar/middleware/fastify.ts";
import { Closers, until } from "../../builders/doorScene.ts";
import { testGate } from "../../builders/testGate.ts";
import type { TestGateOptions } from "../../builders/testGate.ts";

const OK = { "payment-signature": "ok" };

describe("middleware: fastify", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  async function serve(build: (app: FastifyInstance) => void, options: TestGateOptions = {}) {
    const gate = testGate(options);
    const app = fastify({ forceCloseConnections: true });
    await app.register(fastifyPaid, { gate });
    build(app);
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    closers.add(() => app.close());
    return { gate, url };
  }

  it("fastify: free passes, unpaid gets the 402, sold is held, paid and delivered", async () => {
    let ran = 0;
    const { url, gate } = await serve((app) => app.get("/*", async (request, reply) => reply.header("x-payer", request.headers["agnt2-payer"] ?? "none").send({ ran: ++ran })));
    const free = await fetch(`${url}/free`);
    expect([free.headers.get("x-payer"), await free.json()]).to.deep.equal(["none", { ran: 1 }]);
    expect((await fetch(`${url}/paid`)).status).to.equal(402);
    const sold = await fetch(`${url}/paid`, { headers: OK });
    expect([sold.status, sold.headers.get("payment-response"), await sold.json()]).to.deep.equal([200, "paid", { ran: 2 }]);
    expect(sold.headers.get("x-payer")).to.match(/aa$/);
    expect(gate.sales[0]!.answers.length).to.equal(1);
  });

  it("fastify: a body that the gate read is parsed after it; a handler that throws costs nothing", async () => {
    const { url, gate } = await serve(
      (app) =>
        app.post("/paid", async (request) => {
          if ((request.body as { a: number }).a === 2) throw new Error("broken");
          return request.body;
        }),
      { readsBody: 1_000 },
    );
    const headers = { ...OK, "content-type": "application/json" };
    expect(await (await fetch(`${url}/paid`, { method: "POST", body: '{"a":1}', headers })).json()).to.deep.equal({ a: 1 });
    expect((await fetch(`${url}/paid`, { method: "POST", body: '{"a":2}', headers })).status).to.equal(500);
    expect(gate.sales.map(({ answers, cancels }) => [answers.length, cancels])).to.deep.equal([[1, []], [0, ["not-charged"]]]);
  });

  it("fastify: a stream is paid with its head and flows", async () => {
    const { url, gate } = await serve((app) => app.get("/paid", async (_request, reply) => reply.type("text/plain").send(Readable.from(["a", "b", "c"]))), { settles: "before" });
    const answer = await fetch(`${url}/paid`, { headers: OK });
    expect([answer.headers.get("payment-response"), await answer.text()]).to.deep.equal(["paid", "abc"]);
    expect(gate.sales[0]!.answers.length).to.equal(1);
  });

  it("fastify: a buyer who leaves while a POST is worked on pays for it", async () => {
    let finish: ((done: boolean) => void) | undefined;
    const { url, gate } = await serve((app) => app.post("/paid", async () => ({ done: await new Promise<boolean>((resolve) => (finish = resolve)) })));
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
