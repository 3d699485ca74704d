import type { Workload } from "./presign.ts";

/** What the load generator is told, as JSON in its first argument. */
export interface LoadOptions {
  readonly url: string;
  readonly domainSeparator: string;
  readonly workload: Workload;
  readonly bundle: number;
  /** Signed before the clock starts. */
  readonly bundles: number;
  readonly agents: number;
  readonly seed: number;
  readonly seconds: number;
  /** Bundles that wait for their durable answer at most. */
  readonly window: number;
  /** A fixed rate; left out: as many as the window lets through. */
  readonly bundlesPerSecond?: number | undefined;
}

/** What it answers. Latencies run from the sending of a bundle. */
export interface LoadResult {
  /** Accepted records by the time from the first bundle to the last durable answer. */
  readonly opsPerSecond: number;
  readonly seconds: number;
  readonly sentBundles: number;
  readonly durableBundles: number;
  readonly rootedBundles: number;
  readonly refusedBundles: number;
  readonly acceptedRecords: number;
  readonly refusedRecords: number;
  readonly ranOutOfBundles: boolean;
  readonly signMs: number;
  /** From the first bundle to the last answer. */
  readonly generatorCpuSeconds: number;
  readonly sequencedP50Ms: number;
  readonly sequencedP99Ms: number;
  readonly durableP50Ms: number;
  readonly durableP99Ms: number;
  readonly rootedP50Ms: number;
  readonly rootedP99Ms: number;
}
