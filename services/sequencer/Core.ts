import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { ChannelDomain } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { KIND, LEAF_BYTES, MACHINE, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import { createState } from "../../core/state/index.ts";
import type { State } from "../../core/state/index.ts";
import { createExecutor } from "../../core/transition/index.ts";
import type { Executor } from "../../core/transition/index.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { recoverSigner } from "../../runtime/crypto/secp.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { OpenBatches } from "./batches/OpenBatches.ts";
import { SealedBatches } from "./batches/SealedBatches.ts";
import { Committer } from "./Committer.ts";
import type { SequencerConfig } from "./config.ts";
import type { HeadSigner } from "./heads/HeadSigner.ts";
import { SegmentLog } from "./log/SegmentLog.ts";
import { DATA } from "./dataFiles.ts";
import { readSignAfter } from "./heads/signAfter.ts";
import { DependencyLevels } from "./parking/DependencyLevels.ts";
import { Parking } from "./parking/Parking.ts";
import { Pipeline } from "./Pipeline.ts";
import { RecentBundles } from "./RecentBundles.ts";
import { recover } from "./recover.ts";
import { RootClient } from "./roots/RootClient.ts";
import { SequencerError } from "./SequencerError.ts";
import { SignaturePool } from "./signatures/SignaturePool.ts";
import { SnapshotKeeper } from "./snapshots/SnapshotKeeper.ts";
import type { ReadSnapshot } from "./snapshots/SnapshotKeeper.ts";

const MIB = 1024 * 1024;
/** A disk that takes nothing must not keep the process from ending. */
const STOP_MS = 10_000;
const MIN_TICK_MS = 5;
/** An operator sends a batch three times in what would be a vacancy. */
const IDLE_MS_A_SECOND = 1000 / 3;
const MAX_TICK_MS = 50;
const SLOT_POLL_MS = 100;

/** What a chain is to the sequencer. */
export interface ChainParameters {
  readonly domainSeparator: Uint8Array;
  readonly channels: ChannelDomain;
  readonly feeTable: readonly number[];
  /** Length of the operators' slots, on a chain that has operators. */
  readonly slotSeconds?: number | undefined;
  /** After so long without a batch of an operator anyone may post there. */
  readonly vacancySeconds?: number | undefined;
}

export interface CoreOptions {
  readonly config: CoreConfig;
  readonly chain: ChainParameters;
  readonly signer: HeadSigner;
  readonly logger: Logger;
  /** Something failed that only a restart mends. */
  readonly onFailed: (error: Error) => void;
  readonly clock?: Clock;
}

export type CoreConfig = Pick<
  SequencerConfig,
  "dataDir" | "batchSlots" | "batchMs" | "signatureWorkers" | "maxQueue" | "maxQueuePerClient" | "maxParked" | "maxParkedPerAgent" | "parkMs" | "snapshotLogMib"
>;

/** State, log, roots and pipeline of one chain in one data folder: everything but networks. */
export class Core {
  readonly state: State = createState();
  readonly sealed: SealedBatches;
  readonly roots: RootClient;
  readonly pipeline: Pipeline;
  readonly committer: Committer;
  readonly levels = new DependencyLevels();
  readonly signer: HeadSigner;
  readonly #options: CoreOptions;
  readonly #clock: Clock;
  readonly #log: SegmentLog;
  readonly #snapshots: SnapshotKeeper;
  readonly #snapshot: ReadSnapshot | undefined;
  readonly #signatures: SignaturePool;
  readonly #executor: Executor;
  readonly #batches: OpenBatches;
  readonly #recent = new RecentBundles();
  #isStarted = false;

  /**
   * @throws SequencerError `sequencer/otherChain`, `sequencer/logDamaged`; DerivationError `derivation/format`
   */
  static async open(options: CoreOptions): Promise<Core> {
    const { config, chain } = options;
    mkdirSync(config.dataDir, { recursive: true });
    await requireChain(join(config.dataDir, DATA.chain), toHex(chain.domainSeparator));
    return new Core(options);
  }

  private constructor(options: CoreOptions) {
    const { config, chain, signer, logger, clock = systemClock } = options;
    const onFailed = (error: Error): void => {
      this.pipeline?.fail();
      options.onFailed(error);
    };
    this.#options = options;
    this.#clock = clock;
    this.signer = signer;
    const { domainSeparator, slotSeconds } = chain;
    this.#log = new SegmentLog(join(config.dataDir, DATA.log), logger);
    this.sealed = new SealedBatches(this.#log, join(config.dataDir, DATA.batches));
    const snapshotDir = join(config.dataDir, DATA.snapshots);
    this.#snapshots = new SnapshotKeeper({ dir: snapshotDir, domainSeparator, everyBytes: config.snapshotLogMib * MIB, clock, logger });
    this.#snapshot = this.#snapshots.readNewest();
    this.#restoreSnapshot(this.#snapshot);
    const nodeDir = join(config.dataDir, DATA.nodes);
    mkdirSync(nodeDir, { recursive: true });
    this.roots = new RootClient(nodeDir, this.#snapshot, onFailed);
    this.#signatures = new SignaturePool(onFailed);
    this.#executor = createExecutor(this.state, { ...chain, recover: recoverSigner });
    const slotNow = slotSeconds === undefined ? undefined : (): number => Math.floor(clock.nowSeconds() / slotSeconds);
    this.committer = new Committer({ log: this.#log, signer, clock, logger, onFailed, ...(slotNow === undefined ? {} : { slotNow }) });
    const { state, sealed, roots, committer, levels } = this;
    const executor = this.#executor;
    const recent = this.#recent;
    this.#snapshots.attach({ state, roots, sealed, recent, log: this.#log });
    this.#batches = new OpenBatches({ state, executor, committer, roots, sealed, snapshots: this.#snapshots, levels, signer, clock, maxSlots: config.batchSlots, maxMs: config.batchMs, onFailed, idleMs: chain.vacancySeconds === undefined ? undefined : chain.vacancySeconds * IDLE_MS_A_SECOND });
    this.pipeline = new Pipeline({
      state, executor, domainSeparator, committer, levels, recent, signer, clock, onFailed,
      batches: this.#batches,
      parking: new Parking({ maxBundles: config.maxParked, maxBundlesPerAgent: config.maxParkedPerAgent, maxMs: config.parkMs }),
      signatures: this.#signatures,
      tickMs: Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, config.batchMs / 10)),
      maxQueue: config.maxQueue,
      maxQueuePerClient: config.maxQueuePerClient,
    });
  }

  #restoreSnapshot(snapshot: ReadSnapshot | undefined): void {
    const batchCount = snapshot?.batchCount ?? 0;
    // Each was on disk before the snapshot was: without it, something that was acknowledged is gone.
    const isWhole = this.sealed.restore(batchCount) && (snapshot === undefined || this.#log.covers(snapshot.meta.place));
    if (!isWhole) {
      throw new SequencerError("sequencer/logDamaged", { file: "log", offset: snapshot?.meta.place.offset ?? 0 }, "stop", {
        what: `The log ends before the snapshot of ${batchCount} batches, which was written after it`,
        todo: "Restore a backup; what is posted can be derived from L1",
      });
    }
    if (snapshot === undefined) return;
    this.state.importSnapshot(snapshot.state);
    this.#recent.import(snapshot.recent);
  }

  /** Plays the log again from the newest snapshot on and opens the pipeline. */
  async start(): Promise<void> {
    const { config, logger } = this.#options;
    const startedAtMs = this.#clock.monotonicMs();
    const meta = this.#snapshot?.meta;
    const { state, roots, sealed } = this;
    const parts = { state, roots, sealed, log: this.#log, executor: this.#executor, recent: this.#recent };
    const from = { place: meta?.place, position: meta?.position ?? 0, head: meta === undefined ? new Uint8Array(32) : fromHex(meta.head) };
    const recovered = await recover(parts, from);
    // Answered once the worker has found its files in order.
    await roots.prove(KIND.SYSTEM, 0);
    this.committer.head = recovered.head;
    this.committer.position = recovered.position;
    logger.info({ records: recovered.position, batches: sealed.count, replayedEntries: recovered.entries, ms: Math.round(this.#clock.monotonicMs() - startedAtMs) }, "the log was replayed");
    await this.#awaitFreshSlot();
    this.#signatures.start(config.signatureWorkers);
    this.#batches.restore(recovered.open);
    this.pipeline.start(recovered.position);
    this.#isStarted = true;
  }

  /** What this log lacks may have been signed for the slot in which it was begun, so nothing is signed for that one. */
  async #awaitFreshSlot(): Promise<void> {
    const { config, chain, logger } = this.#options;
    const { slotSeconds } = chain;
    const begunAt = slotSeconds === undefined ? undefined : await readSignAfter(config.dataDir);
    if (slotSeconds === undefined || begunAt === undefined) return;
    const freshAt = (Math.floor(begunAt / slotSeconds) + 1) * slotSeconds;
    if (this.#clock.nowSeconds() < freshAt) logger.info({ seconds: freshAt - this.#clock.nowSeconds() }, "the log was begun anew in this slot: the sequencer waits for the next one");
    while (this.#clock.nowSeconds() < freshAt) await this.#clock.sleep(SLOT_POLL_MS);
  }

  /** Takes no more bundles; resolves when what was taken is on disk, hashed and told, or when the disk did not take it in time. */
  async stopPipeline(): Promise<void> {
    const deadline = setTimeout(() => this.committer.abandon(), STOP_MS);
    await this.pipeline.stop();
    clearTimeout(deadline);
  }

  /** After the pipeline: what is needed to start quickly again, and the end of threads and files. */
  async stop(): Promise<void> {
    await this.#signatures.stop();
    try {
      await this.#writeSnapshot();
    } finally {
      await this.roots.stop();
      await this.#log.close();
      this.sealed.close();
    }
  }

  /** No batch is open, and everything is in the log and in the tree: unless the replay failed or the disk refused it. */
  async #writeSnapshot(): Promise<void> {
    if (!this.#isStarted || this.pipeline.hasFailed) return;
    await this.#snapshots.idle();
    const { state, sealed, committer, pipeline } = this;
    const batchCount = state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.batchIndex);
    const isWhole = sealed.count === batchCount && committer.position === pipeline.position;
    if (!isWhole || batchCount === (this.#snapshots.newestCount ?? 0)) return;
    this.#snapshots.force();
    this.#snapshots.begin(batchCount)?.({ place: this.#log.end, position: committer.position, head: committer.head });
    await this.#snapshots.idle();
  }
}

/** The data of one chain must not be continued as another's. */
async function requireChain(file: string, expected: string): Promise<void> {
  let found: string;
  try {
    found = (JSON.parse(await readFile(file, "utf8")) as { domainSeparator: string }).domainSeparator;
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new SequencerError("sequencer/otherChain", { expected, found: "" }, "stop", { what: `${file} does not say which chain its folder belongs to`, todo: "Restore a backup, or choose another data folder" });
    }
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await writeFileAtomic(file, JSON.stringify({ domainSeparator: expected }));
    return;
  }
  if (found === expected) return;
  throw new SequencerError("sequencer/otherChain", { expected, found }, "stop", {
    what: "The data folder belongs to another chain",
    todo: "Choose another data folder, or the deployment that it was made with",
  });
}
