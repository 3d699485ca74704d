/**
 * `npm run soak [-- --scale 0.01]`: the traffic of 24 hours, as fast as it goes: a buyer's sidecar and two sellers' as processes of their own,
 * paid by channel, call and x402 at the same time. Fails when memory, file handles or disk grow beyond what is documented
 * (scripts/soak/bounds.ts), or when anybody's sums of money differ by a unit.
 */
import { parseArgs } from "node:util";

import type { Wallet } from "ethers";

import { readBooks } from "../test/builders/sidecarBooks.ts";
import { SidecarMarket } from "../test/builders/sidecarMarket.ts";
import type { CoreAccount } from "../test/builders/sidecarMarket.ts";
import type { SidecarProcess } from "../test/builders/SidecarProcess.ts";
import { judge } from "./soak/judge.ts";
import type { Counts } from "./soak/judge.ts";
import { takeSample } from "./soak/sample.ts";
import type { Sample } from "./soak/sample.ts";
import { Traffic } from "./soak/Traffic.ts";

const PRICE_ETH = "0.000000002";
const PRICE_WEI = 2_000_000_000n;
const PRICE_DOLLARS = "0.0001";
const PRICE_DOLLARS_BASE = 100n;
const WEI_PER_UNIT = 1_000_000_000n;
const FEE_UNITS = 2n;
/** How far one kind of traffic may be ahead of the slowest. */
const AHEAD = 0.05;
const NAMES = ["buyer", "talker", "caller"] as const;
type Name = (typeof NAMES)[number];

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "1" }, channel: { type: "string", default: "4900000" }, calls: { type: "string", default: "100000" }, x402: { type: "string", default: "2000" },
    connections: { type: "string", default: "64" }, every: { type: "string", default: "5" }, json: { type: "boolean", default: false },
  },
});
const scaled = (text: string): number => Math.round(Number(text) * Number(values.scale));
const counts: Counts = { channel: scaled(values.channel), call: scaled(values.calls), exact: scaled(values.x402) };
const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  say(`${counts.channel} channel calls, ${counts.call} calls of Layer Core, ${counts.exact} x402 payments`);
  const market = await SidecarMarket.start();
  // Ended by hand, it takes its processes with it.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void market.stop().finally(() => process.exit(130)));
  try {
    const upstream = await market.nodeService();
    const owners: Record<Name, Wallet> = { buyer: await market.wallet(PRICE_DOLLARS_BASE * BigInt(counts.exact) + 1_000n), talker: await market.wallet(), caller: await market.wallet() };
    const routes = [{ match: "* /x402/*", x402: { [market.dollar]: PRICE_DOLLARS } }, { match: "* /*", price: PRICE_ETH }];
    const common = { upstream, identity: "account,session", deposit: "2", sessionCap: "2", logLevel: "warn" };
    const sidecars: Record<Name, SidecarProcess> = {
      talker: await market.sidecar("talker", owners.talker.privateKey, { routes, settings: { ...common, ways: "channel,call" } }),
      caller: await market.sidecar("caller", owners.caller.privateKey, { routes, settings: { ...common, ways: "call,exact" } }),
      buyer: await market.sidecar("buyer", owners.buyer.privateKey, { settings: { identity: "account,session", deposit: "2", sessionCap: "2", logLevel: "warn", buyAssets: market.dollar, buyPerDay: "10", promoteCalls: 3, promoteDeposit: "1", promoteInAll: "10" } }),
    };
    sidecars.buyer.settings["buyAgents"] = `talker=${sidecars.talker.url},caller=${sidecars.caller.url}`;
    await Promise.all(NAMES.map((name) => sidecars[name].start()));
    const gateway = sidecars.buyer.ports.gateway;
    await promote(sidecars);
    const before = await accountsOf(market, owners);
    const kinds = {
      channel: new Traffic({ port: gateway, path: "/agents/talker/quote", total: counts.channel, connections: Number(values.connections) }),
      call: new Traffic({ port: gateway, path: "/agents/caller/quote", total: counts.call, connections: 16 }),
      exact: new Traffic({ port: gateway, path: "/agents/caller/x402/quote", total: counts.exact, connections: 2 }),
    };
    const samples: Record<Name, Sample[]> = { buyer: [], talker: [], caller: [] };
    const startedAt = performance.now();
    const seconds = (): number => (performance.now() - startedAt) / 1_000;
    const part = (): number => Math.min(...Object.values(kinds).map((kind) => kind.part));
    const sampleAll = (): void => {
      for (const name of NAMES) samples[name].push(takeSample(sidecars[name].program.pid, sidecars[name].setup.dataDir, seconds(), part()));
      const last = NAMES.map((name) => `${name} ${samples[name].at(-1)!.rssMiB} MiB, ${samples[name].at(-1)!.handles} handles, ${samples[name].at(-1)!.diskMiB} MiB on disk`);
      const done = Object.entries(kinds).map(([name, kind]) => `${name} ${kind.answered}${kind.refused > 0 ? ` (${kind.refused} refused: ${kind.lastRefusal})` : ""}`);
      say(`${seconds().toFixed(0)} s: ${done.join(", ")} | ${last.join(" | ")}`);
    };
    const timer = setInterval(sampleAll, 1_000 * Number(values.every));
    try {
      await Promise.all(Object.values(kinds).map((kind) => kind.run(() => kind.part <= part() + AHEAD)));
    } finally {
      clearInterval(timer);
    }
    sampleAll();
    const took = seconds();
    for (const name of NAMES) await sidecars[name].stop();
    const problems = [
      ...NAMES.flatMap((name) => judge(name, name === "buyer" ? "buyer" : "seller", samples[name], name === "buyer" ? counts : name === "talker" ? { ...counts, call: 0, exact: 0 } : { ...counts, channel: 0 })),
      ...(await compare(market, sidecars, owners, before)),
    ];
    const report = {
      counts, seconds: Math.round(took), exchangesPerSecond: Math.round((counts.channel + counts.call + counts.exact) / took),
      refused: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, kind.refused])), problems,
      samples: values.json ? samples : Object.fromEntries(NAMES.map((name) => [name, [samples[name][0], samples[name].at(-1)]])),
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return problems.length > 0 ? 1 : 0;
  } finally {
    await market.stop();
  }
}

