import { expect } from "chai";

import { AnswerParser } from "../../../sidecar/door/upstream/AnswerParser.ts";
import { AnswerProblem } from "../../../sidecar/door/upstream/AnswerProblem.ts";

interface Reading {
  readonly events: string[];
  readonly body: string;
  readonly problem: string | undefined;
}

/** What comes of an answer's bytes in the given pieces. */
function read(pieces: readonly Buffer[], { method = "GET", isUpgrade = false, isClosed = false } = {}): Reading {
  const events: string[] = [];
  let body = "";
  const parser = new AnswerParser(
    {
      onInformational: (status) => events.push(`1xx ${status}`),
      onHead: ({ status, reason, rawHeaders, length, isKept, isUpgrade: upgraded }) => events.push(`head ${status} ${reason} ${JSON.stringify(rawHeaders)} ${length} ${isKept} ${upgraded}`),
      onBody: (chunk) => (body += chunk.toString("latin1")),
      onEnd: (last, trailers) => {
        body += last?.toString("latin1") ?? "";
        events.push(`end ${JSON.stringify(trailers)}`);
      },
      onTunnel: (chunk) => (body += chunk.toString("latin1")),
    },
    { answerHeaderBytes: 4_096, headerCount: 10 },
  );
  parser.expect(method, isUpgrade);
  try {
    for (const piece of pieces) parser.read(piece);
    if (isClosed) parser.finish();
  } catch (error) {
    if (!(error instanceof AnswerProblem)) throw error;
    return { events, body, problem: error.problem };
  }
  return { events, body, problem: undefined };
}

const WHOLE: Readonly<Record<string, { readonly text: string; readonly method?: string; readonly isUpgrade?: boolean; readonly isClosed?: boolean; readonly body: string }>> = {
  "of known length": { text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello", body: "hello" },
  "of length 0": { text: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", body: "" },
  "in chunks with extensions and trailers": { text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n", body: "abc0123456789" },
  "in chunks without trailers": { text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", body: "a" },
  "until the connection closes": { text: "HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nhello", isClosed: true, body: "hello" },
  "after informational ones": { text: "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n", body: "" },
  "to HEAD": { text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method: "HEAD", body: "" },
  "that changes protocols": { text: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nframes", isUpgrade: true, body: "frames" },
};

const BROKEN: readonly string[] = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T 1\r\n\r\n",
  "HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 0\r\n\r\n",
  `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(5_000)}\r\n\r\n`,
  "ICY 200 OK\r\n\r\n",
];

describe("door: the reader of answers", () => {
  for (const [name, { text, body, ...options }] of Object.entries(WHOLE)) {
    it(`answers: one ${name} reads the same wherever it is cut`, () => {
      const bytes = Buffer.from(text, "latin1");
      const whole = read([bytes], options);
      expect(whole.problem).to.equal(undefined);
      expect(whole.body).to.equal(body);
      expect(read([...bytes].map((byte) => Buffer.from([byte])), options)).to.deep.equal(whole);
      for (let cut = 1; cut < bytes.length; cut++) expect(read([bytes.subarray(0, cut), bytes.subarray(cut)], options), `cut at ${cut}`).to.deep.equal(whole);
    });
  }

  it("answers: a broken one is a problem wherever it is cut, and never has an end", () => {
    for (const text of BROKEN) {
      const bytes = Buffer.from(text, "latin1");
      for (let cut = 0; cut < bytes.length; cut += text.length > 1_000 ? 97 : 1) {
        const { problem, events } = read([bytes.subarray(0, cut), bytes.subarray(cut)]);
        expect(problem, `${text.slice(0, 60)} cut at ${cut}`).to.be.a("string");
        expect(events.some((event) => event.startsWith("end"))).to.equal(false);
      }
    }
  });

  it("answers: one that is cut short has no end, unless it is one until the connection closes", () => {
    for (const { text, isClosed, isUpgrade, method } of Object.values(WHOLE)) {
      if (isClosed === true || isUpgrade === true) continue;
      const bytes = Buffer.from(text, "latin1");
      for (let cut = 0; cut < bytes.length; cut++) expect(read([bytes.subarray(0, cut)], { isClosed: true, ...(method === undefined ? {} : { method }) }).problem, `${text} cut at ${cut}`).to.be.a("string");
    }
  });

  it("answers: whatever bytes come, it reads them, or says what the problem is", () => {
    // A fixed sequence, so that a failure can be looked at again.
    let seed = 42;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const texts = Object.values(WHOLE).map(({ text }) => text);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(texts[random(texts.length)]!, "latin1");
      for (let changes = random(4); changes >= 0; changes--) bytes[random(bytes.length)] = random(2) === 0 ? random(256) : "\r\n:; 0a"[random(7)]!.charCodeAt(0);
      const cut = random(bytes.length);
      const { events } = read([bytes.subarray(0, cut), bytes.subarray(cut)], { isClosed: true });
      expect(events.filter((event) => event.startsWith("head")).length).to.be.at.most(1);
      expect(events.filter((event) => event.startsWith("end")).length).to.be.at.most(1);
    }
  });
});
