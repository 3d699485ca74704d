import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { WebSocketServer } from "ws";
import type { WebSocket as ServerSocket } from "ws";

import { toHex } from "../../core/codec/index.ts";
import { encodeRecord } from "../../core/codec/record.ts";
import { decodeSubmissions } from "../../core/codec/stream.ts";
import type { Submission } from "../../core/codec/stream.ts";
import { buildBundle } from "../../sdk/buildBundle.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { OperationHandle } from "../../sdk/bundles/OperationHandle.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { SdkError } from "../../sdk/SdkError.ts";
import { AckVerifier } from "../../sdk/transport/AckVerifier.ts";
import { HttpTransport } from "../../sdk/transport/HttpTransport.ts";
import { StreamTransport } from "../../sdk/transport/StreamTransport.ts";
import { durableJson, durableMessage, messageOf, signedRoot, TEST_INBOX, TEST_SEPARATOR, TEST_SEQUENCER_KEY } from "../builders/signedAnswers.ts";

const KEY = `0x${"11".repeat(32)}`;
const STRANGER_KEY = `0x${"33".repeat(32)}`;
const domain = { chainId: 31337, inbox: TEST_INBOX, separator: TEST_SEPARATOR };
const sequencer = createKeySigner(TEST_SEQUENCER_KEY).address;

function bundleOf(nonce: number, records = 1): Promise<Uint8Array> {
  const list = Array.from({ length: records }, () => encodeRecord("TRANSFER", { to: 2, amount: 5 }));
  return buildBundle({ agent: 1, nonce, validUntil: 2_000_000_000, records: list }, createKeySigner(KEY), domain);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error instanceof SdkError ? error.code : String(error);
  }
}

