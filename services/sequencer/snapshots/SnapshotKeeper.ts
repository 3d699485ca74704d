import { readFileSync, rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { crc32 } from "node:zlib";

import { toHex } from "../../../core/codec/hex.ts";
import type { State, StateSnapshot, StateTreeSnapshot } from "../../../core/state/index.ts";
import { SnapshotStore } from "../../../derivation/files/SnapshotStore.ts";
import type { Clock } from "../../../runtime/clock/Clock.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { SealedBatches } from "../batches/SealedBatches.ts";
import { SEGMENT_BYTES } from "../log/SegmentLog.ts";
import type { LogPlace, SegmentLog } from "../log/SegmentLog.ts";
import type { RecentBundles } from "../RecentBundles.ts";
import type { RootClient } from "../roots/RootClient.ts";
import { metaPath, recentPath } from "./SnapshotFiles.ts";
import type { SnapshotJob, SnapshotMeta } from "./SnapshotFiles.ts";

const KEPT = 2;

/** A snapshot as it is read at a start. */
export interface ReadSnapshot {
  readonly batchCount: number;
  readonly state: StateSnapshot;
  readonly tree: StateTreeSnapshot;
  readonly recent: Uint8Array;
  readonly meta: SnapshotMeta;
}

/** Where a batch ends in the log. */
export interface SnapshotPlace {
  readonly place: LogPlace;
  readonly position: number;
  readonly head: Uint8Array;
}

export interface SnapshotKeeperOptions {
  readonly dir: string;
  readonly domainSeparator: Uint8Array;
  /** A snapshot is due after so many bytes of log. */
  readonly everyBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly state: State;
  readonly roots: RootClient;
  readonly log: SegmentLog;
  readonly sealed: SealedBatches;
  readonly recent: RecentBundles;
}

const bytesBetween = (from: LogPlace, to: LogPlace): number => (to.segment - from.segment) * SEGMENT_BYTES + to.offset - from.offset;

/** Writes snapshots while the sequencer runs, so that a restart plays a bounded part of the log again, and reads the newest whole one. */
export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #store: SnapshotStore;
  #parts: SnapshotParts | undefined;
  #newest: LogPlace = { segment: 0, offset: 0 };
  /** Batches in the newest whole snapshot; undefined without one. */
  newestCount: number | undefined;
  #writing: Promise<void> | undefined;
  /** From the copy of a state until it is written: two at a time would hold the state three times. */
  #isBegun = false;
  #isForced = false;

  constructor(options: SnapshotKeeperOptions) {
    this.#options = options;
    this.#store = new SnapshotStore(options.dir, options.domainSeparator);
  }

  /** The newest snapshot that is whole; the log can do without any. */
  readNewest(): ReadSnapshot | undefined {
    const { dir, logger } = this.#options;
    for (const batchCount of this.#store.list().reverse()) {
      const content = this.#store.read(batchCount);
      const meta = readMeta(metaPath(dir, batchCount));
      const recent = meta === undefined ? undefined : readChecked(recentPath(dir, batchCount), meta.recentCrc);
      if (content !== undefined && meta !== undefined && recent !== undefined) {
        this.#newest = meta.place;
        this.newestCount = batchCount;
        return { batchCount, ...content, recent, meta };
      }
      logger.warn({ batches: batchCount }, "a snapshot is not whole; an older one or the whole log is played instead");
    }
    return undefined;
  }

  /** From now on snapshots can be made of these. */
  attach(parts: SnapshotParts): void {
    this.#parts = parts;
  }

  /**
   * Called between two batches, when the tree has just been given the changes of the last. If a snapshot is due, copies the state and
   * returns what is to be called once the batch is sealed. A batch that is never sealed ends the sequencer: nothing else is due then.
   */
  begin(batchCount: number): ((at: SnapshotPlace) => void) | undefined {
    const parts = this.#parts;
    if (parts === undefined || this.#isBegun) return undefined;
    if (!this.#isForced && bytesBetween(this.#newest, parts.log.end) < this.#options.everyBytes) return undefined;
    this.#isForced = false;
    this.#isBegun = true;
    const startedAtMs = this.#options.clock.monotonicMs();
    // Asked for first: the worker answers in order, so its tree is that of the same batch.
    const tree = parts.roots.snapshot();
    const state = parts.state.exportSnapshot();
    const copyMs = Math.round(this.#options.clock.monotonicMs() - startedAtMs);
    tree.catch(() => undefined); // its failure is told where it is awaited
    return (at) => {
      this.#writing = this.#write(batchCount, state, tree, at, copyMs, parts)
        .catch((error: unknown) => this.#options.logger.warn({ err: toError(error) }, "a snapshot could not be written; a restart plays more of the log again"))
        .finally(() => {
          this.#writing = undefined;
          this.#isBegun = false;
        });
    };
  }

  /** Makes the next batch end with a snapshot. */
  force(): void {
    this.#isForced = true;
  }

  /** Resolves when no snapshot is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(batchCount: number, state: StateSnapshot, treePending: Promise<StateTreeSnapshot>, at: SnapshotPlace, copyMs: number, parts: SnapshotParts): Promise<void> {
    const { dir, domainSeparator, logger, clock } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const tree = await treePending;
    parts.sealed.sync();
    const recent = Uint8Array.from(parts.recent.export(at.position));
    const meta: SnapshotMeta = { place: at.place, position: at.position, head: toHex(at.head), recentCrc: crc32(recent) };
    await runWorker({ dir, domainSeparator, batchCount, state, tree, recent, meta });
    this.#newest = at.place;
    this.newestCount = batchCount;
    for (const old of this.#store.list().slice(0, -KEPT)) {
      rmSync(metaPath(dir, old), { force: true });
      this.#store.remove(old);
      rmSync(recentPath(dir, old), { force: true });
    }
    logger.info({ batches: batchCount, copyMs, writeMs: Math.round(clock.monotonicMs() - startedAtMs) }, "a snapshot was written");
  }
}

async function runWorker(job: SnapshotJob): Promise<void> {
  const transferList = job.state.parts.map(({ leaves }) => leaves.buffer as ArrayBuffer);
  const worker = new Worker(new URL("./snapshotWorker.ts", import.meta.url), { workerData: job, transferList });
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the snapshot worker ended with code ${code}`))));
  });
}

function readMeta(path: string): SnapshotMeta | undefined {
  try {
    const meta = JSON.parse(readFileSync(path, "utf8")) as SnapshotMeta;
    const numbers = [meta.place?.segment, meta.place?.offset, meta.position, meta.recentCrc];
    return numbers.every(Number.isSafeInteger) && /^0x[0-9a-f]{64}$/.test(meta.head) ? meta : undefined;
  } catch {
    return undefined; // it is written last: a crash came between
  }
}

function readChecked(path: string, crc: number): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path);
    return crc32(bytes) === crc ? bytes : undefined;
  } catch {
    return undefined;
  }
}
