/**
 * `npm run soak [-- --scale 0.01]`: the traffic of 24 hours, as fast as it goes: a buyer's sidecar and two sellers' as processes of their own,
 * paid by channel, call and x402 at the same time. Fails when memory, file handles or disk grow beyond what is documented
 * (scripts/soak/bounds.ts), or when anybody's sums of money differ by a unit. Ctrl-C ends the traffic and says what there was; twice, at once.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";

import type { Wallet } from "ethers";

import { OUTBOUND_FILE } from "../sidecar/outbound/store/PaymentStore.ts";
import { freePort } from "../test/builders/localChain.ts";
import { readBooks } from "../test/builders/sidecarBooks.ts";
import { SidecarMarket } from "../test/builders/sidecarMarket.ts";
import type { CoreAccount } from "../test/builders/sidecarMarket.ts";
import type { SidecarProcess } from "../test/builders/SidecarProcess.ts";
import { BOUNDS } from "./soak/bounds.ts";
import { Inspector } from "./soak/Inspector.ts";
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
/** How far calls and x402 may be ahead of the channel, so that all three run all the time. */
const AHEAD = 0.005;
/** Live heaps are measured so many times in a run, and at least so often. */
const HEAPS = 12;
const HEAP_SECONDS = 60;
/** Receipts that the buyer keeps, as a part of those of its channel: pruning has to happen in every run. */
const KEPT_PART = 0.1;
const LEAST_KEPT = 1_000;
/** As long as no receipt finds its end: a call's deadline, the margins for clocks, and the next look. */
const KNOWN_MS = 300_000;
const REPLICA_MS = 1_000;
const RETRY_MS = 5_000;
const STOP_MS = 20_000;
const NAMES = ["buyer", "talker", "caller"] as const;
type Name = (typeof NAMES)[number];

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "1" }, channel: { type: "string", default: "4900000" }, calls: { type: "string", default: "100000" }, x402: { type: "string", default: "2000" },
    connections: { type: "string", default: "128" }, "call-connections": { type: "string", default: "48" }, "x402-connections": { type: "string", default: "8" },
    minutes: { type: "string" }, every: { type: "string", default: "5" }, profile: { type: "string" }, json: { type: "boolean", default: false },
  },
});
const scaled = (text: string): number => Math.round(Number(text) * Number(values.scale));
const planned: Counts = { channel: scaled(values.channel), call: scaled(values.calls), exact: scaled(values.x402) };
const keepReceipts = Math.max(LEAST_KEPT, Math.round(planned.channel * KEPT_PART));
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Why the traffic ended. */
type Ended = "whole" | "by hand" | "by time";

interface Watched {
  readonly sidecar: SidecarProcess;
  readonly inspectPort: number;
  readonly samples: Sample[];
  inspector?: Inspector;
}