describe("SDK stream and a server that lies", () => {
  let server: WebSocketServer;
  let transport: StreamTransport;
  let bundle: Uint8Array;
  let other: Uint8Array;
  let answer: (submission: Submission, socket: ServerSocket) => void;
  let received: string[];
  let connections = 0;

  const open = (limits: { answerMs?: number; giveUpMs?: number; rootedMs?: number } = {}): void => {
    const { port } = server.address() as AddressInfo;
    transport = new StreamTransport({ url: `ws://127.0.0.1:${port}`, webSocket: WebSocket, readVerifier: async () => new AckVerifier(TEST_SEPARATOR, [sequencer]), reconnectMs: 10, ...limits });
  };
  const rooted = (request: number, position: number, key?: string): Uint8Array => {
    const { stateRoot, signature } = signedRoot(position, 4, key);
    return messageOf((answers) => answers.rooted(request, position, stateRoot, signature, 4));
  };

  before(async () => {
    bundle = await bundleOf(0);
    other = await bundleOf(1);
  });
  beforeEach(async () => {
    received = [];
    connections = 0;
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (socket) => {
      connections += 1;
      socket.on("message", (message: Buffer) => {
        for (const submission of decodeSubmissions(message) ?? []) {
          received.push(toHex(submission.bytes));
          answer(submission, socket);
        }
      });
    });
    open();
  });
  afterEach(async () => {
    await transport.close();
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  it("stream: refuses the answer of another bundle", async () => {
    answer = ({ request, bytes }, socket) => socket.send(durableMessage(request, bytes, { signedFor: other }));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_BAD_PROOF");
  });

  it("stream: keeps answers apart when two bundles are answered in reverse order, and refuses them when exchanged", async () => {
    const held: Submission[] = [];
    let isExchanged = false;
    answer = (submission, socket) => {
      held.push(submission);
      if (held.length < 2) return;
      const [first, second] = held.splice(0) as [Submission, Submission];
      const requests = isExchanged ? [first.request, second.request] : [second.request, first.request];
      socket.send(durableMessage(requests[0]!, second.bytes, { position: 8 }));
      socket.send(durableMessage(requests[1]!, first.bytes, { position: 7 }));
    };
    const positions = await Promise.all([bundle, other].map(async (bytes) => (await transport.submit(bytes).durable).position));
    expect(positions).to.deep.equal([7, 8]);
    isExchanged = true;
    expect(await Promise.all([bundle, other].map((bytes) => codeOf(transport.submit(bytes).durable)))).to.deep.equal(["SDK_BAD_PROOF", "SDK_BAD_PROOF"]);
  });

  for (const [what, outcomes] of [["too few", [0]], ["too many", [0, 0, 0]], ["no", []]] as const) {
    it(`stream: fails with SDK_RESPONSE when there are ${what} results for the records`, async () => {
      const pair = await bundleOf(0, 2);
      answer = ({ request, bytes }, socket) => socket.send(durableMessage(request, bytes, { outcomes, headPosition: 9 }));
      const ticket = transport.submit(pair);
      const handle = new OperationHandle("TRANSFER", { posted: async () => ({ batch: 0 }), confirmed: async () => ({ claimId: "", stateRoot: "" }), receiptIn: () => Promise.reject(new Error("no replica")) });
      handle.follow(ticket, { agent: 1, nonce: 0, index: 1 });
      expect(await codeOf(handle.durable)).to.equal("SDK_RESPONSE");
    });
  }

  it("stream: refuses a head that ends before the bundle", async () => {
    answer = ({ request, bytes }, socket) => socket.send(durableMessage(request, bytes, { position: 5, headPosition: 5 }));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_BAD_PROOF");
  });

  it("stream: finds out when two heads are signed for one position", async () => {
    answer = ({ request, bytes }, socket) => socket.send(durableMessage(request, bytes, { position: 3 }));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("none");
    expect(await codeOf(transport.submit(other).durable)).to.equal("SDK_BAD_PROOF");
  });

  it("stream: refuses a root that is not signed by the sequencer, one from before the bundle, and one for a bundle that is not durable", async () => {
    const answers: ((request: number) => Uint8Array)[] = [(request) => rooted(request, 8, STRANGER_KEY), (request) => rooted(request, 7)];
    for (const lie of answers) {
      answer = ({ request, bytes }, socket) => {
        socket.send(durableMessage(request, bytes, { position: 7 }));
        socket.send(lie(request));
      };
      const ticket = transport.submit(bundle);
      expect(await codeOf(ticket.durable)).to.equal("none");
      expect(await codeOf(ticket.rooted)).to.equal(lie === answers[0] ? "SDK_BAD_SIGNATURE" : "SDK_BAD_PROOF");
    }
    answer = ({ request }, socket) => socket.send(rooted(request, 8));
    const ticket = transport.submit(bundle);
    expect(await codeOf(ticket.durable)).to.equal("SDK_RESPONSE");
  });

  it("stream: takes a repeated answer once, and tells when the second one differs", async () => {
    answer = ({ request, bytes }, socket) => {
      socket.send(durableMessage(request, bytes, { position: 7 }));
      socket.send(durableMessage(request, bytes, { position: 7 }));
      socket.send(rooted(request, 8));
      socket.send(rooted(request, 8));
    };
    expect((await transport.submit(bundle).rooted).batchCount).to.equal(4);
    answer = ({ request, bytes }, socket) => {
      socket.send(durableMessage(request, bytes, { position: 7, headPosition: 20 }));
      socket.send(durableMessage(request, bytes, { position: 9, headPosition: 21 }));
    };
    const ticket = transport.submit(bundle);
    expect(await codeOf(ticket.durable)).to.equal("none");
    expect(await codeOf(ticket.rooted)).to.equal("SDK_BAD_PROOF");
  });

  for (const [what, lie] of [
    ["cut", (message: Uint8Array) => message.subarray(0, message.length - 5)],
    ["longer than its parts", (message: Uint8Array) => Uint8Array.of(...message, 1, 2, 3)],
    ["text", () => "durable"],
    ["empty", () => new Uint8Array(0)],
  ] as const) {
    it(`stream: fails with SDK_RESPONSE when an answer is ${what}`, async () => {
      answer = ({ request, bytes }, socket) => socket.send(lie(durableMessage(request, bytes)));
      expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_RESPONSE");
    });
  }

  it("stream: fails with SDK_RESPONSE when a message is larger than any can be", async () => {
    answer = (_submission, socket) => socket.send(new Uint8Array(70 << 20));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_RESPONSE");
  });

  it("stream: ignores answers for what it never asked", async () => {
    answer = ({ request, bytes }, socket) => {
      socket.send(durableMessage(request + 1, other));
      socket.send(durableMessage(request, bytes));
    };
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("none");
  });

  it("stream: asks again over a new connection when a server falls silent, with the same bytes", async () => {
    await transport.close();
    open({ answerMs: 100, giveUpMs: 5_000 });
    answer = ({ request, bytes }, socket) => {
      if (connections > 1) socket.send(durableMessage(request, bytes));
    };
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("none");
    expect(received).to.deep.equal([toHex(bundle), toHex(bundle)]);
  });

  it("stream: ends every wait when a server takes bundles and never answers, or answers without a root", async () => {
    await transport.close();
    open({ answerMs: 80, giveUpMs: 250, rootedMs: 150 });
    answer = () => undefined;
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_NO_ANSWER");
    answer = ({ request, bytes }, socket) => socket.send(durableMessage(request, bytes));
    const ticket = transport.submit(bundle);
    expect(await codeOf(ticket.durable)).to.equal("none");
    expect(await codeOf(ticket.rooted)).to.equal("SDK_TIMEOUT");
  });

  it("stream: says SDK_UNREACHABLE when nothing ever went out", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    // Takes the connection and never becomes a WebSocket.
    silent.on("upgrade", () => undefined);
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const unheard = new StreamTransport({ url: `ws://127.0.0.1:${port}`, webSocket: WebSocket, readVerifier: async () => new AckVerifier(TEST_SEPARATOR, [sequencer]), answerMs: 50, giveUpMs: 200 });
    expect(await codeOf(unheard.submit(bundle).durable)).to.equal("SDK_UNREACHABLE");
    await unheard.close();
    silent.closeAllConnections();
    silent.close();
  });
});

