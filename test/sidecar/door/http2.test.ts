import { connect as connectHttp2, constants } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";

import { expect } from "chai";

import { readHttp2Request } from "../../../sidecar/door/Http2Client.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import { answering, bodyOf, Closers, httpUpstream, openDoor, rawUpstream, until } from "../../builders/doorScene.ts";

interface Answer {
  readonly headers: Record<string, string | string[] | number | undefined>;
  readonly body: Buffer;
  readonly trailers: Record<string, unknown>;
  /** 0: ended as it should. */
  readonly code: number;
}

/** Sends one request; resolves when its stream is closed. */
function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: Buffer | string): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const chunks: Buffer[] = [];
  let headers: Answer["headers"] = {};
  let trailers: Answer["trailers"] = {};
  return new Promise((resolve) => {
    stream.on("response", (got) => (headers = got as never));
    stream.on("trailers", (got) => (trailers = got as never));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => undefined);
    stream.on("close", () => resolve({ headers, body: Buffer.concat(chunks), trailers, code: stream.rstCode }));
  });
}

const PAID = { "payment-signature": "ok" };

describe("door: HTTP/2", () => {
  const closers = new Closers();
  afterEach(() => closers.closeAll());

  function session(url: string, options = {}): ClientHttp2Session {
    const opened = connectHttp2(url, options);
    opened.on("error", () => undefined);
    closers.add(() => opened.destroy());
    return opened;
  }

  it("h2: with prior knowledge on the same port, free, unpaid, sold, with bodies, trailers and repeated headers", async () => {
    const upstream = await httpUpstream(closers, (request, response) => {
      void bodyOf(request).then((body) => {
        response.writeHead(200, ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Host", request.headers.host!, "X-Cookie", request.headers.cookie ?? "", "X-Via", request.headers.via!, "Trailer", "X-Sum"]);
        response.write(body);
        response.addTrailers({ "X-Sum": "1" });
        response.end();
      });
    });
    const { url, gate, port } = await openDoor(closers, upstream.url);
    const client = session(url);
    const free = await ask(client, { ":path": "/free?a=b", ":method": "POST", cookie: ["c=3", "d=4"] }, "hello");
    expect([free.headers[":status"], free.body.toString(), free.trailers["x-sum"]]).to.deep.equal([200, "hello", "1"]);
    expect(free.headers["set-cookie"]).to.deep.equal(["a=1", "b=2"]);
    expect([free.headers["x-host"], free.headers["x-cookie"], free.headers["x-via"]]).to.deep.equal([`127.0.0.1:${port}`, "c=3; d=4", "2 agnt2"]);
    const unpaid = await ask(client, { ":path": "/paid" });
    expect([unpaid.headers[":status"], unpaid.headers["payment-required"]]).to.deep.equal([402, "pay"]);
    const sold = await ask(client, { ":path": "/paid", ":method": "POST", ...PAID }, "world");
    expect([sold.headers[":status"], sold.headers["payment-response"], sold.body.toString()]).to.deep.equal([200, "paid", "world"]);
    expect(gate.sales[0]!.answers.length).to.equal(1);
    const many = await Promise.all(Array.from({ length: 50 }, (_unused, i) => ask(client, { ":path": `/free/${i}`, ":method": "POST" }, `body ${i}`)));
    expect(many.map(({ body }) => body.toString())).to.deep.equal(Array.from({ length: 50 }, (_unused, i) => `body ${i}`));
  });

  it("h2: HEAD and 204 end without a body; a large body passes both ways", async () => {
    const upstream = await httpUpstream(closers, (request, response) => {
      if (request.url === "/free/204") return void response.writeHead(204).end();
      if (request.method === "HEAD") return void response.writeHead(200, { "content-length": 7 }).end();
      request.pipe(response);
    });
    const { url } = await openDoor(closers, upstream.url);
    const client = session(url);
    const head = await ask(client, { ":path": "/free", ":method": "HEAD" });
    expect([head.headers[":status"], head.headers["content-length"], head.body.length]).to.deep.equal([200, "7", 0]);
    expect((await ask(client, { ":path": "/free/204" })).headers[":status"]).to.equal(204);
    const big = Buffer.alloc(3_000_000, 120);
    expect((await ask(client, { ":path": "/free", ":method": "POST" }, big)).body.equals(big)).to.equal(true);
  });

  it("h2: a stream that breaks upstream is reset; a reset by the client ends the upstream's work and the sale", async () => {
    const breaking = await rawUpstream(closers, (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
    const first = await openDoor(closers, breaking.url);
    const broken = await ask(session(first.url), { ":path": "/free" });
    expect([broken.headers[":status"], broken.code]).to.deep.equal([200, constants.NGHTTP2_INTERNAL_ERROR]);
    let isClosed = false;
    const hanging = await rawUpstream(closers, (socket) => void socket.on("close", () => (isClosed = true)));
    const { url, gate, door } = await openDoor(closers, hanging.url);
    const stream = session(url).request({ ":path": "/paid", ...PAID });
    stream.on("error", () => undefined);
    await until(() => gate.sales.length === 1 && hanging.received() !== "", "it is asked");
    stream.close(constants.NGHTTP2_CANCEL);
    await until(() => isClosed && door.running === 0, "both sides end");
    expect(gate.sales[0]!.cancels).to.deep.equal(["client-gone"]);
  });

  it("h2: a 402 ends a stream whose body goes on and on", async () => {
    const upstream = await httpUpstream(closers, (_request, response) => void response.end("ok"));
    const { url, door } = await openDoor(closers, upstream.url);
    const client = session(url);
    const stream = client.request({ ":path": "/paid", ":method": "POST" });
    const answered = answerOf(stream);
    const chunk = Buffer.alloc(16_384);
    const more = setInterval(() => (stream.writable ? void stream.write(chunk) : undefined), 1);
    closers.add(() => clearInterval(more));
    const { headers, body, code } = await answered;
    expect([headers[":status"], body.toString(), code]).to.deep.equal([402, '{"error":"pay"}', constants.NGHTTP2_NO_ERROR]);
    await until(() => door.running === 0, "it is over");
    expect((await ask(client, { ":path": "/free" })).body.toString()).to.equal("ok");
  });

  it("h2: resets beyond the burst end the connection", async () => {
    const hanging = await rawUpstream(closers, () => undefined);
    const { port, door } = await openDoor(closers, hanging.url, { limits: { resetBurst: 10, resetsPerSecond: 1 } });
    const socket = connect(port, "127.0.0.1");
    let isClosed = false;
    socket.on("error", () => undefined).on("close", () => (isClosed = true)).resume();
    socket.write(PREFACE);
    const block = fields([[":method", "GET"], [":scheme", "http"], [":authority", "x"], [":path", "/free"]]);
    for (let stream = 1; stream < 200 && !isClosed; stream += 2) {
      socket.write(Buffer.concat([frame(1, 5, stream, block), frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => isClosed && door.running === 0 && door.connections === 0, "the client is sent away");
  });

  it("h2: no more streams at once than allowed, and no more headers", async () => {
    const hanging = await rawUpstream(closers, () => undefined);
    const { url, door } = await openDoor(closers, hanging.url, { limits: { streamsPerConnection: 3, headerCount: 20 } });
    const client = session(url);
    await new Promise((resolve) => client.once("remoteSettings", resolve));
    expect(client.remoteSettings.maxConcurrentStreams).to.equal(3);
    const many = await ask(client, { ":path": "/free", ...Object.fromEntries(Array.from({ length: 40 }, (_unused, i) => [`x-${i}`, "1"])) });
    expect(many.headers[":status"]).not.to.equal(200);
    expect(hanging.received()).to.equal("");
    expect(door.running).to.equal(0);
  });

  it("h2: a drain lets streams end and opens no new ones", async () => {
    let finish = (): void => undefined;
    const upstream = await httpUpstream(closers, (_request, response) => void (finish = () => response.end("late")));
    const { url, door } = await openDoor(closers, upstream.url);
    const client = session(url);
    const late = ask(client, { ":path": "/free" });
    await until(() => door.running === 1, "one runs");
    let wentAway = false;
    client.on("goaway", () => (wentAway = true));
    const drained = door.drain(5_000);
    await until(() => wentAway, "GOAWAY comes");
    finish();
    expect((await late).body.toString()).to.equal("late");
    await drained;
  });

  it("h2: idle connections are closed", async () => {
    const upstream = await httpUpstream(closers, (_request, response) => void response.end("ok"));
    const { url, door } = await openDoor(closers, upstream.url, { limits: { keepAliveMs: 100 } });
    const client = session(url);
    await ask(client, { ":path": "/free" });
    await until(() => door.connections === 0, "it is closed");
  });

  it("h2: what HTTP/2 does not have is refused, so that none of it becomes HTTP/1.1", () => {
    const good = [":method", "GET", ":scheme", "http", ":path", "/free", ":authority", "x"];
    expect(readHttp2Request([...good, "cookie", "a", "cookie", "b"])).to.deep.equal({ method: "GET", target: "/free", rawHeaders: ["host", "x", "cookie", "a; b"] });
    expect(readHttp2Request([...good, "host", "x"]).rawHeaders).to.deep.equal(["host", "x"]);
    const bad: string[][] = [
      [...good, "transfer-encoding", "chunked"],
      [...good, "connection", "close"],
      [...good, "upgrade", "websocket"],
      [...good, "keep-alive", "1"],
      [...good, "proxy-connection", "a"],
      [...good, "te", "gzip"],
      [...good, "X-Upper", "a"],
      [...good, "host", "y"],
      [...good, ":path", "/other"],
      [...good, ":protocol", "websocket"],
      [...good, ":unknown", "a"],
      ["x-a", "b", ...good],
      good.slice(2),
      [":method", "GET", ":scheme", "http", ":authority", "x"],
      [":method", "GET", ":scheme", "http", ":path", "/free"],
    ];
    for (const raw of bad) expect(() => readHttp2Request(raw), raw.join(" ")).to.throw(SidecarError).with.property("code", "door/request");
  });

  it("h2: line ends, second lengths and strange paths in frames do not reach the upstream", async () => {
    const upstream = await rawUpstream(closers, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    const { port } = await openDoor(closers, upstream.url);
    const base: [string, string][] = [[":method", "GET"], [":scheme", "http"], [":authority", "x"]];
    const bad: [string, string][][] = [
      [...base, [":path", "/free"], ["x-a", "b\r\nX-Injected: 1"]],
      [...base, [":path", "/free"], ["x-a\r\nx-injected", "1"]],
      [...base, [":path", "/free"], ["x-a", "b\0c"]],
      [...base, [":path", "/free"], ["x-a", "b\nX-Injected: 1"]],
      // Characters that would become CR and LF if they were cut to one byte.
      [...base, [":path", "/free"], ["x-a", "b\xc4\x8d\xc4\x8aX-Injected: 1"]],
      [...base, [":path", "/free HTTP/1.1\r\nX-Injected: 1\r\nX: "]],
      [...base, [":path", "/free injected"]],
      [...base, [":path", "http://other/injected"]],
      [...base, [":path", "/free/../injected"]],
      [[":method", "GET /injected HTTP/1.1\r\nX: "], ...base.slice(1), [":path", "/free"]],
      [...base.slice(0, 2), [":authority", "x\r\nX-Injected: 1"], [":path", "/free"]],
      [...base, [":path", "/free"], ["transfer-encoding", "chunked"], ["x-injected", "1"]],
      [...base, [":path", "/free"], ["content-length", "5"], ["content-length", "6"], ["x-injected", "1"]],
      [...base, [":path", "/free"], ["content-length", "+5"], ["x-injected", "1"]],
      [...base, [":path", "/free"], ["host", "y"], ["x-injected", "1"]],
      [...base, [":path", "/free"], ["x-injected", "1"], [":path", "/again"]],
      [...base, [":path", ""], ["x-injected", "1"]],
    ];
    for (const headers of bad) await sendFrames(port, headers);
    expect(upstream.received().replace(/x-a: [^\r\n]*/g, "").toLowerCase()).not.to.contain("injected");
    await sendFrames(port, [...base, [":path", "/free/well"], ["x-a", "b"]]);
    await until(() => upstream.received().includes("GET /free/well HTTP/1.1\r\n"), "a proper one passes");
  });
});

const PREFACE = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0, Buffer.alloc(0))]);

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal, never indexed HPACK fields: bytes that no client library would send. */
function fields(headers: readonly (readonly [string, string])[]): Buffer {
  const string = (text: string): Buffer => {
    const bytes = Buffer.from(text, "latin1");
    if (bytes.length >= 127) throw new RangeError("A test's header is short.");
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  };
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0x10]), string(name), string(value)]));
}

/** Sends one request so; resolves when the other side has answered or closed. */
async function sendFrames(port: number, headers: readonly (readonly [string, string])[]): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    let received = Buffer.alloc(0);
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      // RST_STREAM, GOAWAY or a HEADERS frame: the request was judged.
      for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3)) if ([1, 3, 7].includes(received[at + 3]!)) resolve();
    });
  });
  socket.write(Buffer.concat([PREFACE, frame(1, 5, 1, fields(headers))]));
  await ended;
  socket.destroy();
}
