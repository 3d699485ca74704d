import { expect } from "chai";

import { codeOf, stageBuyer } from "../../builders/buyerStage.ts";
import type { BuyerStage } from "../../builders/buyerStage.ts";
import { STUB_ASSET, STUB_NETWORK, startSellerStub, stubRequirement } from "../../builders/sellerStub.ts";
import type { SellerStub } from "../../builders/sellerStub.ts";
import { until } from "../../builders/until.ts";

describe("sidecar/outbound: buying", () => {
  let seller: SellerStub;
  let stage: BuyerStage;

  beforeEach(async () => {
    seller = await startSellerStub();
    stage = stageBuyer();
  });
  afterEach(async () => {
    await stage.stop();
    await seller.stop();
  });

  it("buyer: pays what a 402 asks, and keeps a receipt that says what for", async () => {
    const response = await stage.buyer.fetch(`${seller.origin}/translate?key=secret`, { method: "POST", body: "hello" });
    expect(response.status).to.equal(200);
    expect(await response.text()).to.equal("sold");
    const receipt = stage.buyer.receipts.of(response)!;
    expect(receipt).to.include({ state: "paid", way: "exact", amount: 1_000n, network: STUB_NETWORK, asset: STUB_ASSET.toLowerCase(), method: "POST", url: `${seller.origin}/translate`, status: 200 });
    expect(receipt.key).to.equal(`exact:${STUB_ASSET}:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266:${seller.payments[0]!.nonce}`.toLowerCase());
    expect(receipt.queryHash).to.match(/^0x[0-9a-f]{64}$/);
    expect(JSON.stringify(stage.buyer.receipts.list(), (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value))).not.to.include("secret");
    expect(receipt.answerHash).to.match(/^0x[0-9a-f]{64}$/);
  });

  it("buyer: pays at once, without a 402 before it, when it knows the price", async () => {
    await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    expect(seller.requests).to.equal(2);
    await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    expect(seller.requests).to.equal(3);
    expect(stage.buyer.receipts.sums()).to.deep.equal([{ network: STUB_NETWORK, asset: STUB_ASSET.toLowerCase(), way: "exact", amount: 2_000n, count: 2 }]);
  });

  it("buyer: asks what is free, and signs nothing", async () => {
    const free = await startSellerStub(({ response }) => void response.end("free"));
    const response = await stage.buyer.fetch(free.origin);
    expect(await response.text()).to.equal("free");
    expect(stage.buyer.receipts.of(response)).to.equal(undefined);
    expect(stage.signatures()).to.equal(0);
    await free.stop();
  });

  it("buyer: pays the new price once, with the same nonce, when it rose between quote and payment", async () => {
    await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    seller.accepts = [stubRequirement({ amount: "1500" })];
    const response = await stage.buyer.fetch(`${seller.origin}/a`);
    expect(await response.text()).to.equal("sold");
    const [, stale, fresh] = seller.payments;
    expect([stale!.value, fresh!.value]).to.deep.equal(["1000", "1500"]);
    expect(fresh!.nonce).to.equal(stale!.nonce);
    expect(stage.buyer.receipts.of(response)).to.include({ state: "paid", amount: 1_500n });
    expect(stage.buyer.receipts.sums()[0]!.amount).to.equal(2_500n);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.equal(2_500n);
  });

  it("buyer: pays less when the price fell, and counts what it paid", async () => {
    await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    seller.accepts = [stubRequirement({ amount: "400" })];
    await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    await until("the receipt is written", () => stage.buyer.receipts.sums()[0]!.amount === 1_400n);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.equal(1_400n);
  });

  it("buyer: does not pay a price that rose above the limit", async () => {
    await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    seller.accepts = [stubRequirement({ amount: "5001" })];
    expect(await codeOf(stage.buyer.fetch(`${seller.origin}/a`))).to.equal("buy/too-expensive");
    expect(stage.signatures()).to.equal(2);
  });

  it("buyer: goes on when old receipts cannot be forgotten, and says why", async () => {
    stage = await stage.again({ settleEveryMs: 5 });
    const { store } = stage.buyer.parts;
    store.prune = () => {
      throw new Error("the disk is full");
    };
    const troubles = (): string[] => stage.events.flatMap((event) => (event.kind === "trouble" ? [event.error.message] : []));
    await until("it has been tried twice", () => troubles().length >= 2);
    expect(new Set(troubles())).to.deep.equal(new Set(["the disk is full"]));
    expect(await (await stage.buyer.fetch(`${seller.origin}/a`)).text()).to.equal("sold");
  });

  it("buyer: sends forms, blobs and small streams, each with its digest", async () => {
    const seen: (string | undefined)[] = [];
    const taker = await startSellerStub(({ request, payment, ask, sell }) => {
      if (payment === undefined) return ask();
      seen.push(request.headers["content-digest"] as string | undefined);
      sell();
    });
    const form = new FormData();
    form.set("a", "b");
    for (const body of [new URLSearchParams({ q: "1" }), new Blob(["blob"]), form, new Blob(["stream"]).stream(), Uint8Array.of(1, 2)]) {
      const init: RequestInit & { duplex?: "half" } = { method: "POST", body, duplex: "half" };
      expect((await stage.buyer.fetch(`${taker.origin}/${seen.length}`, init)).status).to.equal(200);
    }
    expect(seen).to.have.length(5);
    for (const digest of seen) expect(digest).to.match(/^sha-256=:[A-Za-z0-9+/]{43}=:$/);
    await taker.stop();
  });

  it("buyer: refuses a stream that it cannot send twice, when nobody says its digest", async () => {
    const small = await stage.again({ keepBodyBytes: 16 });
    const init: RequestInit & { duplex?: "half" } = { method: "POST", body: new Blob(["x".repeat(100)]).stream(), duplex: "half" };
    expect(await codeOf(small.buyer.fetch(`${seller.origin}/a`, init))).to.equal("buy/body");
    expect(small.signatures()).to.equal(0);
    await small.stop();
  });

  it("budget: is not passed by fifty calls at once", async () => {
    const poor = await stage.again({ limits: [{ network: STUB_NETWORK, asset: STUB_ASSET, maxPerCall: 5_000n, perDay: 20_000n }] });
    const codes = await Promise.all(Array.from({ length: 50 }, async (_, place) => codeOf(poor.buyer.fetch(`${seller.origin}/${place}`).then((response) => response.text()))));
    expect(codes.filter((code) => code === "none")).to.have.length(20);
    expect(codes.filter((code) => code === "buy/budget")).to.have.length(30);
    expect(new Set(seller.payments.map(({ nonce }) => nonce)).size).to.equal(20);
    expect(poor.buyer.receipts.sums()[0]).to.include({ amount: 20_000n, count: 20 });
    await poor.stop();
  });

  it("budget: of one host and in all end purchases too, and survive a restart", async () => {
    const limits = [{ network: STUB_NETWORK, asset: STUB_ASSET, maxPerCall: 5_000n, perDay: 100_000n, perHostPerDay: 2_000n, inAll: 3_000n }];
    let poor = await stage.again({ limits });
    for (let i = 0; i < 2; i += 1) await (await poor.buyer.fetch(`${seller.origin}/a`)).text();
    expect(await codeOf(poor.buyer.fetch(`${seller.origin}/a`))).to.equal("buy/budget");
    const other = await startSellerStub();
    await (await poor.buyer.fetch(other.origin)).text();
    expect(await codeOf(poor.buyer.fetch(other.origin))).to.equal("buy/budget");
    poor = await poor.again();
    expect(await codeOf(poor.buyer.fetch(seller.origin))).to.equal("buy/budget");
    expect(poor.buyer.spent(STUB_NETWORK, STUB_ASSET).inAll).to.equal(3_000n);
    await other.stop();
    await poor.stop();
  });

  it("budget: is whole again on the next day, and not when the clock goes back", async () => {
    let nowMs = Date.UTC(2026, 0, 2);
    const poor = await stage.again({ now: () => nowMs, limits: [{ network: STUB_NETWORK, asset: STUB_ASSET, maxPerCall: 5_000n, perDay: 1_000n }] });
    await (await poor.buyer.fetch(`${seller.origin}/a`)).text();
    nowMs -= 86_400_000;
    expect(await codeOf(poor.buyer.fetch(`${seller.origin}/a`))).to.equal("buy/budget");
    nowMs += 2 * 86_400_000;
    expect((await poor.buyer.fetch(`${seller.origin}/a`)).status).to.equal(200);
    await poor.stop();
  });

  it("budget: what was spent while the clock was far ahead counts in the day that it is put back to, and no longer", async () => {
    let nowMs = Date.UTC(2030, 0, 2);
    const poor = await stage.again({ now: () => nowMs, limits: [{ network: STUB_NETWORK, asset: STUB_ASSET, maxPerCall: 5_000n, perDay: 1_000n }] });
    await (await poor.buyer.fetch(`${seller.origin}/a`)).text();
    nowMs = Date.UTC(2026, 0, 2);
    for (const time of [nowMs, nowMs - 86_400_000]) {
      nowMs = time;
      expect(await codeOf(poor.buyer.fetch(`${seller.origin}/a`))).to.equal("buy/budget");
    }
    nowMs = Date.UTC(2026, 0, 3);
    expect((await poor.buyer.fetch(`${seller.origin}/a`)).status).to.equal(200);
    expect(await codeOf(poor.buyer.fetch(`${seller.origin}/a`))).to.equal("buy/budget");
    await poor.stop();
  });

  it("buyer: a caller that gives up gets its own reason, and the payment that was out is looked up", async () => {
    const left = new AbortController();
    const slow = await startSellerStub(({ payment, ask }) => {
      if (payment === undefined) return ask();
      left.abort(new Error("no longer wanted"));
    });
    expect(await stage.buyer.fetch(slow.origin, { signal: left.signal }).then(() => "", (error: Error) => error.message)).to.equal("no longer wanted");
    expect(slow.payments).to.have.length(1);
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list().map(({ state }) => state)).to.deep.equal(["open"]);
    stage.reader.used.add(slow.payments[0]!.nonce);
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list().map(({ state }) => state)).to.deep.equal(["paid"]);
    const early = AbortSignal.abort(new Error("never wanted"));
    expect(await stage.buyer.fetch(slow.origin, { signal: early }).then(() => "", (error: Error) => error.message)).to.equal("never wanted");
    expect(stage.buyer.receipts.list()).to.have.length(1);
    await slow.stop();
  });

  it("buyer: buys nothing after it was stopped, and its folder is free then", async () => {
    const folder = stage.dir;
    await stage.buyer.stop();
    expect(await codeOf(stage.buyer.fetch(seller.origin))).to.equal("buy/stopped");
    const next = stageBuyer({}, folder);
    expect((await next.buyer.fetch(`${seller.origin}/a`)).status).to.equal(200);
    expect(() => stageBuyer({}, folder)).to.throw().with.property("code", "files/locked");
    await next.buyer.stop();
  });

  it("receipts: are pruned without a change to the sums", async () => {
    for (let i = 0; i < 3; i += 1) await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    expect(stage.buyer.receipts.prune(Date.now() + 1_000)).to.equal(2);
    expect(stage.buyer.receipts.list()).to.have.length(1);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 3_000n, count: 3 });
  });

  it("receipts: the newest are kept, the oldest go first and so many at once, and what is open stays", async () => {
    for (let i = 0; i < 6; i += 1) await (await stage.buyer.fetch(`${seller.origin}/a`)).text();
    const { store } = stage.buyer.parts;
    const [oldest] = store.list().slice(-1);
    await store.change(oldest!.id, { state: "open" });
    expect(store.prune(0, 3, 1)).to.equal(1);
    expect(store.prune(0, 3, 10)).to.equal(1);
    expect(store.prune(0, 3)).to.equal(0);
    expect(store.list().map(({ id }) => id - oldest!.id)).to.deep.equal([5, 4, 3, 0]);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 6_000n, count: 6 });
  });
});
