/** Throughput and latency of the sequencer over its real WebSocket, see docs/BENCHMARKS.md. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { domainSeparator, fromHex, toHex } from "../core/codec/index.ts";
import { keccakBackend } from "../core/hash/index.ts";
import { backend as secpBackend } from "../runtime/crypto/secp.ts";
import type { LoadOptions, LoadResult } from "./loadgen/LoadOptions.ts";
import type { Workload } from "./loadgen/presign.ts";
import { preload } from "./loadgen/preload.ts";
import { startSequencer } from "./loadgen/SequencerProcess.ts";

const INBOX = `0x${"a9".repeat(20)}`;
const CHAIN_ID = 31337;
/** Records a second for which bundles are signed beforehand, by the size of a bundle. */
const SIGNED_PER_SECOND = (bundle: number): number => (bundle >= 512 ? 320_000 : bundle >= 64 ? 160_000 : 24_000);
const WINDOW_BUNDLES = (bundle: number): number => (bundle >= 512 ? 48 : bundle >= 64 ? 256 : 2_048);
const BLOCK_GAS = 60_000_000;
const BLOCK_SECONDS = 12;
const GAS = { nonzero: 40, zero: 10 };

export interface CoreRun extends LoadResult {
  readonly workload: Workload;
  readonly bundle: number;
  readonly load: "maximum" | "half";
  readonly peakRssMiB: number;
  readonly cpuSeconds: number;
  readonly startMs: number;
  readonly bytesPerOp: number;
  readonly l1GasPerOp: number;
  /** What Ethereum's blocks could carry as calldata, were nothing else in them. */
  readonly l1OpsPerSecond: number;
}

export interface CoreReport {
  readonly machine: Record<string, string | number>;
  readonly conditions: Record<string, string | number | boolean>;
  readonly runs: CoreRun[];
}

async function load(options: LoadOptions): Promise<LoadResult> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "loadgen", "main.ts"), JSON.stringify(options)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  const [code] = (await once(child, "close")) as [number];
  if (code !== 0) throw new Error(`the load generator ended with code ${code}`);
  return JSON.parse(output) as LoadResult;
}

/** Runs the benchmark; `args` as on the command line. */
export async function benchCore(args: readonly string[], say: (line: string) => void): Promise<CoreReport> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: "string", default: "30" }, agents: { type: "string", default: String(2 ** 20) }, bundles: { type: "string", default: "1,64,512" },
      repeat: { type: "string", default: "1" }, workloads: { type: "string", default: "call,transfer" }, "batch-slots": { type: "string", default: "4096" },
      "batch-ms": { type: "string", default: "500" }, "no-half": { type: "boolean", default: false }, profile: { type: "string" }, json: { type: "boolean", default: false },
    },
  });
  const seconds = Number(values.seconds);
  const agents = Number(values.agents);
  const separator = toHex(domainSeparator({ chainId: CHAIN_ID, inbox: fromHex(INBOX, 20) }));
  const dir = mkdtempSync(join(tmpdir(), "agnt2-bench-"));
  const runs: CoreRun[] = [];
  try {
    const deployment = join(dir, "deployment.json");
    const contracts = { inbox: INBOX, settlement: INBOX, bridge: INBOX, prover: INBOX };
    writeFileSync(deployment, JSON.stringify({ chainId: CHAIN_ID, genesisHash: `0x${"00".repeat(32)}`, contracts, config: { assetScale: "1000000000", feeTable: new Array<number>(24).fill(100) }, blockNumber: 0 }));
    say(`${agents} accounts are written into the log as DEPOSIT entries (no L1 knows of them) ...`);
    await preload(join(dir, "preloaded"), agents, separator);
    let seed = 1;
    const runOnce = async (workload: Workload, bundle: number, bundlesPerSecond?: number): Promise<CoreRun> => {
      const dataDir = join(dir, "data");
      cpSync(join(dir, "preloaded"), dataDir, { recursive: true });
      const nodeFlags = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
      const sequencer = await startSequencer(["--deployment", deployment, "--data-dir", dataDir, "--no-posting", "--batch-slots", values["batch-slots"], "--batch-ms", values["batch-ms"]], nodeFlags);
      try {
        const before = sequencer.cpuSeconds();
        const perSecond = bundlesPerSecond ?? SIGNED_PER_SECOND(bundle) / bundle;
        const result = await load({
          url: `${sequencer.url.replace("http", "ws")}/v1/stream`, domainSeparator: separator, workload, bundle, agents, seed: (seed += 1) * 7919,
          bundles: Math.ceil(perSecond * seconds) + 1, seconds, window: WINDOW_BUNDLES(bundle), bundlesPerSecond,
        });
        const l1GasPerOp = result.nonzeroBytesPerOp * GAS.nonzero + result.zeroBytesPerOp * GAS.zero;
        const run: CoreRun = {
          workload, bundle, load: bundlesPerSecond === undefined ? "maximum" : "half", ...result,
          peakRssMiB: sequencer.peakRssMiB(), cpuSeconds: Number((sequencer.cpuSeconds() - before).toFixed(2)), startMs: Math.round(sequencer.startMs),
          bytesPerOp: Number((result.nonzeroBytesPerOp + result.zeroBytesPerOp).toFixed(1)), l1GasPerOp: Math.round(l1GasPerOp),
          l1OpsPerSecond: Math.floor(BLOCK_GAS / BLOCK_SECONDS / l1GasPerOp),
        };
        runs.push(run);
        say(lineOf(run));
        return run;
      } finally {
        await sequencer.stop();
        rmSync(dataDir, { recursive: true, force: true });
      }
    };
    say(HEAD);
    for (const workload of values.workloads.split(",") as Workload[]) {
      for (const bundle of values.bundles.split(",").map(Number)) {
        const rates: number[] = [];
        for (let i = 0; i < Number(values.repeat); i += 1) rates.push((await runOnce(workload, bundle)).opsPerSecond);
        rates.sort((a, b) => a - b);
        if (rates.length > 1) say(`${workload} ${bundle}: median ${rates[rates.length >> 1]} op/s of ${rates.length} runs, ${rates[0]} to ${rates[rates.length - 1]}`);
        if (!values["no-half"]) await runOnce(workload, bundle, Math.max(1, rates[rates.length >> 1] / bundle / 2));
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return {
    machine: {
      cpu: cpus()[0].model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, system: `${process.platform} ${process.arch}`,
      keccak: keccakBackend(), secp256k1: secpBackend, loadAverage1m: Number(loadavg()[0].toFixed(2)),
    },
    conditions: { agents, seconds, batchSlots: Number(values["batch-slots"]), batchMs: Number(values["batch-ms"]), postingToL1: false, preloadedWithoutL1: true, generatorOnSameMachine: true },
    runs,
  };
}

const COLUMNS = ["workload", "bundle", "load", "opsPerSecond", "sequencedP50Ms", "sequencedP99Ms", "durableP50Ms", "durableP99Ms", "rootedP50Ms", "rootedP99Ms", "peakRssMiB", "l1GasPerOp", "l1OpsPerSecond", "refusedBundles", "refusedRecords"] as const;
const TITLES = ["workload", "bundle", "load", "op/s", "seq p50", "seq p99", "dur p50", "dur p99", "root p50", "root p99", "RSS MiB", "gas/op", "L1 op/s", "refused", "bad recs"];
const pad = (texts: readonly (string | number)[]): string => texts.map((text) => String(text).padStart(9)).join(" ");
const HEAD = pad(TITLES);
const lineOf = (run: CoreRun): string => pad(COLUMNS.map((name) => run[name]));
