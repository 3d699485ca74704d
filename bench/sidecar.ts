/** What a paid door costs over the bare service: latency and CPU of a request, as middleware and as a process; see docs/BENCHMARKS.md. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, totalmem, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { JsonRpcProvider, Wallet } from "ethers";

import { keccakBackend } from "../core/hash/index.ts";
import { backend as secpBackend } from "../runtime/crypto/secp.ts";
import { Agnt2Client, L1Account } from "../sdk/index.ts";
import { SidecarMarket } from "../test/builders/sidecarMarket.ts";
import type { BenchNetwork, LoadPlan, LoadResult, Payment, Role, ServerReady } from "./sidecar/BenchPlan.ts";
import { readContracts } from "./sidecar/readContracts.ts";
import { median } from "./summarize.ts";
import type { Spread } from "./summarize.ts";

const SERVER = join(import.meta.dirname, "sidecar", "server", "main.ts");
const LOAD = join(import.meta.dirname, "sidecar", "load", "main.ts");
const NOBODY = `0x${"11".repeat(32)}`;

/** One line of the report. Latencies and CPU are what is added to the bare service (middleware) or to a plain `node:http` proxy (process). */
export interface SidecarRun {
  readonly mode: "middleware" | "process";
  readonly payment: Payment;
  readonly connections: number;
  /** Asked for over all connections, the same of both sides; null: as many as are answered. */
  readonly ratePerSecond: number | null;
  readonly addedP50Us: number;
  readonly addedP99Us: number;
  readonly requestsPerSecond: number;
  /** Of the process under test, for each request, over the same process without the door. */
  readonly addedCpuUs: number;
  /** Difference of the times that a request takes when as many as can run do: one over the rate. */
  readonly amortizedUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly cpuUs: number;
  /** Of the load's process for each request over the baseline's: what paying costs the buyer. */
  readonly addedLoadCpuUs: number;
  /** The same over the bare service alone: what a client notices when a process is put before it. */
  readonly addedOverBareP50Us: number;
  readonly repetitions: number;
  readonly spread: Readonly<Record<"addedP50Us" | "addedP99Us" | "requestsPerSecond" | "addedCpuUs", Spread>>;
}

export interface SidecarReport {
  readonly machine: Record<string, string | number>;
  readonly conditions: Record<string, string | number | boolean>;
  /** What it is measured against. */
  readonly baselines: readonly { readonly role: "bare" | "proxy"; readonly connections: number; readonly ratePerSecond: number | null; readonly p50Us: number; readonly p99Us: number; readonly requestsPerSecond: number; readonly cpuUs: number }[];
  readonly runs: readonly SidecarRun[];
}

interface Side {
  readonly name: string;
  readonly role: Role;
  readonly payment: Payment;
  readonly process: ChildProcess;
  readonly ready: ServerReady;
}

type Load = Pick<LoadPlan, "connections" | "ratePerSecond">;

const keyOf = (side: Side, { connections, ratePerSecond }: Load): string => `${side.name} ${connections} ${ratePerSecond ?? "-"}`;

interface Sample extends LoadResult {
  readonly cpuUs: number;
  readonly requestsPerSecond: number;
}

/** The next message of a child. @throws Error when it ends or says that it failed */
function answerOf<T>(child: ChildProcess, key: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      child.off("message", take);
      child.off("exit", lost);
    };
    const take = (message: Record<string, unknown>): void => {
      if (message["failed"] === undefined && message[key] === undefined) return;
      end();
      if (message["failed"] !== undefined) reject(new Error(String(message["failed"])));
      else resolve(message[key] as T);
    };
    const lost = (code: number | null): void => {
      end();
      reject(new Error(`a process of the benchmark ended with code ${code}`));
    };
    child.on("message", take);
    child.once("exit", lost);
  });
}