async function main(): Promise<number> {
  say(`${planned.channel} channel calls, ${planned.call} calls of Layer Core, ${planned.exact} x402 payments`);
  const market = await SidecarMarket.start();
  let kinds: Record<keyof Counts, Traffic> | undefined;
  let ended = "whole" as Ended;
  const end = (why: Ended): void => {
    ended = why;
    for (const kind of Object.values(kinds ?? {})) kind.stop();
  };
  // Ended by hand, it says what it had, and takes its processes with it.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (kinds === undefined || ended === "by hand") {
        // What does not end by then is left.
        setTimeout(() => process.exit(130), STOP_MS).unref();
        return void Promise.all([...market.sidecars, ...market.programs].map((program) => program.kill())).then(() => market.stop()).finally(() => process.exit(130));
      }
      say("No more is asked; what was asked is waited for. Once more ends it at once.");
      end("by hand");
    });
  }
  try {
    const upstream = await market.nodeService();
    const owners: Record<Name, Wallet> = { buyer: await market.wallet(PRICE_DOLLARS_BASE * BigInt(planned.exact) + 1_000n), talker: await market.wallet(), caller: await market.wallet() };
    const watched = await startSidecars(market, upstream, owners);
    const { buyer, talker } = watched;
    await promote(buyer.sidecar, talker.sidecar);
    for (const each of Object.values(watched)) each.inspector = await Inspector.connect(each.inspectPort);
    const before = await coreState(market, owners);
    const port = buyer.sidecar.ports.gateway;
    kinds = {
      channel: new Traffic({ port, path: "/agents/talker/quote", total: planned.channel, connections: Number(values.connections) }),
      call: new Traffic({ port, path: "/agents/caller/quote", total: planned.call, connections: Number(values["call-connections"]) }),
      exact: new Traffic({ port, path: "/agents/caller/x402/quote", total: planned.exact, connections: Number(values["x402-connections"]) }),
    };
    const timer = values.minutes === undefined ? undefined : setTimeout(() => end("by time"), 60_000 * Number(values.minutes));
    const took = await run(kinds, watched).finally(() => clearTimeout(timer));
    await untilKnown(buyer.sidecar);
    for (const { inspector, sidecar } of Object.values(watched)) {
      inspector?.close();
      await sidecar.stop();
    }
    const done: Counts = { channel: kinds.channel.answered, call: kinds.call.answered, exact: kinds.exact.answered };
    const problems = [
      ...NAMES.flatMap((name) => judge(name, name === "buyer" ? "buyer" : "seller", watched[name].samples, name === "buyer" ? done : name === "talker" ? { ...done, call: 0, exact: 0 } : { ...done, channel: 0 }, keepReceipts)),
      ...(await compare(market, watched, owners, before)),
    ];
    const of = <T>(what: (each: Watched) => T): Record<string, T> => Object.fromEntries(NAMES.map((name) => [name, what(watched[name])]));
    const report = {
      ended, planned, done, refused: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, kind.refused])), seconds: Math.round(took),
      exchangesPerSecond: Math.round((done.channel + done.call + done.exact) / took), keepReceipts, bounds: BOUNDS, problems,
      most: of(({ samples }) => ({ rssMiB: Math.max(...samples.map(({ rssMiB }) => rssMiB)), handles: Math.max(...samples.map(({ handles }) => handles)), diskMiB: Math.max(...samples.map(({ diskMiB }) => diskMiB)) })),
      heaps: of(({ samples }) => samples.flatMap(({ part, heapMiB, externalMiB }) => (heapMiB === undefined ? [] : [[part, heapMiB, externalMiB]]))),
      cpuSeconds: of(({ samples }) => samples.at(-1)!.cpuSeconds),
      ...(values.json ? { samples: of(({ samples }) => samples) } : {}),
    };
    process.stdout.write(`${JSON.stringify(report, null, values.json ? undefined : 2)}\n`);
    for (const problem of problems) say(`FAILED: ${problem}`);
    return problems.length > 0 ? 1 : ended === "by hand" ? 130 : 0;
  } finally {
    await market.stop();
  }
}

