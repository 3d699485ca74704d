import { expect } from "chai";
import type { Wallet } from "ethers";

import { readBooks } from "../builders/sidecarBooks.ts";
import { SidecarMarket } from "../builders/sidecarMarket.ts";
import type { CoreAccount } from "../builders/sidecarMarket.ts";
import type { SidecarProcess } from "../builders/SidecarProcess.ts";
import { until } from "../builders/until.ts";

/** Base units: of the dollar, and of ETH. */
const DOLLARS = 300n;
const PRICE_ETH = "0.000002";
const PRICE_WEI = 2_000_000_000_000n;
/** Units of the chain that each record costs. */
const FEE = 2;
const BY_DOLLAR = 3;
const BY_CALL = 4;
const BY_CHANNEL = 30;

type Name = "python" | "node";
const NAMES: readonly Name[] = ["python", "node"];
const other = (name: Name): Name => (name === "python" ? "node" : "python");

/** Two services that know nothing of payments, each with a sidecar, sell to each other. */
describe("two services behind sidecars", function () {
  this.timeout(120_000);
  let market: SidecarMarket;
  const sidecars = {} as Record<Name, SidecarProcess>;
  const owners = {} as Record<Name, Wallet>;
  /** Paths that each asks the other for, by way. */
  const paths = { python: { dollar: "/x402/b.txt", call: "/a.txt" }, node: { dollar: "/x402/quote", call: "/quote" } } as const;

  before(async () => {
    market = await SidecarMarket.start();
    const upstream = { python: await market.pythonService({ "a.txt": "from python\n", "x402/b.txt": "for dollars\n" }), node: await market.nodeService() };
    for (const name of NAMES) {
      owners[name] = await market.wallet(10_000n);
      sidecars[name] = await market.sidecar(name, owners[name].privateKey, {
        routes: [{ match: "* /x402/*", x402: { [market.dollar]: "0.0003" } }, { match: "* /*", price: PRICE_ETH }],
        settings: { upstream: upstream[name], buyAssets: market.dollar, buyPerDay: "0.005", deposit: "0.01", promoteCalls: BY_CALL, promoteMs: 600_000, promoteDeposit: "0.001" },
      });
    }
    for (const name of NAMES) sidecars[name].settings["buyAgents"] = `${other(name)}=${sidecars[other(name)].url}`;
    await Promise.all(NAMES.map((name) => sidecars[name].start()));
  });
  after(() => market?.stop());
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const name of NAMES) {
      const metrics = await sidecars[name]?.metrics().catch(() => "");
      process.stderr.write(`--- ${name}\n${sidecars[name]?.program.output.slice(-4_000)}\n${metrics?.split("\n").filter((line) => /^agnt2_sidecar_(payments|refused|bought|channels)/.test(line)).join("\n")}\n`);
    }
  });

  /** Asks the other's service through the own sidecar. */
  async function buy(name: Name, path: string): Promise<string> {
    const answer = await fetch(`${sidecars[name].remote(other(name))}${path}`);
    const body = await answer.text();
    expect(answer.status, body).to.equal(200);
    return body;
  }
  const accounts = async (): Promise<Record<Name, CoreAccount>> => ({ python: await market.account(owners.python.address), node: await market.account(owners.node.address) });

  it("exact: each buys from the other in dollars, to the last unit", async () => {
    for (const name of NAMES) for (let i = 0; i < BY_DOLLAR; i += 1) expect(await buy(name, paths[other(name)].dollar)).to.include(name === "node" ? "for dollars" : "/x402/quote");
    for (const name of NAMES) {
      expect(await market.dollarTransfers(owners[name].address, owners[other(name)].address)).to.deep.equal(Array(BY_DOLLAR).fill(DOLLARS));
      expect(await market.dollarsOf(owners[name].address)).to.equal(10_000n);
    }
  });

  it("agnt2-call: each buys from the other for calls of Layer Core, to the last unit", async () => {
    const before = await accounts();
    // Fewer than would open a channel.
    for (const name of NAMES) for (let i = 0; i < BY_CALL - 1; i += 1) expect(await buy(name, paths[other(name)].call)).to.include(name === "node" ? "from python" : "/quote");
    const after = await accounts();
    for (const name of NAMES) {
      const records = after[name].made + after[name].served - before[name].made - before[name].served;
      expect(records, "an INVOKE and a RESPOND each time").to.equal(2 * (BY_CALL - 1));
      // What each earned and spent is the same; what is left is fees.
      expect(before[name].balance - after[name].balance).to.equal(FEE * records);
    }
  });

  it("agnt2-channel: a chatty pair moves to channels by itself, and is paid to the last unit", async () => {
    for (const name of NAMES) {
      await until(`${name} buys on a channel`, async () => {
        await buy(name, paths[other(name)].call);
        return (await sidecars[other(name)].settled("channel")) > 0;
      }, 30_000);
      for (let i = 0; i < BY_CHANNEL; i += 1) await buy(name, paths[other(name)].call);
    }
  });

  it("books: buyers, sellers, channels and chains say the same", async () => {
    await Promise.all(NAMES.map((name) => sidecars[name].stop()));
    const books = await readBooks(market, NAMES.map((name) => ({ sidecar: sidecars[name], owner: owners[name] })));
    for (const [place, payer] of books.entries()) {
      const payee = books[1 - place]!;
      expect(payer.receipts.filter(({ state }) => state !== "paid")).to.deep.equal([]);
      expect(payer.spent.exact).to.deep.equal({ count: BY_DOLLAR, amount: DOLLARS * BigInt(BY_DOLLAR) });
      expect(payee.earned.exact).to.deep.equal(payer.spent.exact);
      expect(payer.spent.call.amount).to.equal(BigInt(payer.spent.call.count) * PRICE_WEI);
      expect(payee.earned.call).to.deep.equal(payer.spent.call);
      const { count, amount } = payer.spent.channel;
      expect(count).to.be.greaterThan(BY_CHANNEL);
      expect([amount, payer.channelPaid, payee.channelEarned]).to.deep.equal(Array(3).fill(BigInt(count) * PRICE_WEI));
    }
  });
});
