import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect } from "chai";
import { WebSocketServer } from "ws";
import type { WebSocket as ServerSocket } from "ws";

import { domainSeparator, fromHex, recordsHash, toHex } from "../../core/codec/index.ts";
import { bundleHash, headDigest, nextHead, rootDigest } from "../../core/codec/heads.ts";
import { encodeRecord } from "../../core/codec/record.ts";
import { ACK_LEVEL, AnswerWriter, decodeSubmissions } from "../../core/codec/stream.ts";
import type { Submission } from "../../core/codec/stream.ts";
import { buildBundle } from "../../sdk/buildBundle.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { SdkError } from "../../sdk/SdkError.ts";
import { AckVerifier } from "../../sdk/transport/AckVerifier.ts";
import { StreamTransport } from "../../sdk/transport/StreamTransport.ts";

const INBOX = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const KEY = `0x${"11".repeat(32)}`;
const SEQUENCER_KEY = `0x${"22".repeat(32)}`;
const separator = domainSeparator({ chainId: 31337, inbox: fromHex(INBOX) });

function signCompact(digest: Uint8Array, key: string): Uint8Array {
  const bytes = secp256k1.sign(digest, fromHex(key), { prehash: false, lowS: true, format: "recovered" });
  const signature = bytes.slice(1);
  if (bytes[0] === 1) signature[32]! |= 0x80;
  return signature;
}

/** A message with the answers that `write` gives. */
function messageOf(write: (answers: AnswerWriter) => void): Uint8Array {
  const answers = new AnswerWriter();
  write(answers);
  return answers.take();
}

/** A durable answer for a bundle that is alone in its group, so that its hash is the group's root. */
function durableFor({ request, bytes }: Submission, changes: { key?: string; previous?: Uint8Array } = {}): Uint8Array {
  const previous = new Uint8Array(32);
  const head = nextHead(previous, bundleHash(bytes, recordsHash(bytes, 96, 1)), 1);
  const signature = signCompact(headDigest(separator, 0, 1, head), changes.key ?? SEQUENCER_KEY);
  const record = { position: 0, firstReceipt: 5, outcomes: Uint8Array.of(0), slots: Uint32Array.of(3), ids: Float64Array.of(9) };
  return messageOf((answers) => answers.durable(request, record, { previous: changes.previous ?? previous, head, slot: 0, position: 1, index: 0, signature, path: new Uint8Array(0) }));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error instanceof SdkError ? error.code : String(error);
  }
}

describe("SDK stream", () => {
  let server: WebSocketServer;
  let transport: StreamTransport;
  let bundle: Uint8Array;
  let answer: (submission: Submission, socket: ServerSocket) => void;
  const received: string[] = [];

  before(async () => {
    const domain = { chainId: 31337, inbox: INBOX, separator };
    bundle = await buildBundle({ agent: 1, nonce: 0, validUntil: 2_000_000_000, records: [encodeRecord("TRANSFER", { to: 2, amount: 5 })] }, createKeySigner(KEY), domain);
  });

  beforeEach(async () => {
    received.length = 0;
    server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (socket) =>
      socket.on("message", (message: Buffer) => {
        for (const submission of decodeSubmissions(message) ?? []) {
          received.push(toHex(submission.bytes));
          answer(submission, socket);
        }
      }),
    );
    const { port } = server.address() as AddressInfo;
    const verifier = new AckVerifier(separator, [createKeySigner(SEQUENCER_KEY).address]);
    transport = new StreamTransport({ url: `ws://127.0.0.1:${port}`, webSocket: WebSocket, readVerifier: async () => verifier, reconnectMs: 10 });
  });

  afterEach(async () => {
    await transport.close();
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  it("stream: resolves each level when it comes with the sequencer's signature", async () => {
    const stateRoot = new Uint8Array(32).fill(7);
    answer = (submission, socket) => {
      socket.send(durableFor(submission));
      socket.send(messageOf((answers) => answers.rooted(submission.request, 1, stateRoot, signCompact(rootDigest(separator, 1, 4, stateRoot), SEQUENCER_KEY), 4)));
    };
    const ticket = transport.submit(bundle);
    expect(await ticket.durable).to.deep.equal({ level: "durable", position: 0, firstReceipt: 5, results: [{ outcome: 0, slot: 3, id: 9 }] });
    expect(await ticket.rooted).to.deep.equal({ level: "rooted", position: 1, batchCount: 4, stateRoot: toHex(stateRoot) });
  });

  it("stream: resolves every level when several answers come in one message", async () => {
    const stateRoot = new Uint8Array(32).fill(7);
    const signature = signCompact(rootDigest(separator, 1, 4, stateRoot), SEQUENCER_KEY);
    answer = (submission, socket) => {
      const parts = [messageOf((answers) => answers.notice(ACK_LEVEL.SEQUENCED, submission.request)), durableFor(submission), messageOf((answers) => answers.rooted(submission.request, 1, stateRoot, signature, 4))];
      socket.send(Buffer.concat(parts));
    };
    const ticket = transport.submit(bundle);
    expect([(await ticket.sequenced).level, (await ticket.durable).level, (await ticket.rooted).level]).to.deep.equal(["sequenced", "durable", "rooted"]);
  });

  it("stream: fails what is waiting when a message ends within an answer", async () => {
    answer = (submission, socket) => socket.send(durableFor(submission).subarray(0, 60));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_RESPONSE");
  });

  it("stream: refuses an answer when somebody else signed it", async () => {
    answer = (submission, socket) => socket.send(durableFor(submission, { key: KEY }));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_BAD_SIGNATURE");
  });

  it("stream: refuses an answer when the bundle is not under the signed head", async () => {
    answer = (submission, socket) => socket.send(durableFor(submission, { previous: new Uint8Array(32).fill(1) }));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_BAD_PROOF");
  });

  it("stream: sends the same bytes again when the connection breaks before the answer", async () => {
    let breaks = 2;
    answer = (submission, socket) => {
      breaks -= 1;
      if (breaks >= 0) socket.terminate();
      else socket.send(durableFor(submission));
    };
    await transport.submit(bundle).durable;
    expect(received).to.deep.equal([toHex(bundle), toHex(bundle), toHex(bundle)]);
  });

  it("stream: gives a refusal its code", async () => {
    answer = ({ request }, socket) => socket.send(messageOf((answers) => answers.rejection(request, 66, "the nonce is not the next")));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("H_NONCE");
    answer = ({ request }, socket) => socket.send(messageOf((answers) => answers.rejection(request, 128, "busy")));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("INTAKE_BUSY");
  });

  it("stream: says SDK_LOST when a bundle that was sent twice is refused for its nonce, since it may have run", async () => {
    let isFirst = true;
    answer = ({ request }, socket) => {
      if (isFirst) socket.terminate();
      else socket.send(messageOf((answers) => answers.rejection(request, 66, "the nonce is not the next")));
      isFirst = false;
    };
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_LOST");
  });

  it("stream: fails what is waiting when the server sends what is no frame", async () => {
    answer = (_submission, socket) => socket.send(Uint8Array.of(1, 2, 3));
    expect(await codeOf(transport.submit(bundle).durable)).to.equal("SDK_RESPONSE");
  });

  it("stream: fails what is waiting with SDK_CLOSED when it is closed", async () => {
    answer = () => undefined;
    const { durable } = transport.submit(bundle);
    await transport.close();
    expect(await codeOf(durable)).to.equal("SDK_CLOSED");
  });
});
