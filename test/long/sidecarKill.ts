import { hash } from "node:crypto";
import { join } from "node:path";

import { expect } from "chai";
import type { Wallet } from "ethers";

import { readChannelHistory } from "../builders/channelHistory.ts";
import type { LoggedCalls } from "../builders/channelHistory.ts";
import { readCoreHistory, replicaCaughtUp } from "../builders/coreHistory.ts";
import type { CoreCall, CoreHistory } from "../builders/coreHistory.ts";
import { matchBooks } from "../builders/matchBooks.ts";
import { countOpenReceipts, readBooks, readEntries, readPaidByReceipts } from "../builders/sidecarBooks.ts";
import type { SidecarBooks, WayName } from "../builders/sidecarBooks.ts";
import { SidecarMarket } from "../builders/sidecarMarket.ts";
import type { CoreAccount } from "../builders/sidecarMarket.ts";
import type { SidecarProcess } from "../builders/SidecarProcess.ts";
import { pause, until } from "../builders/until.ts";
import { Random } from "../differential/scenario/Random.ts";

/** Set by `npm run kill:sidecar -- --kills 50 --seed S`. */
const KILLS = Number(process.env["KILLS"] ?? 4);
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PER_KILL_MS = 60_000;
const CLEAR_UP_MS = 90_000;
const GWEI = 1_000_000_000n;
/** Units of the chain that each record costs. */
const FEE = 2;
const PRICE_ETH = "0.000002";
const PRICE: Record<WayName, bigint> = { exact: 300n, call: 2_000_000_000_000n, channel: 2_000_000_000_000n };
/** Programs that ask by channel. */
const CONNECTIONS = 6;
/** Which agent of the settings is asked, in which way it is paid, and by how many programs at once. */
const SHOPS = [
  { agent: "shop", prefix: "/x402", way: "exact", workers: 1 },
  { agent: "calls", prefix: "/call", way: "call", workers: 3 },
  { agent: "shop", prefix: "/talk", way: "channel", workers: CONNECTIONS },
] as const;
const NAMES = ["buyer", "shop", "calls"] as const;
type Name = (typeof NAMES)[number];
type Accounts = Readonly<Record<Name, CoreAccount>>;
/** What may be said of one payment: by the buyer's receipt, and by the seller's ledger when nothing is in doubt there any more. */
const AGREED: readonly string[] = [
  "paid/settled",
  // The answer was lost with a process, and nobody has asked for it again; what the chain has is looked up when the payment's time is over.
  "open/settled", "open/released", "open/claimed", "open/none", "reserved/none", "unknown/settled", "unknown/released", "unknown/claimed", "unknown/none",
  // It was given back, or taken back.
  "dead/released", "dead/claimed", "dead/none",
];

const isPaid = ({ status }: { readonly status: number | undefined }): boolean => status === 0;
const sumOf = (calls: LoggedCalls): bigint => [...calls.values()].filter(isPaid).reduce((sum, { priceUnits }) => sum + BigInt(priceUnits), 0n) * GWEI;
const channelsOf = ({ setup }: SidecarProcess): ReturnType<typeof readChannelHistory> => readChannelHistory(join(setup.dataDir, "channels"));

interface Said {
  readonly number: number;
  readonly way: WayName;
  /** The program got the answer that it asked for. */
  isAnswered: boolean;
}

