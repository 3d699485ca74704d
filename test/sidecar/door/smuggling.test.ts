import { expect } from "chai";

import { answering, Closers, openDoor, rawExchange, rawUpstream } from "../../builders/doorScene.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** Stands where a smuggled request would begin. */
const SMUGGLED = "GET /free/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/** What must never come through, neither itself nor what follows it. */
const REFUSED: Readonly<Record<string, string>> = {
  "both Content-Length and Transfer-Encoding": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "Transfer-Encoding before Content-Length": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  "two Content-Lengths that differ": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
  "two Content-Lengths that agree": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab`,
  "a list of Content-Lengths": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\nab`,
  "a Content-Length with a sign": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab`,
  "a negative Content-Length": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\nab`,
  "a hexadecimal Content-Length": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 0x2\r\n\r\nab`,
  "an empty Content-Length": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n`,
  "a Content-Length with a space in it": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 2 2\r\n\r\nab`,
  "a Content-Length beyond all numbers": `POST /free HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n`,
  "chunked twice": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  "two Transfer-Encodings": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "chunked, then identity": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  "a Transfer-Encoding before chunked": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  "a Transfer-Encoding that is nearly chunked": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  "a Transfer-Encoding with a parameter": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`,
  "a Transfer-Encoding with a vertical tab": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  "a space before the colon": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  "a Transfer-Encoding in HTTP/1.0": `POST /free HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "a folded header": `GET /free HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n`,
  "a folded Transfer-Encoding": `POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  "a header line that begins with a space": `GET /free HTTP/1.1\r\n Host: x\r\n\r\n`,
  "bare LF after the request line": `GET /free HTTP/1.1\nHost: x\r\n\r\n`,
  "bare LF after a header": `GET /free HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n`,
  "bare LF at the end of the headers": `GET /free HTTP/1.1\r\nHost: x\r\n\n`,
  "bare CR in a header": `GET /free HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n`,
  "NUL in a header": `GET /free HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n`,
  "NUL in a header's name": `GET /free HTTP/1.1\r\nHost: x\r\nX\0A: b\r\n\r\n`,
  "a header's name with a space": `GET /free HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n`,
  "a header without a name": `GET /free HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n`,
  "a header without a colon": `GET /free HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n`,
  "an absolute-form target": `GET http://other/free HTTP/1.1\r\nHost: x\r\n\r\n`,
  "an authority-form target": `GET other:80 HTTP/1.1\r\nHost: x\r\n\r\n`,
  "CONNECT": `CONNECT other:80 HTTP/1.1\r\nHost: x\r\n\r\n`,
  "an asterisk for GET": `GET * HTTP/1.1\r\nHost: x\r\n\r\n`,
  "TRACE": `TRACE /free HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a method in lower case": `get /free HTTP/1.1\r\nHost: x\r\n\r\n`,
  "two Hosts": `GET /free HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n`,
  "two Hosts that agree": `GET /free HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n`,
  "no Host": `GET /free HTTP/1.1\r\nX-A: b\r\n\r\n`,
  "a Host with a path": `GET /free HTTP/1.1\r\nHost: x/free\r\n\r\n`,
  "a Host with user information": `GET /free HTTP/1.1\r\nHost: a@b\r\n\r\n`,
  "a target with a space": `GET /free x HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a target with a fragment": `GET /free#x HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a target with bytes beyond ASCII": `GET /free\xe9 HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a version that is none": `GET /free HTTP/1.2\r\nHost: x\r\n\r\n`,
  "HTTP/0.9": `GET /free\r\n\r\n`,
  "dots in the path": `GET /free/../paid HTTP/1.1\r\nHost: x\r\n\r\n`,
  "encoded dots": `GET /free/%2e%2E/paid HTTP/1.1\r\nHost: x\r\n\r\n`,
  "an encoded slash": `GET /free%2fpaid HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a double slash": `GET /free//paid HTTP/1.1\r\nHost: x\r\n\r\n`,
  "a backslash": `GET /free\\paid HTTP/1.1\r\nHost: x\r\n\r\n`,
  "Connection that names Host": `GET /free HTTP/1.1\r\nHost: x\r\nConnection: close, host\r\n\r\n`,
  "Connection that names Content-Length": `POST /free HTTP/1.1\r\nHost: x\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nab`,
  "an upgrade with a body": `GET /free HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nab`,
};

/** Bodies that break while they pass: what came before may have reached the upstream, nothing after may, and no request but this. */
const BROKEN_BODIES: Readonly<Record<string, string>> = {
  "a chunk size that is none": `zz\r\nab\r\n0\r\n\r\n${SMUGGLED}`,
  "a chunk size with a sign": `+2\r\nab\r\n0\r\n\r\n${SMUGGLED}`,
  "a chunk size beyond all numbers": `ffffffffffffffffff\r\nab\r\n0\r\n\r\n${SMUGGLED}`,
  "a chunk that is longer than its size": `1\r\nab\r\n0\r\n\r\n${SMUGGLED}`,
  "bare LF after a chunk size": `2\nab\r\n0\r\n\r\n${SMUGGLED}`,
  "bare LF after a chunk": `2\r\nab\n0\r\n\r\n${SMUGGLED}`,
  "bare CR in a chunk extension": `2;a\rb\r\nab\r\n0\r\n\r\n${SMUGGLED}`,
  "NUL in a chunk size": `2\0\r\nab\r\n0\r\n\r\n${SMUGGLED}`,
};

