import { once } from "node:events";
import { connect } from "node:tls";

import { expect } from "chai";

import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import type { ChannelSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { authenticate } from "../../sdk/node/channels/transport/authenticate.ts";
import type { ChannelNetwork } from "../../sdk/node/channels/transport/authenticate.ts";
import type { ChannelConnection, ChannelTransport } from "../../sdk/node/channels/transport/ChannelTransport.ts";
import { FrameReader, framed } from "../../sdk/node/channels/transport/FrameReader.ts";
import { Libp2pTransport } from "../../sdk/node/channels/transport/Libp2pTransport.ts";
import { TlsTransport } from "../../sdk/node/channels/transport/TlsTransport.ts";
import { until } from "../builders/loneCore.ts";

const network: ChannelNetwork = { chainId: 31337, adjudicator: new Uint8Array(20).fill(1) };
const signerOf = (number: number): ChannelSigner => createLocalSigner(new Uint8Array(32).fill(number));
const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => "none", (error: { code: string }) => error.code);

describe("channel frames", () => {
  it("a stream cut anywhere: gives the same frames", () => {
    const frames = [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(300).fill(2), new Uint8Array(5).fill(3)];
    const bytes = Buffer.concat(frames.map((frame) => framed(frame.subarray(0, 2), frame.subarray(2))));
    for (let step = 1; step <= bytes.length; step += 1) {
      const reader = new FrameReader();
      const got: number[] = [];
      for (let at = 0; at < bytes.length; at += step) reader.read(bytes.subarray(at, at + step), 1_000, (frame) => (got.push(frame.length), true));
      expect(got, `cut every ${step} bytes`).to.deep.equal([0, 1, 300, 5]);
    }
  });

  it("a length above the limit: is told before anything is kept for it", () => {
    expect(new FrameReader().read(Uint8Array.of(255, 255, 255, 255), 1_000, () => true)).to.equal(-1);
    const slow = new FrameReader();
    expect([0, 0, 4].map((byte) => slow.read(Uint8Array.of(byte), 1_000, () => true))).to.deep.equal([1, 1, 1]);
    expect(slow.read(Uint8Array.of(0), 1_000, () => true)).to.equal(-1);
  });
});

const TRANSPORTS: readonly { name: string; create(): ChannelTransport; address: string }[] = [
  { name: "TLS", create: () => new TlsTransport(), address: "tls://127.0.0.1:0" },
  { name: "libp2p", create: () => new Libp2pTransport(), address: "/ip4/127.0.0.1/tcp/0" },
];

