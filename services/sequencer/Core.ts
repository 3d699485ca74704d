import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import { createState } from "../../core/state/index.ts";
import type { State } from "../../core/state/index.ts";
import { createExecutor } from "../../core/transition/index.ts";
import { SnapshotStore } from "../../derivation/files/SnapshotStore.ts";
import { recoverAddress } from "../../runtime/crypto/secp.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { Committer } from "./Committer.ts";
import type { SequencerConfig } from "./config.ts";
import { SegmentLog } from "./log/SegmentLog.ts";
import type { LogPlace } from "./log/SegmentLog.ts";
import { Parking } from "./Parking.ts";
import { Pipeline } from "./Pipeline.ts";
import { recover } from "./recover.ts";
import { RootClient } from "./roots/RootClient.ts";
import { SealedBatches } from "./SealedBatches.ts";
import type { SealedBatch } from "./SealedBatches.ts";
import { SequencerError } from "./SequencerError.ts";
import { SignaturePool } from "./signatures/SignaturePool.ts";

/** What a chain is to the sequencer. */
export interface ChainParameters {
  readonly domainSeparator: Uint8Array;
  readonly feeTable: readonly number[];
}

/** What lies beside a snapshot of the state. */
interface SnapshotMeta {
  readonly place: LogPlace;
  readonly position: number;
  readonly head: string;
  readonly batches: readonly (Omit<SealedBatch, "stateRoot"> & { readonly stateRoot: string })[];
}

/** State, log, roots and pipeline of one chain in one data folder: everything but networks. */
export class Core {
  readonly state: State = createState();
  readonly sealed: SealedBatches;
  readonly roots: RootClient;
  readonly pipeline: Pipeline;
  readonly committer: Committer;
  readonly #config: SequencerConfig;
  readonly #log: SegmentLog;
  readonly #snapshots: SnapshotStore;
  readonly #snapshotDir: string;
  readonly #signatures: SignaturePool;
  readonly #logger: Logger;
  readonly #from: SnapshotMeta | undefined;
  readonly #executor;

  constructor(config: SequencerConfig, chain: ChainParameters, signDigest: (digest: Uint8Array) => Uint8Array, logger: Logger, onFailed: (error: Error) => void) {
    this.#config = config;
    this.#logger = logger;
    this.#requireChain(chain);
    this.#log = new SegmentLog(join(config.dataDir, "log"), logger);
    this.#snapshotDir = join(config.dataDir, "snapshots");
    this.#snapshots = new SnapshotStore(this.#snapshotDir, chain.domainSeparator);
    this.sealed = new SealedBatches(this.#log);

    const snapshot = this.#readNewest();
    this.#from = snapshot?.meta;
    if (snapshot !== undefined) this.state.importSnapshot(snapshot.content.state);
    for (const batch of snapshot?.meta.batches ?? []) this.sealed.add({ ...batch, stateRoot: fromHex(batch.stateRoot) });
    const nodeDir = join(config.dataDir, "nodes");
    mkdirSync(nodeDir, { recursive: true });
    this.roots = new RootClient(nodeDir, snapshot?.content, onFailed);
    this.#signatures = new SignaturePool(onFailed);
    const recoverNative = (digest: Uint8Array, r: Uint8Array, vs: Uint8Array): Uint8Array | null => {
      const signature = new Uint8Array(64);
      signature.set(r);
      signature.set(vs, 32);
      return recoverAddress(digest, signature);
    };
    this.#executor = createExecutor(this.state, { ...chain, recover: recoverNative });
    this.committer = new Committer({ log: this.#log, domainSeparator: chain.domainSeparator, signDigest, clock: systemClock, logger, onGroup: () => undefined });
    this.pipeline = new Pipeline({
      state: this.state,
      executor: this.#executor,
      domainSeparator: chain.domainSeparator,
      committer: this.committer,
      parking: new Parking({ maxBundles: config.maxParked, maxBundlesPerAgent: config.maxParkedPerAgent, maxMs: config.parkMs }),
      roots: this.roots,
      sealed: this.sealed,
      signatures: this.#signatures,
      signDigest,
      clock: systemClock,
      maxBatchSlots: config.batchSlots,
      batchMs: config.batchMs,
      maxQueue: config.maxQueue,
      onFailed,
    });
  }

  /** Plays the log again from the newest snapshot on and opens the pipeline. */
  async start(): Promise<void> {
    const startedAt = systemClock.nowMs();
    const from = { place: this.#from?.place, position: this.#from?.position ?? 0, head: this.#from === undefined ? new Uint8Array(32) : fromHex(this.#from.head) };
    const parts = { log: this.#log, state: this.state, executor: this.#executor, roots: this.roots, sealed: this.sealed };
    const recovered = await recover(parts, from);
    this.committer.head = recovered.head;
    this.committer.position = recovered.position;
    this.#logger.info({ records: recovered.position, batches: this.sealed.count, replayedEntries: recovered.entries, ms: Math.round(systemClock.nowMs() - startedAt) }, "the log was replayed");
    this.#signatures.start(this.#config.signatureWorkers);
    this.pipeline.start(recovered);
  }

  async stop(): Promise<void> {
    await this.pipeline.stop();
    await this.#signatures.stop();
    await this.#writeSnapshot();
    await this.#log.close();
    await this.roots.stop();
  }

  /** After the pipeline has stopped: no batch is open, everything is in the log and in the tree. */
  async #writeSnapshot(): Promise<void> {
    const tree = await this.roots.snapshot();
    const count = this.sealed.count;
    if (count === 0) return;
    await this.#snapshots.write(count, { state: this.state.exportSnapshot(), tree });
    const batches = this.sealed.list().slice(-4096).map((batch) => ({ ...batch, stateRoot: toHex(batch.stateRoot ?? new Uint8Array(32)) }));
    const meta: SnapshotMeta = { place: this.#log.end, position: this.committer.position, head: toHex(this.committer.head), batches };
    await writeFileAtomic(this.#metaPath(count), JSON.stringify(meta));
    for (const old of this.#snapshots.list().slice(0, -2)) {
      this.#snapshots.remove(old);
      rmSync(this.#metaPath(old), { force: true });
    }
  }

  /** The newest snapshot that is whole; the log can do without any. */
  #readNewest(): { content: NonNullable<ReturnType<SnapshotStore["read"]>>; meta: SnapshotMeta } | undefined {
    for (const count of this.#snapshots.list().reverse()) {
      const content = this.#snapshots.read(count);
      let text: string | undefined;
      try {
        text = readFileSync(this.#metaPath(count), "utf8");
      } catch {
        text = undefined; // it is written last: a crash came between
      }
      if (content !== undefined && text !== undefined) return { content, meta: JSON.parse(text) as SnapshotMeta };
      this.#logger.warn({ batches: count }, "a snapshot is not whole; an older one or the whole log is played instead");
    }
    return undefined;
  }

  #metaPath(count: number): string {
    return join(this.#snapshotDir, `batch-${count}.json`);
  }

  /** The data of one chain must not be continued as another's. */
  #requireChain(chain: ChainParameters): void {
    const file = join(this.#config.dataDir, "chain.json");
    const expected = toHex(chain.domainSeparator);
    let found: string;
    try {
      found = (JSON.parse(readFileSync(file, "utf8")) as { domainSeparator: string }).domainSeparator;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      void writeFileAtomic(file, JSON.stringify({ domainSeparator: expected }));
      return;
    }
    if (found === expected) return;
    throw new SequencerError("sequencer/otherChain", { expected, found }, "stop", {
      what: "The data folder belongs to another chain",
      todo: "Choose another data folder, or the deployment that it was made with",
    });
  }
}
