import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { createLedger, LEDGER_FILE } from "../../../sidecar/ledger/createLedger.ts";
import type { Ledger, LedgerOptions } from "../../../sidecar/ledger/Ledger.ts";
import { WriterThread } from "../../../sidecar/ledger/WriterThread.ts";
import { recallAnswer } from "../../../sidecar/ledger/recallAnswer.ts";
import { answerOf, claimOf, PAID, PAYER, TOKEN } from "./claims.ts";

describe("ledger of payments", () => {
  let dir: string;
  let ledger: Ledger;
  let nowMs = 1_000_000;
  const open = (options: LedgerOptions = {}): Ledger => (ledger = createLedger(dir, { minFreeBytes: 0, hasThread: false, now: () => nowMs, ...options }));
  const codeOf = async (promise: Promise<unknown>): Promise<unknown> => promise.then(() => "nothing", (error: { code?: unknown }) => error.code);

  beforeEach(() => {
    nowMs = 1_000_000;
    dir = mkdtempSync(join(tmpdir(), "agnt2-ledger-"));
    open();
  });
  afterEach(async () => {
    await ledger.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** From nothing to `settled`. */
  async function sell(key: string, text: string, claim = claimOf(key)): Promise<void> {
    await ledger.claim(claim);
    await ledger.answered(key, answerOf(text));
    await ledger.settled(key, PAID);
  }

  it("claim, answered, settled: keep what was bought, who paid and what was delivered, over a restart", async () => {
    const claim = claimOf("call:1", { way: "call", amount: 2n ** 200n, isRepeatable: true });
    await ledger.claim(claim);
    expect(ledger.find("call:1")).to.deep.include({ key: "call:1", way: "call", state: "claimed", isRepeatable: true, expiresAt: 2_000, answerHash: undefined, payment: claim.payment });
    await ledger.answered("call:1", answerOf("hello"));
    await ledger.close();
    open();
    const row = ledger.find("call:1")!;
    expect(row).to.deep.include({ state: "answered", requestHash: claim.requestHash, proof: claim.proof, answerHash: new Uint8Array(32).fill(4), payment: claim.payment });
    expect(ledger.findByProof("call", claim.proof)!.id).to.equal(row.id);
    expect(ledger.findByProof("exact", claim.proof)).to.equal(undefined);
    expect(ledger.unfinished(0, 10).map(({ key }) => key)).to.deep.equal(["call:1"]);
    await ledger.settled("call:1", PAID);
    expect(ledger.find("call:1")).to.deep.include({ state: "settled", payment: undefined });
    const { status, headers, body } = ledger.answer(row)!;
    expect([status, headers, Buffer.from(body).toString()]).to.deep.equal([200, [["content-type", "text/plain"], ["PAYMENT-RESPONSE", "e30="]], "hello"]);
    expect(ledger.unfinished(0, 10)).to.deep.equal([]);
  });

  it("claim: takes each payment once, also in one turn; a released one may be claimed anew", async () => {
    const codes = await Promise.all([1, 2, 3].map(() => codeOf(ledger.claim(claimOf("exact:a")))));
    expect(codes).to.deep.equal(["nothing", "ledger/state", "ledger/state"]);
    await ledger.released("exact:a", "releasing");
    expect(await codeOf(ledger.claim(claimOf("exact:a")))).to.equal("ledger/state");
    await ledger.released("exact:a", "released");
    expect(ledger.find("exact:a")!.payment).to.equal(undefined);
    await ledger.claim(claimOf("exact:a", { amount: 11n }));
    expect(ledger.find("exact:a")).to.deep.include({ state: "claimed" });
    expect(ledger.find("exact:a")!.payment!.amount).to.equal(11n);
  });

  it("states: no change but those of the protocol page", async () => {
    const key = "exact:a";
    expect(await codeOf(ledger.answered(key, answerOf("x")))).to.equal("ledger/state");
    expect(await codeOf(ledger.settled(key, PAID))).to.equal("ledger/state");
    expect(await codeOf(ledger.released(key, "released"))).to.equal("ledger/state");
    await ledger.claim(claimOf(key));
    expect(await codeOf(ledger.settled(key, PAID))).to.equal("ledger/state");
    await ledger.answered(key, answerOf("x"));
    expect(await codeOf(ledger.answered(key, answerOf("y")))).to.equal("ledger/state");
    await ledger.settled(key, PAID);
    for (const change of [ledger.claim(claimOf(key)), ledger.answered(key, answerOf("z")), ledger.settled(key, PAID), ledger.released(key, "released")]) expect(await codeOf(change)).to.equal("ledger/state");
    expect(ledger.totals().map(({ count, amount }) => [count, amount])).to.deep.equal([[1, 10n], [1, 10n]]);
    expect(Buffer.from(ledger.answer(ledger.find(key)!)!.body).toString()).to.equal("x");
  });

  it("writes: all of one turn are one transaction", async () => {
    const wal = join(dir, `${LEDGER_FILE}-wal`);
    await ledger.claim(claimOf("exact:0"));
    const before = statSync(wal).size;
    await Promise.all(Array.from({ length: 200 }, (_, index) => ledger.claim(claimOf(`exact:${index + 1}`))));
    // A transaction of its own for each would have written the same pages 200 times.
    expect(statSync(wal).size - before).to.be.below(200 * 4_096 * 2);
    expect(ledger.unfinished(0, 500)).to.have.length(201);
    expect(ledger.unfinished(ledger.find("exact:99")!.id, 3).map(({ key }) => key)).to.deep.equal(["exact:100", "exact:101", "exact:102"]);
  });

  it("totals: sum what was settled by way, asset and payer, to the last unit", async () => {
    const other = `0x${"ab".repeat(20)}`;
    await sell("exact:1", "x", claimOf("exact:1", { amount: 2n ** 255n }));
    await sell("exact:2", "x", claimOf("exact:2", { amount: 2n ** 255n - 1n, payer: other }));
    await sell("call:1", "x", claimOf("call:1", { way: "call", amount: 5n }));
    await ledger.claim(claimOf("call:2", { way: "call", amount: 7n }));
    await ledger.released("call:2", "released");
    expect(ledger.totals()).to.deep.equal([
      { way: "call", asset: TOKEN, payer: undefined, count: 1, amount: 5n },
      { way: "call", asset: TOKEN, payer: PAYER, count: 1, amount: 5n },
      { way: "exact", asset: TOKEN, payer: undefined, count: 2, amount: 2n ** 256n - 1n },
      { way: "exact", asset: TOKEN, payer: PAYER, count: 1, amount: 2n ** 255n },
      { way: "exact", asset: TOKEN, payer: other, count: 1, amount: 2n ** 255n - 1n },
    ]);
  });

  it("totals: only so many payers have their own; everybody's money counts", async () => {
    await ledger.close();
    open({ maxPayers: 3 });
    for (let index = 0; index < 10; index++) await sell(`exact:${index}`, "x", claimOf(`exact:${index}`, { payer: `0x${String(index).repeat(40)}` }));
    await sell("exact:again", "x", claimOf("exact:again", { payer: `0x${"0".repeat(40)}` }));
    expect(ledger.totals().map(({ payer, count }) => [payer === undefined, count])).to.deep.equal([[true, 11], [false, 2], [false, 1], [false, 1]]);
  });

  it("answers: the oldest that were paid are dropped first, one that is not yet paid never", async () => {
    await ledger.close();
    open({ keepTotalBytes: 10_000, keepAnswerBytes: 3_000 });
    await ledger.claim(claimOf("exact:waits"));
    await ledger.answered("exact:waits", answerOf("w".repeat(2_500)));
    for (let index = 0; index < 20; index++) await sell(`exact:${index}`, `${index}`.repeat(1_000).slice(0, 2_000));
    const kept = (key: string): boolean => ledger.answer(ledger.find(key)!) !== undefined;
    expect(kept("exact:waits")).to.equal(true);
    expect(Array.from({ length: 20 }, (_, index) => kept(`exact:${index}`)).lastIndexOf(false)).to.equal(16);
    expect(ledger.find("exact:0")!.state).to.equal("settled");
    await sell("exact:large", "x".repeat(3_001));
    expect(kept("exact:large")).to.equal(false);
    // More that is not paid than the budget: it gives way, none of it is lost.
    for (let index = 0; index < 6; index++) {
      await ledger.claim(claimOf(`exact:w${index}`));
      await ledger.answered(`exact:w${index}`, answerOf("v".repeat(2_500)));
    }
    for (let index = 0; index < 6; index++) expect(kept(`exact:w${index}`)).to.equal(true);
    await ledger.close();
    open({ keepTotalBytes: 10_000 });
    await sell("exact:after", "y");
    expect(kept("exact:w0")).to.equal(true);
  });

  it("maintain: forgets a payment that nobody can play any more, and no other", async () => {
    await ledger.close();
    open({ keepSeconds: 100 });
    await sell("exact:short", "x", claimOf("exact:short", { expiresAt: 1_010 }));
    await sell("exact:long", "x", claimOf("exact:long", { expiresAt: 5_000 }));
    await sell("call:never", "x", { ...claimOf("call:never", { way: "call" }), payment: { ...claimOf("call:never").payment, expiresAt: undefined } });
    await ledger.claim(claimOf("exact:open", { expiresAt: 1_010 }));
    await ledger.claim(claimOf("exact:released", { expiresAt: 1_010 }));
    await ledger.released("exact:released", "released");
    const known = (): string[] => ["exact:short", "exact:long", "call:never", "exact:open", "exact:released"].filter((key) => ledger.find(key) !== undefined);
    nowMs = 1_110_000;
    await ledger.maintain();
    expect(known()).to.have.length(5);
    nowMs = 1_111_000;
    await ledger.maintain();
    expect(known()).to.deep.equal(["exact:long", "call:never", "exact:open"]);
    nowMs = 9_000_000;
    await ledger.maintain();
    expect(known()).to.deep.equal(["call:never", "exact:open"]);
    expect(ledger.totals()[0]!.count + ledger.totals().find(({ way }) => way === "exact")!.count).to.equal(3);
  });

  it("maintain: forgets in slices, and the file does not grow with what was forgotten", async () => {
    await ledger.close();
    open({ keepSeconds: 0 });
    const round = async (from: number): Promise<void> => {
      await Promise.all(Array.from({ length: 300 }, (_, index) => ledger.claim(claimOf(`exact:${from + index}`, { expiresAt: 1_001 }))));
      await Promise.all(Array.from({ length: 300 }, (_, index) => ledger.answered(`exact:${from + index}`, answerOf("z".repeat(1_000)))));
      await Promise.all(Array.from({ length: 300 }, (_, index) => ledger.settled(`exact:${from + index}`, PAID)));
      nowMs += 10_000;
      let slices = 1;
      while (await ledger.maintain()) slices += 1;
      expect(slices).to.equal(2);
    };
    await round(0);
    const size = statSync(join(dir, LEDGER_FILE)).size;
    for (let count = 1; count < 6; count++) await round(count * 1_000);
    expect(statSync(join(dir, LEDGER_FILE)).size).to.be.at.most(size * 1.5 + 4_194_304);
    expect(statSync(join(dir, `${LEDGER_FILE}-wal`)).size).to.be.below(17 * 2 ** 20);
  });

  it("open: only one at a time", () => {
    expect(() => createLedger(dir)).to.throw().with.property("code", "files/locked");
  });

  it("open: a file that is no database, another's database, a damaged and a newer one are refused by name", async () => {
    const path = join(dir, LEDGER_FILE);
    await sell("exact:a", "x".repeat(100_000));
    await ledger.close();
    const good = readFileSync(path);
    const refused = (): unknown => {
      try {
        open();
      } catch (error) {
        return (error as { code: unknown }).code;
      }
      throw new Error("it was opened");
    };
    writeFileSync(path, Buffer.from("this is not a database, and long enough to be looked at as one. ".repeat(100)));
    expect(refused()).to.equal("ledger/corrupt");

    rmSync(path);
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE notes (text TEXT)");
    other.close();
    expect(refused()).to.equal("ledger/foreign");

    writeFileSync(path, good);
    const newer = new DatabaseSync(path);
    newer.exec("PRAGMA user_version = 999");
    newer.close();
    expect(refused()).to.equal("ledger/newer");

    // Pages overwritten, and a log left behind: the file is checked.
    writeFileSync(path, good);
    const file = openSync(path, "r+");
    for (let at = 4_096; at < 20 * 4_096; at += 4_096) writeSync(file, Buffer.alloc(2_000, 0xa5), 0, 2_000, at);
    closeSync(file);
    writeFileSync(`${path}-wal`, Buffer.alloc(64));
    expect(refused()).to.equal("ledger/corrupt");

    rmSync(`${path}-wal`, { force: true });
    writeFileSync(path, good);
    open();
    expect(ledger.find("exact:a")!.state).to.equal("settled");
  });

  it("full: new payments are refused, the answer of one that was taken is written when there is room, and nothing that was written is lost", async () => {
    await ledger.close();
    open({ maxFileBytes: 400_000, keepAnswerBytes: 100_000 });
    await ledger.claim(claimOf("exact:taken"));
    let claimed = 0;
    for (; ; claimed++) {
      const code = await codeOf(sell(`exact:${claimed}`, "x".repeat(50_000)));
      if (code !== "nothing") {
        expect(code).to.equal("ledger/full");
        break;
      }
    }
    expect(ledger.canClaim).to.equal(false);
    expect(await codeOf(ledger.answered("exact:taken", answerOf("y".repeat(50_000))))).to.equal("ledger/full");
    // What fits of one turn is written, whatever else of it does not.
    const [large, small] = await Promise.all([codeOf(ledger.claim(claimOf("exact:large", { payer: "p".repeat(100_000) }))), codeOf(ledger.answered("exact:taken", { ...answerOf(""), answer: undefined }))]);
    expect([large, small]).to.deep.equal(["ledger/full", "nothing"]);
    expect(ledger.find("exact:taken")!.state).to.equal("answered");
    for (let index = 0; index < claimed; index++) expect(ledger.answer(ledger.find(`exact:${index}`)!)!.body).to.have.length(50_000);
    await ledger.maintain();
    expect(ledger.canClaim).to.equal(true);
  });

  it("recallAnswer: knows what a payment was answered with, and that what cannot be delivered any more is due", async () => {
    const recall = recallAnswer(ledger);
    const key = "channel:0x1:1";
    expect(recall(key)).to.equal(undefined);
    await ledger.claim(claimOf(key, { way: "channel" }));
    expect(recall(key)).to.equal(undefined);
    await ledger.answered(key, answerOf("x"));
    expect(recall(key)).to.deep.equal(new Uint8Array(32).fill(4));
    await ledger.claim(claimOf("channel:0x1:2", { way: "channel" }));
    await ledger.answered("channel:0x1:2", { ...answerOf("x"), answer: undefined });
    expect(recall("channel:0x1:2")).to.equal("due");
    await ledger.released("channel:0x1:2", "releasing");
    expect(recall("channel:0x1:2")).to.equal(undefined);
  });

  it("thread: writes, reads and forgets the same, lets the caller go on meanwhile, and is started again when it ends", async () => {
    await ledger.close();
    open({ hasThread: true, keepSeconds: 0 });
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 0);
    const isWritten = Promise.all(Array.from({ length: 50 }, (_, index) => sell(`exact:${index}`, "x".repeat(10_000), claimOf(`exact:${index}`, { expiresAt: 1_001 }))));
    await isWritten;
    clearInterval(turning);
    expect(turns).to.be.above(0);
    expect(ledger.totals()[0]!.count).to.equal(50);
    expect(await codeOf(ledger.claim(claimOf("exact:1")))).to.equal("ledger/state");
    nowMs += 100_000;
    expect(await ledger.maintain()).to.equal(false);
    expect(ledger.find("exact:1")).to.equal(undefined);
    // What is asked for when it ends is refused: nobody knows whether it was written. What comes later is written.
    const folder = join(dir, "later");
    const own = new WriterThread({ path: join(folder, "own.sqlite"), maxFileBytes: 2 ** 30, keepTotalBytes: 1_000, maxPayers: 10 });
    expect(await own.forget(0, 1).then(() => "done", () => "refused")).to.equal("refused");
    mkdirSync(folder);
    expect(await own.forget(0, 1)).to.equal(0);
    expect(await own.write([{ kind: "released", key: "exact:1", to: "released", now: 0 }])).to.deep.equal([{ problem: "state", message: "released" }]);
    await own.close();
  });

  it("close: what waits is written first, and nothing is taken after it", async () => {
    const waiting = ledger.claim(claimOf("exact:a"));
    await ledger.close();
    await waiting;
    expect(await codeOf(ledger.claim(claimOf("exact:b")))).to.equal("ledger/closed");
    expect(ledger.canClaim).to.equal(false);
    open();
    expect(ledger.find("exact:a")!.state).to.equal("claimed");
  });

  it("canClaim: false while too much waits for the disk, or too little of it is free", async () => {
    await ledger.close();
    open({ maxWaiting: 2 });
    const waiting = [ledger.claim(claimOf("exact:a")), ledger.claim(claimOf("exact:b"))];
    expect(ledger.canClaim).to.equal(false);
    await Promise.all(waiting);
    expect(ledger.canClaim).to.equal(true);
    await ledger.close();
    open({ minFreeBytes: 2 ** 60 });
    await ledger.maintain();
    expect(ledger.canClaim).to.equal(false);
    await sell("exact:c", "what is under way is written all the same");
    expect(ledger.find("exact:c")!.state).to.equal("settled");
  });
});
