import { request as httpRequest } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

import { expect } from "chai";

import { LOCAL_POLICY, PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import { createForwardProxy } from "../../../sidecar/outbound/index.ts";
import type { ForwardProxy, ForwardProxyOptions } from "../../../sidecar/outbound/index.ts";
import { stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { startSellerStub } from "../../builders/sellerStub.ts";
import type { SellerStub } from "../../builders/sellerStub.ts";
import { until } from "../../builders/until.ts";

/** Asks a proxy as programs do. */
function through(port: number, url: string, headers: Record<string, string> = {}, method = "GET", body?: string): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", path: url, headers: { host: URL.parse(url)?.host ?? "x", ...headers }, method }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
    });
    request.once("error", reject);
    request.end(body);
  });
}

/** What a proxy says to CONNECT, and the socket. */
function tunnel(port: number, authority: string, headers = ""): Promise<{ status: number; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headers}\r\n`));
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => resolve({ status: Number(chunk.toString().split(" ")[1]), socket }));
  });
}

describe("sidecar/outbound: forward proxy", () => {
  let stage: BuyerStage;
  let seller: SellerStub;
  let proxy: ForwardProxy | undefined;
  let echo: Server;
  const sockets = new Set<Socket>();

  async function open(options: Partial<ForwardProxyOptions> = {}): Promise<ForwardProxy> {
    proxy = await createForwardProxy({ buyer: stage.buyer, port: 0, ...options });
    return proxy;
  }

  beforeEach(async () => {
    stage = stageBuyer();
    seller = await startSellerStub();
    echo = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    await proxy?.stop();
    proxy = undefined;
    await stage.stop();
    await seller.stop();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => echo.close(resolve));
  });
  const echoPort = (): number => (echo.address() as AddressInfo).port;

  it("proxy: pays what a request in absolute form is asked for", async () => {
    const { port } = await open();
    const answer = await through(port, `${seller.origin}/a?b=c`, {}, "POST", "body");
    expect([answer.status, answer.body]).to.deep.equal([200, "sold"]);
    expect(stage.buyer.receipts.get(Number(answer.headers["agnt2-receipt"]))).to.include({ state: "paid", method: "POST", amount: 1_000n });
  });

  it("proxy: goes to allowed hosts only, for no path of its own and no other scheme", async () => {
    const { port } = await open({ hosts: ["allowed.example"] });
    for (const [url, status] of [[`${seller.origin}/a`, 403], ["/a", 403], ["https://allowed.example/", 403], ["ftp://allowed.example/", 403]] as const) expect((await through(port, url)).status, url).to.equal(status);
    expect(seller.requests).to.equal(0);
  });

  it("proxy: wants its token where it has one, and sends it no further", async () => {
    const free = await startSellerStub(({ request, response }) => void response.end(JSON.stringify(request.headers)));
    const { port } = await open({ token: "a long token of a test", tunnelPorts: [echoPort()], policy: LOCAL_POLICY });
    const refused = await through(port, free.origin);
    expect([refused.status, refused.headers["proxy-authenticate"]]).to.deep.equal([407, 'Basic realm="agnt2"']);
    const basic = Buffer.from("anybody:a long token of a test").toString("base64");
    const taken = await through(port, free.origin, { "proxy-authorization": `Basic ${basic}`, authorization: "Bearer of the seller" });
    expect(taken.status).to.equal(200);
    const seen = JSON.parse(taken.body) as Record<string, string>;
    expect(seen).not.to.have.property("proxy-authorization");
    expect(seen["authorization"]).to.equal("Bearer of the seller");
    const without = await tunnel(port, `127.0.0.1:${echoPort()}`);
    expect(without.status).to.equal(407);
    const wrong = await tunnel(port, `127.0.0.1:${echoPort()}`, "Proxy-Authorization: Bearer wrong\r\n");
    expect(wrong.status).to.equal(407);
    await free.stop();
  });

  it("proxy: passes CONNECT through, both ways, unpaid", async () => {
    const { port } = await open({ tunnelPorts: [echoPort()], policy: LOCAL_POLICY });
    const { status, socket } = await tunnel(port, `127.0.0.1:${echoPort()}`);
    expect(status).to.equal(200);
    const back = new Promise<string>((resolve) => socket.once("data", (chunk: Buffer) => resolve(chunk.toString())));
    socket.write("whatever");
    expect(await back).to.equal("whatever");
    expect(proxy!.tunnels).to.equal(1);
    socket.destroy();
    await until("the tunnel is gone", () => proxy!.tunnels === 0);
    expect(stage.signatures()).to.equal(0);
  });

  it("proxy: CONNECT reaches no other ports, no hosts that are not allowed, and no private addresses", async () => {
    const { port } = await open({ tunnelHosts: ["127.0.0.1", "rebound.example", "[::1]"], policy: { ...PUBLIC_POLICY, resolve: async () => ["10.0.0.1"] } });
    for (const [authority, status] of [["127.0.0.1:25", 403], ["127.0.0.1:443", 400], ["0x7f.1:443", 400], ["[::1]:443", 400], ["rebound.example:443", 502], ["other.example:443", 403], ["nonsense", 403]] as const) {
      const { status: got, socket } = await tunnel(port, authority);
      socket.destroy();
      expect(got, authority).to.equal(status);
    }
  });

  it("proxy: holds no more tunnels than it may, and ends those in which nothing moves", async () => {
    const { port } = await open({ tunnelPorts: [echoPort()], policy: LOCAL_POLICY, maxTunnels: 1, tunnelIdleMs: 200 });
    const first = await tunnel(port, `127.0.0.1:${echoPort()}`);
    expect(first.status).to.equal(200);
    const second = await tunnel(port, `127.0.0.1:${echoPort()}`);
    expect(second.status).to.equal(503);
    second.socket.destroy();
    await new Promise((resolve) => first.socket.once("close", resolve));
    await until("the tunnel is gone", () => proxy!.tunnels === 0);
  });
});
