import { expect } from "chai";

import { canonicalPath } from "../../../sidecar/pricing/canonicalPath.ts";
import { PriceBook } from "../../../sidecar/pricing/PriceBook.ts";
import { PricingError } from "../../../sidecar/pricing/PricingError.ts";
import { flatPricing, parsePricing, tokensOf } from "../../../sidecar/pricing/pricingSchema.ts";
import { RouteTable } from "../../../sidecar/pricing/RouteTable.ts";
import type { PricingAssets } from "../../../sidecar/pricing/RouteTable.ts";

const ETH = "0x0000000000000000000000000000000000000000";
const TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const ASSETS: PricingAssets = { chain: { asset: ETH, decimals: 18 }, decimalsOf: (token) => (token === TOKEN ? 6 : undefined) };

const table = (routes: readonly object[], quoteSeconds = 60): RouteTable => new RouteTable(parsePricing({ routes, quoteSeconds }), ASSETS);
const found = (routes: RouteTable, method: string, target: string): string | undefined => routes.find(method, canonicalPath(target) as string)?.match;

function problemsOf(make: () => unknown): readonly string[] {
  try {
    make();
  } catch (error) {
    expect(error).to.be.instanceOf(PricingError);
    expect((error as PricingError).code).to.equal("pricing/invalid");
    return (error as PricingError<"pricing/invalid">).payload.problems;
  }
  throw new Error("nothing was refused");
}

