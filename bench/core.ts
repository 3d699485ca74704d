/** Throughput and latency of the sequencer over its real WebSocket while it posts to L1, see docs/BENCHMARKS.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { keccakBackend } from "../core/hash/index.ts";
import { backend as secpBackend } from "../runtime/crypto/secp.ts";
import type { Workload } from "./loadgen/presign.ts";
import { measureRun } from "./measureRun.ts";
import type { CoreSample, RunPlan } from "./measureRun.ts";
import { createBenchChain } from "./network/BenchChain.ts";
import { median, summarize } from "./summarize.ts";
import type { CoreRun } from "./summarize.ts";

export interface CoreReport {
  readonly machine: Record<string, string | number>;
  readonly conditions: Record<string, string | number | boolean>;
  /** Medians over the repetitions of each run, with the least and the greatest value. */
  readonly runs: CoreRun[];
  readonly samples: CoreSample[];
}

/** Runs the benchmark; `args` as on the command line. */
export async function benchCore(args: readonly string[], say: (line: string) => void): Promise<CoreReport> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "30" }, agents: { type: "string", default: String(2 ** 20) }, bundles: { type: "string", default: "1,64,512" },
      runs: { type: "string", default: "1" }, workloads: { type: "string", default: "call,transfer" }, "batch-slots": { type: "string", default: "4096" },
      "batch-ms": { type: "string", default: "500" }, "drain-seconds": { type: "string", default: "120" }, "half-runs": { type: "string", default: "1" },
      "no-posting": { type: "boolean", default: false }, profile: { type: "string" }, json: { type: "boolean", default: false },
    },
  });
  const seconds = Number(values.seconds);
  const agents = Number(values.agents);
  const isPosting = !values["no-posting"];
  const dir = mkdtempSync(join(tmpdir(), "agnt2-bench-"));
  const samples: CoreSample[] = [];
  const loadBefore = loadavg()[0];
  try {
    const chain = await createBenchChain(dir, agents, ["--batch-slots", values["batch-slots"], "--batch-ms", values["batch-ms"]], say);
    try {
      let seed = 1;
      const measure = async (plan: Omit<RunPlan, "seed" | "seconds" | "agents" | "isPosting" | "drainMs" | "profileDir">): Promise<CoreSample> => {
        const sample = await measureRun(chain, { ...plan, seed: (seed += 1) * 7919, seconds, agents, isPosting, drainMs: Number(values["drain-seconds"]) * 1000, profileDir: values.profile });
        samples.push(sample);
        say(lineOf(sample));
        return sample;
      };
      say(HEAD);
      for (const workload of values.workloads.split(",") as Workload[]) {
        for (const bundle of values.bundles.split(",").map(Number)) {
          const rates: number[] = [];
          for (let i = 0; i < Number(values.runs); i += 1) rates.push((await measure({ workload, bundle, load: "maximum" })).opsPerSecond);
          const halfRate = Math.max(1, median(rates.sort((a, b) => a - b)) / bundle / 2);
          for (let i = 0; i < Number(values["half-runs"]); i += 1) await measure({ workload, bundle, load: "half", bundlesPerSecond: halfRate });
        }
      }
    } finally {
      await chain.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const runs = summarize(samples);
  if (Number(values.runs) > 1) for (const run of runs) say(`median of ${run.repetitions}:\n${lineOf(run)}`);
  return {
    machine: {
      cpu: cpus()[0].model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, system: `${process.platform} ${process.arch}`,
      keccak: keccakBackend(), secp256k1: secpBackend, loadAverage1mBefore: Number(loadBefore.toFixed(2)),
    },
    conditions: {
      agents, seconds, batchSlots: Number(values["batch-slots"]), batchMs: Number(values["batch-ms"]), postingToL1: isPosting, l1: "anvil, mines each transaction at once",
      generatorOnSameMachine: true, l1OnSameMachine: true,
    },
    runs,
    samples,
  };
}

const COLUMNS = [
  ["workload", "workload"], ["bundle", "bundle"], ["load", "load"], ["opsPerSecond", "op/s"], ["sequencedP50Ms", "seq p50"], ["sequencedP99Ms", "seq p99"], ["durableP50Ms", "dur p50"],
  ["durableP99Ms", "dur p99"], ["rootedP50Ms", "root p50"], ["rootedP99Ms", "root p99"], ["peakRssMiB", "RSS MiB"], ["postedPart", "posted"], ["drainSeconds", "drain s"],
  ["bytesPerOp", "bytes/op"], ["l1GasPerOp", "gas/op"], ["l1OpsPerSecond", "L1 op/s"], ["refusedBundles", "refused"], ["refusedRecords", "bad recs"],
] as const;
const pad = (texts: readonly (string | number | boolean | undefined)[]): string => texts.map((text) => String(text).padStart(9)).join(" ");
const HEAD = pad(COLUMNS.map(([, title]) => title));
const lineOf = (run: CoreSample): string => pad(COLUMNS.map(([name]) => run[name]));
