import type { LoadResult } from "./loadgen/LoadOptions.ts";
import type { Workload } from "./loadgen/presign.ts";
import { runLoad } from "./loadgen/runLoad.ts";
import { untilPosted } from "./network/BenchChain.ts";
import type { BenchChain } from "./network/BenchChain.ts";
import { PostingWatch } from "./network/PostingWatch.ts";
import { readPosting } from "./network/readPosting.ts";

/** Records a second for which bundles are signed beforehand, by the size of a bundle. */
const SIGNED_PER_SECOND = (bundle: number): number => (bundle >= 512 ? 400_000 : bundle >= 64 ? 320_000 : 18_000);
const WINDOW_BUNDLES = (bundle: number): number => (bundle >= 512 ? 48 : bundle >= 64 ? 256 : 2_048);
/** Mainnet at the time of writing; all of it for this chain's calldata. */
const BLOCK_GAS = 60_000_000;
const BLOCK_SECONDS = 12;
const READY_MS = 30_000;

/** One run: a fresh sequencer, a load, and the time until L1 has everything. */
export interface RunPlan {
  readonly workload: Workload;
  readonly bundle: number;
  readonly load: "maximum" | "half";
  /** A fixed rate; left out: as many as the window lets through. */
  readonly bundlesPerSecond?: number | undefined;
  readonly seconds: number;
  readonly agents: number;
  readonly seed: number;
  readonly isPosting: boolean;
  /** How long to wait after the load until L1 has everything. */
  readonly drainMs: number;
  readonly profileDir: string | undefined;
}

export interface CoreSample extends LoadResult {
  readonly workload: Workload;
  readonly bundle: number;
  readonly load: "maximum" | "half";
  readonly peakRssMiB: number;
  /** Of the sequencer and of anvil under load; `generatorCpuSeconds` is the load generator's. */
  readonly cpuSeconds: number;
  readonly l1CpuSeconds: number;
  readonly startMs: number;
  readonly sealedBatches: number;
  readonly postedBatchesDuringLoad: number;
  readonly postedBytesDuringLoad: number;
  readonly largestLagBatches: number;
  /** Of the batches sealed under load, how much was on L1 when the load ended: 0 to 1. */
  readonly postedPart: number;
  /** From the load's end until L1 had everything, or until that was given up. */
  readonly drainSeconds: number;
  readonly isAllPosted: boolean;
  readonly l1Transactions: number;
  readonly bytesPerOp: number;
  readonly zeroBytesPerOp: number;
  readonly l1GasPerOp: number;
  readonly l1LargestGas: number;
  /** What blocks of 60 Mgas every 12 s could carry, were nothing else in them. */
  readonly l1OpsPerSecond: number;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** @throws Error when the sequencer or the generator fails */
export async function measureRun(chain: BenchChain, plan: RunPlan): Promise<CoreSample> {
  const { workload, bundle, load, bundlesPerSecond, seconds, agents, seed, isPosting, drainMs, profileDir } = plan;
  const profileFlags = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const sequencer = await chain.startRun(isPosting ? [] : ["--no-posting"], profileFlags);
  try {
    // Its first look at L1 is over when it knows what is there.
    if (isPosting) await untilPosted(sequencer, READY_MS);
    const firstBlock = Number(await chain.anvil.send<string>("eth_blockNumber")) + 1;
    const perSecond = bundlesPerSecond ?? SIGNED_PER_SECOND(bundle) / bundle;
    const watch = await PostingWatch.begin(sequencer);
    const options = { url: sequencer.url, domainSeparator: chain.domainSeparator, workload, bundle, agents, seed, bundles: Math.ceil(perSecond * seconds) + 1, seconds, window: WINDOW_BUNDLES(bundle), bundlesPerSecond };
    const cpuSeconds = (): { sequencer: number; l1: number } => ({ sequencer: sequencer.cpuSeconds(), l1: chain.anvil.cpuSeconds() });
    let before = cpuSeconds();
    const result = await runLoad(options, () => void (before = cpuSeconds()));
    const after = cpuSeconds();
    const lag = await watch.end();
    const drained = isPosting ? await untilPosted(sequencer, drainMs) : { isPosted: false, waitedMs: 0 };
    const posted = await readPosting(chain.anvil, chain.deployment.contracts.inbox, firstBlock);
    const gasPerOp = posted.sampledGas / posted.records;
    return {
      workload, bundle, load, ...result,
      peakRssMiB: sequencer.peakRssMiB(), cpuSeconds: round(after.sequencer - before.sequencer, 2), l1CpuSeconds: round(after.l1 - before.l1, 2), startMs: Math.round(sequencer.startMs),
      sealedBatches: lag.sealedDuring, postedBatchesDuringLoad: lag.postedDuring, postedBytesDuringLoad: Math.round((lag.postedDuring * posted.calldataBytes) / Math.max(1, posted.sampled)),
      largestLagBatches: lag.largestLagBatches, postedPart: round(lag.postedDuring / Math.max(1, lag.sealedDuring), 3), drainSeconds: round(drained.waitedMs / 1000, 1),
      isAllPosted: drained.isPosted, l1Transactions: posted.transactions,
      bytesPerOp: round(posted.calldataBytes / posted.records, 1), zeroBytesPerOp: round(posted.zeroBytes / posted.records, 1),
      l1GasPerOp: Math.round(gasPerOp), l1LargestGas: posted.largestGas, l1OpsPerSecond: Math.floor(BLOCK_GAS / BLOCK_SECONDS / gasPerOp),
    };
  } finally {
    await sequencer.stop();
  }
}
