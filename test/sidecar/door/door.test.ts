import { expect } from "chai";

import { Closers, bodyOf, httpUpstream, openDoor, rawExchange } from "../../builders/doorScene.ts";

describe("door: one exchange", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  it("door: passes a free request and its answer as they are", async () => {
    const upstream = await httpUpstream(closers, (request, response) => {
      void bodyOf(request).then((body) => {
        response.writeHead(201, ["X-One", "1", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Seen", JSON.stringify(request.rawHeaders)]);
        response.end(`${request.method} ${request.url} ${body}`);
      });
    });
    const { url } = await openDoor(closers, upstream.url);
    const answer = await fetch(`${url}/free/x?y=%20z`, { method: "POST", body: "hello", headers: { "payment-signature": "secret", "agnt2-payer": "me", "proxy-authorization": "p" } });
    expect(answer.status).to.equal(201);
    expect(await answer.text()).to.equal("POST /free/x?y=%20z hello");
    expect(answer.headers.getSetCookie()).to.deep.equal(["a=1", "b=2"]);
    const seen = (answer.headers.get("x-seen") ?? "").toLowerCase();
    expect(seen).to.contain('"via","1.1 agnt2"');
    for (const name of ["payment-signature", "agnt2-payer", "proxy-authorization"]) expect(seen).not.to.contain(name);
  });

  it("door: answers 402 when nothing is paid, and the upstream hears nothing", async () => {
    let asked = 0;
    const upstream = await httpUpstream(closers, (_request, response) => void response.end(String(++asked)));
    const { url, gate } = await openDoor(closers, upstream.url);
    const answer = await fetch(`${url}/paid`);
    expect([answer.status, answer.headers.get("payment-required"), await answer.text()]).to.deep.equal([402, "pay", '{"error":"pay"}']);
    expect([asked, gate.sales.length]).to.deep.equal([0, 0]);
  });

  it("door: delivers a sold answer after it is paid, and the same one again", async () => {
    let asked = 0;
    const upstream = await httpUpstream(closers, (request, response) => {
      asked++;
      response.setHeader("x-payer", String(request.headers["agnt2-payer"]));
      response.write("an ");
      response.end("answer");
    });
    const { url, gate } = await openDoor(closers, upstream.url);
    const first = await fetch(`${url}/paid`, { headers: { "payment-signature": "ok" } });
    expect([first.status, first.headers.get("payment-response"), await first.text()]).to.deep.equal([200, "paid", "an answer"]);
    expect(first.headers.get("x-payer")).to.match(/aa$/);
    const again = await fetch(`${url}/paid`, { headers: { "payment-signature": "again" } });
    expect(await again.text()).to.equal("an answer");
    expect(asked).to.equal(1);
    expect(gate.sales[0]?.answers.length).to.equal(1);
    expect(gate.sales[0]?.cancels).to.deep.equal([]);
  });

  for (const [size, bytes] of [["small", 1_000], ["large", 100_000]] as const) {
    it(`door: a ${size} answer keeps each of its bytes, and those of its headers, whether it is free, sold or had again`, async () => {
      const body = Buffer.from(Array.from({ length: bytes }, (_, i) => i % 256));
      const upstream = await httpUpstream(closers, (_request, response) => {
        response.setHeader("X-Name", "caf\u00e9\u00ff");
        response.end(body);
      });
      const { port } = await openDoor(closers, upstream.url);
      for (const [target, payment] of [["/free", ""], ["/paid", "Payment-Signature: ok\r\n"], ["/paid", "Payment-Signature: again\r\n"]] as const) {
        const answer = await rawExchange(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${payment}\r\n`);
        const [head = "", ...rest] = answer.split("\r\n\r\n");
        expect(head).to.contain("X-Name: caf\u00e9\u00ff\r\n").and.to.contain(`Content-Length: ${bytes}`);
        expect(Buffer.from(rest.join("\r\n\r\n"), "latin1").equals(body), `${target} ${payment}`).to.equal(true);
      }
    });
  }

  it("door: streams at once where it is paid before", async () => {
    let finish = (): void => undefined;
    const upstream = await httpUpstream(closers, (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      setTimeout(() => response.write("data: 1\n\n"), 20);
      finish = () => response.end("data: 2\n\n");
    });
    const { url, gate } = await openDoor(closers, upstream.url, { settles: "before" });
    const answer = await fetch(`${url}/paid`, { headers: { "payment-signature": "ok" } });
    expect(gate.sales[0]?.answers.length).to.equal(1);
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal("data: 1\n\n");
    finish();
    expect(Buffer.from((await reader.read()).value!).toString()).to.equal("data: 2\n\n");
    expect((await reader.read()).done).to.equal(true);
  });

  it("door: charges nothing when the upstream answers with an error, and delivers that", async () => {
    const upstream = await httpUpstream(closers, (_request, response) => void response.writeHead(500).end("broken"));
    const { url, gate } = await openDoor(closers, upstream.url);
    const answer = await fetch(`${url}/paid`, { headers: { "payment-signature": "ok" } });
    expect([answer.status, await answer.text()]).to.deep.equal([500, "broken"]);
    expect([gate.sales[0]?.answers.length, gate.sales[0]?.cancels]).to.deep.equal([0, ["not-charged"]]);
  });

  it("door: answers 502 and cancels when nothing listens upstream", async () => {
    const { url, gate } = await openDoor(closers, "http://127.0.0.1:1");
    const answer = await fetch(`${url}/paid`, { headers: { "payment-signature": "ok" } });
    expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).to.deep.equal([502, "door/upstream"]);
    expect(gate.sales[0]?.cancels).to.deep.equal(["upstream-failed"]);
  });
});
