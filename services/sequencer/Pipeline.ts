import { bundleDigest, recordsHash } from "../../core/codec/bundle.ts";
import type { BundleRecord } from "../../core/codec/stream.ts";
import { AUTH, ERROR, LEAF_BYTES, MACHINE, MAX_BUNDLE_RECORDS, RECORD, SLOT_BYTES, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import { outcomeText } from "../../core/errors.ts";
import type { State } from "../../core/state/index.ts";
import { createBundleResult } from "../../core/transition/index.ts";
import type { EntryInput, Executor } from "../../core/transition/index.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import type { Committer } from "./Committer.ts";
import { bundleHash, rootDigest } from "./Heads.ts";
import { encodeBatchStart, encodeBundle, encodeEnd } from "./log/LogEntry.ts";
import type { LogPlace } from "./log/SegmentLog.ts";
import type { Parking } from "./Parking.ts";
import type { RootClient } from "./roots/RootClient.ts";
import type { SealedBatches } from "./SealedBatches.ts";
import type { SignaturePool } from "./signatures/SignaturePool.ts";
import { RanBundle } from "./RanBundle.ts";
import { INTAKE } from "./Submission.ts";
import type { Reply, Submission } from "./Submission.ts";

const MAX_BUNDLE_BYTES = (1 + MAX_BUNDLE_RECORDS) * SLOT_BYTES;
const MAX_ENTRIES = 512;
/** A retry of a bundle that ran is answered as the first time, for so many of the newest bundles. */
const MEMORY_BUNDLES = 4096;

export interface PipelineOptions {
  readonly state: State;
  readonly executor: Executor;
  readonly domainSeparator: Uint8Array;
  readonly committer: Committer;
  readonly parking: Parking;
  readonly roots: RootClient;
  readonly sealed: SealedBatches;
  readonly signatures: SignaturePool;
  readonly signDigest: (digest: Uint8Array) => Uint8Array;
  readonly clock: Clock;
  /** Slots of a batch at most: its transaction has to fit L1's gas cap. */
  readonly maxBatchSlots: number;
  readonly batchMs: number;
  /** Bundles between intake and execution at most. */
  readonly maxQueue: number;
  readonly onFailed: (error: Error) => void;
}

interface OpenBatch {
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly openedAtMs: number;
  slots: number;
  from: LogPlace | undefined;
  readonly bundles: RanBundle[];
}

/** Takes bundles in the order of their arrival through signatures, order, execution and log, and ends batches. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #queue: Submission[] = [];
  #queueHead = 0;
  #open: OpenBatch | undefined;
  #entries: { index: number; entry: EntryInput }[] = [];
  #position = 0;
  #l2TimeEnd = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isStopping = false;
  readonly #out = createBundleResult();
  readonly #ran = new Map<string, RanBundle>();
  /** Counts for metrics. */
  readonly counts = { bundles: 0, records: 0, accepted: 0, rejectedBundles: 0, parked: 0 };

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** @param restored what a replay of the log came to: records so far, and the batch that was open */
  start(restored: { readonly position: number; readonly open: { l2Time: number; queueEnd: number; slots: number; from: LogPlace } | undefined }): void {
    this.#position = restored.position;
    if (restored.open !== undefined) this.#open = { ...restored.open, openedAtMs: this.#options.clock.nowMs(), bundles: [] };
    this.#timer = setInterval(() => this.#tick(), Math.max(5, this.#options.batchMs / 10));
  }

  /** Ends the open batch and resolves when everything is on disk and hashed. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#options.parking.expire(Number.POSITIVE_INFINITY, INTAKE.STOPPING);
    for (const submission of this.#queue.splice(this.#queueHead)) submission.reply.rejected(INTAKE.STOPPING, "the sequencer stops; send again later");
    this.#endBatch();
    await this.#options.committer.idle();
  }

  get position(): number {
    return this.#position;
  }

  get queueLength(): number {
    return this.#queue.length - this.#queueHead;
  }

  get l2Time(): number {
    return this.#options.state.system.u32(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.l2Time);
  }

  /** Entries of L1 that are executed. */
  get inboxCursor(): number {
    return this.#options.state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.inboxCursor);
  }

  /** Entries of L1 that are deep enough, in order, each once. */
  addEntries(entries: readonly { readonly index: number; readonly entry: EntryInput }[]): void {
    for (const each of entries) if (each.index === this.nextEntry) this.#entries.push(each);
  }

  /** Index of the entry that is to be added next. */
  get nextEntry(): number {
    const consumed = this.#open?.queueEnd ?? this.inboxCursor;
    return consumed + this.#entries.length;
  }

  /** No batch may have this L2 time or a later one: an entry may be due that was not handed over yet. */
  limitTime(l2TimeEnd: number): void {
    this.#l2TimeEnd = l2TimeEnd;
  }

  /** Takes a bundle, or says why not. The bytes must not change afterwards. */
  submit(bytes: Uint8Array, reply: Reply): void {
    const { executor, maxQueue, committer, domainSeparator, signatures } = this.#options;
    if (this.#isStopping) return reply.rejected(INTAKE.STOPPING, "the sequencer stops; send again later");
    if (committer.isDiskFull) return reply.rejected(INTAKE.DISK_FULL, "the sequencer cannot write to its disk; send again later");
    if (this.queueLength >= maxQueue) return reply.rejected(INTAKE.BUSY, "too many bundles wait; send again later");
    if (bytes.length > MAX_BUNDLE_BYTES) return reply.rejected(INTAKE.TOO_LARGE, `a bundle has at most ${MAX_BUNDLE_BYTES} bytes, this one ${bytes.length}`);
    const count = bytes.length / SLOT_BYTES - 1;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isWhole = Number.isInteger(count) && executor.isBundle(bytes, 0) && view.getUint16(RECORD.HEADER.count) === count;
    if (!isWhole || bytes[RECORD.HEADER.auth] !== AUTH.SIGNATURE) return this.#reject(reply, ERROR.H_GARBAGE);

    const hash = recordsHash(bytes, SLOT_BYTES, count);
    const submission: Submission = { bytes, count, hash: bundleHash(bytes, hash), reply, recovered: undefined, parkedUntilMs: 0 };
    this.#queue.push(submission);
    const digest = bundleDigest({
      domainSeparator,
      agent: view.getUint32(RECORD.HEADER.agent),
      nonce: Number(view.getBigUint64(RECORD.HEADER.nonce)),
      count,
      validUntil: view.getUint32(RECORD.HEADER.validUntil),
      recordsHash: hash,
    });
    signatures.recover(digest, bytes.subarray(RECORD.HEADER.signatureR, RECORD.HEADER.signatureR + 64), (address) => {
      submission.recovered = address;
      this.#pump();
    });
  }

  /** Executes from the head of the queue on what has its signature looked at: the order is that of arrival. */
  #pump(): void {
    try {
      for (; this.#queueHead < this.#queue.length; this.#queueHead += 1) {
        const submission = this.#queue[this.#queueHead];
        if (submission?.recovered === undefined) break;
        this.#take(submission);
      }
    } catch (error) {
      this.#options.onFailed(error as Error);
      return;
    }
    if (this.#queueHead > 1024 || this.#queueHead === this.#queue.length) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    }
  }

  #take(submission: Submission): void {
    const { executor, parking, clock } = this.#options;
    const { bytes, reply } = submission;
    const recovered = signerOf(submission);
    const error = executor.checkHeader(bytes, 0, recovered);
    if (error === ERROR.H_NONCE) return this.#takeOutOfTurn(submission);
    if (error !== ERROR.OK) return this.#reject(reply, error);
    if (executor.dependenciesOf(bytes, 0).length > 0) {
      this.counts.parked += 1;
      return parking.addDependent(submission, clock.nowMs());
    }
    this.#execute(submission, recovered);
    if (parking.count === 0) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const next = parking.takeNext(view.getUint32(RECORD.HEADER.agent), Number(view.getBigUint64(RECORD.HEADER.nonce)) + 1);
    if (next !== undefined) this.#take(next);
    for (const waiting of parking.takeDependent()) this.#take(waiting);
  }

  /** A gap waits; a bundle that ran before is answered as it was; any other replay is refused. */
  #takeOutOfTurn(submission: Submission): void {
    const { executor, parking, clock } = this.#options;
    if (executor.nonceDistance(submission.bytes, 0) > 0) {
      // Only who may sign for the account can make it wait.
      this.counts.parked += 1;
      parking.addGap(submission, clock.nowMs());
      return;
    }
    const known = this.#ran.get(keyOf(submission.hash));
    if (known === undefined) return this.#reject(submission.reply, ERROR.H_NONCE);
    known.addReply(submission.reply);
  }

  #execute(submission: Submission, recovered: Uint8Array | null): void {
    const { executor, committer, maxBatchSlots } = this.#options;
    const { bytes, count, reply } = submission;
    if (this.#open !== undefined && this.#open.slots + 1 + count > maxBatchSlots) this.#endBatch();
    if (this.#open === undefined) {
      this.#ensureBatch();
      // Time has moved on with the batch.
      const error = executor.checkHeader(bytes, 0, recovered);
      if (error !== ERROR.OK) return this.#reject(reply, error);
    }
    const open = this.#open as unknown as OpenBatch;
    executor.executeBundle(bytes, 0, recovered, this.#out);
    const record: BundleRecord = {
      position: this.#position,
      firstReceipt: this.#out.firstReceipt,
      outcomes: this.#out.outcomes.slice(0, count),
      slots: this.#out.slots.slice(0, count),
      ids: this.#out.ids.slice(0, count),
    };
    open.slots += 1 + count;
    this.#position += count;
    this.counts.bundles += 1;
    this.counts.records += count;
    for (let i = 0; i < count; i += 1) if (record.outcomes[i] === ERROR.OK) this.counts.accepted += 1;
    reply.sequenced();
    const ran = new RanBundle(record, reply);
    open.bundles.push(ran);
    this.#remember(submission.hash, ran);
    committer.add({ payload: encodeBundle(bytes, submission.recovered ?? new Uint8Array(20)), bundle: { hash: submission.hash, count, ran }, written: undefined });
    if (open.slots >= maxBatchSlots) this.#endBatch();
  }

  #remember(hash: Uint8Array, ran: RanBundle): void {
    this.#ran.set(keyOf(hash), ran);
    if (this.#ran.size <= MEMORY_BUNDLES) return;
    const oldest = this.#ran.keys().next();
    if (oldest.done !== true) this.#ran.delete(oldest.value);
  }

  #reject(reply: Reply, code: number): void {
    this.counts.rejectedBundles += 1;
    const text = outcomeText(code);
    reply.rejected(code, text === undefined ? "rejected" : `${text.what}; ${text.todo}`);
  }

  /** Opens a batch: the log has its time and entries before anything that depends on them. */
  #ensureBatch(): void {
    if (this.#open !== undefined) return;
    const { executor, committer, clock } = this.#options;
    const taken = this.#entries.splice(0, MAX_ENTRIES);
    const consumed = taken[0]?.index ?? this.nextEntry - this.#entries.length;
    // A batch of this time or later would leave out an entry that is due: the chain's time stands until L1 hands it over.
    const end = Math.min(this.#l2TimeEnd, this.#entries[0]?.entry.dueTime ?? Number.POSITIVE_INFINITY);
    const l2Time = Math.max(this.l2Time, Math.min(clock.nowSeconds(), end - 1));
    const open: OpenBatch = { l2Time, queueEnd: consumed + taken.length, openedAtMs: clock.nowMs(), slots: 0, from: undefined, bundles: [] };
    this.#open = open;
    const start = { l2Time, queueEnd: open.queueEnd, entries: taken.map(({ entry }) => entry) };
    executor.beginBatch({ l2Time, queueEnd: open.queueEnd });
    for (const { entry } of taken) executor.applyEntry(entry);
    committer.add({ payload: encodeBatchStart(start), bundle: undefined, written: (from) => void (open.from = from) });
  }

  #tick(): void {
    const { clock, batchMs, parking } = this.#options;
    try {
      parking.expire(clock.nowMs());
      const open = this.#open;
      if (open === undefined) {
        if (this.#entries.length > 0) this.#ensureBatch();
      } else if (clock.nowMs() - open.openedAtMs >= batchMs) {
        this.#endBatch();
        for (const waiting of parking.takeDependent()) this.#take(waiting);
      }
    } catch (error) {
      this.#options.onFailed(error as Error);
    }
  }

  /** Ends the open batch: its leaves go to the root worker, its end to the log, and its root to all who wait. */
  #endBatch(): void {
    const { executor, state, committer, roots, sealed, domainSeparator, signDigest, onFailed } = this.#options;
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const position = this.#position;
    const slots = executor.endBatch();
    const index = state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.batchIndex) - 1;
    const hashed = roots.apply(state.drainDirty());
    const onDisk = new Promise<LogPlace>((resolve) => committer.add({ payload: encodeEnd(), bundle: undefined, written: (_from, to) => resolve(to) }));
    Promise.all([hashed, onDisk]).then(([stateRoot, to]) => {
      const { l2Time, queueEnd } = open;
      sealed.add({ index, l2Time, queueEnd, slots, position, from: open.from as LogPlace, to, stateRoot });
      const signature = signDigest(rootDigest(domainSeparator, position, index + 1, stateRoot));
      for (const bundle of open.bundles) bundle.rooted({ position, stateRoot, signature, batchCount: index + 1 });
    }, onFailed);
  }
}

/** Null for a signature that recovered nothing. */
function signerOf({ recovered }: Submission): Uint8Array | null {
  return recovered === undefined || recovered.every((byte) => byte === 0) ? null : recovered;
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString("latin1");
}
