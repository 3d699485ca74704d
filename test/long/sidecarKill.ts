import { hash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";
import type { Wallet } from "ethers";

import { readBooks } from "../builders/sidecarBooks.ts";
import type { SidecarBooks, WayName } from "../builders/sidecarBooks.ts";
import { SidecarMarket } from "../builders/sidecarMarket.ts";
import type { SidecarProcess } from "../builders/SidecarProcess.ts";
import { pause, until } from "../builders/until.ts";
import { Random } from "../differential/scenario/Random.ts";

/** Set by `npm run kill:sidecar -- --kills 50 --seed S`. */
const KILLS = Number(process.env["KILLS"] ?? 4);
const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const PER_KILL_MS = 60_000;
const SETTLE_MS = 10_000;
/** Units of the chain that each record costs. */
const FEE = 2n;
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

/** Payments of a running buyer that have no end yet. */
function openReceipts({ setup }: SidecarProcess, way: WayName): number {
  const database = new DatabaseSync(join(setup.dataDir, "buyer", "outbound.sqlite"), { readOnly: true });
  const { count } = database.prepare("SELECT count(*) AS count FROM payments WHERE way = ? AND state IN ('open', 'reserved')").get(way) as { count: number };
  database.close();
  return count;
}

interface Said {
  readonly number: number;
  readonly way: WayName;
  /** The program got the answer that it asked for. */
  isAnswered: boolean;
}

describe("sidecars under kill -9", function () {
  this.timeout(120_000 + KILLS * PER_KILL_MS);
  const random = new Random(SEED);
  let market: SidecarMarket;
  let upstream: string;
  let owners: Record<"buyer" | "shop" | "calls", Wallet>;
  let sidecars: Record<"buyer" | "shop" | "calls", SidecarProcess>;
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
        .catch(() => undefined);
      said.isAnswered = answer?.status === 200 && (JSON.parse(answer.body) as { number: string }).number === String(said.number);
      if (!said.isAnswered) await pause(50);
    }
  }
  const answered = (way?: WayName): number => asked.filter((said) => said.isAnswered && (way === undefined || said.way === way)).length;
  async function progress(by: number): Promise<void> {
    const before = new Map(SHOPS.map(({ way }) => [way, answered(way)]));
    await until("answers come again in every way", () => SHOPS.every(({ way }) => answered(way) >= before.get(way)! + by), PER_KILL_MS);
  }
  /** Base units that are locked in calls which nobody has answered and nobody has taken back yet. */
  async function escrow(books: SidecarBooks): Promise<bigint> {
    let locked = 0n;
    for (const { key, way, amount, payload } of books.unsettled) {
      if (way !== "call" || key === "") continue;
      const { slot } = JSON.parse(payload) as { slot?: number };
      const call = slot === undefined ? undefined : ((await (await fetch(`${market.network.sequencerUrl}/v1/calls/${slot}`)).json()) as { id?: number });
      if (call?.id === Number(key.slice("call:".length))) locked += amount;
    }
    return locked;
  }

  it(`either side is killed ${KILLS} times at random moments (SEED=${SEED}): nothing is paid twice, nothing acknowledged is lost, money sums`, async () => {
    const before = { buyer: await market.account(owners.buyer.address), shop: await market.account(owners.shop.address), calls: await market.account(owners.calls.address) };
    const workers = SHOPS.flatMap((shop) => Array.from({ length: shop.workers }, () => work(shop)));
    await progress(5);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const victim = sidecars[random.pick(["buyer", "shop", "calls"] as const)];
      await pause(random.below(400));
      await victim.kill();
      await victim.start();
      if (kill % 2 === 1) await progress(1);
    }
    await progress(3);
    isLoading = false;
    await Promise.all(workers);
    // Most calls on channels that were open at a kill are answered again, or given up, soon; what is open after that is counted as not known.
    for (const endMs = Date.now() + SETTLE_MS; openReceipts(sidecars.buyer, "channel") > 0 && Date.now() < endMs; ) await pause(200);
    for (const sidecar of Object.values(sidecars)) await sidecar.stop();
    const [buyer, shop, calls] = await readBooks(market, (["buyer", "shop", "calls"] as const).map((name) => ({ sidecar: sidecars[name], owner: owners[name] })));

    // Paid once at most, and always when it was answered.
    const paid = new Map<string, number>();
    for (const { queryHash, state } of buyer!.receipts) if (state === "paid" && queryHash !== "") paid.set(queryHash, (paid.get(queryHash) ?? 0) + 1);
    const open = new Set(buyer!.unsettled.map(({ queryHash }) => queryHash));
    const dead = new Set(buyer!.receipts.filter(({ way, state }) => way === "channel" && state === "dead").map(({ queryHash }) => queryHash));
    const hashOf = ({ number }: Said): string => `0x${hash("sha256", `?n=${number}`)}`;
    expect([...paid.values()].filter((times) => times > 1), "paid twice").to.deep.equal([]);
    // A call on a channel is durable in the channel; its own receipt may be lost with the process, and is then part of one that sums up.
    const summedUp = buyer!.receipts.filter(({ queryHash, way }) => queryHash === "" && way === "channel").reduce((sum, { amount }) => sum + amount / PRICE.channel, 0n);
    const missing = asked.filter((said) => said.isAnswered && !paid.has(hashOf(said)) && !open.has(hashOf(said)) && !dead.has(hashOf(said)));
    // A seller that dies between the answer and its disk has answered for nothing; only on a channel, and only what ran at that moment.
    const free = asked.filter((said) => said.isAnswered && !paid.has(hashOf(said)) && dead.has(hashOf(said))).length;
    expect(free).to.be.at.most(KILLS * CONNECTIONS);
    expect(missing.filter(({ way }) => way !== "channel"), "answered and in nobody's books").to.deep.equal([]);
    // Until it is summed up, the channel itself says what was paid.
    const known = buyer!.spent.channel.amount;
    const behind = known >= buyer!.channelPaid + buyer!.channelOpen ? 0n : (buyer!.channelPaid + buyer!.channelOpen - known) / PRICE.channel;
    expect(BigInt(missing.length) <= summedUp + behind, `${missing.length} answered calls have no receipt, ${summedUp} are summed up, ${behind} are in the channel`).to.equal(true);
    // What both sides have counted is the same, but for what the buyer cannot know yet.
    for (const way of ["exact", "call", "channel"] as const) {
      const sellers = shop!.earned[way].amount + calls!.earned[way].amount;
      const unknown = buyer!.unsettled.filter((receipt) => receipt.way === way).reduce((sum, { amount }) => sum + amount, 0n);
      const spent = buyer!.spent[way].amount;
      if (way === "channel") {
        const earned = shop!.channelEarned + calls!.channelEarned;
        // A call whose receipt went with the process may have its answer on one side only.
        expect([earned >= buyer!.channelPaid, earned <= buyer!.channelPaid + buyer!.channelOpen], `channel: ${buyer!.channelPaid} paid, ${buyer!.channelOpen} open, ${earned} earned`).to.deep.equal([true, true]);
        expect([spent + behind * PRICE.channel >= buyer!.channelPaid, spent - unknown <= buyer!.channelPaid + buyer!.channelOpen], `receipts of ${spent}, ${unknown} not known`).to.deep.equal([true, true]);
      }
      else expect([sellers <= spent, sellers >= spent - unknown], `${way}: ${sellers} earned, ${spent} spent, ${unknown} not known`).to.deep.equal([true, true]);
      expect(spent % PRICE[way]).to.equal(0n);
    }
    // The chains say the same as the books.
    const transfers = await market.dollarTransfers(owners.buyer.address, owners.shop.address);
    expect(transfers.reduce((sum, amount) => sum + amount, 0n)).to.equal(shop!.earned.exact.amount);
    const after = { buyer: await market.account(owners.buyer.address), shop: await market.account(owners.shop.address), calls: await market.account(owners.calls.address) };
    const units = (base: bigint): bigint => base / 1_000_000_000n;
    const records = (name: keyof typeof after): number => after[name].made + after[name].served + after[name].failed - before[name].made - before[name].served - before[name].failed;
    const moved = (name: keyof typeof after): bigint => BigInt(after[name].balance - before[name].balance) + FEE * BigInt(records(name));
    // Every unit is somewhere: earned, locked in an open call, or the fee of a record: of a call that was taken back, and of what was said again after a kill.
    const isFees = (rest: bigint, most: number): boolean => rest >= 0n && rest % FEE === 0n && rest <= FEE * BigInt(most);
    const again = (name: keyof typeof after): number => sidecars[name].lives * 16;
    for (const [name, books] of [["shop", shop!], ["calls", calls!]] as const) {
      const rest = units(books.earned.call.amount) - moved(name);
      expect(isFees(rest, again(name)), `${rest} units of ${name} are nowhere`).to.equal(true);
    }
    const given = -moved("buyer") - units(calls!.earned.call.amount + shop!.earned.call.amount) - units(await escrow(buyer!));
    // Of a call whose id went with the process it is known that it may be locked, not where.
    const nameless = buyer!.unsettled.filter(({ way, key }) => way === "call" && key === "").length;
    const lost = given / units(PRICE.call);
    expect(lost <= BigInt(nameless), `${lost} calls are locked, ${nameless} receipts have no id`).to.equal(true);
    const beyond = given - lost * units(PRICE.call);
    const ended = buyer!.receipts.filter(({ way, state }) => way === "call" && state === "dead").length;
    expect(isFees(beyond, ended + again("buyer")), `${beyond} units of the buyer are nowhere`).to.equal(true);
    console.log(`      SEED=${SEED}: ${KILLS} kills, ${asked.length} asked, ${answered()} answered (${SHOPS.map(({ way }) => `${way} ${answered(way)}`).join(", ")}), ${buyer!.unsettled.length} not known yet, ${free} answered and not charged`);
  });
});
