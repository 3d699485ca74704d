import { expect } from "chai";

import { HOME } from "../../../core/channel/index.ts";
import { FRAME } from "../../../core/channel/engine/frames/FrameKind.ts";
import { codeOf } from "./support/codeOf.ts";
import { Duo, hashOf, testConfig } from "./support/Duo.ts";
import type { EngineHost } from "./support/EngineHost.ts";

function call(duo: Duo, host: EngineHost, prices: readonly number[]): void {
  for (const [i, price] of prices.entries()) host.engine.call(price, hashOf(`request ${i}`));
  host.pull();
  duo.settle();
}

function rebase(duo: Duo, host: EngineHost): void {
  host.engine.rebase();
  host.pull();
  duo.settle();
}

describe("channel engine: bases, closes and what ends a channel", () => {
  it("rebase: either side asks, both sign one base, calls that run go on under it", () => {
    for (const asker of [0, 1] as const) {
      const duo = new Duo().fund(100, 100).connect();
      call(duo, duo.a, [5, 6]);
      call(duo, duo.b, [7]);
      rebase(duo, duo.hosts[asker]);
      for (const host of duo.hosts) {
        const { base, voucher } = host.engine.evidence();
        expect(base?.base).eql({ version: 1, paidByA: 11, paidByB: 7 });
        expect(base?.signatures.map(({ length }) => length)).eql([64, 64]);
        expect(voucher).equals(undefined);
      }
      duo.answerAll(duo.b).answerAll(duo.a);
      expect(duo.a.engine.status().outgoing.results).equals(2);
      call(duo, duo.a, [1]);
      expect(duo.b.engine.evidence().voucher?.voucher).include({ version: 1, sequence: 3, paid: 12 });
    }
  });

  it("an older base: its vouchers are not taken after the new one is signed (pitfall 5)", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.call(5, hashOf("x"));
    duo.a.work();
    const [old] = duo.a.wire;
    duo.settle().answerAll(duo.b);
    rebase(duo, duo.a);
    const again = new Uint8Array(old);
    new DataView(again.buffer).setUint32(13, 1); // sequence before: 1
    duo.b.receive(again);
    expect(duo.b.cuts.at(-1)?.code).match(/version|sequence/);
    expect(duo.b.verifying).eql([]);
  });

  it("a proposal that is not answered: stands over crashes of both and is signed with the same bytes", () => {
    const duo = new Duo().fund(100, 100).connect();
    call(duo, duo.a, [5]);
    duo.answerAll(duo.b);
    duo.a.engine.rebase();
    const digests = new Set<string>();
    duo.a.onSign = (digest) => digests.add(digest.join());
    for (let i = 0; i < 200 && !duo.a.wire.some((frame) => frame[0] === FRAME.REBASE); i++) {
      duo.a.work();
      duo.b.work();
      duo.pass(duo.b);
      if (duo.a.wire[0]?.[0] !== FRAME.REBASE) duo.pass(duo.a);
    }
    expect(duo.a.wire.map((frame) => frame[0])).eql([FRAME.REBASE]);
    duo.a.wire = [];
    duo.a.crash();
    duo.b.crash();
    duo.b.engine.call(3, hashOf("queued meanwhile"));
    duo.connect();
    expect(duo.a.engine.status().version).equals(1);
    expect(duo.b.engine.status().version).equals(1);
    expect(digests.size, "one base, one call before it").equals(1);
    expect(duo.a.engine.status().incoming.paid, "what was queued follows under the new base").equals(3);
  });

  it("cooperative close: waits for the answers, both sign the totals, and nothing goes on after it", () => {
    const duo = new Duo().fund(100, 100).connect();
    call(duo, duo.a, [5, 6]);
    duo.b.engine.close();
    duo.b.pull();
    duo.settle();
    expect(codeOf(() => duo.b.engine.call(1, hashOf("x")))).equals("channel/frozen");
    expect(duo.b.events.some(({ name }) => name === "closed")).equals(false);
    duo.answerAll(duo.b, (sequence) => (sequence === 2 ? 1 : 0));
    for (const host of duo.hosts) {
      const event = host.events.find(({ name }) => name === "closed");
      expect(event?.name === "closed" && event.close).eql({ paidByA: 5, paidByB: 0 });
      expect(host.engine.status().frozenBy).equals("close-signed");
      expect(codeOf(() => host.engine.call(1, hashOf("x")))).equals("channel/frozen");
    }
  });

  it("a close that loses its answer: is answered again after a crash", () => {
    const duo = new Duo().fund(100, 100).connect();
    call(duo, duo.a, [5]);
    duo.answerAll(duo.b);
    duo.a.engine.close();
    for (let i = 0; i < 50; i++) {
      duo.a.work();
      duo.pass(duo.a);
      duo.b.work();
      if (duo.b.wire[0]?.[0] === FRAME.CLOSE) duo.b.wire = [];
      duo.pass(duo.b);
    }
    expect(duo.b.events.some(({ name }) => name === "closed")).equals(true);
    expect(duo.a.events.some(({ name }) => name === "closed")).equals(false);
    duo.a.crash();
    duo.connect();
    expect(duo.a.events.some(({ name }) => name === "closed")).equals(true);
    for (const host of duo.hosts) {
      host.crash();
      expect(host.engine.evidence().close?.close, "kept over a restart").eql({ paidByA: 5, paidByB: 0 });
    }
  });

  it("a close on chain: freezes at once, and vouchers that come later are not taken (pitfall 10)", () => {
    const duo = new Duo().fund(100, 100).connect();
    duo.a.engine.call(5, hashOf("x"));
    duo.a.work();
    duo.b.chain({ netA: 100, netB: 100, withdrawalNonce: 0, status: "closing", version: 0 });
    expect(duo.b.alarms).include("channel/closing");
    duo.settle();
    expect(duo.b.engine.status().incoming.sequence).equals(0);
    expect(duo.b.cuts.at(-1)?.code).equals("channel/closing");
    duo.b.crash();
    expect(duo.b.engine.status().frozenBy).equals("closing");
    expect(codeOf(() => duo.b.engine.call(1, hashOf("y")))).equals("channel/closing");
  });

  it("chain events: twice or in another order change nothing (pitfall 16)", () => {
    const duo = new Duo().fund(100, 100).connect();
    const view = { netA: 100, netB: 100, withdrawalNonce: 0, status: "closing", version: 0 } as const;
    duo.a.chain(view);
    const { logPosition } = duo.a.engine.status();
    duo.a.chain(view);
    duo.a.chain({ ...view, status: "open" });
    expect(duo.a.engine.status()).include({ logPosition, frozenBy: "closing" });
  });

  it("partial withdrawal: both sign, the amount is kept back until the chain has it, more than is free is refused", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [30]);
    duo.answerAll(duo.b);
    expect(codeOf(() => duo.a.engine.withdraw(71, duo.a.l1Seconds + 600))).equals("channel/capacity");
    duo.a.engine.withdraw(60, duo.a.l1Seconds + 600);
    duo.a.pull();
    duo.settle();
    for (const host of duo.hosts) {
      const event = host.events.find(({ name }) => name === "withdrawal");
      expect(event?.name === "withdrawal" && event.withdrawal).eql({ nonce: 0, side: 0, amount: 60, validUntil: 1_000_600 });
      expect(event?.name === "withdrawal" && event.signatures.map(({ length }) => length)).eql([64, 64]);
    }
    expect(codeOf(() => duo.a.engine.call(11, hashOf("x")))).equals("channel/capacity");
    expect(codeOf(() => duo.a.engine.withdraw(1, duo.a.l1Seconds + 600))).equals("channel/busy");
    for (const host of duo.hosts) host.chain({ netA: 40, netB: 0, withdrawalNonce: 1, status: "open", version: 0 });
    duo.settle();
    call(duo, duo.a, [10]);
    expect(duo.b.engine.status().incoming.paid).equals(40);
    expect(codeOf(() => duo.a.engine.call(1, hashOf("x")))).equals("channel/capacity");
  });

  it("a withdrawal that is not executed: is free again after its time", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.withdraw(60, duo.a.l1Seconds + 600);
    duo.a.pull();
    duo.settle();
    duo.wait(10, 600 + 121);
    expect(duo.a.engine.refusalOf(100)).equals(undefined);
  });

  it("export: only from Layer Core, with the other's consent", () => {
    const core = { ...testConfig, home: HOME.CORE, unit: 0 };
    const duo = new Duo({ config: core }).fund(10, 10).connect();
    duo.a.engine.askExport();
    duo.a.pull();
    duo.settle();
    expect(duo.b.events.some(({ name }) => name === "export-asked")).equals(true);
    duo.b.engine.approveExport();
    duo.b.pull();
    duo.settle();
    expect(duo.a.events.some(({ name }) => name === "export")).equals(true);
    const l1 = new Duo().connect();
    expect(codeOf(() => l1.a.engine.askExport())).equals("channel/use");
  });
});

