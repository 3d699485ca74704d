import { expect } from "chai";

import { Closers, openDoor, rawExchange, rawUpstream, until } from "../../builders/doorScene.ts";

const SEEDS = [
  "POST /free/a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
  "POST /free HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close, X-A\r\nX-A: 1\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
  "GET /paid HTTP/1.1\r\nHost: x\r\nPayment-Signature: ok\r\nConnection: close\r\n\r\n",
  "GET /free HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\nframes",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
];
const PIECES = ["\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", ";", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Host: y\r\n", "Expect: 100-continue\r\n", "GET /free HTTP/1.1\r\n", "\xff", "%2e", "0", "f"];

/** Whether these bytes are proper requests, one after another, each with one Host and one length, and nothing else. */
function readsStrictly(bytes: string): boolean {
  let rest = bytes;
  while (rest !== "") {
    const head = /^(GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|[A-Z-]+) (\/[^ \r\n\0]*|\*) HTTP\/1\.1\r\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n/.exec(rest);
    if (head === null) return false;
    const lengths = head[3]!.match(/^content-length: .*$/gim) ?? [];
    const codings = head[3]!.match(/^transfer-encoding: .*$/gim) ?? [];
    if (lengths.length + codings.length > 1 || (head[3]!.match(/^host: .*$/gim) ?? []).length !== 1) return false;
    rest = rest.slice(head[0].length);
    if (codings.length === 1) {
      const body = /^(?:[0-9a-f]+\r\n[\s\S]*?\r\n)*?0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(rest);
      // A body that was cut off with its connection has no end.
      if (body === null) return true;
      rest = rest.slice(body[0].length);
    } else rest = rest.slice(Number(/\d+/.exec(lengths[0] ?? "0")![0]));
    if (/^upgrade: websocket\r$/im.test(head[3]!)) return true;
  }
  return true;
}

describe("door: mutated requests", () => {
  const closers = new Closers();
  after(() => closers.closeAll());

  it("mutated: whatever comes, the upstream gets requests that read one way, and the door goes on", async function () {
    this.timeout(60_000);
    const received = new Map<object, string>();
    const upstream = await rawUpstream(closers, (socket, all) => {
      received.set(socket, all);
      // Closing, so that each connection carries one request.
      if (all.includes("\r\n\r\n")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    });
    const { port, door } = await openDoor(closers, upstream.url, { limits: { headerMs: 150, bodyIdleMs: 150, keepAliveMs: 100 }, route: { timeoutMs: 300 } });
    let seed = 99;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < 8; round++) {
      const requests = Array.from({ length: 50 }, () => {
        let text = SEEDS[random(SEEDS.length)]!;
        for (let changes = random(4); changes >= 0; changes--) {
          const at = random(text.length);
          text = text.slice(0, at) + (random(3) === 0 ? "" : PIECES[random(PIECES.length)]!) + text.slice(at + random(3));
        }
        return text;
      });
      await Promise.all(requests.map((text) => rawExchange(port, Buffer.from(text, "latin1"), undefined, 1_000)));
    }
    for (const text of received.values()) expect(readsStrictly(text), JSON.stringify(text)).to.equal(true);
    expect(received.size).to.be.greaterThan(10);
    await until(() => door.running === 0, "nothing runs any more");
    expect(await rawExchange(port, "GET /free HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).to.match(/^HTTP\/1\.1 200 [\s\S]*ok$/);
  });
});