/** Runs the benchmark; `args` as on the command line. */
export async function benchSidecar(args: readonly string[], say: (line: string) => void): Promise<SidecarReport> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "4" }, "warm-up": { type: "string", default: "1" }, runs: { type: "string", default: "3" }, connections: { type: "string", default: "1,32" },
      modes: { type: "string", default: "middleware,process" }, payments: { type: "string", default: "none,channel,l2,x402" }, profile: { type: "string" }, rates: { type: "string", default: "0" }, json: { type: "boolean", default: false },
    },
  });
  const payments = values.payments.split(",") as Payment[];
  const modes = values.modes.split(",") as SidecarRun["mode"][];
  const loads = values.connections.split(",").flatMap((count) => values.rates.split(",").map((rate): Load => ({ connections: Number(count), ratePerSecond: Number(rate) || undefined })));
  const [seconds, warmUpSeconds, repetitions] = [Number(values.seconds), Number(values["warm-up"]), Number(values.runs)];
  const loadBefore = loadavg()[0]!;
  const dir = mkdtempSync(join(tmpdir(), "agnt2-bench-sidecar-"));
  const children: ChildProcess[] = [];
  const nodeFlags = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  const market = payments.some((payment) => payment !== "none") ? await SidecarMarket.start() : undefined;
  try {
    const network = market && networkOf(market);
    const start = async (role: Role, payment: Payment, upstreamPort: number, key = NOBODY): Promise<Side> => {
      const name = `${role}-${payment}`;
      const plan = { role, payment, upstreamPort, network, key, dir: join(dir, name) };
      const child = fork(SERVER, [JSON.stringify(plan)], { execArgv: role === "bare" || role === "proxy" ? [] : nodeFlags });
      children.push(child);
      return { name, role, payment, process: child, ready: await answerOf<ServerReady>(child, "ready") };
    };
    const load = fork(LOAD, [], {});
    children.push(load);
    await answerOf(load, "ready");
    const introduce = async (side: Side, key: string): Promise<void> => {
      const made = answerOf(load, "made");
      load.send({ name: side.name, buyer: { payment: side.payment, server: side.ready, network, key, dir: join(dir, `buyer-${side.name}`) } });
      await made;
    };
    say("starting the servers ...");
    const bare = await start("bare", "none", 0);
    const sides = [bare];
    const proxy = modes.includes("process") ? await start("proxy", "none", bare.ready.port) : undefined;
    if (proxy !== undefined) sides.push(proxy);
    for (const side of sides) await introduce(side, NOBODY);
    for (const payment of payments) {
      for (const mode of modes) {
        const [seller, buyer] = payment === "none" ? [NOBODY, NOBODY] : await fundPair(market!, payment);
        const side = await start(mode, payment, bare.ready.port, seller);
        await introduce(side, buyer);
        sides.push(side);
      }
    }
    const samples = new Map<string, Sample[]>();
    say([..."mode payment conns rate p50us p99us req/s cpuus".split(" ")].map((title) => title.padStart(11)).join(""));
    for (let round = 0; round < repetitions; round += 1) {
      for (const paced of loads) {
        for (const side of sides) {
          // Channels need no chain between their opening and their end: what it does meanwhile is nobody's cost.
          market?.network.pause(side.payment === "none" || side.payment === "channel");
          const sample = await measure(load, side, { ...paced, seconds, warmUpSeconds });
          const key = keyOf(side, paced);
          samples.set(key, [...(samples.get(key) ?? []), sample]);
          say([side.role, side.payment, paced.connections, paced.ratePerSecond ?? "-", Math.round(sample.p50Us), Math.round(sample.p99Us), Math.round(sample.requestsPerSecond), sample.cpuUs.toFixed(1)].map((text) => String(text).padStart(11)).join(""));
        }
      }
    }
    return {
      machine: {
        cpu: cpus()[0]!.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, system: `${process.platform} ${process.arch}`,
        keccak: keccakBackend(), secp256k1: secpBackend, loadAverage1mBefore: Number(loadBefore.toFixed(2)),
      },
      conditions: {
        seconds, warmUpSeconds, repetitions, isInterleaved: true, loadIn: "one process of its own, one request at a time on each connection", request: "GET without a body, small JSON answer",
        latency: "from before the payment is made to the end of the answer, at a rate from when it was due if its connection was late; the channel's call is sent in parallel, l2 waits for its INVOKE", middlewareIsAgainst: "the bare service", processIsAgainst: "a plain node:http proxy",
      },
      baselines: sides.filter(({ role }) => role === "bare" || role === "proxy").flatMap((side) => loads.map((paced) => ({ role: side.role as "bare", connections: paced.connections, ratePerSecond: paced.ratePerSecond ?? null, ...pick(mid(samples.get(keyOf(side, paced))!)) }))),
      runs: sides.filter(({ role }) => role === "middleware" || role === "process").flatMap((side) => loads.map((paced) => summarizeRun([bare, proxy ?? bare, side], paced, samples))),
    };
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
    await Promise.all(children.map((child) => new Promise<void>((resolve) => (child.exitCode !== null ? resolve() : child.once("exit", () => resolve())))));
    await market?.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(load: ChildProcess, side: Side, plan: Load & { seconds: number; warmUpSeconds: number }): Promise<Sample> {
  const cpuOf = (): Promise<number> => {
    const asked = answerOf<number>(side.process, "cpuUs");
    side.process.send("cpu");
    return asked;
  };
  const begun = answerOf(load, "begin").then(cpuOf);
  const done = answerOf<LoadResult>(load, "result");
  load.send({ name: side.name, load: { ...plan, server: side.ready } });
  const [before, result] = await Promise.all([begun, done]);
  const cpuUs = ((await cpuOf()) - before) / result.requests;
  return { ...result, cpuUs, requestsPerSecond: result.requests / result.seconds };
}

function networkOf({ network, facilitatorUrl, dollar }: SidecarMarket): BenchNetwork {
  const { chain, l1Url, sequencerUrl, apiUrl, deploymentFile } = network;
  return { chainId: chain.chainId, l1Url, sequencerUrl, apiUrl, deploymentFile, facilitatorUrl, testDollar: dollar };
}

/** Keys of seller and buyer with what they need: money on L1, and an account in Layer Core for calls. */
async function fundPair(market: SidecarMarket, payment: Payment): Promise<[seller: string, buyer: string]> {
  const wallets = [await market.wallet(), await market.wallet(10n ** 12n)];
  if (payment === "l2") {
    const { deployment } = readContracts(market.network.deploymentFile);
    const client = new Agnt2Client({ sequencerUrl: market.network.sequencerUrl, apiUrl: market.network.apiUrl, deployment });
    const provider = new JsonRpcProvider(market.network.l1Url, undefined, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1 });
    for (const { privateKey } of wallets) {
      const account = await L1Account.connect(client, new Wallet(privateKey, provider));
      await account.credited(await account.deposit("5"));
    }
    provider.destroy();
    await client.close();
  }
  return [wallets[0]!.privateKey, wallets[1]!.privateKey];
}

