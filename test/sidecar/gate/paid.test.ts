import { hash } from "node:crypto";

import type { PaymentRequirements } from "@x402/core/types";
import { expect } from "chai";

import { formatContentDigest } from "../../../sdk/x402/contentDigest.ts";
import { createTicket, encodeTicket } from "../../../sdk/x402/ticket.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import { LedgerError } from "../../../sidecar/ledger/LedgerError.ts";
import type { Refusal, SettledSale, Verdict } from "../../../sidecar/gate/Sale.ts";
import { BUYER } from "./FakeWay.ts";
import { codeOf, ETH, pay, requiredOf, ROUTES, saleOf, Shop, tableOf, TOKEN, until } from "./Shop.ts";

const ticket = encodeTicket(new Uint8Array(16).fill(7));

describe("gate: who pays", () => {
  let shop: Shop;
  beforeEach(() => (shop = new Shop()));
  afterEach(() => shop.close());

  const asked = (scheme: string, options = {}): PaymentRequirements => requiredOf(shop.ask(options) as Verdict).accepts.find((one) => one.scheme === scheme)!;
  const status = (verdict: Verdict): number => (verdict as { refusal: Refusal }).refusal.status;

  it("decide, settle: sells one answer for one payment, and says to the service who paid", async () => {
    const sale = saleOf(await shop.ask({ headers: pay(asked("exact"), { id: "a" }) }));
    expect(sale.upstreamHeaders).to.deep.equal([["Agnt2-Payer", BUYER], ["Agnt2-Amount", "10000"], ["Agnt2-Way", "exact"]]);
    expect([sale.way, sale.payer, sale.amount, sale.settles]).to.deep.equal(["exact", BUYER, 10_000n, "after"]);
    expect(shop.ledger.find("exact:a")!.state).to.equal("claimed");
    const settled = await sale.settle(shop.serve());
    expect(settled.kind).to.equal("paid");
    const [name, value] = (settled as Extract<SettledSale, { kind: "paid" }>).headers[0]!;
    expect(name).to.equal("PAYMENT-RESPONSE");
    expect(JSON.parse(Buffer.from(value, "base64").toString())).to.deep.equal({ success: true, transaction: "tx-exact:a", network: "eip155:31337", payer: BUYER, amount: "10000" });
    await until(() => shop.gate.load().exchanges === 0);
    expect(shop.ledger.find("exact:a")!.state).to.equal("settled");
    expect(shop.ledger.totals()).to.deep.equal([
      { way: "exact", asset: TOKEN, payer: undefined, count: 1, amount: 10_000n },
      { way: "exact", asset: TOKEN, payer: BUYER, count: 1, amount: 10_000n },
    ]);
  });

  it("decide: the same payment at once in two requests is served once, and both get the answer", async () => {
    const headers = pay(asked("exact"), { id: "a" });
    const results = await Promise.all([1, 2, 3, 4].map(() => shop.buy({ headers })));
    expect(results.map(({ text }) => text)).to.deep.equal(["answer 1", "answer 1", "answer 1", "answer 1"]);
    expect(shop.served).to.equal(1);
    expect(shop.exact.calls.settle).to.equal(1);
    const kinds = results.map(({ verdict }) => verdict.kind).sort();
    expect(kinds).to.deep.equal(["repeated", "repeated", "repeated", "sold"]);
    const repeated = results.find(({ verdict }) => verdict.kind === "repeated")!.verdict as Extract<Verdict, { kind: "repeated" }>;
    expect(repeated.answer.headers.map(([name]) => name)).to.deep.equal(["Content-Type", "PAYMENT-RESPONSE"]);
  });

  it("decide: a lost answer is had again with the same payment, also after the payment's expiry and a restart", async () => {
    const headers = pay(asked("agnt2-call"), { id: "1", ticket, until: 1_100 });
    await shop.buy({ headers });
    await until(() => shop.gate.load().exchanges === 0);
    shop.nowMs = 1_200_000;
    expect((await shop.buy({ headers })).text).to.equal("answer 1");
    shop = await shop.restart();
    const { text, verdict } = await shop.buy({ headers });
    expect(text).to.equal("answer 1");
    expect((verdict as Extract<Verdict, { kind: "repeated" }>).answer.headers.map(([name]) => name)).to.deep.equal(["Content-Type", "PAYMENT-RESPONSE"]);
    expect(shop.money.call.twice).to.deep.equal([]);
  });

  it("decide: the same payment of exact for another request is used, while it runs and after it was answered", async () => {
    const headers = pay(asked("exact"), { id: "a" });
    const sale = saleOf(await shop.ask({ headers, body: "one" }));
    expect(codeOf(await shop.ask({ headers, body: "two" }))).to.equal("payment/used");
    await sale.settle(shop.serve());
    await until(() => shop.gate.load().exchanges === 0);
    for (const other of [{ headers, body: "two" }, { headers }, { headers, target: "/work?x", body: "one" }]) expect(codeOf(await shop.ask(other))).to.equal("payment/used");
    expect((await shop.buy({ headers, body: "one" })).text).to.equal("answer 1");
    expect(shop.served).to.equal(1);
  });

  it("decide: the same payment for another request, or without the ticket, is used", async () => {
    const headers = pay(asked("agnt2-call"), { id: "1", ticket });
    const sale = saleOf(await shop.ask({ headers }));
    const others: (() => Verdict | Promise<Verdict>)[] = [
      () => shop.ask({ headers, target: "/work?x" }),
      () => shop.ask({ headers, body: "x" }),
      () => shop.ask({ headers: { ...headers, "content-type": "text/html" } }),
      () => shop.ask({ headers: pay(asked("agnt2-call"), { id: "1", ticket: encodeTicket(createTicket()) }) }),
    ];
    for (const other of others) expect(codeOf(await other())).to.equal("payment/used");
    await sale.settle(shop.serve());
    await until(() => shop.gate.load().exchanges === 0);
    for (const other of others) expect(codeOf(await other())).to.equal("payment/used");
    shop = await shop.restart();
    for (const other of others) expect(status(await other())).to.equal(409);
    expect(shop.served).to.equal(0);
  });

  it("decide: an exact payment in the same header for another request is used, under way, settled and after a restart", async () => {
    const headers = pay(asked("exact"), { id: "a" });
    const sale = saleOf(await shop.ask({ headers }));
    const others = async (): Promise<string[]> => Promise.all([{ target: "/work?x" }, { body: "x" }].map(async (other) => codeOf(await shop.ask({ headers, ...other }))));
    expect(await others()).to.deep.equal(["payment/used", "payment/used"]);
    await sale.settle(shop.serve());
    await until(() => shop.gate.load().exchanges === 0);
    expect(await others()).to.deep.equal(["payment/used", "payment/used"]);
    shop = await shop.restart();
    expect(await others()).to.deep.equal(["payment/used", "payment/used"]);
    expect((await shop.buy({ headers })).text).to.equal("answer 1");
  });

  it("decide: an exact payment that somebody copied from the chain does not give out the answer", async () => {
    const accepted = asked("exact");
    await shop.buy({ headers: pay(accepted, { id: "a" }, { extensions: { salt: "secret" } }) });
    expect(codeOf(await shop.ask({ headers: pay(accepted, { id: "a" }) }))).to.equal("payment/used");
    expect((await shop.buy({ headers: pay(accepted, { id: "a" }, { extensions: { salt: "secret" } }) })).text).to.equal("answer 1");
  });

  it("decide: somebody who sends another's payment with a wrong signature first keeps nobody out", async () => {
    const accepted = asked("exact");
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    shop.exact.before = (step) => (step === "verify" && shop.exact.calls.verify === 1 ? held : undefined);
    const bogus = shop.ask({ headers: pay(accepted, { id: "a", bogus: true }) });
    const good = await shop.buy({ headers: pay(accepted, { id: "a" }) });
    expect(good.text).to.equal("answer 1");
    go();
    expect(codeOf(await bogus)).to.equal("payment/invalid");
  });

  it("decide: what differs from every requirement is refused by its name, with the 402 again", async () => {
    const accepted = asked("exact");
    const cases: readonly (readonly [Partial<PaymentRequirements>, string])[] = [
      [{ scheme: "upto" }, "payment/unknown-requirement"],
      [{ network: "eip155:1" }, "payment/wrong-chain"],
      [{ asset: ETH }, "payment/wrong-asset"],
      [{ payTo: ETH }, "payment/wrong-payee"],
      [{ amount: "9999" }, "payment/underpaid"],
    ];
    for (const [change, code] of cases) {
      const verdict = await shop.ask({ headers: pay({ ...accepted, ...change }, { id: "a" }) });
      expect(codeOf(verdict)).to.equal(code);
      expect(status(verdict)).to.equal(402);
      expect(requiredOf(verdict).error).to.equal(code);
      expect(requiredOf(verdict).accepts).to.have.length(3);
    }
    expect(shop.exact.calls.verify).to.equal(0);
    expect(codeOf(await shop.ask({ headers: pay(accepted, { id: "a", until: 999 }) }))).to.equal("payment/expired");
    expect(shop.ledger.find("exact:a")).to.equal(undefined);
    const more = saleOf(await shop.ask({ headers: pay({ ...accepted, amount: "10001", asset: accepted.asset.toLowerCase() }, { id: "a" }) }));
    expect(more.amount).to.equal(10_001n);
    await more.cancel("upstream-failed");
  });

  it("decide: payments that cannot be read are refused before anybody is asked", async () => {
    const accepted = asked("exact");
    const text = (value: unknown): Record<string, string> => ({ "payment-signature": Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64") });
    const deep = `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`;
    const good = { x402Version: 2, accepted, payload: { id: "a" } };
    const bad: Record<string, string | readonly string[]>[] = [
      { "payment-signature": "" }, { "payment-signature": "!!!!" }, { "payment-signature": "YQ=" }, { "payment-signature": "A".repeat(20_000) },
      text(""), text("null"), text("[]"), text("7"), text("{"), text(deep), text("[".repeat(10_000)), text({ ...good, extensions: { list: Array(1_000).fill(0) } }),
      text('{"x402Version":2,"__proto__":{"accepted":{}},"payload":{}}'), text({ ...good, x402Version: 1 }), text({ ...good, payload: "x" }), text({ ...good, accepted: undefined }),
      text({ ...good, accepted: { ...accepted, amount: "-1" } }), text({ ...good, accepted: { ...accepted, amount: "1e9" } }), text({ ...good, accepted: { ...accepted, amount: 10_000 } }),
      text({ ...good, accepted: { ...accepted, amount: "9".repeat(100) } }), text({ ...good, accepted: { ...accepted, network: "x" } }), text({ ...good, accepted: { ...accepted, asset: "0x1" } }),
      text({ ...good, payload: { id: 7 } }), { ...text(good), "agnt2-call": ticket }, { "payment-signature": [text(good)["payment-signature"]!, text(good)["payment-signature"]!] },
      { "agnt2-call": "short" }, { "agnt2-call": `${ticket.slice(0, 21)}=` },
    ];
    for (const headers of bad) {
      const verdict = await shop.ask({ headers });
      expect(codeOf(verdict)).to.equal("payment/malformed");
      expect(status(verdict)).to.equal(400);
    }
    expect(shop.exact.calls.verify + shop.call.calls.verify + shop.channel.calls.find).to.equal(0);
  });

  it("decide: a flood of bogus payments leaves no row and nothing in memory", async () => {
    const accepted = asked("exact");
    for (let round = 0; round < 20; round++) {
      const verdicts = await Promise.all(Array.from({ length: 50 }, (_, one) => shop.askLater({ headers: pay(accepted, { id: `${round}-${one}`, bogus: true }) })));
      for (const verdict of verdicts) expect(codeOf(verdict)).to.equal("payment/invalid");
    }
    expect(shop.gate.load()).to.deep.equal({ exchanges: 0, verifying: 0, waiters: 0, recentBytes: 0 });
    expect(shop.ledger.unfinished(0, 10)).to.deep.equal([]);
  });

  it("decide: only so many are verified at once, in all and from one address", async () => {
    shop = await swap({ limits: { maxVerifying: 5, maxVerifyingPerAddress: 3 } });
    const accepted = asked("exact");
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    shop.exact.before = () => held;
    const verdicts = Array.from({ length: 4 }, (_, one) => shop.askLater({ headers: pay(accepted, { id: `a${one}`, bogus: true }) }));
    verdicts.push(...Array.from({ length: 3 }, (_, one) => shop.askLater({ headers: pay(accepted, { id: `b${one}`, bogus: true }), address: "10.0.0.2" })));
    expect(codeOf(await verdicts[3]!)).to.equal("door/busy");
    expect(codeOf(await verdicts[6]!)).to.equal("door/busy");
    expect(shop.gate.load().verifying).to.equal(5);
    go();
    await Promise.all(verdicts);
    expect(shop.gate.load().verifying).to.equal(0);
  });

  it("decide: only so many sales at once, and only so many wait for one of them", async () => {
    shop = await swap({ limits: { maxExchanges: 1, maxWaitersPerPayment: 2, repeatWaitMs: 50 } });
    const headers = pay(asked("exact"), { id: "a" });
    const sale = saleOf(await shop.ask({ headers }));
    expect(codeOf(await shop.ask({ headers: pay(asked("exact"), { id: "b" }) }))).to.equal("door/busy");
    const waiting = [shop.askLater({ headers }), shop.askLater({ headers })];
    await until(() => shop.gate.load().waiters === 2);
    expect(codeOf(await shop.ask({ headers }))).to.equal("payment/in-progress");
    for (const verdict of await Promise.all(waiting)) expect(codeOf(verdict)).to.equal("payment/in-progress");
    expect(shop.gate.load().waiters).to.equal(0);
    await sale.cancel("upstream-timeout");
    expect(shop.gate.load()).to.deep.equal({ exchanges: 0, verifying: 0, waiters: 0, recentBytes: 0 });
  });

  it("decide: one address has its share of the sales, and of those who wait for one", async () => {
    shop = await swap({ limits: { maxExchanges: 3, maxExchangesPerAddress: 2, maxWaiters: 8, maxWaitersPerAddress: 3 } });
    const payments = ["a", "b", "c"].map((id) => pay(asked("exact"), { id }));
    const sales = [saleOf(await shop.ask({ headers: payments[0]! })), saleOf(await shop.ask({ headers: payments[1]! }))];
    expect(codeOf(await shop.ask({ headers: payments[2]! }))).to.equal("door/busy");
    sales.push(saleOf(await shop.ask({ headers: payments[2]!, address: "10.0.0.2" })));
    const waiting = [0, 0, 1].map((one) => shop.askLater({ headers: payments[one]! }));
    await until(() => shop.gate.load().waiters === 3);
    expect(codeOf(await shop.ask({ headers: payments[1]! }))).to.equal("payment/in-progress");
    const other = shop.askLater({ headers: payments[1]!, address: "10.0.0.2" });
    await until(() => shop.gate.load().waiters === 4);
    for (const sale of sales) await sale.settle(shop.serve());
    expect((await Promise.all([...waiting, other])).map(({ kind }) => kind)).to.deep.equal(Array(4).fill("repeated"));
    await until(() => shop.gate.load().exchanges === 0);
    await saleOf(await shop.ask({ headers: pay(asked("exact"), { id: "d" }) })).cancel("upstream-failed");
  });

  it("decide: who waits for another's answer keeps nobody from being verified", async () => {
    shop = await swap({ limits: { maxVerifying: 2, maxVerifyingPerAddress: 2 } });
    const headers = pay(asked("exact"), { id: "a" });
    const sale = saleOf(await shop.ask({ headers }));
    const waiting: Promise<Verdict>[] = [];
    while (waiting.length < 5) {
      waiting.push(shop.askLater({ headers }));
      await until(() => shop.gate.load().waiters === waiting.length);
    }
    expect(shop.gate.load().verifying).to.equal(0);
    expect((await shop.buy({ headers: pay(asked("exact"), { id: "b" }) })).text).to.equal("answer 1");
    // It is sold anew to one of those who waited; the others wait for that one, or find no seat.
    await sale.cancel("upstream-failed");
    const verdicts = await Promise.all(waiting.map((one) => one.then((verdict) => (verdict.kind === "sold" ? verdict.sale.settle(shop.serve()).then(() => "sold") : verdict.kind === "refused" ? codeOf(verdict) : verdict.kind))));
    expect(verdicts.filter((kind) => kind === "sold")).to.have.length(1);
    expect(verdicts.every((kind) => kind === "sold" || kind === "repeated" || kind === "door/busy")).to.equal(true);
    expect([shop.gate.load().verifying, shop.gate.load().waiters, shop.served]).to.deep.equal([0, 0, 2]);
  });

  it("decide: a price that was replaced is taken for as long as it was promised, on every way", async () => {
    const old = asked("exact");
    const oldCall = asked("agnt2-call");
    shop.prices.replace(tableOf(ROUTES.map((line) => (line.match === "POST /work" ? { ...line, price: "0.0008", x402: { [TOKEN]: "0.02" } } : line))), shop.nowMs);
    shop.nowMs += 59_000;
    expect((await shop.buy({ headers: pay(old, { id: "a" }) })).text).to.equal("answer 1");
    expect((await shop.buy({ headers: pay(oldCall, { id: "1", ticket }) })).text).to.equal("answer 2");
    shop.channel.open.set(ticket, { key: "channel:1", amount: 400_000_000_000_000n });
    expect((await shop.buy({ headers: { "agnt2-call": ticket } })).text).to.equal("answer 3");
    shop.nowMs += 1_000;
    expect(codeOf(await shop.ask({ headers: pay(old, { id: "b" }) }))).to.equal("payment/underpaid");
    expect(codeOf(await shop.ask({ headers: pay(oldCall, { id: "2", ticket }) }))).to.equal("payment/underpaid");
    shop.channel.open.set(ticket, { key: "channel:2", amount: 400_000_000_000_000n });
    expect((await shop.ask({ headers: { "agnt2-call": encodeTicket(createTicket()) } })).kind).to.equal("refused");
    // A quote of another route's price is none for this one.
    expect(codeOf(await shop.ask({ headers: pay(asked("exact", { method: "GET", target: "/thing/1" }), { id: "c" }) }))).to.equal("payment/underpaid");
  });

  it("decide: reads a small body for the hash, wants a digest for a large one, and has the door check a declared one", async () => {
    shop = await swap({ limits: { hashBodyBytes: 10 } });
    const headers = pay(asked("exact"), { id: "a" });
    expect(codeOf(await shop.ask({ headers, body: "more than ten bytes" }))).to.equal("payment/digest-needed");
    expect(codeOf(await shop.ask({ headers: { ...headers, "content-length": String(2 ** 21) } }))).to.equal("door/body-too-large");
    expect(shop.bodiesRead).to.equal(0);
    const digest = hash("sha256", "more than ten bytes", "buffer");
    const sale = saleOf(await shop.ask({ headers: { ...headers, "content-digest": formatContentDigest(digest) }, body: "more than ten bytes" }));
    expect(sale.bodyDigest).to.deep.equal(new Uint8Array(digest));
    expect(shop.bodiesRead).to.equal(0);
    await sale.cancel("body-digest");
    const small = saleOf(await shop.ask({ headers: pay(asked("exact"), { id: "b" }), body: "ten bytes!" }));
    expect(small.bodyDigest).to.equal(undefined);
    expect(shop.bodiesRead).to.equal(1);
    await small.cancel("client-gone");
    expect(codeOf(await shop.ask({ headers: { ...headers, "content-digest": formatContentDigest(digest) } }))).to.equal("payment/digest");
  });

  it("cancel: nothing is charged; exact may be tried again, a call may not", async () => {
    const exact = pay(asked("exact"), { id: "a" });
    const first = saleOf(await shop.ask({ headers: exact }));
    await Promise.all([first.cancel("upstream-failed"), first.cancel("upstream-failed")]);
    expect(shop.exact.calls.release).to.equal(1);
    expect((await first.settle(shop.serve())).kind).to.equal("unpaid");
    expect(shop.money.exact.moved.size).to.equal(0);
    expect((await shop.buy({ headers: exact })).text).to.equal("answer 2");

    const call = pay(asked("agnt2-call"), { id: "1", ticket });
    const second = saleOf(await shop.ask({ headers: call }));
    const waiting = shop.ask({ headers: call });
    await until(() => shop.gate.load().waiters === 1);
    await second.cancel("not-charged");
    expect(codeOf(await waiting)).to.equal("payment/released");
    expect(codeOf(await shop.ask({ headers: call }))).to.equal("payment/released");
    expect([...shop.money.call.released]).to.deep.equal(["call:1"]);
  });

  it("cancel: a second request with an exact payment is served when the first one failed", async () => {
    const headers = pay(asked("exact"), { id: "a" });
    const first = saleOf(await shop.ask({ headers }));
    const second = shop.buy({ headers });
    await until(() => shop.gate.load().waiters === 1);
    await first.cancel("upstream-failed");
    expect((await second).text).to.equal("answer 1");
  });

  it("settle: when the way says no, the answer is withheld and nothing is kept of it", async () => {
    for (const [scheme, code, wanted] of [["exact", "payment/unsettled", 402], ["call", "payment/unsettled", 402], ["channel", "payment/unsettled", 409]] as const) {
      const way = shop[scheme];
      way.before = (step) => {
        if (step === "settle") throw new SidecarError("payment/unsettled", { reason: "authorization cancelled" });
      };
      const headers = pay(asked(scheme === "exact" ? "exact" : `agnt2-${scheme}`), { id: "1", ticket });
      const { settled, text } = await shop.buy({ headers });
      expect(text).to.equal(code);
      expect((settled as { refusal: Refusal }).refusal.status).to.equal(wanted);
      expect(shop.ledger.find(`${scheme}:1`)!.state).to.equal("released");
      expect(shop.ledger.answer(shop.ledger.find(`${scheme}:1`)!)).to.equal(undefined);
      expect(way.money.moved.size).to.equal(0);
    }
  });

  it("settle: in an outage the answer is withheld until it is known that it was paid, and then given out", async () => {
    const headers = pay(asked("exact"), { id: "a" });
    shop.exact.before = (step) => {
      if (step === "settle" || step === "outcome") throw new SidecarError("way/unavailable", { way: "exact", retryAfterSeconds: 1 });
    };
    const { settled, text } = await shop.buy({ headers });
    expect(text).to.equal("way/unavailable");
    expect((settled as { refusal: Refusal }).refusal.status).to.equal(503);
    expect(codeOf(await shop.ask({ headers }))).to.equal("way/unavailable");
    expect(shop.ledger.find("exact:a")!.state).to.equal("answered");
    expect(await shop.gate.sweep()).to.equal(1);
    shop.exact.before = () => undefined;
    expect((await shop.buy({ headers })).text).to.equal("answer 1");
    expect(shop.ledger.find("exact:a")!.state).to.equal("settled");
    expect(shop.served).to.equal(1);
  });

  it("settle: an error that nobody expected tells the client nothing of it", async () => {
    shop.exact.before = (step) => {
      if (step === "settle") throw new Error("secret of the upstream");
    };
    const { settled } = await shop.buy({ headers: pay(asked("exact"), { id: "a" }) });
    expect(Buffer.from((settled as { refusal: Refusal }).refusal.body).toString()).to.not.contain("secret");
    shop.exact.before = (step) => {
      if (step === "verify") throw new Error("secret of the upstream");
    };
    const verdict = await shop.ask({ headers: pay(asked("exact"), { id: "b" }) });
    expect(codeOf(verdict)).to.equal("way/unavailable");
    expect(Buffer.from((verdict as { refusal: Refusal }).refusal.body).toString()).to.not.contain("secret");
  });

  it("settle: a stream is paid with its head, and asked again it is answered already", async () => {
    const headers = pay(asked("exact", { method: "GET", target: "/live" }), { id: "a" });
    const sale = saleOf(await shop.ask({ method: "GET", target: "/live", headers }));
    expect(sale.settles).to.equal("before");
    expect((await sale.settle({ status: 200, headers: [["content-type", "text/event-stream"]] })).kind).to.equal("paid");
    await until(() => shop.gate.load().exchanges === 0);
    expect(codeOf(await shop.ask({ method: "GET", target: "/live", headers }))).to.equal("payment/answered");
    const socket = saleOf(await shop.ask({ method: "GET", target: "/thing/ws", headers: pay(asked("exact", { method: "GET", target: "/thing/1" }), { id: "b" }), isUpgrade: true }));
    expect(socket.settles).to.equal("before");
    await socket.cancel("client-gone");
  });

  it("decide: the short form finds the call at once; what may be repeated is not written, and had again from memory", async () => {
    const short = { method: "GET", target: "/thing/1", headers: { "agnt2-call": ticket } };
    shop.channel.open.set(ticket, { key: "channel:0x1:1", amount: 100_000_000_000_000n });
    const verdict = shop.ask(short);
    expect(verdict).to.not.be.instanceOf(Promise);
    const settled = await saleOf(verdict as Verdict).settle(shop.serve());
    expect(settled.kind).to.equal("paid");
    expect(shop.ledger.find("channel:0x1:1")).to.equal(undefined);
    expect(shop.gate.load().exchanges).to.equal(0);
    expect((await shop.buy(short)).text).to.equal("answer 1");
    expect((await shop.buy({ ...short, headers: pay(asked("agnt2-channel", { method: "GET", target: "/thing/1" }), { id: "0x1:1", ticket }) })).text).to.equal("answer 1");
    expect(codeOf(await shop.ask({ ...short, target: "/thing/2" }))).to.equal("payment/no-call");
    expect(shop.served).to.equal(1);
    expect(shop.gate.load().recentBytes).to.be.above(0);
  });

  it("decide: the short form of what may not be repeated is written, and had again from the ledger", async () => {
    const short = { headers: { "agnt2-call": ticket } };
    shop.channel.open.set(ticket, { key: "channel:0x1:1", amount: 400_000_000_000_000n });
    expect((await shop.buy(short)).text).to.equal("answer 1");
    await until(() => shop.gate.load().exchanges === 0);
    shop = await shop.restart();
    expect((await shop.buy(short)).text).to.equal("answer 1");
    expect(shop.served).to.equal(0);
    const tooLittle = encodeTicket(new Uint8Array(16).fill(9));
    shop.channel.open.set(tooLittle, { key: "channel:0x1:2", amount: 1n });
    expect(codeOf(await shop.ask({ headers: { "agnt2-call": tooLittle } }))).to.equal("payment/underpaid");
  });

  it("decide: two requests with one ticket at once are one sale", async () => {
    const short = { method: "GET", target: "/thing/1", headers: { "agnt2-call": ticket } };
    shop.channel.open.set(ticket, { key: "channel:0x1:1", amount: 100_000_000_000_000n });
    const sale = saleOf(shop.ask(short) as Verdict);
    const second = shop.ask(short);
    await sale.settle(shop.serve());
    const verdict = await second;
    expect(verdict.kind).to.equal("repeated");
    expect(shop.channel.calls.settle).to.equal(1);
  });

  it("decide: last answers in memory have a budget", async () => {
    shop = await swap({ limits: { recentBytes: 5_000 } });
    for (let count = 0; count < 50; count++) {
      const one = encodeTicket(new Uint8Array(16).fill(count));
      shop.channel.open.set(one, { key: `channel:0x1:${count}`, amount: 100_000_000_000_000n });
      await shop.buy({ method: "GET", target: "/thing/1", headers: { "agnt2-call": one } });
      expect(shop.gate.load().recentBytes).to.be.at.most(5_000);
    }
  });

  it("decide: long headers of last answers count too", async () => {
    shop = await swap({ limits: { recentBytes: 200_000 } });
    for (let count = 0; count < 40; count++) {
      const one = encodeTicket(new Uint8Array(16).fill(count));
      shop.channel.open.set(one, { key: `channel:0x1:${count}`, amount: 100_000_000_000_000n });
      const sale = saleOf(await shop.ask({ method: "GET", target: "/thing/1", headers: { "agnt2-call": one } }));
      await sale.settle({ status: 302, headers: [["Location", `/${"a".repeat(30_000)}`]], body: Buffer.alloc(0) });
    }
    // The newest is there, and of 1.2 MB no more than the budget.
    const again = async (count: number): Promise<string> => (await shop.ask({ method: "GET", target: "/thing/1", headers: { "agnt2-call": encodeTicket(new Uint8Array(16).fill(count)) } })).kind;
    expect([await again(39), await again(30)]).to.deep.equal(["repeated", "refused"]);
  });

  it("decide: when the ledger cannot be written nothing is taken, and what is under way is given back", async () => {
    const headers = pay(asked("exact"), { id: "a" });
    const sale = saleOf(await shop.ask({ headers: pay(asked("exact"), { id: "b" }) }));
    const ledger = shop.ledger as { claim: unknown; answered: unknown };
    const { claim, answered } = ledger;
    const full = (): Promise<never> => Promise.reject(new LedgerError("ledger/full", { path: shop.dir }));
    ledger.claim = full;
    ledger.answered = full;
    expect(codeOf(await shop.ask({ headers }))).to.equal("door/busy");
    const settled = await sale.settle(shop.serve());
    expect(settled.kind).to.equal("unpaid");
    expect(shop.money.exact.moved.size).to.equal(0);
    Object.assign(ledger, { claim, answered });
    expect((await shop.buy({ headers })).text).to.equal("answer 2");
    await until(() => shop.gate.load().exchanges === 0);
  });

  async function swap(options: object): Promise<Shop> {
    await shop.close();
    return new Shop(options);
  }
});