describe("channel engine: stores", () => {
  it("a crash at any moment: what is logged is signed again the same, and nothing else at its place (pitfall 6)", () => {
    const duo = new Duo().fund(1000, 0).connect();
    const signed = new Map<number, string>();
    duo.a.onSign = (digest) => {
      const { sequence } = duo.a.engine.status().outgoing;
      const before = signed.get(sequence);
      expect(before === undefined || before === digest.join(), `two states at ${sequence}`).equals(true);
      signed.set(sequence, digest.join());
    };
    for (let i = 0; i < 10; i++) {
      duo.a.engine.call(i + 1, hashOf(`call ${i}`));
      duo.a.pull();
      if (i % 2 === 0) duo.a.flush();
      while (duo.a.signing.length > 0) duo.a.sign();
      duo.a.crash();
      duo.connect().answerAll(duo.b);
    }
    expect(duo.b.engine.status().incoming.paid).equals(duo.a.engine.status().outgoing.paid);
    expect(signed.size).greaterThan(0);
  });

  it("a call that ran before its answer was durable: is handed out again and marked", () => {
    const duo = new Duo().fund(10, 0).connect();
    call(duo, duo.a, [1, 2]);
    duo.b.crash();
    duo.connect();
    expect(duo.b.delivered.map(({ isRepeated, sequences }) => [isRepeated, [...sequences]])).eql([[true, [1, 2]]]);
    duo.answerAll(duo.b);
    expect(duo.a.engine.status().outgoing.results).equals(2);
  });

  it("an old store: is shown what it signed, signs nothing more, and says so", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [1]);
    const old = [...duo.a.durable];
    duo.answerAll(duo.b);
    call(duo, duo.a, [2]);
    duo.answerAll(duo.b);
    duo.a.crash(old);
    let signatures = 0;
    duo.a.onSign = () => signatures++;
    duo.connect();
    expect(duo.a.engine.status()).include({ phase: "frozen", frozenBy: "store-behind" });
    expect(duo.a.alarms).include("channel/store-behind");
    expect(signatures).equals(0);
    duo.a.crash();
    expect(duo.a.engine.status().frozenBy, "a restart does not make it newer").equals("store-behind");
    expect(duo.b.engine.status().incoming.paid).equals(3);
  });

  it("a store that lives twice: the one that was started last is served, the other is refused", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [1]);
    const copy = new Duo().fund(100, 0);
    copy.a.crash([...duo.a.durable]);
    copy.a.crash();
    // The copy, started later, talks to the same peer.
    duo.disconnect();
    const original = duo.a;
    Object.assign(duo, { a: copy.a });
    duo.connect().answerAll(duo.b);
    call(duo, copy.a, [2]);
    expect(duo.b.engine.status().incoming.paid).equals(3);
    duo.disconnect();
    Object.assign(duo, { a: original });
    duo.connect();
    expect(original.engine.status().frozenBy).equals("two-stores");
    expect(duo.b.engine.status().incoming.paid).equals(3);
  });

  it("both stores lost: both begin at nothing, and nobody can enforce more than the deposits (pitfall 24)", () => {
    const duo = new Duo().fund(100, 50).connect();
    call(duo, duo.a, [5]);
    duo.a.crash([]);
    duo.b.crash([]);
    for (const host of duo.hosts) {
      const { base, voucher } = host.engine.evidence();
      expect([base, voucher]).eql([undefined, undefined]);
    }
    duo.connect();
    expect([duo.a.engine.status().balanceUnits, duo.b.engine.status().balanceUnits]).eql([100, 50]);
  });

  it("a damaged log: is refused", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [5]);
    const [boot, ...rest] = duo.b.durable;
    expect(codeOf(() => duo.b.crash([Uint8Array.of(99), ...rest]))).equals("channel/log");
    expect(codeOf(() => duo.b.crash([boot, ...rest, rest[rest.length - 1].slice(0, 50)]))).equals("channel/log");
  });

  it("a checkpoint: stands for the whole log before it", () => {
    const duo = new Duo().fund(100, 100).connect();
    call(duo, duo.a, [5, 6]);
    rebase(duo, duo.a);
    call(duo, duo.b, [7]);
    for (const host of duo.hosts) {
      const before = host.engine.status();
      const evidence = host.engine.evidence();
      host.crash([host.engine.checkpoint()]);
      expect(host.engine.status()).eql({ ...before, phase: "offline", logPosition: before.logPosition + 1 });
      expect(host.engine.evidence()).eql(evidence);
    }
    duo.connect().answerAll(duo.a).answerAll(duo.b);
    expect(duo.a.engine.status().outgoing.results).equals(2);
  });

  it("another channel, or the same side: is refused", () => {
    const duo = new Duo();
    const other = new Duo({ config: { ...testConfig, salt: 8 } });
    Object.assign(duo, { b: other.b });
    duo.connect();
    expect(duo.a.cuts.at(-1)?.code).equals("channel/network");
    const twins = new Duo();
    Object.assign(twins, { b: new Duo().a });
    twins.connect();
    expect(twins.a.cuts.at(-1)?.code).equals("channel/network");
  });

  it("clocks that differ: raise an alarm, and nothing that expires is signed", () => {
    const duo = new Duo().fund(100, 100);
    duo.b.tick(0, 1000);
    duo.connect();
    expect(duo.a.alarms).include("channel/clock-skew");
    expect(codeOf(() => duo.a.engine.addLock({ hashlock: hashOf("h"), amount: 1, expiry: duo.a.l1Seconds + 5000 }))).equals("channel/clock-skew");
  });
});