/** Talks until the pair has its channel: the calls that count go there. */
async function promote(sidecars: Record<Name, SidecarProcess>): Promise<void> {
  for (const endMs = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    await fetch(`${sidecars.buyer.remote("talker")}/quote?n=0`).then((answer) => answer.text());
    if ((await sidecars.talker.settled("channel")) > 0) return;
    if (Date.now() > endMs) throw new Error("the pair got no channel");
  }
}

/** INVOKEs and RESPONDs: each costs a fee. */
function recordsOf({ made, served, failed }: CoreAccount): number {
  return made + served + failed;
}

async function accountsOf(market: SidecarMarket, owners: Record<Name, Wallet>): Promise<Record<Name, CoreAccount>> {
  return Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await market.account(owners[name].address)]))) as Record<Name, CoreAccount>;
}

/** Where buyers, sellers, channels and chains differ, in words. */
async function compare(market: SidecarMarket, sidecars: Record<Name, SidecarProcess>, owners: Record<Name, Wallet>, before: Record<Name, CoreAccount>): Promise<string[]> {
  const [buyer, talker, caller] = await readBooks(market, NAMES.map((name) => ({ sidecar: sidecars[name], owner: owners[name] })), false);
  const after = await accountsOf(market, owners);
  const problems: string[] = [];
  const same = (what: string, ...sums: readonly (bigint | number)[]): void => {
    say(`${what}: ${sums.join(" = ")}`);
    if (sums.some((sum) => BigInt(sum) !== BigInt(sums[0]!))) problems.push(`${what}: ${sums.join(", ")}`);
  };
  same("receipts without an end", buyer!.unsettled.length, 0);
  same("channel, wei: receipts, price times calls, payer's signatures, payee's claims", buyer!.spent.channel.amount, BigInt(buyer!.spent.channel.count) * PRICE_WEI, buyer!.channelPaid, talker!.channelEarned);
  same("calls, wei: receipts, price times calls, sellers' ledgers", buyer!.spent.call.amount, BigInt(buyer!.spent.call.count) * PRICE_WEI, caller!.earned.call.amount + talker!.earned.call.amount);
  same("x402, dollars: receipts, price times payments, ledger", buyer!.spent.exact.amount, BigInt(buyer!.spent.exact.count) * PRICE_DOLLARS_BASE, caller!.earned.exact.amount);
  same("x402, dollars on L1: seller has, buyer has given", await market.dollarsOf(owners.caller.address), PRICE_DOLLARS_BASE * BigInt(counts.exact) + 1_000n - (await market.dollarsOf(owners.buyer.address)), caller!.earned.exact.amount);
  // While it was measured; the few calls before the channel are in the books only.
  const moved = (name: Name): bigint => BigInt(after[name].balance - before[name].balance) + FEE_UNITS * BigInt(recordsOf(after[name]) - recordsOf(before[name]));
  same("calls, units in Layer Core: seller got, its ledger", moved("caller"), caller!.earned.call.amount / WEI_PER_UNIT);
  same("calls, units in Layer Core: sellers got, buyer gave", moved("caller") + moved("talker"), -moved("buyer"));
  return problems;
}

process.exitCode = await main();
