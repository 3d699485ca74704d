import { expect } from "chai";

import { canonicalPath } from "../../../sidecar/pricing/canonicalPath.ts";
import type { Refusal, Verdict } from "../../../sidecar/gate/Sale.ts";
import { codeOf, ETH, pay, requiredOf, ROUTES, Shop, tableOf, TOKEN } from "./Shop.ts";
import { SELLER } from "./FakeWay.ts";

describe("gate: who does not pay", () => {
  let shop: Shop;
  beforeEach(() => (shop = new Shop()));
  afterEach(() => shop.close());

  const refusal = (verdict: Verdict | Promise<Verdict>): Refusal => {
    expect(verdict).to.not.be.instanceOf(Promise);
    return (verdict as { refusal: Refusal }).refusal;
  };

  it("decide: lets free routes through, at once and with the same verdict each time", () => {
    const first = shop.ask({ method: "GET", target: "/free?x=1" });
    expect((first as Verdict).kind).to.equal("free");
    expect(shop.ask({ method: "HEAD", target: "/FREE/", headers: pay({} as never, {}) })).to.equal(first);
  });

  it("decide: asks for the price in every way that is ready, in a 402 that was made beforehand", () => {
    const verdict = shop.ask() as Verdict;
    const required = requiredOf(verdict);
    expect(refusal(verdict).status).to.equal(402);
    expect(codeOf(verdict)).to.equal("payment/required");
    expect(required.x402Version).to.equal(2);
    expect(required.resource).to.deep.equal({ url: "http://shop/work" });
    expect(required.accepts.map(({ scheme, amount, asset, payTo }) => [scheme, amount, asset, payTo])).to.deep.equal([
      ["agnt2-channel", "400000000000000", ETH, SELLER],
      ["agnt2-call", "400000000000000", ETH, SELLER],
      ["exact", "10000", TOKEN, SELLER],
    ]);
    expect(refusal(shop.ask({ body: "abc" })).body).to.equal(refusal(verdict).body);
    expect(shop.bodiesRead).to.equal(0);
    expect([shop.channel, shop.call, shop.exact].map(({ calls }) => calls.requirement)).to.deep.equal([1, 1, 1]);
  });

  it("decide: offers a way only while it is ready, and none of them: 503", () => {
    shop.exact.isReady = false;
    shop.call.isReady = false;
    expect(requiredOf(shop.ask() as Verdict).accepts.map(({ scheme }) => scheme)).to.deep.equal(["agnt2-channel"]);
    shop.channel.isReady = false;
    const nothing = refusal(shop.ask());
    expect(nothing.status).to.equal(503);
    expect(nothing.headers.map(([name]) => name)).to.include("Retry-After");
    shop.exact.isReady = true;
    expect(requiredOf(shop.ask() as Verdict).accepts.map(({ scheme }) => scheme)).to.deep.equal(["exact"]);
  });

  it("decide: a price that one way cannot ask for is asked in the others", () => {
    shop.call.requirement = () => {
      throw new Error("no multiple of the unit");
    };
    expect(requiredOf(shop.ask() as Verdict).accepts.map(({ scheme }) => scheme)).to.deep.equal(["agnt2-channel", "exact"]);
  });

  it("sweep: what a way asks for may change; what did not keeps its 402", async () => {
    const before = refusal(shop.ask());
    await shop.gate.sweep();
    expect(refusal(shop.ask()).body).to.equal(before.body);
    const { requirement } = shop.channel;
    shop.channel.requirement = (...args) => ({ ...requirement.apply(shop.channel, args), extra: { peer: "tls://here" } });
    expect(refusal(shop.ask())).to.deep.equal(before);
    await shop.gate.sweep();
    expect(requiredOf(shop.ask() as Verdict).accepts[0]!.extra).to.deep.equal({ peer: "tls://here" });
    shop.channel.isReady = false;
    await shop.gate.sweep();
    expect(requiredOf(shop.ask() as Verdict).accepts.map(({ scheme }) => scheme)).to.deep.equal(["agnt2-call", "exact"]);
  });

  it("decide: a 402 names the URL that was asked for, whatever stands in it and however long it is", () => {
    for (const target of ["/thing/1", "/thing/12", "/thing/123", '/thing/a"b?x="}}', "/thing/%C3%A9?q=a\\b", "/THING/1;x"]) {
      expect(requiredOf(shop.ask({ method: "GET", target }) as Verdict).resource).to.deep.equal({ url: `http://shop${target}` });
    }
    expect(requiredOf(shop.ask({ method: "GET", target: `/thing/${"x".repeat(3_000)}` }) as Verdict).resource).to.deep.equal({ url: "http://shop/thing/" });
    shop.prices.replace(tableOf([{ match: "* /*", price: "1", description: "Täglich „frisch“", mimeType: "text/plain" }]), shop.nowMs);
    expect(requiredOf(shop.ask({ target: "/a" }) as Verdict).resource).to.deep.equal({ url: "http://shop/a", description: "Täglich „frisch“", mimeType: "text/plain" });
  });

  it("decide: names the very request when the client wants that, in our own schemes", () => {
    const required = requiredOf(shop.ask({ method: "GET", target: "/thing/7?x=1", headers: { "agnt2-want": "request-hash" } }) as Verdict);
    expect(required.resource.url).to.equal("http://shop/thing/7?x=1");
    expect(required.accepts.map(({ extra }) => typeof extra["requestHash"])).to.deep.equal(["string", "string", "undefined"]);
    const withBody = requiredOf(shop.ask({ body: "abc", headers: { "agnt2-want": "request-hash" } }) as Verdict);
    expect(withBody.accepts.some(({ extra }) => "requestHash" in extra)).to.equal(false);
    expect(shop.bodiesRead).to.equal(0);
  });

  it("decide: refuses what is not sold, paths with two readings, and OPTIONS that nobody named", () => {
    for (const [options, code, status] of [
      [{ target: "/nothing" }, "route/unknown", 404],
      [{ method: "OPTIONS", target: "/thing/1" }, "route/unknown", 404],
      [{ method: "GET", target: "/thing/../free" }, "door/path", 400],
      [{ method: "GET", target: "/thing/%2e%2e/free" }, "door/path", 400],
      [{ method: "GET", target: "/free//" }, "door/path", 400],
    ] as const) {
      const verdict = shop.ask(options) as Verdict;
      expect(codeOf(verdict)).to.equal(code);
      expect(refusal(verdict).status).to.equal(status);
    }
  });

  it("decide: refuses headers by which a framework would read another path or method", () => {
    const overrides: Record<string, string>[] = [{ "x-original-url": "/work" }, { "x-rewrite-url": "/work" }, { "x-http-method-override": "POST" }, { "x-http-method": "DELETE" }, { "x-method-override": "put" }];
    for (const headers of overrides) {
      expect(codeOf(shop.ask({ method: "GET", target: "/free", headers }) as Verdict)).to.equal("door/path");
    }
    expect((shop.ask({ method: "GET", target: "/free", headers: { "x-original-url": "/free", "x-http-method-override": "GET" } }) as Verdict).kind).to.equal("free");
  });

  it("decide: keeps nothing of a flood of unpaid requests", () => {
    const answers = new Set<unknown>();
    for (let count = 0; count < 30_000; count++) {
      answers.add(refusal(shop.ask({ method: "GET", target: `/thing/${count}`, address: `10.0.${count >> 8}.${count & 255}` })).body);
      answers.add(refusal(shop.ask({ method: "GET", target: `/${"/".repeat(count % 3)}..` })).body);
      answers.add(refusal(shop.ask({ method: `M${count}`, target: "/nothing" })).body);
    }
    // One 402, two kinds of bad path, a few unknown methods and the common one.
    expect(answers.size).to.be.below(30);
    expect(shop.gate.load()).to.deep.equal({ exchanges: 0, verifying: 0, waiters: 0, recentBytes: 0 });
    expect(shop.ledger.unfinished(0, 10)).to.deep.equal([]);
    expect([shop.channel, shop.call, shop.exact].map(({ calls }) => calls.requirement)).to.deep.equal([1, 1, 1]);
  });

  it("decide: asks the new price once it changes, and never makes a priced route free", () => {
    expect(codeOf(shop.ask() as Verdict)).to.equal("payment/required");
    shop.prices.replace(tableOf(ROUTES.map((line) => (line.match === "POST /work" ? { ...line, price: "0.0008" } : line))), shop.nowMs);
    expect(requiredOf(shop.ask() as Verdict).accepts[0]!.amount).to.equal("800000000000000");
    for (const target of ["/WORK", "/work/", "/%77ork", "/work;x", "/work?x"]) expect(refusal(shop.ask({ target })).status, String(canonicalPath(target))).to.equal(402);
  });
});