describe("sidecars under kill -9", function () {
  this.timeout(300_000 + KILLS * PER_KILL_MS);
  const random = new Random(SEED);
  let market: SidecarMarket;
  let upstream: string;
  let owners: Record<Name, Wallet>;
  let sidecars: Record<Name, SidecarProcess>;
  const asked: Said[] = [];
  let isLoading = true;

  before(async () => {
    market = await SidecarMarket.start();
    upstream = await market.nodeService();
    owners = { buyer: await market.wallet(1_000_000n), shop: await market.wallet(), calls: await market.wallet() };
    const routes = [{ match: "* /x402/*", x402: { [market.dollar]: "0.0003" }, timeoutMs: 5_000 }, { match: "* /*", price: PRICE_ETH, timeoutMs: 5_000 }];
    sidecars = {
      shop: await market.sidecar("shop", owners.shop.privateKey, { routes, settings: { upstream, identity: "account,session", matchMs: "2000" } }),
      calls: await market.sidecar("calls", owners.calls.privateKey, { routes, settings: { upstream, identity: "account,session", ways: "call" } }),
      buyer: await market.sidecar("buyer", owners.buyer.privateKey, { settings: { buyAssets: market.dollar, buyPerDay: "0.5", deposit: "0.5", sessionCap: "0.5", promoteCalls: 3, promoteDeposit: "0.2", identity: "account,session" } }),
    };
    sidecars.buyer.settings["buyAgents"] = `shop=${sidecars.shop.url},calls=${sidecars.calls.url}`;
    await Promise.all(Object.values(sidecars).map((sidecar) => sidecar.start()));
  });
  after(() => market?.stop());
  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    for (const sidecar of Object.values(sidecars)) process.stderr.write(`--- ${sidecar.setup.name}\n${sidecar.program.output.slice(-4_000)}\n`);
  });

  /** A program that asks and asks, never twice for the same: what it did not get it does not know about. */
  async function work({ agent, prefix, way }: (typeof SHOPS)[number]): Promise<void> {
    while (isLoading) {
      const said: Said = { number: asked.length + 1, way, isAnswered: false };
      asked.push(said);
      // Half of them may not be repeated by anybody.
      const method = said.number % 2 === 0 ? "POST" : "GET";
      const answer = await fetch(`${sidecars.buyer.remote(agent)}${prefix}/quote?n=${said.number}`, { method, signal: AbortSignal.timeout(20_000), ...(method === "POST" ? { body: "x" } : {}) })
        .then(async (response) => ({ status: response.status, body: await response.text() }))
        // What kills look like from here; the books say afterwards what became of it.
        .catch(() => ({ status: 0, body: "" }));
      said.isAnswered = answer.status === 200 && (JSON.parse(answer.body) as { number: string }).number === String(said.number);
      if (!said.isAnswered) await pause(50);
    }
  }
  const answered = (way?: WayName): number => asked.filter((said) => said.isAnswered && (way === undefined || said.way === way)).length;
  async function progress(by: number): Promise<void> {
    const before = new Map(SHOPS.map(({ way }) => [way, answered(way)]));
    await until("answers come again in every way", () => SHOPS.every(({ way }) => answered(way) >= before.get(way)! + by), PER_KILL_MS);
  }
  /** Without another request all that is in doubt is found out, but for what the buyer has to wait for: the end of a payment's time. */
  async function clearUp(): Promise<void> {
    for (const name of ["shop", "calls"] as const) {
      await until(`${name} knows what became of every answer that it wrote`, () => !readEntries(sidecars[name]).some(({ state }) => state === "answered" || state === "releasing"), CLEAR_UP_MS);
    }
    await until("every call on the channels has an answer", () => [...channelsOf(sidecars.buyer).made.values()].every(({ status }) => status !== undefined), CLEAR_UP_MS);
    await sidecars.buyer.stop();
    await sidecars.buyer.start();
    await until("the receipts agree with the channels", () => countOpenReceipts(sidecars.buyer, "channel") === 0 && readPaidByReceipts(sidecars.buyer) === sumOf(channelsOf(sidecars.buyer).made), CLEAR_UP_MS);
  }

  /** Receipts and ledgers, payment by payment. @returns what is paid without the buyer's knowing it */
  function compareCalls(way: "exact" | "call", buyer: SidecarBooks, sellers: readonly SidecarBooks[]): { readonly unknown: bigint } {
    const entries = sellers.flatMap((books) => books.entries);
    const matched = matchBooks(way, buyer.receipts, entries, (key) => expect.fail(`${key}: the amounts differ`));
    for (const [name, { keys }] of matched) expect(AGREED.includes(name), `${way}: ${name} for ${keys.join(", ")}`).to.equal(true);
    const sum = (...names: readonly string[]): bigint => names.reduce((all, name) => all + (matched.get(name)?.amount ?? 0n), 0n);
    const unknown = sum("open/settled", "unknown/settled");
    const earned = sellers.reduce((all, books) => all + books.earned[way].amount, 0n);
    expect(earned, `${way}: what the sellers have earned is what the buyer knows to be paid, and what it does not know yet`).to.equal(sum("paid/settled") + unknown);
    const notYet = [...matched].filter(([name]) => /^(open|reserved|unknown)/.test(name)).reduce((all, [, { amount }]) => all + amount, 0n);
    expect(buyer.spent[way].amount, `${way}: receipts`).to.equal(sum("paid/settled") + notYet);
    return { unknown };
  }

  /** Every call on the channels in the logs of both sides, in the buyer's receipts, and in the seller's ledger where it is written. */
  function compareChannels(buyer: SidecarBooks, shop: SidecarBooks, logs: { readonly made: LoggedCalls; readonly taken: LoggedCalls }): { readonly summedUp: bigint; readonly disputed: number } {
    const { made, taken } = logs;
    expect(new Map([...made].sort()), "both logs say the same of every call").to.deep.equal(new Map([...taken].sort()));
    const paid = sumOf(made);
    expect([buyer.channelPaid, shop.channelEarned, buyer.spent.channel.amount, buyer.channelOpen]).to.deep.equal([paid, paid, paid, 0n]);
    const receipts = buyer.receipts.filter(({ way }) => way === "channel");
    const own = new Map(receipts.filter(({ key }) => !key.endsWith(":0")).map((receipt) => [receipt.key, receipt]));
    const isBooked = (key: string): boolean => ["paid", "disputed"].includes(own.get(key)?.state ?? "none");
    expect([...own.keys()].filter((key) => isBooked(key) && !isPaid(made.get(key)!)), "receipts of what was not paid").to.deep.equal([]);
    // Paid by a seller's last word, whose answer died with it: of what may be repeated it keeps none, so it refuses who asks again, who has no right answer then.
    const disputed = [...own.values()].filter(({ state }) => state === "disputed");
    expect(disputed.filter(({ method, status }) => method !== "GET" || status === 200), "answers that are not what the seller has signed").to.deep.equal([]);
    // What a process did not live to write down is in receipts that sum it up, to the unit.
    const summedUp = receipts.filter(({ key }) => key.endsWith(":0")).reduce((sum, { amount }) => sum + amount, 0n);
    const unwritten = [...made].filter(([key, call]) => isPaid(call) && !isBooked(key)).reduce((sum, [, { priceUnits }]) => sum + BigInt(priceUnits), 0n) * GWEI;
    expect(summedUp).to.equal(unwritten);
    // The ledger has those that may not be repeated.
    for (const { key, way, state, answerHash } of shop.entries) {
      if (way !== "channel") continue;
      const call = taken.get(key)!;
      expect([key, state === "settled", state], "the ledger and the channel").to.deep.equal([key, isPaid(call), isPaid(call) ? "settled" : "released"]);
      if (isPaid(call)) expect(call.answerHash).to.equal(answerHash);
    }
    const written = new Set(shop.entries.map(({ key }) => key));
    expect([...own.values()].filter(({ key, method, state }) => method === "POST" && state === "paid" && !written.has(key)), "paid and not in the ledger").to.deep.equal([]);
    return { summedUp, disputed: disputed.length };
  }

  /**
   * The chain itself, record by record: every call that it has paid is in its seller's ledger and no other, every account has what its calls
   * and fees come to, and the buyer has a receipt for every call, but for those of which it knows that it may have made them.
   */
  function compareWithCore({ calls, records }: CoreHistory, buyer: SidecarBooks, sellers: readonly SidecarBooks[], before: Accounts, after: Accounts): { readonly nameless: number } {
    const ended = (end: CoreCall["end"]): string[] => [...calls].filter(([, call]) => call.end === end).map(([key]) => key).sort();
    const settled = sellers.flatMap(({ entries }) => entries).filter(({ way, state }) => way === "call" && state === "settled").map(({ key }) => key).sort();
    expect(settled, "calls that the chain has paid").to.deep.equal(ended("PAID"));
    const receipts = buyer.receipts.filter(({ way }) => way === "call");
    const stateOf = new Map(receipts.map(({ key, state }) => [key, state]));
    for (const [key, { end }] of calls) {
      const state = stateOf.get(key);
      if (state === "paid") expect([key, end]).to.deep.equal([key, "PAID"]);
      if (state === "dead") expect([key, end]).to.deep.equal([key, "REFUNDED"]);
    }
    const nameless = [...calls.keys()].filter((key) => !stateOf.has(key)).length;
    const uncertain = receipts.filter(({ key, state }) => state !== "dead" && !/^call:\d+$/.test(key)).length;
    expect(nameless, "calls without a receipt of their own").to.be.at.most(uncertain);
    for (const name of NAMES) {
      const { index } = after[name];
      const sum = (of: (call: CoreCall) => number): number => [...calls.values()].reduce((all, call) => all + of(call), 0);
      const spent = sum(({ requester, end, units }) => (requester === index && end !== "REFUNDED" ? units : 0));
      const earned = sum(({ provider, end, units }) => (provider === index && end === "PAID" ? units : 0));
      expect(after[name].balance - before[name].balance, `what ${name} has`).to.equal(earned - spent - FEE * (records.get(index) ?? 0));
    }
    return { nameless };
  }

  it(`either side is killed ${KILLS} times at random moments (SEED=${SEED}): nothing is paid twice, nothing acknowledged is lost, money sums`, async () => {
    const before = { buyer: await market.account(owners.buyer.address), shop: await market.account(owners.shop.address), calls: await market.account(owners.calls.address) };
    const firstReceipt = await replicaCaughtUp(market.network, NAMES.map((name) => owners[name].address));
    const kills: Record<Name, number> = { buyer: 0, shop: 0, calls: 0 };
    const workers = SHOPS.flatMap((shop) => Array.from({ length: shop.workers }, () => work(shop)));
    await progress(5);
    const beganMs = Date.now();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const name = random.pick(NAMES);
      kills[name] += 1;
      await pause(random.below(400));
      await sidecars[name].kill();
      await sidecars[name].start();
      if (kill % 2 === 1) await progress(1);
      if (kill % 10 === 9) console.log(`      ${kill + 1} kills, ${asked.length} asked, ${answered()} answered`);
    }
    const tookMs = Date.now() - beganMs;
    await progress(3);
    isLoading = false;
    await Promise.all(workers);
    await clearUp();
    await replicaCaughtUp(market.network, NAMES.map((name) => owners[name].address), CLEAR_UP_MS);
    for (const sidecar of Object.values(sidecars)) await sidecar.stop();
    const logs = { made: channelsOf(sidecars.buyer).made, taken: channelsOf(sidecars.shop).taken };
    const [buyer, shop, calls] = (await readBooks(market, NAMES.map((name) => ({ sidecar: sidecars[name], owner: owners[name] })))) as [SidecarBooks, SidecarBooks, SidecarBooks];

    const [exact, call] = [compareCalls("exact", buyer, [shop, calls]), compareCalls("call", buyer, [shop, calls])];
    const { summedUp, disputed } = compareChannels(buyer, shop, logs);
    expect(disputed).to.be.at.most(kills.shop * CONNECTIONS);

    // Each question was paid once at most, whatever its receipts are called, and always when it was answered.
    const settled = new Set([...shop.entries, ...calls.entries].filter(({ state }) => state === "settled").map(({ key }) => key));
    const isTaken = (key: string): boolean => settled.has(key) || isPaid(logs.made.get(key) ?? { status: undefined });
    const hashOf = ({ number }: Said): string => `0x${hash("sha256", `?n=${number}`)}`;
    const receiptsOf = Map.groupBy(buyer.receipts, ({ queryHash }) => queryHash);
    const paymentsFor = (said: Said): number => (receiptsOf.get(hashOf(said)) ?? []).filter(({ key }) => isTaken(key)).length;
    expect(asked.filter((said) => paymentsFor(said) > 1), "paid twice").to.deep.equal([]);
    const unpaid = asked.filter((said) => said.isAnswered && paymentsFor(said) === 0);
    // On a channel a receipt may go with the process; what it was for is summed up then.
    const unwritten = unpaid.filter((said) => !receiptsOf.has(hashOf(said)));
    expect(BigInt(unwritten.length) <= summedUp / PRICE.channel, `${unwritten.length} answered calls without a receipt, ${summedUp} summed up`).to.equal(true);
    // A seller that dies between the answer and its disk has answered for nothing: on a channel, what may be repeated, and only what ran at that moment.
    const free = unpaid.filter((said) => receiptsOf.has(hashOf(said)));
    expect(free.length).to.be.at.most(kills.shop * CONNECTIONS);
    expect(unpaid.filter(({ way }) => way !== "channel"), "answered and in nobody's books").to.deep.equal([]);
    expect(free.filter(({ number }) => number % 2 === 0), "a POST that was answered for nothing").to.deep.equal([]);

    // The chains say the same as the books.
    const transfers = await market.dollarTransfers(owners.buyer.address, owners.shop.address);
    expect(transfers.reduce((sum, amount) => sum + amount, 0n)).to.equal(shop.earned.exact.amount);
    const after = { buyer: await market.account(owners.buyer.address), shop: await market.account(owners.shop.address), calls: await market.account(owners.calls.address) };
    const { nameless } = compareWithCore(await readCoreHistory(market.network, firstReceipt), buyer, [shop, calls], before, after);
    const ways = SHOPS.map(({ way }) => `${way} ${answered(way)}`).join(", ");
    const dead = buyer.receipts.filter(({ state }) => state === "dead").length;
    console.log(`      SEED=${SEED}: ${KILLS} kills in ${Math.round(tookMs / 1_000)} s (${NAMES.map((name) => `${name} ${kills[name]}`).join(", ")}); ${asked.length} asked, ${answered()} answered (${ways})`);
    console.log(`      ${settled.size} settled in ledgers, ${[...logs.made.values()].filter(isPaid).length} paid on channels (${summedUp / PRICE.channel} summed up), ${dead} given back, ${buyer.unsettled.length} not known to the buyer yet, of which ${exact.unknown / PRICE.exact + call.unknown / PRICE.call} paid; ${nameless} calls without a receipt of their own, ${free.length} answers for nothing, ${disputed} paid without their answer`);
  });
});