describe("SDK over HTTP and a server that lies", () => {
  let server: Server;
  let transport: HttpTransport;
  let bundle: Uint8Array;
  let other: Uint8Array;
  let answer: (response: ServerResponse, level: string) => void;
  let received: string[];

  const reply = (response: ServerResponse, body: unknown, status = 200): void => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  const open = (limits: { requestMs?: number; giveUpMs?: number; rootedMs?: number } = {}): void => {
    const { port } = server.address() as AddressInfo;
    transport = new HttpTransport(new HttpService(`http://127.0.0.1:${port}`), { readVerifier: async () => new AckVerifier(TEST_SEPARATOR, [sequencer]), retryMs: 10, giveUpMs: 30_000, rootedMs: 300, ...limits });
  };

  before(async () => {
    bundle = await bundleOf(0);
    other = await bundleOf(1);
  });
  beforeEach(async () => {
    received = [];
    server = createServer((request: IncomingMessage, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        received.push(toHex(Buffer.concat(chunks)));
        answer(response, new URL(request.url ?? "/", "http://localhost").searchParams.get("wait") ?? "");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    open();
  });
  afterEach(async () => {
    await transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("http: takes an answer with the sequencer's signature, and a root that it signed", async () => {
    const { stateRoot, signature } = signedRoot(1, 4);
    answer = (response, level) => {
      const more = level === "rooted" ? { rootPosition: 1, batchCount: 4, stateRoot: toHex(stateRoot), rootSignature: toHex(signature) } : {};
      reply(response, { ...durableJson(bundle), ...more });
    };
    const ticket = transport.submit(bundle);
    expect(await ticket.durable).to.deep.equal({ level: "durable", position: 0, firstReceipt: 5, results: [{ outcome: 0, slot: 3, id: 9 }] });
    expect(await ticket.rooted).to.deep.equal({ level: "rooted", position: 1, batchCount: 4, stateRoot: toHex(stateRoot) });
  });

  for (const [what, code, lie] of [
    ["is signed by somebody else", "SDK_BAD_SIGNATURE", () => durableJson(bundle, { key: STRANGER_KEY })],
    ["is another bundle's", "SDK_BAD_PROOF", () => durableJson(bundle, { signedFor: other })],
    ["has a head that does not follow from the one before", "SDK_BAD_PROOF", () => durableJson(bundle, { previous: new Uint8Array(32).fill(1) })],
    ["has more results than records", "SDK_RESPONSE", () => durableJson(bundle, { outcomes: [0, 0] })],
    ["has no signature", "SDK_RESPONSE", () => ({ ...durableJson(bundle), signature: undefined })],
    ["has a signature of zeros", "SDK_BAD_SIGNATURE", () => ({ ...durableJson(bundle), signature: `0x${"00".repeat(64)}` })],
    ["has a path that is none", "SDK_BAD_PROOF", () => ({ ...durableJson(bundle), path: "0x1234" })],
    ["has results that are none", "SDK_RESPONSE", () => ({ ...durableJson(bundle), results: [null] })],
    ["has positions that are no numbers", "SDK_RESPONSE", () => ({ ...durableJson(bundle), position: [] })],
    ["is a list", "SDK_RESPONSE", () => [1]],
    ["is null", "SDK_RESPONSE", () => null],
  ] as const) {
    it(`http: fails with ${code} when an answer ${what}`, async () => {
      answer = (response) => reply(response, lie());
      expect(await codeOf(transport.submit(bundle).durable)).to.equal(code);
    });
  }

  it("http: refuses roots that are signed by somebody else, from before the bundle, or beside other results", async () => {
    for (const [position, key, change, code] of [
      [1, STRANGER_KEY, {}, "SDK_BAD_SIGNATURE"],
      [0, TEST_SEQUENCER_KEY, {}, "SDK_BAD_PROOF"],
      [1, TEST_SEQUENCER_KEY, { firstReceipt: 6 }, "SDK_BAD_PROOF"],
    ] as const) {
      const { stateRoot, signature } = signedRoot(position, 4, key);
      answer = (response, level) => {
        const isRooted = level === "rooted";
        reply(response, { ...durableJson(bundle), ...(isRooted ? { rootPosition: position, batchCount: 4, stateRoot: toHex(stateRoot), rootSignature: toHex(signature), ...change } : {}) });
      };
      const ticket = transport.submit(bundle);
      expect(await codeOf(ticket.durable)).to.equal("none");
      expect(await codeOf(ticket.rooted)).to.equal(code);
    }
  });

  it("http: sends the same bytes again when the connection breaks, the answer is cut, or the server is busy", async () => {
    const troubles: ((response: ServerResponse) => void)[] = [
      (response) => response.destroy(),
      (response) => response.writeHead(200, { "content-length": "5000" }).write("{") && setTimeout(() => response.destroy(), 10),
      (response) => reply(response, { error: { code: "WAITED_TOO_LONG", message: "" } }, 504),
      (response) => void response.writeHead(502).end("<html>bad gateway</html>"),
      (response) => reply(response, { error: { code: "RATE_LIMITED", message: "" } }, 429),
    ];
    answer = (response, level) => {
      const trouble = level === "durable" ? troubles.shift() : undefined;
      if (trouble === undefined) reply(response, durableJson(bundle));
      else trouble(response);
    };
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("none");
    expect(new Set(received.slice(0, 6))).to.deep.equal(new Set([toHex(bundle)]));
  });

  it("http: says SDK_LOST when a bundle that was sent twice is refused for its nonce, since it may have run", async () => {
    let isFirst = true;
    answer = (response) => {
      if (isFirst) response.destroy();
      else reply(response, { error: { code: "H_NONCE", message: "the nonce is not the next" } }, 400);
      isFirst = false;
    };
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_LOST");
  });

  it("http: gives a refusal its code, and never one of the SDK's own", async () => {
    answer = (response) => reply(response, { error: { code: "H_NONCE", message: "the nonce is not the next" } }, 400);
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("H_NONCE");
    answer = (response) => reply(response, { error: { code: "SDK_CLOSED", message: "x" } }, 400);
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_HTTP");
  });

  it("http: ends every wait when a server does not answer, or drips without end", async () => {
    await transport.close();
    open({ requestMs: 50, giveUpMs: 200 });
    answer = () => undefined;
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_NO_ANSWER");
    const timers: NodeJS.Timeout[] = [];
    answer = (response) => void timers.push(setInterval(() => response.write(" "), 5));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_NO_ANSWER");
    for (const timer of timers) clearInterval(timer);
  });

  it("http: reads no further than is sensible when an answer is huge", async () => {
    answer = (response) => response.end(Buffer.alloc(20 << 20, 32));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_RESPONSE");
  });

  it("http: ends what is waiting when it is closed", async () => {
    answer = () => undefined;
    const { durable } = transport.submit(bundle);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await transport.close();
    expect(await codeOf(durable)).to.equal("SDK_CLOSED");
  });
});
