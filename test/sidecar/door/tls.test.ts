import { connect as connectHttp2 } from "node:http2";
import { createServer, request } from "node:https";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { Closers, httpUpstream, openDoor } from "../../builders/doorScene.ts";
import { testCertificate } from "../../builders/testCertificate.ts";

describe("door: TLS", () => {
  const closers = new Closers();
  const tls = testCertificate();
  afterEach(() => closers.closeAll());

  function get(port: number, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, path, ca: tls.cert, agent: false }, (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString())).on("end", () => resolve(`${response.statusCode} ${body}`));
      });
      asked.on("error", reject).end();
    });
  }

  it("tls: speaks HTTP/1.1 and HTTP/2, as ALPN says", async () => {
    const upstream = await httpUpstream(closers, (incoming, response) => void response.end(incoming.headers.via));
    const { port, url } = await openDoor(closers, upstream.url, { door: { tls } });
    expect(await get(port, "/free")).to.equal("200 1.1 agnt2");
    expect(await get(port, "/paid")).to.equal('402 {"error":"pay"}');
    const session = connectHttp2(url, { ca: tls.cert });
    closers.add(() => session.destroy());
    const stream = session.request({ ":path": "/free" });
    let body = "";
    stream.on("data", (chunk: Buffer) => (body += chunk.toString()));
    await new Promise((resolve) => stream.on("close", resolve));
    expect(body).to.equal("2 agnt2");
  });

  it("tls: an https upstream is asked when its certificate is right, else it is a 502", async () => {
    const server = createServer(tls, (_incoming, response) => void response.end("secret"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.add(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    const upstream = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trusted = await openDoor(closers, upstream, { door: { upstreamCa: tls.cert } });
    expect(await (await fetch(`${trusted.url}/free`)).text()).to.equal("secret");
    const strange = await openDoor(closers, upstream);
    expect((await fetch(`${strange.url}/free`)).status).to.equal(502);
  });
});
