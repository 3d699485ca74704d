import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";

import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from "@x402/core/http";
import { expect } from "chai";
import { WebSocket, WebSocketServer } from "ws";

import { createGateway } from "../../../sidecar/outbound/index.ts";
import type { Gateway, GatewayOptions } from "../../../sidecar/outbound/index.ts";
import { stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { STUB_NETWORK, STUB_PAYEE, startSellerStub, stubOffer, stubRequirement } from "../../builders/sellerStub.ts";
import type { SellerStub, StubExchange } from "../../builders/sellerStub.ts";
import { until } from "../../builders/until.ts";

/** With headers that the platform's fetch does not let anyone set. */
function ask(port: number, path: string, headers: Record<string, string> = {}, method = "GET"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", path, headers, method }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.once("error", reject);
    request.end();
  });
}

const codeIn = (body: string): string => (JSON.parse(body) as { error: { code: string } }).error.code;

describe("sidecar/outbound: gateway", () => {
  let stage: BuyerStage;
  let gateway: Gateway | undefined;
  const sellers: SellerStub[] = [];

  async function seller(behave?: (exchange: StubExchange) => void | Promise<void>): Promise<SellerStub> {
    const stub = await startSellerStub(behave);
    sellers.push(stub);
    return stub;
  }
  async function open(options: Partial<GatewayOptions>): Promise<Gateway> {
    gateway = await createGateway({ buyer: stage.buyer, port: 0, ...options });
    return gateway;
  }

  beforeEach(() => {
    stage = stageBuyer();
  });
  afterEach(async () => {
    await gateway?.stop();
    gateway = undefined;
    await stage.stop();
    await Promise.all(sellers.splice(0).map((stub) => stub.stop()));
  });

  it("gateway: pays a named agent for a program that knows nothing of payments", async () => {
    const stub = await seller(({ payment, request, ask: demand, sell }) => (payment === undefined ? demand() : sell(200, `${request.method} ${request.url} ${request.headers["x-mine"]}`)));
    const { port } = await open({ agents: { translator: { url: `${stub.origin}/base/`, address: STUB_PAYEE } } });
    const response = await fetch(`http://127.0.0.1:${port}/agents/translator/words?to=de`, { method: "POST", body: "hello", headers: { "x-mine": "kept" } });
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal("POST /base/words?to=de kept");
    const receipt = stage.buyer.receipts.get(Number(response.headers.get("agnt2-receipt")));
    expect(receipt).to.include({ state: "paid", method: "POST", amount: 1_000n });
  });

  it("gateway: finds other agents by the resolver, and pays no one else than them", async () => {
    const stub = await seller();
    const asked: string[] = [];
    const { port } = await open({
      resolver: {
        resolve: async (name) => {
          asked.push(name);
          return name === "7" ? { url: stub.origin, address: STUB_PAYEE } : name === "8" ? { url: stub.origin, address: `0x${"11".repeat(20)}` } : undefined;
        },
      },
    });
    expect((await ask(port, "/agents/7/a")).status).to.equal(200);
    expect((await ask(port, "/agents/7/a")).status).to.equal(200);
    const other = await ask(port, "/agents/8/a");
    expect([other.status, codeIn(other.body)]).to.deep.equal([403, "buy/payee"]);
    const nobody = await ask(port, "/agents/9/a");
    expect([nobody.status, codeIn(nobody.body)]).to.deep.equal([404, "gateway/agent"]);
    expect(asked).to.deep.equal(["7", "8", "9"]);
  });

  it("gateway: has a port for an agent alone, and leads its redirects back to itself", async () => {
    const stub = await seller(({ response, stub: its }) => void response.writeHead(302, { location: `${its.origin}/new` }).end());
    const { ports, port } = await open({ agents: { only: { url: stub.origin, port: 0 } } });
    const own = await fetch(`http://127.0.0.1:${ports["only"]}/old`, { redirect: "manual" });
    expect(own.headers.get("location")).to.equal("/new");
    const shared = await fetch(`http://127.0.0.1:${port}/agents/only/old`, { redirect: "manual" });
    expect(shared.headers.get("location")).to.equal("/agents/only/new");
  });

  it("gateway: serves no web page, no name that was pointed here, and nobody without its token", async () => {
    const stub = await seller(({ request, response }) => void response.end(String(request.headers.authorization)));
    const agents = { a: { url: stub.origin } };
    const { port } = await open({ agents, token: "a long token of a test", allowedOrigins: ["http://localhost:3000"] });
    const authorization = "Bearer a long token of a test";
    const cases: readonly (readonly [Record<string, string>, number])[] = [
      [{ authorization }, 200],
      [{ authorization, origin: "https://evil.example" }, 403],
      [{ authorization, origin: "null" }, 403],
      [{ authorization, origin: "http://localhost:3000", "sec-fetch-site": "cross-site" }, 200],
      [{ authorization, "sec-fetch-site": "cross-site" }, 403],
      [{ authorization, "sec-fetch-site": "same-site" }, 403],
      [{ authorization, host: "rebound.example" }, 403],
      [{ authorization, host: "127.0.0.1.evil.example" }, 403],
      [{ authorization, host: `localhost:${port}` }, 200],
      [{}, 401],
      [{ authorization: "Bearer another" }, 401],
    ];
    for (const [headers, status] of cases) expect((await ask(port, "/agents/a/x", headers)).status, JSON.stringify(headers)).to.equal(status);
    expect((await ask(port, "/agents/a/x", { authorization })).body).to.equal("undefined");
    for (const path of ["/agents/a/../b", "/agents/a/%2e%2e/b", "/agents/a/x%2f..%2fb", "/agents/a/./b"]) expect((await ask(port, path, { authorization })).status, path).to.equal(400);
  });

  it("gateway: hands payments of a program neither on nor back, and no headers of the connection", async () => {
    const stub = await seller(({ request, response }) => void response.writeHead(200, { "keep-alive": "timeout=9", "agnt2-receipt": "99" }).end(JSON.stringify(request.headers)));
    const { port } = await open({ agents: { a: { url: stub.origin } } });
    const response = await fetch(`http://127.0.0.1:${port}/agents/a/x`, { headers: { "payment-signature": "x", "agnt2-call": "x", "proxy-authorization": "x", "x-end": "1" } });
    const seen = (await response.json()) as Record<string, string>;
    for (const name of ["payment-signature", "agnt2-call", "proxy-authorization"]) expect(seen).not.to.have.property(name);
    expect(seen["x-end"]).to.equal("1");
    expect(seen["host"]).to.equal(`127.0.0.1:${stub.port}`);
    expect(response.headers.get("agnt2-receipt")).to.equal(null);
  });

  it("gateway: passes events on as they come", async () => {
    let next: (() => void) | undefined;
    const stub = await seller(({ payment, ask: demand, response }) => {
      if (payment === undefined) return demand();
      response.writeHead(200, { "content-type": "text/event-stream", trailer: "x-after", "payment-response": encodePaymentResponseHeader({ success: true, transaction: "0x", network: STUB_NETWORK }) });
      response.write("data: 1\n\n");
      next = () => {
        response.addTrailers({ "x-after": "the end" });
        response.end("data: 2\n\n");
      };
    });
    const { port } = await open({ agents: { a: { url: stub.origin } } });
    const response = await fetch(`http://127.0.0.1:${port}/agents/a/events`);
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).to.equal("data: 1\n\n");
    next!();
    expect(new TextDecoder().decode((await reader.read()).value)).to.equal("data: 2\n\n");
    expect((await reader.read()).done).to.equal(true);
  });

  it("gateway: passes trailers on, and a caller that goes away ends what it asked for", async () => {
    let isGone = false;
    const stub = await seller(({ request, response }) => {
      if (request.url === "/endless") {
        response.once("close", () => (isGone = true));
        return void response.writeHead(200).write("beginning");
      }
      response.writeHead(200, { trailer: "x-after" });
      response.write("body");
      response.addTrailers({ "x-after": "the end" });
      response.end();
    });
    const { port } = await open({ agents: { a: { url: stub.origin } } });
    const trailers = await new Promise<NodeJS.Dict<string>>((resolve, reject) => {
      httpRequest({ port, host: "127.0.0.1", path: "/agents/a/x", headers: { te: "trailers" } }, (response) => response.resume().once("end", () => resolve(response.trailers))).once("error", reject).end();
    });
    expect(trailers["x-after"]).to.equal("the end");
    const left = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/agents/a/endless`, { signal: left.signal });
    left.abort();
    expect(await response.text().then(() => "whole", () => "left")).to.equal("left");
    await until("the seller is told", () => isGone);
  });

  it("gateway: pays for a WebSocket when the other side agrees to it", async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const server = createServer();
    server.on("upgrade", (request, socket, head) => {
      if (request.headers["payment-signature"] === undefined) {
        socket.end(`HTTP/1.1 402 Payment Required\r\nPAYMENT-REQUIRED: ${encodePaymentRequiredHeader(stubOffer("x", [stubRequirement()]))}\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      sockets.once("headers", (lines: string[]) => lines.push(`PAYMENT-RESPONSE: ${encodePaymentResponseHeader({ success: true, transaction: "0x", network: STUB_NETWORK })}`));
      sockets.handleUpgrade(request, socket, head, (peer) => peer.on("message", (data) => peer.send(`echo ${String(data)}`)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = await open({ agents: { ws: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } } });
    const client = new WebSocket(`ws://127.0.0.1:${port}/agents/ws/chat`);
    await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
    const answer = new Promise<string>((resolve) => client.once("message", (data) => resolve(String(data))));
    client.send("hello");
    expect(await answer).to.equal("echo hello");
    expect(stage.buyer.receipts.list()[0]).to.include({ state: "paid", status: 101, amount: 1_000n });
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.terminate();
    await closed;
    sockets.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("gateway: tells a program why nothing was bought", async () => {
    const stub = await seller();
    stub.accepts = [stubRequirement({ amount: "999999" })];
    const { port } = await open({ agents: { a: { url: stub.origin }, away: { url: "http://127.0.0.1:9" } } });
    const dear = await ask(port, "/agents/a/x");
    expect([dear.status, codeIn(dear.body)]).to.deep.equal([403, "buy/too-expensive"]);
    const away = await ask(port, "/agents/away/x");
    expect([away.status, codeIn(away.body)]).to.deep.equal([502, "buy/unreachable"]);
  });
});