for (const { name, create, address } of TRANSPORTS) {
  describe(`channel transport over ${name}`, function () {
    this.timeout(30_000);
    let server: ChannelTransport;
    let client: ChannelTransport;
    let here: string;
    let waiting: ((connection: ChannelConnection) => void)[];

    beforeEach(async () => {
      [server, client, waiting] = [create(), create(), []];
      here = (await server.listen(address, (connection) => waiting.shift()?.(connection))).address;
    });
    afterEach(async () => {
      await client.stop();
      await server.stop();
    });

    async function pair(): Promise<[ChannelConnection, ChannelConnection]> {
      const other = new Promise<ChannelConnection>((resolve) => waiting.push(resolve));
      return [await client.dial(here, 5_000), await other];
    }
    it("an address leads to the next process there too, also with the id of the one before", async () => {
      (await pair())[0].close();
      await server.stop();
      server = create();
      const next = await server.listen(here, (connection) => waiting.shift()?.(connection));
      expect(next.address).to.equal(here);
      const kept = name === "libp2p" ? [here, `${here}/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5`] : [here];
      for (here of kept) for (const connection of await pair()) connection.close();
    });

    interface Collected {
      readonly frames: Uint8Array[];
      end: { error: { code: string } | undefined } | undefined;
    }
    function collect(connection: ChannelConnection): Collected {
      const collected: Collected = { frames: [], end: undefined };
      connection.handle({ onFrame: (frame) => void collected.frames.push(Uint8Array.from(frame)), onDrain: () => undefined, onEnd: (error) => (collected.end = { error }) });
      return collected;
    }

    it("frames of all sizes: arrive whole and in order, both ways", async () => {
      const [a, b] = await pair();
      [a.maxFrameBytes, b.maxFrameBytes] = [1 << 22, 1 << 22];
      const [atA, atB] = [collect(a), collect(b)];
      const sizes = [1, 0, 70_000, 3, 2_000_000, 5];
      for (const [from, to] of [[a, atB], [b, atA]] as const) {
        for (const [i, size] of sizes.entries()) from.send(new Uint8Array(size).fill(i));
        await until("all frames are there", () => to.frames.length === sizes.length);
        expect(to.frames.map(({ length }) => length)).to.deep.equal(sizes);
        expect(to.frames.every((frame, i) => frame.every((byte) => byte === i))).to.equal(true);
      }
      a.close();
      await until("both have ended", () => atA.end !== undefined && atB.end !== undefined);
      expect([atA.end?.error, atB.end?.error]).to.deep.equal([undefined, undefined]);
    });

    it("what comes before anybody listens: waits", async () => {
      const [a, b] = await pair();
      a.send(Uint8Array.of(1));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const first = collect(b);
      await until("the first frame is there", () => first.frames.length === 1);
      b.hold();
      a.send(Uint8Array.of(2));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const second = collect(b);
      await until("the second frame is there", () => second.frames.length === 1);
      expect(first.frames.length).to.equal(1);
      a.close();
    });

    it("a frame above the limit: ends the connection", async () => {
      const [a, b] = await pair();
      const [, atB] = [collect(a), collect(b)];
      a.send(new Uint8Array(b.maxFrameBytes + 1));
      await until("it has ended", () => atB.end !== undefined);
      expect(atB.end?.error?.code).to.equal("channel/size");
    });

    it("a reader that pauses: makes the sender wait", async () => {
      const [a, b] = await pair();
      b.maxFrameBytes = 1 << 22;
      const [, atB] = [collect(a), collect(b)];
      b.pause();
      let sent = 0;
      while (a.send(new Uint8Array(1 << 18)) && sent < 1_000) {
        sent += 1;
        await new Promise(setImmediate);
      }
      expect(sent).to.be.lessThan(1_000);
      b.resume();
      await until("all frames are there", () => atB.frames.length === sent + 1);
      a.close();
    });

    it("nobody listens: says that the peer cannot be reached", async () => {
      await server.stop();
      expect(await codeOf(client.dial(here, 2_000))).to.equal("channel/unreachable");
      expect(await codeOf(client.dial("nonsense", 2_000))).to.equal("channel/unreachable");
    });

    it("two agents: learn who the other is, and what follows is not lost", async () => {
      const [a, b] = await pair();
      const [one, two] = [signerOf(1), signerOf(2)];
      const both = await Promise.all([authenticate(a, network, one, 5_000), authenticate(b, network, two, 5_000).then((agent) => (b.send(Uint8Array.of(9)), agent))]);
      expect(both).to.deep.equal([two.address, one.address]);
      const atA = collect(a);
      await until("the frame behind the greeting is there", () => atA.frames.length === 1);
      b.close();
      a.close();
    });

    it("another network: both are told, and who is there is not", async () => {
      const [a, b] = await pair();
      const codes = await Promise.all([codeOf(authenticate(a, network, signerOf(1), 5_000)), codeOf(authenticate(b, { ...network, chainId: 1 }, signerOf(2), 5_000))]);
      expect(codes).to.include("channel/network");
      expect(codes).to.not.include("none");
    });

    it("a greeting in another's name: is refused", async () => {
      const [a, b] = await pair();
      const liar: ChannelSigner = { address: signerOf(3).address, sign: (digest) => signerOf(1).sign(digest) };
      const honest = codeOf(authenticate(b, network, signerOf(2), 5_000));
      void codeOf(authenticate(a, network, liar, 5_000));
      expect(await honest).to.equal("channel/identity");
    });

    it("a proof that is passed on to a third: is worth nothing there", async () => {
      const [front, back] = [create(), create()];
      const came = new Promise<ChannelConnection>((resolve) => waiting.push(resolve));
      const middle = new Promise<ChannelConnection>((resolve) => void front.listen(address, resolve).then(async (listener) => void (a = await client.dial(listener.address, 5_000))));
      let a: ChannelConnection | undefined;
      const [b, c, d] = [await middle, await back.dial(here, 5_000), await came];
      await until("the first has dialled", () => a !== undefined);
      b.handle({ onFrame: (frame) => void c.send(Uint8Array.from(frame)), onDrain: () => undefined, onEnd: () => c.close() });
      c.handle({ onFrame: (frame) => void b.send(Uint8Array.from(frame)), onDrain: () => undefined, onEnd: () => b.close() });
      const codes = await Promise.all([codeOf(authenticate(a!, network, signerOf(1), 5_000)), codeOf(authenticate(d, network, signerOf(2), 5_000))]);
      expect(codes).to.include("channel/identity");
      expect(codes).to.not.include("none");
      await Promise.all([front.stop(), back.stop()]);
    });

    it("a peer that says nothing: is given up", async () => {
      const [a, b] = await pair();
      const code = codeOf(authenticate(a, network, signerOf(1), 100));
      expect(await code).to.equal("channel/stalled");
      b.close();
    });

    it("garbage instead of a greeting: is refused", async () => {
      const [a, b] = await pair();
      a.send(new Uint8Array(100).fill(7));
      expect(await codeOf(authenticate(b, network, signerOf(2), 5_000))).to.equal("channel/frame");
    });
  });
}

describe("channel transport over TLS, its certificate", () => {
  it("an older TLS: is refused", async () => {
    const server = new TlsTransport();
    const { address } = await server.listen("tls://127.0.0.1:0", (connection) => connection.close());
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(address).port), maxVersion: "TLSv1.2", rejectUnauthorized: false });
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).to.match(/PROTOCOL_VERSION/);
    await server.stop();
  });
});
