/** Rate and latency of channels: two processes, both sign, both fdatasync; see docs/BENCHMARKS.md. */
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { keccakBackend } from "../core/hash/index.ts";
import { backend as secpBackend } from "../runtime/crypto/secp.ts";
import { latencyPicture } from "./channel/latencyPicture.ts";
import { runChannel } from "./channel/runChannel.ts";
import type { ChannelPlan, ChannelRun } from "./channel/runChannel.ts";
import { median } from "./summarize.ts";
import type { Spread } from "./summarize.ts";

const PICTURE = join(import.meta.dirname, "..", "docs", "channel-latency.svg");

/** The median run of several, with the least and greatest value of each figure. */
export interface ChannelSummary extends ChannelRun {
  readonly repetitions: number;
  readonly spread: Readonly<Record<"callsPerSecond" | "p50Ms" | "p99Ms", Spread>>;
}

export interface ChannelReport {
  readonly machine: Record<string, string | number>;
  readonly conditions: Record<string, string | number | boolean>;
  readonly runs: ChannelSummary[];
}

/** Calls without an answer over all pairs at the maximum; with a delay, as many as the limits let through. */
const WINDOW = { each: 64, chained: 4_096 } as const;
const DELAYED_WINDOW = { each: 512, chained: 16_384 } as const;

/** Runs the benchmark; `args` as on the command line. */
export async function benchChannel(args: readonly string[], say: (line: string) => void): Promise<ChannelReport> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "10" }, "warm-up": { type: "string", default: "3" }, pairs: { type: "string", default: "1,10,100" }, modes: { type: "string", default: "each,chained" },
      loads: { type: "string", default: "maximum,fixed" }, rate: { type: "string", default: "10000" }, delay: { type: "string", default: "80" }, transport: { type: "string", default: "libp2p" },
      runs: { type: "string", default: "1" }, payload: { type: "string", default: "64" }, window: { type: "string" }, "frame-calls": { type: "string" }, "in-flight": { type: "string" },
      "no-picture": { type: "boolean", default: false }, profile: { type: "string" }, json: { type: "boolean", default: false },
    },
  });
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const list = (text: string): number[] => text.split(",").filter((part) => part !== "").map(Number);
  const modes = values.modes.split(",") as ("each" | "chained")[];
  const delays = [0, ...list(values.delay).filter((ms) => ms > 0)];
  const loadBefore = loadavg()[0];
  const runs: ChannelSummary[] = [];
  const common = {
    payloadBytes: Number(values.payload), maxCallsPerFrame: number(values["frame-calls"]), maxInFlight: number(values["in-flight"]),
    transport: values.transport as ChannelPlan["transport"], seconds: Number(values.seconds), warmUpSeconds: Number(values["warm-up"]), profileDir: values.profile,
  };
  const measure = async (plan: ChannelPlan): Promise<void> => {
    const samples: ChannelRun[] = [];
    for (let i = 0; i < Number(values.runs); i += 1) samples.push(await runChannel(plan));
    const run = summarizeRuns(samples);
    runs.push(run);
    say(lineOf(run));
  };
  say(HEAD);
  for (const addedDelayMs of delays) {
    for (const mode of modes) {
      // A delay adds the same to every pair.
      for (const pairs of addedDelayMs > 0 ? [1] : list(values.pairs)) {
        const window = number(values.window) ?? Math.max(pairs, (addedDelayMs > 0 ? DELAYED_WINDOW : WINDOW)[mode]);
        if (values.loads.includes("maximum")) await measure({ ...common, mode, pairs, addedDelayMs, load: "maximum", callsPerSecond: undefined, window });
        // Every update alone does not reach this rate on two cores.
        if (values.loads.includes("fixed") && mode === "chained") await measure({ ...common, mode, pairs, addedDelayMs, load: "fixed", callsPerSecond: Number(values.rate), window });
      }
    }
  }
  if (!values["no-picture"]) writeFileSync(PICTURE, latencyPicture(runs));
  return {
    machine: {
      cpu: cpus()[0].model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, system: `${process.platform} ${process.arch}`,
      keccak: keccakBackend(), secp256k1: secpBackend, loadAverage1mBefore: Number(loadBefore.toFixed(2)),
    },
    conditions: { processes: 2, bothOnThisMachine: true, bothSign: true, bothFdatasync: true, countedWhen: "the peer's signature over the answer is on the caller's disk", delayIsAdded: "by a proxy, half of it each way" },
    runs,
  };
}

function summarizeRuns(samples: readonly ChannelRun[]): ChannelSummary {
  const sorted = (key: "callsPerSecond" | "p50Ms" | "p99Ms"): number[] => samples.map((sample) => sample[key]).sort((a, b) => a - b);
  const spread = (key: "callsPerSecond" | "p50Ms" | "p99Ms"): Spread => [sorted(key)[0], sorted(key)[samples.length - 1]];
  const byRate = [...samples].sort((a, b) => a.callsPerSecond - b.callsPerSecond);
  return {
    ...byRate[byRate.length >> 1],
    callsPerSecond: median(sorted("callsPerSecond")), p50Ms: median(sorted("p50Ms")), p99Ms: median(sorted("p99Ms")),
    repetitions: samples.length, spread: { callsPerSecond: spread("callsPerSecond"), p50Ms: spread("p50Ms"), p99Ms: spread("p99Ms") },
  };
}

const COLUMNS = [["mode", "mode"], ["pairs", "pairs"], ["load", "load"], ["addedDelayMs", "delay ms"], ["callsPerSecond", "calls/s"], ["p50Ms", "p50 ms"], ["p99Ms", "p99 ms"], ["callsPerSignature", "calls/sig"]] as const;
const pad = (texts: readonly (string | number)[]): string => texts.map((text) => String(text).padStart(10)).join(" ");
const HEAD = pad([...COLUMNS.map(([, title]) => title), "cpu s payer", "payee", "commits", "RSS MiB"]);
const lineOf = (run: ChannelRun): string => pad([...COLUMNS.map(([name]) => run[name]), run.payer.cpuSeconds, run.payee.cpuSeconds, run.payer.commits + run.payee.commits, Math.max(run.payer.peakRssMiB, run.payee.peakRssMiB)]);