async function startSidecars(market: SidecarMarket, upstream: string, owners: Record<Name, Wallet>): Promise<Record<Name, Watched>> {
  const routes = [{ match: "* /x402/*", x402: { [market.dollar]: PRICE_DOLLARS } }, { match: "* /*", price: PRICE_ETH }];
  const common = { identity: "account,session", deposit: "2", sessionCap: "2", logLevel: "warn" };
  const make = async (name: Name, options: NonNullable<Parameters<SidecarMarket["sidecar"]>[2]>): Promise<Watched> => {
    const inspectPort = await freePort();
    const profile = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}/${name}`];
    const nodeFlags = [`--max-old-space-size=${BOUNDS.oldSpaceMiB}`, `--inspect=127.0.0.1:${inspectPort}`, ...profile];
    return { sidecar: await market.sidecar(name, owners[name].privateKey, { ...options, nodeFlags }), inspectPort, samples: [] };
  };
  const [talker, caller] = [await make("talker", { routes, settings: { ...common, upstream, ways: "channel,call" } }), await make("caller", { routes, settings: { ...common, upstream, ways: "call,exact" } })];
  const buyAgents = `talker=${talker.sidecar.url},caller=${caller.sidecar.url}`;
  const buyer = await make("buyer", { settings: { ...common, buyAgents, buyAssets: market.dollar, buyPerDay: "10", promoteCalls: 3, promoteDeposit: "1", promoteInAll: "10", keepReceipts } });
  await Promise.all([talker, caller, buyer].map(({ sidecar }) => sidecar.start()));
  return { buyer, talker, caller };
}

/** All traffic at once, watched. @returns seconds */
async function run(kinds: Record<keyof Counts, Traffic>, watched: Record<Name, Watched>): Promise<number> {
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  const sum = (of: "answered" | "total"): number => Object.values(kinds).reduce((all, kind) => all + kind[of], 0);
  const part = (): number => sum("answered") / sum("total");
  let heaps = 0;
  let heapAt = 0;
  let last = { at: 0, answered: 0 };
  const sampleAll = async (isLast = false): Promise<void> => {
    const isHeapDue = isLast || part() * HEAPS >= heaps || seconds() > heapAt + HEAP_SECONDS;
    if (isHeapDue) [heaps, heapAt] = [Math.floor(part() * HEAPS) + 1, seconds()];
    for (const { sidecar, inspector, samples } of Object.values(watched)) {
      const sample = takeSample(sidecar.program.pid, sidecar.setup.dataDir, seconds(), part());
      samples.push(isHeapDue && part() > 0.01 ? { ...sample, ...(await inspector?.liveHeap()) } : sample);
    }
    const now = { at: seconds(), answered: sum("answered") };
    const rate = (now.answered - last.answered) / (now.at - last.at);
    const left = (sum("total") - now.answered) / (now.answered / now.at);
    last = now;
    const done = Object.entries(kinds).map(([name, kind]) => `${name} ${kind.answered}${kind.refused > 0 ? ` (${kind.refused} refused: ${reasonOf(kind.lastRefusal)})` : ""}`);
    const took = NAMES.map((name) => {
      const { rssMiB, heapMiB, handles, diskMiB } = watched[name].samples.at(-1)!;
      return `${name} ${rssMiB} MiB${heapMiB === undefined ? "" : ` (heap ${heapMiB})`}, ${handles} handles, disk ${diskMiB} MiB`;
    });
    say(`${(100 * part()).toFixed(1)} %, ${now.at.toFixed(0)} s, ${rate.toFixed(0)}/s, ${Number.isFinite(left) ? (left / 60).toFixed(1) : "?"} min left: ${done.join(", ")} | ${took.join(" | ")}`);
  };
  let sampling: Promise<void> = Promise.resolve();
  let failure: unknown;
  const timer = setInterval(() => {
    sampling = sampling.then(() => sampleAll()).catch((error: unknown) => {
      failure ??= error;
      for (const kind of Object.values(kinds)) kind.stop();
    });
  }, 1_000 * Number(values.every));
  const { channel, call, exact } = kinds;
  try {
    await Promise.all([channel.run(() => true), ...[call, exact].map((kind) => kind.run(() => kind.part <= channel.part + AHEAD))]);
  } finally {
    clearInterval(timer);
    await sampling;
  }
  const took = seconds();
  if (failure !== undefined) throw failure;
  await sampleAll(true);
  return took;
}

/** Code and reason of a refusal. */
function reasonOf(refusal: string): string {
  return refusal.replaceAll(/"(message|todo)":"[^"]*",?/g, "").slice(0, 160);
}

/** Talks until the pair has its channel: the calls that count go there. */
async function promote(buyer: SidecarProcess, seller: SidecarProcess): Promise<void> {
  for (const endMs = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    await fetch(`${buyer.remote("talker")}/quote?n=0`).then((answer) => answer.text());
    if ((await seller.settled("channel")) > 0) return;
    if (Date.now() > endMs) throw new Error("the pair got no channel");
  }
}

/** A call that was paid for and not taken is locked until its deadline, and brought back then: the sums are compared when none is left. */
async function untilKnown(buyer: SidecarProcess): Promise<void> {
  const database = new DatabaseSync(join(buyer.setup.dataDir, "buyer", OUTBOUND_FILE), { readOnly: true });
  const count = database.prepare("SELECT count(*) AS open FROM payments WHERE state IN ('reserved', 'open')");
  try {
    for (let [last, endMs] = [Infinity, 0]; ; await new Promise((resolve) => setTimeout(resolve, RETRY_MS))) {
      const { open } = count.get() as { open: number };
      if (open < last) [last, endMs] = [open, performance.now() + KNOWN_MS];
      if (open === 0 || performance.now() > endMs) return;
      say(`${open} receipts without an end: their deadlines are waited for`);
    }
  } finally {
    database.close();
  }
}

/** Layer Core at a moment: the agents' accounts, and how many receipts there are. */
interface CoreState {
  readonly accounts: Record<Name, CoreAccount>;
  readonly receipts: number;
}

async function coreState(market: SidecarMarket, owners: Record<Name, Wallet>): Promise<CoreState> {
  const count = async (): Promise<number> => Number(((await (await fetch(`${market.network.apiUrl}/v1/status`)).json()) as { receiptCount: number }).receiptCount);
  // The replica is a moment behind.
  let receipts = await count();
  for (let before = -1; before !== receipts; receipts = await count()) {
    before = receipts;
    await new Promise((resolve) => setTimeout(resolve, REPLICA_MS));
  }
  const accounts = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await market.account(owners[name].address)]))) as Record<Name, CoreAccount>;
  return { accounts, receipts };
}

/** What an agent did since then (INVOKE, RESPOND, TIMEOUT, …): each costs a fee. */
async function recordsSince(market: SidecarMarket, agent: number, first: number): Promise<number> {
  let records = 0;
  for (let from: number | undefined = first; from !== undefined; ) {
    const answer = await fetch(`${market.network.apiUrl}/v1/receipts?from=${from}&limit=500&agent=${agent}`);
    if (!answer.ok) throw new Error(`the replica answered ${answer.status}`);
    const page = (await answer.json()) as { readonly items: readonly { readonly outcome: string }[]; readonly next?: number };
    records += page.items.filter(({ outcome }) => outcome === "OK").length;
    from = page.next;
  }
  return records;
}

/** Where buyers, sellers, channels and chains differ, in words. */
async function compare(market: SidecarMarket, watched: Record<Name, Watched>, owners: Record<Name, Wallet>, before: CoreState): Promise<string[]> {
  const [buyer, talker, caller] = await readBooks(market, NAMES.map((name) => ({ sidecar: watched[name].sidecar, owner: owners[name] })), false);
  const after = await coreState(market, owners);
  const problems: string[] = [];
  const same = (what: string, ...sums: readonly (bigint | number)[]): void => {
    say(`${what}: ${sums.join(" = ")}`);
    if (sums.some((sum) => BigInt(sum) !== BigInt(sums[0]!))) problems.push(`${what}: ${sums.join(", ")}`);
  };
  same("receipts without an end", buyer!.unsettled.length, 0);
  same("channel, wei: receipts, price times calls, payer's signatures, payee's claims", buyer!.spent.channel.amount, BigInt(buyer!.spent.channel.count) * PRICE_WEI, buyer!.channelPaid, talker!.channelEarned);
  same("calls, wei: receipts, price times calls, sellers' ledgers", buyer!.spent.call.amount, BigInt(buyer!.spent.call.count) * PRICE_WEI, caller!.earned.call.amount + talker!.earned.call.amount);
  same("x402, dollars: receipts, price times payments, ledger", buyer!.spent.exact.amount, BigInt(buyer!.spent.exact.count) * PRICE_DOLLARS_BASE, caller!.earned.exact.amount);
  same("x402, dollars on L1: seller has, buyer has given", await market.dollarsOf(owners.caller.address), PRICE_DOLLARS_BASE * BigInt(planned.exact) + 1_000n - (await market.dollarsOf(owners.buyer.address)), caller!.earned.exact.amount);
  // While it was measured; the few calls before the channel are in the books only.
  const moved = async (name: Name): Promise<bigint> => {
    const [now, then] = [after.accounts[name], before.accounts[name]];
    return BigInt(now.balance - then.balance) + FEE_UNITS * BigInt(await recordsSince(market, now.index, before.receipts));
  };
  const [gave, callerGot, talkerGot] = [-(await moved("buyer")), await moved("caller"), await moved("talker")];
  same("calls, units in Layer Core: seller got, its ledger", callerGot, caller!.earned.call.amount / WEI_PER_UNIT);
  same("calls, units in Layer Core: sellers got, buyer gave", callerGot + talkerGot, gave);
  return problems;
}

process.exitCode = await main();