describe("price lists", () => {
  it("parsePricing: reads the list of the protocol page", () => {
    const document = parsePricing(`
routes:
  - match: GET /health
    free: true
  - match: POST /translate
    price: "0.0004"
    x402: { "${TOKEN}": "0.01" }
    stream: false
    timeoutMs: 30000
  - match: "* /*"
    price: "0.0001"
`);
    expect(tokensOf(document)).to.deep.equal([TOKEN]);
    const routes = new RouteTable(document, ASSETS);
    const [free, translate, rest] = routes.routes;
    expect(free!.isFree).to.equal(true);
    expect(translate!.pricesFor("call")).to.deep.equal([{ amount: 400_000_000_000_000n, asset: ETH }]);
    expect(translate!.pricesFor("channel")).to.deep.equal(translate!.pricesFor("call"));
    expect(translate!.pricesFor("exact")).to.deep.equal([{ amount: 10_000n, asset: TOKEN }]);
    expect(rest!.pricesFor("exact")).to.deep.equal([]);
    expect(routes.quoteMs).to.equal(60_000);
    expect([translate!.timeoutMs, translate!.holdBytes, translate!.isStream]).to.deep.equal([30_000, 2 ** 20, false]);
    expect([101, 200, 204, 304, 399, 400, 404, 500, 599, 99, 1_000].map((status) => translate!.isCharged(status))).to.deep.equal([true, true, true, true, true, false, false, false, false, false, false]);
  });

  it("parsePricing: keeps amounts to the last unit", () => {
    const price = (text: string) => new RouteTable(flatPricing(text), ASSETS).routes[0]!.pricesFor("call")[0]!.amount;
    expect(price("0.000000000000000001")).to.equal(1n);
    expect(price("12345678901234567890.123456789012345678")).to.equal(12345678901234567890123456789012345678n);
    expect(problemsOf(() => price("0.0000000000000000001"))[0]).to.contain("decimal places");
  });

  const BAD: readonly (readonly [string, unknown])[] = [
    ["a price that is a number", { match: "GET /a", price: 0.1 }],
    ["a price of nothing", { match: "GET /a", price: "0.000" }],
    ["a negative price", { match: "GET /a", price: "-1" }],
    ["an exponent", { match: "GET /a", price: "1e3" }],
    ["free with a price", { match: "GET /a", free: true, price: "1" }],
    ["neither free nor priced", { match: "GET /a" }],
    ["an empty list of tokens", { match: "GET /a", x402: {} }],
    ["free: false", { match: "GET /a", free: false, price: "1" }],
    ["a key that does not exist", { match: "GET /a", prize: "1", price: "1" }],
    ["a method in small letters", { match: "get /a", price: "1" }],
    ["CONNECT", { match: "CONNECT /a", price: "1" }],
    ["a match without a path", { match: "GET", price: "1" }],
    ["a path without a slash", { match: "GET a", price: "1" }],
    ["two dots", { match: "GET /a/../b", price: "1" }],
    ["a star in the middle", { match: "GET /a/*/b", price: "1" }],
    ["a star within a segment", { match: "GET /a*", price: "1" }],
    ["a query", { match: "GET /a?b", price: "1" }],
    ["a parameter without a name", { match: "GET /a/:", price: "1" }],
    ["a token whose decimals nobody knows", { match: "GET /a", x402: { "0x00000000000000000000000000000000000000AA": "1" } }],
    ["an address with a wrong checksum", { match: "GET /a", x402: { [TOKEN.replace("F", "f")]: "1" } }],
    ["one token twice", { match: "GET /a", x402: { [TOKEN]: "1", [TOKEN.toLowerCase()]: "2" } }],
    ["more than 2^256", { match: "GET /a", price: "9".repeat(60) }],
    ["a status that is none", { match: "GET /a", price: "1", charge: ["900"] }],
  ];
  for (const [what, line] of BAD) it(`RouteTable: refuses ${what}`, () => expect(problemsOf(() => table([line as object]))).to.have.length(1));

  it("RouteTable: refuses two lines that a loose service could not tell apart", () => {
    for (const other of ["GET /A", "GET /a/", "GET /%61", "GET /a;x"]) expect(problemsOf(() => table([{ match: "GET /a", free: true }, { match: other, price: "1" }]))).to.have.length(1);
    expect(problemsOf(() => table([{ match: "GET /a/:x", free: true }, { match: "GET /a/:y", price: "1" }]))).to.have.length(1);
  });

  it("parsePricing: refuses an empty list, text that is no YAML, and no document at all", () => {
    for (const input of [{ routes: [] }, "routes: [", "routes: {", null, 7, "", { route: [] }]) expect(problemsOf(() => parsePricing(input))).to.not.be.empty;
  });

  it("RouteTable: lets the first line that matches win", () => {
    const routes = table([
      { match: "GET /health", free: true },
      { match: "* /a/:id/x", price: "1" },
      { match: "POST /a/*", price: "2" },
      { match: "GET /a/b/x", price: "3" },
      { match: "OPTIONS /*", free: true },
      { match: "HEAD /h", price: "4" },
      { match: "GET /h", price: "5" },
      { match: "* /*", price: "6" },
    ]);
    const CASES: readonly (readonly [string, string, string | undefined])[] = [
      ["GET", "/health", "GET /health"], ["GET", "/health/", "GET /health"], ["GET", "/HEALTH?x", "GET /health"], ["HEAD", "/health", "GET /health"], ["POST", "/health", "* /*"], ["GET", "/health/x", "* /*"],
      ["GET", "/a/b/x", "* /a/:id/x"], ["POST", "/a/b/x", "* /a/:id/x"], ["POST", "/a/b/y", "POST /a/*"], ["POST", "/a", "POST /a/*"], ["POST", "/a/", "POST /a/*"], ["POST", "/ab", "* /*"], ["GET", "/a/b/x/y", "* /*"],
      ["OPTIONS", "/a/b/x", "OPTIONS /*"], ["OPTIONS", "/", "OPTIONS /*"], ["HEAD", "/h", "HEAD /h"], ["GET", "/h", "GET /h"], ["GET", "/", "* /*"], ["PROPFIND", "/z", "* /*"], ["TRACE", "/z", undefined], ["CONNECT", "/z", undefined],
    ];
    for (const [method, target, match] of CASES) expect(found(routes, method, target), `${method} ${target}`).to.equal(match);
  });

  it("RouteTable: agrees with a search line by line, on random lists", () => {
    let seed = 12345;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
    for (let round = 0; round < 60; round++) {
      const lines = new Map<string, object>();
      for (let count = 0; count < 1 + random(12); count++) {
        const segments = Array.from({ length: random(4) }, () => pick(["a", "b", "c", ":id"]));
        const match = `${pick(["GET", "POST", "*", "HEAD"])} /${[...segments, ...(random(3) === 0 ? ["*"] : [])].join("/")}`;
        lines.set(match, { match, free: true });
      }
      const routes = table([...lines.values()]);
      for (let count = 0; count < 60; count++) {
        const method = pick(["GET", "POST", "HEAD", "OPTIONS"]);
        const parts = Array.from({ length: random(5) }, () => pick(["a", "b", "c", "d"]));
        const naive = [...lines.keys()].find((line) => {
          const [wanted, pattern] = line.split(" ") as [string, string];
          if (!(wanted === method || (wanted === "*" && method !== "OPTIONS") || (wanted === "GET" && method === "HEAD"))) return false;
          const own = pattern.split("/").slice(1).filter((part) => part !== "");
          const isOpen = own.at(-1) === "*";
          const fixed = isOpen ? own.slice(0, -1) : own;
          return (isOpen ? parts.length >= fixed.length : parts.length === fixed.length) && fixed.every((part, at) => part.startsWith(":") || part === parts[at]);
        });
        expect(found(routes, method, `/${parts.join("/")}`), `${method} /${parts.join("/")} in ${[...lines.keys()].join(", ")}`).to.equal(naive);
      }
    }
  });

  it("RouteTable: finds nothing where nothing is sold", () => {
    const routes = table([{ match: "GET /a", price: "1" }]);
    expect(found(routes, "GET", "/b")).to.equal(undefined);
    expect(found(routes, "POST", "/a")).to.equal(undefined);
    expect(found(routes, "OPTIONS", "/a")).to.equal(undefined);
  });
});

describe("prices that change", () => {
  it("PriceBook: keeps the table before for as long as it said, and no longer", () => {
    const [first, second, third] = [table([{ match: "* /*", price: "1" }], 10), table([{ match: "* /*", price: "2" }], 5), table([{ match: "* /*", price: "3" }])];
    const book = new PriceBook(first);
    expect(book.quoted(0)).to.deep.equal([first]);
    book.replace(second, 1_000);
    expect(book.current).to.equal(second);
    expect(book.quoted(10_999)).to.deep.equal([second, first]);
    book.replace(third, 2_000);
    expect(book.quoted(6_999)).to.deep.equal([third, second, first]);
    expect(book.quoted(7_000)).to.deep.equal([third, first]);
    expect(book.quoted(11_000)).to.deep.equal([third]);
  });

  it("PriceBook: remembers only so many at once", () => {
    const book = new PriceBook(table([{ match: "* /*", price: "1" }]));
    for (let count = 0; count < 100; count++) book.replace(table([{ match: "* /*", price: "1" }]), 0);
    expect(book.quoted(0)).to.have.length(17);
  });
});