describe("door: request smuggling", () => {
  const closers = new Closers();
  after(() => closers.closeAll());
  let port = 0;
  let upstream: Awaited<ReturnType<typeof rawUpstream>>;

  before(async () => {
    upstream = await rawUpstream(closers, answering(OK));
    ({ port } = await openDoor(closers, upstream.url, { limits: { headerMs: 2_000, headerBytes: 8_192 } }));
  });

  for (const [name, request] of Object.entries(REFUSED)) {
    it(`smuggling: refuses ${name}, and closes`, async () => {
      const before = upstream.received();
      const answer = await rawExchange(port, Buffer.from(request, "latin1"));
      expect(answer).to.match(/^HTTP\/1\.1 400 /);
      expect(answer).to.match(/connection: close/i);
      expect(answer.split("HTTP/1.1 ").length).to.equal(2);
      expect(upstream.received()).to.equal(before);
    });
  }

  for (const [name, body] of Object.entries(BROKEN_BODIES)) {
    it(`smuggling: cuts a body with ${name}`, async () => {
      const before = upstream.received().length;
      await rawExchange(port, Buffer.from(`POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body}`, "latin1"));
      expect(upstream.received().slice(before)).not.to.contain("smuggled");
    });
  }

  it("smuggling: sends a chunked body on in chunks of its own, without extensions", async () => {
    const before = upstream.received().length;
    const answer = await rawExchange(port, "POST /free/c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\n\r\n2;name=value\r\nab\r\n0\r\nX-Trailer: t\r\nHost: y\r\nAgnt2-Amount: 9\r\n\r\n", (all) => all.endsWith("ok"));
    expect(answer).to.match(/^HTTP\/1\.1 200 /);
    const seen = upstream.received().slice(before);
    expect(seen).to.match(/^POST \/free\/c HTTP\/1\.1\r\nHost: x\r\n/);
    expect(seen).to.contain("\r\n\r\n2\r\nab\r\n0\r\nX-Trailer: t\r\n\r\n");
    expect(seen).not.to.contain("name=value");
    expect(seen.toLowerCase()).not.to.contain("content-length");
    expect(seen.toLowerCase()).not.to.contain("agnt2-amount");
    expect(seen.match(/transfer-encoding/gi)?.length).to.equal(1);
  });

  it("smuggling: pipelined requests are answered one by one, in order", async () => {
    const before = upstream.received().length;
    const answer = await rawExchange(port, "GET /free/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /paid HTTP/1.1\r\nHost: x\r\n\r\nGET /free/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(answer.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(["HTTP/1.1 200", "HTTP/1.1 402", "HTTP/1.1 200"]);
    expect(upstream.received().slice(before)).not.to.contain("/paid");
  });

  it("smuggling: hop-by-hop headers and those that Connection names stay here", async () => {
    const before = upstream.received().length;
    await rawExchange(port, "GET /free HTTP/1.1\r\nHost: x\r\nConnection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: 3\r\nProxy-Connection: y\r\nTE: trailers, gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\nAgnt2-Amount: 9\r\nX-Kept: \xe9\r\nX-Kept: again\r\n\r\n", (all) => all.endsWith("ok"));
    const seen = upstream.received().slice(before).toLowerCase();
    for (const gone of ["x-secret", "keep-alive: 3", "proxy-connection", "gzip", "upgrade", "agnt2-amount"]) expect(seen).not.to.contain(gone);
    expect(seen).to.contain("te: trailers\r\nconnection: keep-alive, te\r\n");
    expect(seen.match(/x-kept: [^\r]*/g)?.length).to.equal(2);
  });

  it("smuggling: what CGI and WSGI would read as a header of the door's, or as another request, stays here", async () => {
    const before = upstream.received().length;
    await rawExchange(port, "GET /free HTTP/1.1\r\nHost: x\r\nAgnt2_Payer: 0xvictim\r\nAGNT2_Amount: 9\r\nX_Original_URL: /paid\r\nX_HTTP-Method_Override: DELETE\r\nContent_Length: 9\r\nTransfer_Encoding: chunked\r\nPayment_Signature: s\r\nX_Kept: 1\r\n\r\n", (all) => all.endsWith("ok"));
    const seen = upstream.received().slice(before).toLowerCase();
    for (const gone of ["victim", "amount", "original", "override", "length", "encoding", "signature"]) expect(seen).not.to.contain(gone);
    expect(seen).to.contain("x_kept: 1\r\n");
  });

  it("smuggling: a request of HTTP/1.0 without a Host is sent on with the upstream's", async () => {
    const before = upstream.received().length;
    const answer = await rawExchange(port, "GET /free HTTP/1.0\r\n\r\n");
    expect(answer).to.match(/^HTTP\/1\.1 200 [\s\S]*ok$/);
    expect(upstream.received().slice(before)).to.contain(`Host: 127.0.0.1:${upstream.port}\r\n`);
  });
});
