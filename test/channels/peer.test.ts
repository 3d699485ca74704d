import { cpSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { ChannelStore, Libp2pTransport } from "../../sdk/node/channels/index.ts";
import type { Channel } from "../../sdk/node/channels/index.ts";
import { WIRE } from "../../sdk/node/channels/wire.ts";
import { FUNDED, PAIR_NETWORK, PAIR_SIGNERS, createEnd, openFunded, pairConfig, rawConnection } from "../builders/channelPair.ts";
import type { PairEnd } from "../builders/channelPair.ts";
import { temporaryFolder, until } from "../builders/loneCore.ts";
import { canMount, mountSmallDisk } from "../builders/smallDisk.ts";
import { startStallingProxy } from "../builders/stallingProxy.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (array: Uint8Array): string => Buffer.from(array).toString();
const codeOf = (work: Promise<unknown>): Promise<string> => work.then(() => "none", (error: { code: string }) => error.code);
const LONG_MS = 20_000;

describe("channel peer", function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let ends: PairEnd[];
  beforeEach(() => void ([folder, ends] = [temporaryFolder("channel-peer"), []]));
  afterEach(async () => {
    await Promise.all(ends.map((end) => end.stop()));
    folder.remove();
  });

  function end(...args: Parameters<typeof createEnd> extends [string, ...infer R] ? R : never): PairEnd {
    const made = createEnd(folder.path, ...args);
    ends.push(made);
    return made;
  }
  async function stop(which: PairEnd): Promise<void> {
    ends = ends.filter((each) => each !== which);
    await which.stop();
  }
  const open = (channel: Channel): Promise<void> => until("the channel is open", () => channel.status().phase === "open", LONG_MS);
  const echo = (channel: Channel): void => channel.serve(({ request }) => bytes(`echo ${text(request!)}`));
  /** Both ends, connected; B echoes. */
  async function pair(options: Parameters<typeof openFunded>[1] = {}): Promise<{ a: PairEnd; b: PairEnd; atA: Channel; atB: Channel; address: string }> {
    const [a, b] = [end(0), end(1)];
    const address = await b.peer.listen("tls://127.0.0.1:0");
    const atB = openFunded(b.peer, options);
    const atA = openFunded(a.peer, { ...options, address });
    echo(atB);
    await open(atA);
    return { a, b, atA, atB, address };
  }

  it("a call: is answered, paid, and in both books; both ways", async () => {
    const { atA, atB } = await pair();
    echo(atA);
    const [there, back] = await Promise.all([atA.call(5, bytes("hello")), atB.call(7, bytes("you"))]);
    expect([text(there.response), text(back.response)]).to.deep.equal(["echo hello", "echo you"]);
    expect([atA.status().outgoing.paid, atB.status().incoming.paid, atA.status().incoming.paid]).to.deep.equal([5, 5, 7]);
    expect(atB.evidence().voucher?.voucher.paid).to.equal(5);
  });

  it("many calls at once: share few signatures", async () => {
    const { a, atA } = await pair();
    const before = a.store.commits;
    const answers = await Promise.all(Array.from({ length: 2_000 }, (_, i) => atA.call(1, bytes(String(i)))));
    expect(answers.map(({ response }) => text(response))).to.deep.equal(Array.from({ length: 2_000 }, (_, i) => `echo ${i}`));
    expect(a.store.commits - before).to.be.lessThan(200);
    expect(atA.status().outgoing.paid).to.equal(2_000);
  });

  it("calls by hash: are handed out before the disk has them to who wants them early, and to nobody else", async () => {
    const { b, atA, atB } = await pair();
    // From here on B's disk never says that it has anything.
    b.store.whenDurable = () => undefined;
    const early: number[] = [];
    atB.serveBatches((calls) => void early.push(...calls.sequences), true);
    const { result } = atA.begin(1, new Uint8Array(32).fill(1));
    await until("the call is handed out", () => early.length === 1, LONG_MS);
    const late: number[] = [];
    atB.serveBatches((calls) => void late.push(...calls.sequences));
    const { result: second } = atA.begin(1, new Uint8Array(32).fill(2));
    await until("the second call came", () => atB.status().incoming.sequence === 2, LONG_MS);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([early, late]).to.deep.equal([[1], []]);
    void codeOf(result);
    void codeOf(second);
  });

  it("a call that fails or throws: costs nothing and says so", async () => {
    const { atA, atB } = await pair();
    atB.serve(({ request }) => {
      if (text(request!) === "throw") throw new Error("broken");
      return { status: 9, response: bytes("no") };
    });
    expect(await codeOf(atA.call(5, bytes("throw")))).to.equal("channel/call-failed");
    const error = await atA.call(5, bytes("refuse")).then(() => undefined, (thrown: { payload: { status: number } }) => thrown);
    expect(error?.payload.status).to.equal(9);
    expect(atA.status().outgoing.paid - atA.status().outgoing.credit).to.equal(0);
  });

  it("over libp2p: calls are answered too", async () => {
    const [a, b] = [end(0, { transports: [new Libp2pTransport()] }), end(1, { transports: [new Libp2pTransport()] })];
    const address = await b.peer.listen("/ip4/127.0.0.1/tcp/0");
    echo(openFunded(b.peer));
    const atA = openFunded(a.peer, { address });
    expect(text((await atA.call(1, bytes("x"))).response)).to.equal("echo x");
  });

  it("more value than the cap without an answer: call says backpressure", async () => {
    const { atA, atB } = await pair({ maxUnackedUnits: 10 });
    atB.serve(() => new Promise(() => undefined));
    const first = atA.call(10, bytes("x"));
    expect(await codeOf(atA.call(1, bytes("y")))).to.equal("channel/backpressure");
    expect(atA.refusalOf(1)).to.equal("channel/backpressure");
    void codeOf(first);
  });

  it("a restart of either side: goes on where it was, from the log and from its snapshot", async () => {
    const { a, b, atA, atB, address } = await pair();
    await atA.call(5, bytes("one"));
    await stop(a);
    const again = end(0);
    expect(again.peer.stored().map(({ address: known, self }) => [known, self])).to.deep.equal([[address, 0]]);
    const back = openFunded(again.peer);
    expect((await back.call(6, bytes("two"))).sequence).to.equal(2);
    expect(atB.status().incoming.paid).to.equal(11);
    await stop(b);
    const other = end(1);
    await other.peer.listen(address);
    echo(openFunded(other.peer));
    expect((await back.call(7, bytes("three"))).sequence).to.equal(3);
    expect(back.status().outgoing.paid).to.equal(18);
  });

  it("a channel that this side does not have yet: is asked for, and works once it is opened", async () => {
    const [a, b] = [end(0), end(1)];
    const address = await b.peer.listen("tls://127.0.0.1:0");
    b.peer.onUnknownChannel((_id, agent) => {
      expect(agent).to.deep.equal(PAIR_SIGNERS[0].address);
      echo(openFunded(b.peer));
    });
    const atA = openFunded(a.peer, { address });
    expect(text((await atA.call(1, bytes("x"))).response)).to.equal("echo x");
  });

  it("bytes beside the channels: reach the other agent", async () => {
    const { a, b } = await pair();
    const got: [string, string][] = [];
    b.peer.onRoute((agent, message) => void got.push([Buffer.from(agent).toString("hex"), text(message)]));
    expect(a.peer.sendRoute(PAIR_SIGNERS[1].address, bytes("quote"))).to.equal(true);
    expect(a.peer.sendRoute(PAIR_SIGNERS[2].address, bytes("quote"))).to.equal(false);
    await until("it is there", () => got.length === 1);
    expect(got).to.deep.equal([[Buffer.from(PAIR_SIGNERS[0].address).toString("hex"), "quote"]]);
  });

  it("both dial each other: one connection stays, and calls go over it", async () => {
    const [a, b] = [end(0), end(1)];
    const [atAddressA, atAddressB] = [await a.peer.listen("tls://127.0.0.1:0"), await b.peer.listen("tls://127.0.0.1:0")];
    const [atA, atB] = [openFunded(a.peer, { address: atAddressB }), openFunded(b.peer, { address: atAddressA })];
    [atA, atB].forEach(echo);
    for (let i = 0; i < 20; i += 1) await Promise.all([atA.call(1, bytes("a")), atB.call(1, bytes("b"))]);
    expect([atA.status().outgoing.paid, atB.status().outgoing.paid]).to.deep.equal([20, 20]);
  });

  describe("a peer that misbehaves", () => {
    it("another network: no connection comes about", async () => {
      const [a, b] = [end(0, { network: { ...PAIR_NETWORK, chainId: 1 } }), end(1)];
      const address = await b.peer.listen("tls://127.0.0.1:0");
      openFunded(b.peer);
      const atA = openFunded(a.peer, { address });
      expect(await codeOf(atA.call(1, bytes("x"), { timeoutMs: 1_000 }))).to.equal("channel/call-timeout");
      expect(atA.isConnected).to.equal(false);
    });

    it("somebody else at the address: is told nothing", async () => {
      const [a, other] = [end(0), end(2)];
      const address = await other.peer.listen("tls://127.0.0.1:0");
      const asked: unknown[] = [];
      other.peer.onUnknownChannel((id) => asked.push(id));
      const atA = openFunded(a.peer, { address });
      expect(await codeOf(atA.call(1, bytes("x"), { timeoutMs: 1_000 }))).to.equal("channel/call-timeout");
      expect(asked).to.deep.equal([]);
    });

    it("a clock that is far off: is an alarm, and nothing that expires is signed", async () => {
      const [a, b] = [end(0, { l1Seconds: () => Math.floor(Date.now() / 1_000) + 100_000 }), end(1)];
      const address = await b.peer.listen("tls://127.0.0.1:0");
      const alarms: string[] = [];
      openFunded(b.peer).on("alarm", (code) => alarms.push(code));
      const atA = openFunded(a.peer, { address });
      await open(atA);
      await until("the alarm came", () => alarms.includes("channel/clock-skew"), LONG_MS);
      expect(() => atA.addLock({ hashlock: new Uint8Array(32).fill(1), amount: 1, expiry: Math.floor(Date.now() / 1_000) + 107_200 })).to.throw().with.property("code", "channel/clock-skew");
    });

    it("a handler that never answers: the call times out, with progress, and may still be answered", async () => {
      const { atA, atB } = await pair();
      let answer: (response: Uint8Array) => void = () => undefined;
      atB.serve(() => new Promise((resolve) => (answer = resolve)));
      const waited: number[] = [];
      const later = new Promise<void>((resolve) => void atA.on("results", () => resolve()));
      expect(await codeOf(atA.call(5, bytes("x"), { timeoutMs: 2_500, onProgress: ({ waitedMs }) => waited.push(waitedMs) }))).to.equal("channel/call-timeout");
      expect(waited.length).to.be.at.least(1);
      answer(bytes("late"));
      await later;
      expect(atA.status().outgoing.openCalls).to.equal(0);
    });

    it("a connection that goes deaf: is given up, and made again when it can be", async () => {
      const [a, b] = [end(0), end(1)];
      const proxy = await startStallingProxy(Number(new URL(await b.peer.listen("tls://127.0.0.1:0")).port));
      try {
        echo(openFunded(b.peer));
        const atA = openFunded(a.peer, { address: `tls://127.0.0.1:${proxy.port}` });
        await atA.call(1, bytes("before"));
        proxy.isStalled = true;
        const during = atA.call(1, bytes("during"));
        await until("it was given up", () => !atA.isConnected, LONG_MS);
        proxy.cut();
        proxy.isStalled = false;
        expect(text((await during).response)).to.equal("echo during");
        expect(atA.status().outgoing.paid).to.equal(2);
      } finally {
        await proxy.stop();
      }
    });

    it("a half-closed connection: is a closed one, and calls are charged once", async () => {
      const [a, b] = [end(0), end(1)];
      const proxy = await startStallingProxy(Number(new URL(await b.peer.listen("tls://127.0.0.1:0")).port));
      try {
        echo(openFunded(b.peer));
        const atA = openFunded(a.peer, { address: `tls://127.0.0.1:${proxy.port}` });
        await open(atA);
        const calls: Promise<unknown>[] = [];
        for (let i = 0; i < 4; i += 1) {
          for (let j = 0; j < 20; j += 1) calls.push(atA.call(1, bytes(`${i} ${j}`)));
          await new Promise(setImmediate);
          const before = proxy.made;
          if (i % 2 === 0) proxy.halfClose();
          else proxy.cut();
          await until("it has connected again", () => proxy.made > before && atA.isConnected, LONG_MS);
        }
        await Promise.all(calls);
        expect(atA.status().outgoing.paid).to.equal(80);
      } finally {
        await proxy.stop();
      }
    });

    it("garbage of every kind: cuts the connection and leaves the channel as it was", async () => {
      const [b] = [end(1)];
      const address = await b.peer.listen("tls://127.0.0.1:0");
      const atB = openFunded(b.peer);
      const before = atB.status();
      for (const frame of [Uint8Array.of(99), Uint8Array.of(WIRE.JOIN, 1, 2), new Uint8Array(0), Uint8Array.of(WIRE.PING, 1)]) {
        const raw = await rawConnection(address, 0);
        raw.connection.send(frame);
        await until("it was cut", raw.ended, LONG_MS);
        await raw.stop();
      }
      expect(atB.status().incoming).to.deep.equal(before.incoming);
    });

    it("garbage in a channel: ends the traffic of this channel, and leaves connection and channel as they were", async () => {
      const b = end(1);
      const address = await b.peer.listen("tls://127.0.0.1:0");
      const atB = openFunded(b.peer);
      const before = atB.status();
      const raw = await rawConnection(address, 0);
      raw.join();
      raw.say(new Uint8Array(100).fill(0xee));
      await until("it was left", () => raw.frames.some(([kind]) => kind === WIRE.LEAVE), LONG_MS);
      raw.say(new Uint8Array(100).fill(0xee));
      raw.connection.send(Uint8Array.of(WIRE.PING));
      await until("the ping is answered", () => raw.frames.some(([kind]) => kind === WIRE.PONG), LONG_MS);
      expect(raw.ended()).to.equal(false);
      expect(atB.status().incoming).to.deep.equal(before.incoming);
      await raw.stop();
    });

    it("frames of a channel that is not served: are a flood when they are many", async () => {
      const b = end(1);
      const address = await b.peer.listen("tls://127.0.0.1:0");
      const raw = await rawConnection(address, 0);
      for (let i = 0; i < 5_000 && !raw.ended(); i += 1) raw.say(new Uint8Array(100).fill(0xee));
      await until("it was cut", raw.ended, LONG_MS);
      await raw.stop();
    });

    it("a channel that is closed on one side: does not disturb the other channels of the connection", async () => {
      const [a, b] = [end(0), end(1)];
      const proxy = await startStallingProxy(Number(new URL(await b.peer.listen("tls://127.0.0.1:0")).port));
      try {
        const address = `tls://127.0.0.1:${proxy.port}`;
        const [closedAtB, liveAtB] = [openFunded(b.peer), openFunded(b.peer, {}, pairConfig(2))];
        const [closedAtA, liveAtA] = [openFunded(a.peer, { address }), openFunded(a.peer, { address }, pairConfig(2))];
        [closedAtB, liveAtB].forEach(echo);
        await Promise.all([closedAtA.call(1, bytes("x")), liveAtA.call(1, bytes("x"))]);
        let cuts = 0;
        closedAtB.on("cut", () => (cuts += 1));
        closedAtB.updateChain({ ...FUNDED, status: "closed" });
        for (let calls = 0; cuts < 3; calls += 1) expect(text((await liveAtA.call(1, bytes(String(calls)), { timeoutMs: LONG_MS })).response)).to.equal(`echo ${calls}`);
        expect([proxy.made, liveAtA.isConnected, liveAtB.status().phase]).to.deep.equal([1, true, "open"]);
      } finally {
        await proxy.stop();
      }
    });

    it("a channel whose traffic was ended: goes on by itself over the same connection", async () => {
      const [a, b] = [end(0), end(1)];
      const proxy = await startStallingProxy(Number(new URL(await b.peer.listen("tls://127.0.0.1:0")).port));
      try {
        echo(openFunded(b.peer));
        const atA = openFunded(a.peer, { address: `tls://127.0.0.1:${proxy.port}` });
        await atA.call(1, bytes("before"));
        atA.received(new Uint8Array(100).fill(0xee));
        expect(text((await atA.call(1, bytes("after"), { timeoutMs: LONG_MS })).response)).to.equal("echo after");
        expect([proxy.made, atA.status().outgoing.paid]).to.deep.equal([1, 2]);
      } finally {
        await proxy.stop();
      }
    });

    it("a flood: cuts the connection", async () => {
      const b = end(1);
      const address = await b.peer.listen("tls://127.0.0.1:0");
      openFunded(b.peer);
      const raw = await rawConnection(address, 0);
      for (let i = 0; i < 5_000 && !raw.ended(); i += 1) raw.connection.send(Uint8Array.of(WIRE.PING));
      await until("it was cut", raw.ended, LONG_MS);
      await raw.stop();
    });

    it("a stranger: cannot join somebody else's channel", async () => {
      const b = end(1);
      const address = await b.peer.listen("tls://127.0.0.1:0");
      const atB = openFunded(b.peer);
      const raw = await rawConnection(address, 2);
      raw.join();
      raw.say(new Uint8Array(100));
      raw.connection.send(Uint8Array.of(WIRE.PING));
      await until("the ping is answered", () => raw.frames.some(([kind]) => kind === WIRE.PONG), LONG_MS);
      expect([atB.isConnected, raw.ended(), raw.frames.some(([kind]) => kind === WIRE.JOIN)]).to.deep.equal([false, false, false]);
      await raw.stop();
    });
  });

  describe("a store that cannot be trusted", () => {
    it("a full disk: calls are refused with a typed error, nothing is acknowledged, and it goes on when there is room", async function () {
      if (!canMount()) return this.skip();
      const dir = join(folder.path, "disk");
      const disk = mountSmallDisk(dir, 2);
      try {
        const [a, b] = [end(0), end(1, { store: ChannelStore.open(dir) })];
        const address = await b.peer.listen("tls://127.0.0.1:0");
        echo(openFunded(b.peer));
        const atA = openFunded(a.peer, { address });
        const calls: Promise<unknown>[] = [];
        for (let i = 0; i < 400 && !b.store.isFull; i += 1) {
          calls.push(atA.call(1, new Uint8Array(20_000).fill(i)));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        await until("the disk is full", () => b.store.isFull, LONG_MS);
        expect(b.peer.channels[0].refusalOf(1)).to.equal("channel/store-full");
        disk.resize(64);
        await Promise.all(calls);
        expect(b.store.isFull).to.equal(false);
        expect(atA.status().outgoing.paid).to.equal(calls.length);
        await stop(b);
      } finally {
        disk.remove();
      }
    });

    it("a store that was copied: only the copy that was started last is served, and the other one signs no more", async () => {
      const { a, atA, atB, address } = await pair();
      await atA.call(1, bytes("x"));
      await stop(a);
      cpSync(join(folder.path, "end-0"), join(folder.path, "copy"), { recursive: true });
      const [first, second] = [end(0), end(0, { store: ChannelStore.open(join(folder.path, "copy")) })];
      const alarms: string[] = [];
      atB.on("alarm", (code) => alarms.push(code));
      const atFirst = openFunded(first.peer, { address });
      await atFirst.call(1, bytes("y"));
      const atSecond = openFunded(second.peer, { address });
      atSecond.on("alarm", (code) => alarms.push(`second ${code}`));
      expect(await codeOf(atSecond.call(1, bytes("z"), { timeoutMs: 3_000 }))).to.not.equal("none");
      await until("it was noticed", () => alarms.some((code) => /two-stores|store-behind/.test(code)), LONG_MS);
      expect(atB.status().incoming.paid).to.equal(2);
    });

    it("a store that lost its end: is shown what it signed, and signs no more", async () => {
      const { a, atA, address } = await pair();
      await atA.call(1, bytes("x"));
      await stop(a);
      cpSync(join(folder.path, "end-0"), join(folder.path, "old"), { recursive: true });
      const live = end(0);
      await openFunded(live.peer, { address }).call(1, bytes("y"));
      await stop(live);
      const old = end(0, { store: ChannelStore.open(join(folder.path, "old")) });
      const channel = openFunded(old.peer, { address });
      await until("it is frozen", () => channel.status().frozenBy !== undefined || !channel.isConnected, LONG_MS);
      expect(await codeOf(channel.call(1, bytes("z"), { timeoutMs: 3_000 }))).to.not.equal("none");
    });
  });

  it("what the chain says: bounds what can be called for", async () => {
    const { atA } = await pair();
    atA.updateChain({ ...FUNDED, netA: 3 });
    expect(await codeOf(atA.call(4, bytes("x")))).to.equal("channel/capacity");
    expect(pairConfig().salt).to.equal(1);
  });
});