type Figure = "p50Us" | "p99Us" | "requestsPerSecond" | "cpuUs" | "loadCpuUs";
const round = (value: number): number => Number(value.toFixed(2));
const sortedOf = (samples: readonly Sample[], figure: Figure): number[] => samples.map((sample) => sample[figure]).sort((a, b) => a - b);
const mid = (samples: readonly Sample[]): Record<Figure, number> => ({ p50Us: median(sortedOf(samples, "p50Us")), p99Us: median(sortedOf(samples, "p99Us")), requestsPerSecond: median(sortedOf(samples, "requestsPerSecond")), cpuUs: median(sortedOf(samples, "cpuUs")), loadCpuUs: median(sortedOf(samples, "loadCpuUs")) });
const pick = (figures: Record<Figure, number>): Omit<Record<Figure, number>, "loadCpuUs"> => ({ p50Us: round(figures.p50Us), p99Us: round(figures.p99Us), requestsPerSecond: Math.round(figures.requestsPerSecond), cpuUs: round(figures.cpuUs) });

function summarizeRun([service, proxy, side]: readonly [Side, Side, Side], paced: Load, samples: ReadonlyMap<string, readonly Sample[]>): SidecarRun {
  const [own, bare, base] = [side, service, side.role === "process" ? proxy : service].map((each) => samples.get(keyOf(each, paced))!) as [Sample[], Sample[], Sample[]];
  const [ours, theirs, alone] = [mid(own), mid(base), mid(bare)];
  // Each round's figure against the baseline of the same round: what the machine does meanwhile meets both.
  const added = (figure: Figure): Spread => {
    const differences = own.map((sample, i) => sample[figure] - base[i]![figure]).sort((a, b) => a - b);
    return [round(differences[0]!), round(differences[differences.length - 1]!)];
  };
  const rates = sortedOf(own, "requestsPerSecond");
  return {
    mode: side.role as SidecarRun["mode"], payment: side.payment, connections: paced.connections, ratePerSecond: paced.ratePerSecond ?? null,
    addedP50Us: round(ours.p50Us - theirs.p50Us), addedP99Us: round(ours.p99Us - theirs.p99Us), requestsPerSecond: Math.round(ours.requestsPerSecond),
    addedCpuUs: round(ours.cpuUs - theirs.cpuUs), amortizedUs: round(1e6 / ours.requestsPerSecond - 1e6 / theirs.requestsPerSecond),
    p50Us: round(ours.p50Us), p99Us: round(ours.p99Us), cpuUs: round(ours.cpuUs), addedLoadCpuUs: round(ours.loadCpuUs - theirs.loadCpuUs), addedOverBareP50Us: round(ours.p50Us - alone.p50Us),
    repetitions: own.length,
    spread: { addedP50Us: added("p50Us"), addedP99Us: added("p99Us"), addedCpuUs: added("cpuUs"), requestsPerSecond: [Math.round(rates[0]!), Math.round(rates[rates.length - 1]!)] },
  };
}

const COLUMNS = [["mode", "mode"], ["payment", "payment"], ["connections", "conns"], ["ratePerSecond", "rate"], ["addedP50Us", "+p50 us"], ["addedP99Us", "+p99 us"], ["addedCpuUs", "+cpu us"], ["addedLoadCpuUs", "+load cpu"], ["amortizedUs", "+1/rate us"], ["requestsPerSecond", "req/s"], ["p50Us", "p50 us"], ["cpuUs", "cpu us"]] as const;

/** The report as a table for people. */
export function sidecarTable({ machine, baselines, runs }: SidecarReport): string {
  const line = (texts: readonly (string | number)[]): string => texts.map((text) => String(text).padStart(11)).join("");
  const bases = baselines.map(({ role, connections, ratePerSecond, p50Us, p99Us, requestsPerSecond, cpuUs }) => `${role}, ${connections} connections${ratePerSecond === null ? "" : `, ${ratePerSecond} asked a second`}: p50 ${p50Us} us, p99 ${p99Us} us, ${requestsPerSecond} requests/s, ${cpuUs} us of CPU`);
  return [JSON.stringify(machine), ...bases, line(COLUMNS.map(([, title]) => title)), ...runs.map((run) => line(COLUMNS.map(([name]) => run[name] ?? "-")))].join("\n");
}
