import { expect } from "chai";

import { FRAME } from "../../../core/channel/engine/frames/FrameKind.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import { codeOf } from "./support/codeOf.ts";
import { Duo, hashOf } from "./support/Duo.ts";
import type { EngineHost } from "./support/EngineHost.ts";

function call(duo: Duo, host: EngineHost, prices: readonly number[]): void {
  for (const [i, price] of prices.entries()) host.engine.call(price, hashOf(`request ${i}`));
  host.pull();
  duo.settle();
}

const sent = (host: EngineHost, kind: number): Uint8Array[] => host.wire.filter((frame) => frame[0] === kind);

describe("channel engine: calls", () => {
  it("calls: arrive once, in order, with their prices and hashes, and come back with their answers", () => {
    const duo = new Duo().fund(1000, 0).connect();
    call(duo, duo.a, [5, 6, 7]);
    const [batch] = duo.b.delivered;
    expect([...batch.sequences]).eql([1, 2, 3]);
    expect([...batch.prices]).eql([5, 6, 7]);
    expect(batch.requestHashes.subarray(32, 64)).eql(hashOf("request 1"));
    duo.answerAll(duo.b);
    const [results] = duo.a.results;
    expect([...results.sequences]).eql([1, 2, 3]);
    expect(results.responseHashes.subarray(64)).eql(hashOf("response 3"));
    expect(duo.a.engine.status().outgoing.paid).equals(18);
    expect(duo.b.engine.status().balanceUnits).equals(18);
  });

  it("payloads: travel beside their hashes, and one that is another ends the connection", () => {
    const duo = new Duo().fund(1000, 0).connect();
    const request = new TextEncoder().encode("question");
    const response = new TextEncoder().encode("answer");
    duo.a.engine.call(1, keccak256(request), request);
    duo.a.pull();
    duo.settle();
    expect(duo.b.delivered[0].payloads).eql([request]);
    duo.b.engine.answer(1, 0, keccak256(response), response);
    duo.b.pull();
    duo.settle();
    expect(duo.a.results[0].payloads).eql([response]);
    duo.a.engine.call(1, keccak256(request), response);
    duo.a.pull();
    duo.settle();
    expect(duo.b.cuts.at(-1)?.code).equals("channel/hash");
  });

  it("one signature: covers all calls that wait in chained mode, and one call in each mode", () => {
    for (const [mode, vouchers] of [["chained", 1], ["each", 40]] as const) {
      const duo = new Duo({ mode }).fund(1000, 0).connect();
      let signed = 0;
      duo.a.onSign = () => signed++;
      call(duo, duo.a, new Array<number>(40).fill(1));
      expect(signed).equals(vouchers);
      duo.answerAll(duo.b);
      expect(duo.a.engine.status().outgoing.results).equals(40);
    }
  });

  it("in flight: never more vouchers than agreed without an Ack, and the rest follows", () => {
    const duo = new Duo({ maxCallsPerFrame: 1, maxInFlight: 2 }).fund(1000, 0).connect();
    for (let i = 0; i < 5; i++) duo.a.engine.call(1, hashOf(`${i}`));
    duo.a.work();
    expect(sent(duo.a, FRAME.CALLS).length).equals(2);
    duo.settle();
    duo.wait(10);
    duo.wait(10);
    duo.wait(10);
    expect(duo.b.delivered.reduce((sum, { count }) => sum + count, 0)).equals(5);
  });

  it("persist, then speak: no voucher leaves, no call runs and no Ack leaves before its record is durable", () => {
    const duo = new Duo().fund(1000, 0).connect();
    duo.a.engine.call(1, hashOf("x"));
    duo.a.pull();
    while (duo.a.signing.length > 0) duo.a.sign();
    expect(duo.a.wire).eql([]);
    duo.a.work();
    duo.pass(duo.a);
    while (duo.b.verifying.length > 0) duo.b.verify();
    expect(duo.b.delivered).eql([]);
    duo.b.flush();
    duo.b.engine.answer(1, 0, hashOf("y"));
    duo.b.pull();
    expect(duo.b.wire).eql([]);
    duo.b.work();
    expect(sent(duo.b, FRAME.ACK).length).equals(1);
  });

  it("answers that nobody waits for: are collected, until one is waited for, time is up, or the payer would run out of vouchers", () => {
    const underAcksAfter = (work: (duo: Duo) => void): number => {
      const duo = new Duo({ maxInFlight: 8 }).fund(1000, 0).connect();
      for (let i = 1; i <= 3; i++) {
        call(duo, duo.a, [1]);
        duo.b.engine.answer(i, 0, hashOf(`${i}`), undefined, false);
        duo.b.work();
      }
      expect(duo.b.engine.status().incoming.results).equals(0);
      work(duo);
      duo.b.work();
      return duo.b.engine.status().incoming.results;
    };
    expect(underAcksAfter(() => undefined)).equals(0);
    expect(underAcksAfter((duo) => duo.wait(10))).equals(3);
    expect(
      underAcksAfter((duo) => {
        call(duo, duo.a, [1]);
        duo.b.engine.answer(4, 0, hashOf("now"));
      }),
    ).equals(4);
    expect(underAcksAfter((duo) => call(duo, duo.a, [1]))).equals(3);
    expect(underAcksAfter((duo) => duo.a.engine.close())).equals(0);
  });

  it("a disk that works: nothing new is signed meanwhile, and what waited goes under one voucher", () => {
    const duo = new Duo().fund(1000, 0).connect();
    duo.a.waitsForDisk = true;
    duo.a.engine.call(1, hashOf("1"));
    duo.a.pull();
    for (let i = 2; i <= 5; i++) {
      duo.a.engine.call(1, hashOf(`${i}`));
      duo.a.pull();
    }
    expect(duo.a.signing.length + duo.a.held.filter(({ kind }) => kind === "sign").length).equals(1);
    duo.settle();
    expect(duo.b.engine.status().incoming.sequence).equals(5);
    expect(duo.b.delivered.map(({ count }) => count)).eql([1, 4]);
  });

  it("backpressure: stops at the value without a signed answer, and goes on after answers", () => {
    const duo = new Duo({ maxUnackedUnits: 10 }).fund(1000, 0).connect();
    call(duo, duo.a, [4, 4]);
    expect(codeOf(() => duo.a.engine.call(4, hashOf("x")))).equals("channel/backpressure");
    expect(duo.a.engine.refusalOf(2)).equals(undefined);
    duo.answerAll(duo.b);
    expect(codeOf(() => duo.a.engine.call(4, hashOf("x")))).equals(undefined);
  });

  it("backpressure: bounds free calls too, by their number", () => {
    const duo = new Duo({ maxOpenCalls: 16, maxCallsPerFrame: 16 }).fund(0, 0).connect();
    call(duo, duo.a, new Array<number>(16).fill(0));
    expect(codeOf(() => duo.a.engine.call(0, hashOf("x")))).equals("channel/backpressure");
    duo.answerAll(duo.b);
    call(duo, duo.a, [0]);
    expect(duo.b.engine.status().incoming.sequence).equals(17);
  });

  it("failed calls: cost nothing; the credit pays for the next ones, and a new base takes it out", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [10, 10, 10]);
    duo.answerAll(duo.b, (sequence) => (sequence === 2 ? 7 : 0));
    expect(duo.a.engine.status().outgoing).include({ paid: 30, credit: 10 });
    call(duo, duo.a, [4]);
    expect(duo.b.engine.status().incoming).include({ paid: 30, credit: 6 });
    duo.answerAll(duo.b);
    duo.b.engine.rebase();
    duo.b.pull();
    duo.settle();
    expect(duo.a.engine.evidence().base?.base).eql({ version: 1, paidByA: 24, paidByB: 0 });
    expect(duo.a.engine.status().outgoing).include({ paid: 24, credit: 0 });
  });

  it("deposits: what is not confirmed cannot be spent, by either side's view, and a lost one is told (pitfall 15)", () => {
    const duo = new Duo().fund(10, 0).connect();
    expect(codeOf(() => duo.a.engine.call(11, hashOf("x")))).equals("channel/capacity");
    duo.b.chain({ netA: 5, netB: 0, withdrawalNonce: 0, status: "open", version: 0 });
    duo.settle();
    expect(duo.b.alarms).include("channel/deposit-lost");
    expect(codeOf(() => duo.a.engine.call(6, hashOf("x")))).equals("channel/capacity");
    call(duo, duo.a, [5]);
    expect(duo.b.engine.status().incoming.paid).equals(5);
  });

  it("income: what the peer paid can be spent again", () => {
    const duo = new Duo().fund(10, 0).connect();
    expect(codeOf(() => duo.b.engine.call(3, hashOf("x")))).equals("channel/capacity");
    call(duo, duo.a, [10]);
    call(duo, duo.b, [3]);
    expect(duo.a.engine.status().incoming.paid).equals(3);
    expect(duo.a.engine.status().balanceUnits + duo.b.engine.status().balanceUnits).equals(10);
  });

  it("both ways at once: each chain is its own", () => {
    const duo = new Duo().fund(100, 100).connect();
    for (let i = 0; i < 20; i++) {
      duo.a.engine.call(2, hashOf(`a${i}`));
      duo.b.engine.call(3, hashOf(`b${i}`));
    }
    for (const host of duo.hosts) host.pull();
    duo.settle().answerAll(duo.a).answerAll(duo.b);
    expect([duo.a.engine.status().outgoing.paid, duo.b.engine.status().outgoing.paid]).eql([40, 60]);
  });

  it("a lost Ack: the call is charged and run once (pitfall 19)", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [9]);
    for (const batch of duo.b.delivered.splice(0)) duo.b.engine.answer(batch.sequences[0], 0, hashOf("done"));
    duo.b.work();
    expect(sent(duo.b, FRAME.ACK).length).equals(1);
    duo.b.wire = [];
    duo.connect();
    expect(duo.b.delivered).eql([]);
    expect(duo.a.results.length).equals(1);
    expect(duo.b.engine.status().incoming.paid).equals(9);
  });

  it("a frame twice: is answered, not applied again (pitfall 16)", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.call(9, hashOf("x"));
    duo.a.work();
    const [frame] = duo.a.wire;
    duo.settle().answerAll(duo.b);
    const before = duo.b.engine.status().logPosition;
    duo.b.receive(frame);
    duo.settle();
    expect(duo.b.engine.status().logPosition).equals(before);
    expect(duo.b.engine.status().incoming.paid).equals(9);
    expect(duo.b.cuts).eql([]);
  });

  it("a swapped or lost frame: ends the connection before any signature is checked, and the resync repairs it", () => {
    const duo = new Duo({ maxCallsPerFrame: 1 }).fund(100, 0).connect();
    for (let i = 0; i < 2; i++) duo.a.engine.call(9, hashOf(`${i}`));
    duo.a.work();
    duo.a.wire.shift();
    duo.pass(duo.a);
    expect(duo.b.cuts.at(-1)?.code).equals("channel/sequence");
    expect(duo.b.verifying).eql([]);
    duo.connect();
    expect(duo.b.engine.status().incoming.paid).equals(18);
  });

  it("garbage: is refused before any signature is checked, and the peer has to wait longer each time (pitfall 20)", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.call(9, hashOf("x"));
    duo.a.work();
    const [frame] = duo.a.wire;
    const bans: number[] = [];
    for (const [at, value, code] of [[40, 1, "channel/two-stores"], [70, 1, "channel/hash"], [30, 99, "channel/paid"], [8, 1, "channel/version"], [100, 1, "channel/lock"], [1, 9, "channel/frame"], [150, 255, "channel/hash"], [145, 8, "channel/paid"]] as const) {
      const fresh = new Duo().fund(100, 0).connect();
      const bad = frame.slice();
      bad[at] = value;
      fresh.b.receive(bad);
      expect(fresh.b.cuts.at(-1)?.code, `byte ${at}`).equals(code);
      expect(fresh.b.verifying).eql([]);
    }
    const fresh = new Duo().fund(100, 0).connect();
    for (let i = 0; i < 4; i++) {
      fresh.b.receive(Uint8Array.of(99));
      bans.push(fresh.b.cuts.at(-1)?.banMs ?? 0);
      fresh.b.connect();
      expect(fresh.b.isConnected, "who sent garbage waits").equals(false);
      fresh.b.tick(bans[i] + 1);
      fresh.connect();
    }
    expect(bans).eql([1000, 2000, 4000, 8000]);
  });

  it("a bad signature: ends the connection, and nothing of it stays", () => {
    const duo = new Duo().fund(100, 0).connect();
    duo.a.engine.call(9, hashOf("x"));
    duo.a.work();
    const [bad] = duo.a.wire;
    bad[bad.length - 1] ^= 1;
    duo.settle();
    expect(duo.b.cuts.at(-1)).include({ code: "channel/signature", banMs: 1000 });
    expect(duo.b.engine.status().incoming.sequence).equals(0);
    for (const host of duo.hosts) host.tick(1001);
    duo.connect();
    expect(duo.b.engine.status().incoming.paid).equals(9);
  });

  it("numbers: beyond 2^53 - 1 are refused on both ends (pitfall 17)", () => {
    const duo = new Duo().fund(2 ** 52, 0).connect();
    expect(codeOf(() => duo.a.engine.call(2 ** 53, hashOf("x")))).equals("channel/limit");
    expect(codeOf(() => duo.a.engine.call(-1, hashOf("x")))).equals("channel/limit");
    expect(codeOf(() => duo.a.engine.call(0.5, hashOf("x")))).equals("channel/limit");
    duo.a.engine.call(1, hashOf("x"));
    duo.a.work();
    const [frame] = duo.a.wire;
    frame.fill(255, 25, 33);
    duo.settle();
    expect(duo.b.cuts.at(-1)?.code).equals("channel/frame");
  });

  it("answers: only to open calls, once", () => {
    const duo = new Duo().fund(100, 0).connect();
    call(duo, duo.a, [1]);
    expect(codeOf(() => duo.b.engine.answer(2, 0, hashOf("x")))).equals("channel/result");
    duo.b.engine.answer(1, 0, hashOf("x"));
    expect(codeOf(() => duo.b.engine.answer(1, 0, hashOf("x")))).equals("channel/result");
  });

  it("a peer that stops answering: is found out, and costs no more than the cap", () => {
    const duo = new Duo({ stallMs: 1000, maxUnackedUnits: 20 }).fund(100, 0).connect();
    duo.a.engine.call(20, hashOf("x"));
    duo.a.work();
    duo.a.wire = [];
    duo.a.tick(1001);
    expect(duo.a.alarms).include("channel/stalled");
    expect(duo.a.cuts.at(-1)?.code).equals("channel/stalled");
    expect(codeOf(() => duo.a.engine.call(1, hashOf("y")))).equals("channel/backpressure");
  });
});
