import { bundleDigest, recordsHash } from "../../core/codec/bundle.ts";
import { bundleHash } from "../../core/codec/heads.ts";
import type { BundleRecord } from "../../core/codec/stream.ts";
import { outcomeText } from "../../core/errors.ts";
import { AUTH, ERROR, KIND, LEAF_BYTES, MACHINE, MAX_BUNDLE_RECORDS, OP, RECORD, SLOT_BYTES, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import type { State } from "../../core/state/index.ts";
import { INVOCATION_ALLOCATOR, SESSION_ALLOCATOR, WORKFLOW_ALLOCATOR, createBundleResult } from "../../core/transition/index.ts";
import type { BundleResult, EntryInput, Executor } from "../../core/transition/index.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import type { OpenBatches } from "./batches/OpenBatches.ts";
import type { Committer } from "./Committer.ts";
import type { HeadSigner } from "./heads/HeadSigner.ts";
import { encodeBundle } from "./log/LogEntry.ts";
import type { DependencyLevels } from "./parking/DependencyLevels.ts";
import { wakeKey } from "./parking/Parking.ts";
import type { Parking } from "./parking/Parking.ts";
import { RanBundle } from "./RanBundle.ts";
import type { RecentBundles } from "./RecentBundles.ts";
import type { SignaturePool } from "./signatures/SignaturePool.ts";
import { INTAKE } from "./Submission.ts";
import type { Client, Reply, Submission } from "./Submission.ts";

const MAX_BUNDLE_BYTES = (1 + MAX_BUNDLE_RECORDS) * SLOT_BYTES;
const NO_SIGNER = new Uint8Array(20);

export interface PipelineOptions {
  readonly state: State;
  readonly executor: Executor;
  readonly domainSeparator: Uint8Array;
  readonly committer: Committer;
  readonly batches: OpenBatches;
  readonly parking: Parking;
  readonly levels: DependencyLevels;
  readonly recent: RecentBundles;
  readonly signatures: SignaturePool;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  readonly tickMs: number;
  /** Bundles between intake and execution at most, of all clients and of one. */
  readonly maxQueue: number;
  readonly maxQueuePerClient: number;
  readonly onFailed: (error: Error) => void;
}

/** Takes bundles in the order of their arrival through signatures, order, execution and log. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #queue: Submission[] = [];
  #queueHead = 0;
  #position = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isStopping = false;
  #hasFailed = false;
  readonly #out = createBundleResult();
  readonly #idsBefore = new Float64Array(3);
  /** Counts for metrics. */
  readonly counts = { bundles: 0, records: 0, accepted: 0, rejectedBundles: 0, parked: 0 };

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** @param position records so far */
  start(position: number): void {
    this.#position = position;
    this.#timer = setInterval(() => this.#tick(), this.#options.tickMs);
  }

  /** Something failed that only a restart mends: nothing is executed, written or acknowledged any more. */
  fail(): void {
    this.#hasFailed = true;
  }

  /** Ends the open batch and resolves when everything is on disk and hashed, or cannot be any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#options.parking.expire(Number.POSITIVE_INFINITY, INTAKE.STOPPING);
    for (const submission of this.#queue.splice(this.#queueHead)) submission.reply.rejected(INTAKE.STOPPING, "the sequencer stops; send again later");
    // After a failure the state may be half changed: the log ends where it was whole.
    if (!this.#hasFailed) this.#options.batches.end(this.#position);
    await this.#options.committer.idle();
    await this.#options.batches.idle();
  }

  /** True once something failed that only a restart mends. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** False while nothing can be acknowledged. */
  get isWell(): boolean {
    return !this.#hasFailed && !this.#options.committer.isStuck && !this.#options.batches.isBehind;
  }

  /** Records executed. */
  get position(): number {
    return this.#position;
  }

  get queueLength(): number {
    return this.#queue.length - this.#queueHead;
  }

  /** Bundles that wait for others. */
  get waiting(): number {
    return this.#options.parking.count;
  }

  get l2Time(): number {
    return this.#options.batches.l2Time;
  }

  /** Entries of L1 that are executed. */
  get inboxCursor(): number {
    return this.#options.state.system.u64(SYSTEM_LEAF.MACHINE * LEAF_BYTES + MACHINE.inboxCursor);
  }

  /** Index of the entry that is to be added next. */
  get nextEntry(): number {
    return this.#options.batches.nextEntry;
  }

  /** Entries of L1 that are deep enough, in order, each once. */
  addEntries(entries: readonly { readonly index: number; readonly entry: EntryInput }[]): void {
    this.#options.batches.addEntries(entries);
  }

  /** No batch may have this L2 time or a later one: an entry may be due that was not handed over yet. */
  limitTime(l2TimeEnd: number): void {
    this.#options.batches.limitTime(l2TimeEnd);
  }

  /** Takes a bundle, or says why not. The bytes must not change afterwards. */
  submit(bytes: Uint8Array, reply: Reply, client?: Client): void {
    const { executor, maxQueue, maxQueuePerClient, committer, batches, domainSeparator, signatures } = this.#options;
    if (this.#isStopping || this.#hasFailed) return reply.rejected(INTAKE.STOPPING, "the sequencer stops; send again later");
    if (committer.isDiskFull) return reply.rejected(INTAKE.DISK_FULL, "the sequencer cannot write to its disk; send again later");
    if (committer.isStuck || batches.isBehind) return reply.rejected(INTAKE.BUSY, "the sequencer cannot sign or write at present; send again later");
    if (this.queueLength >= maxQueue) return reply.rejected(INTAKE.BUSY, "too many bundles wait; send again later");
    if (client !== undefined && client.queued >= maxQueuePerClient) return reply.rejected(INTAKE.BUSY, "too many bundles of this connection wait; send again when some are answered");
    if (bytes.length > MAX_BUNDLE_BYTES) return reply.rejected(INTAKE.TOO_LARGE, `a bundle has at most ${MAX_BUNDLE_BYTES} bytes, this one ${bytes.length}`);
    const count = bytes.length / SLOT_BYTES - 1;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const isWhole = Number.isInteger(count) && executor.isBundle(bytes, 0) && view.getUint16(RECORD.HEADER.count) === count;
    if (!isWhole || bytes[RECORD.HEADER.auth] !== AUTH.SIGNATURE) return this.#reject(reply, ERROR.H_GARBAGE);

    const hash = recordsHash(bytes, SLOT_BYTES, count);
    const submission: Submission = { bytes, count, hash: bundleHash(bytes, hash), reply, client, recovered: undefined, parkedUntilMs: 0 };
    this.#queue.push(submission);
    if (client !== undefined) client.queued += 1;
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
    if (this.#isStopping || this.#hasFailed) return;
    try {
      for (;;) {
        const submission = this.#queue[this.#queueHead];
        if (submission?.recovered === undefined) break;
        this.#queueHead += 1;
        if (submission.client !== undefined) submission.client.queued -= 1;
        this.#take(submission);
      }
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onFailed(error as Error);
      return;
    }
    if (this.#queueHead > 1024 || this.#queueHead === this.#queue.length) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    }
  }

  /** The bundle, and after it all that waited for it, and for them. */
  #take(first: Submission): void {
    for (let due: Submission[] = [first]; due.length > 0; ) {
      const submission = due.shift() as Submission;
      const ran = this.#takeOne(submission);
      if (ran && this.#options.parking.count > 0) due = [...due, ...this.#woken(submission)];
    }
  }

  /** True if it was executed. */
  #takeOne(submission: Submission): boolean {
    const { executor, parking, clock } = this.#options;
    const { bytes, reply } = submission;
    const recovered = signerOf(submission);
    const error = executor.checkHeader(bytes, 0, recovered);
    if (error === ERROR.H_NONCE) {
      this.#takeOutOfTurn(submission, recovered);
      return false;
    }
    if (error !== ERROR.OK) {
      this.#reject(reply, error);
      return false;
    }
    const dependency = executor.dependenciesOf(bytes, 0)[0];
    if (dependency !== undefined) {
      this.counts.parked += 1;
      parking.addDependent(submission, dependency, { nowMs: clock.monotonicMs(), wallMs: clock.nowMs() });
      return false;
    }
    return this.#execute(submission, recovered);
  }

  /** A gap waits; a bundle that ran before is answered as it was; any other replay is refused. */
  #takeOutOfTurn(submission: Submission, recovered: Uint8Array | null): void {
    const { executor, parking, clock, recent, signer } = this.#options;
    const { bytes, reply } = submission;
    if (executor.nonceDistance(bytes, 0) > 0) {
      // Only who may sign for the account can make it wait: a stranger would use up its places.
      if (!executor.isSigned(bytes, 0, recovered)) return this.#reject(reply, ERROR.H_SIGNATURE);
      this.counts.parked += 1;
      parking.addGap(submission, { nowMs: clock.monotonicMs(), wallMs: clock.nowMs() });
      return;
    }
    const known = recent.get(submission.hash);
    if (known === undefined) return this.#reject(reply, ERROR.H_NONCE);
    known.addReply(reply, signer).catch(() => reply.rejected(INTAKE.BUSY, "the sequencer cannot sign the answer again at present; send again later"));
  }

  #execute(submission: Submission, recovered: Uint8Array | null): boolean {
    const { executor, committer, batches, levels, recent, parking } = this.#options;
    const { bytes, count, reply } = submission;
    if (batches.makeRoom(1 + count, this.#position)) {
      // Time has moved on with the new batch, and its entries were executed.
      const error = executor.checkHeader(bytes, 0, recovered);
      if (error !== ERROR.OK) {
        this.#reject(reply, error);
        return false;
      }
    }
    if (parking.hasDependents) this.#noteIds();
    executor.executeBundle(bytes, 0, recovered, this.#out);
    levels.add(bytes, this.#out);
    const record: BundleRecord = {
      position: this.#position,
      firstReceipt: this.#out.firstReceipt,
      outcomes: this.#out.outcomes.slice(0, count),
      slots: this.#out.slots.slice(0, count),
      ids: this.#out.ids.slice(0, count),
    };
    this.#position += count;
    this.counts.bundles += 1;
    this.counts.records += count;
    for (let i = 0; i < count; i += 1) if (record.outcomes[i] === ERROR.OK) this.counts.accepted += 1;
    reply.sequenced();
    const ran = new RanBundle(record, reply);
    recent.add(submission.hash, ran);
    committer.add({ payload: encodeBundle(bytes, submission.recovered ?? NO_SIGNER), bundle: { hash: submission.hash, count, ran } });
    batches.took(1 + count, ran, this.#position);
    return true;
  }

  #noteIds(): void {
    for (const [i, allocator] of ALLOCATORS.entries()) this.#idsBefore[i] = this.#options.state.system.u64(allocator.at);
  }

  /** What waited for the bundle that was just executed. */
  #woken({ bytes }: Submission): Submission[] {
    const { parking, state } = this.#options;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const next = parking.takeNext(view.getUint32(RECORD.HEADER.agent), Number(view.getBigUint64(RECORD.HEADER.nonce)) + 1);
    const woken = next === undefined ? [] : [next];
    if (!parking.hasDependents) return woken;
    for (const [i, { at, kind }] of ALLOCATORS.entries()) {
      const last = state.system.u64(at);
      for (let id = (this.#idsBefore[i] ?? last) + 1; id <= last; id += 1) woken.push(...parking.takeDependents(wakeKey(kind, id, "missing")));
    }
    for (const id of answeredCalls(view, this.#out)) woken.push(...parking.takeDependents(wakeKey(KIND.INVOCATION, id, "pending")));
    return woken;
  }

  #reject(reply: Reply, code: number): void {
    this.counts.rejectedBundles += 1;
    const text = outcomeText(code);
    reply.rejected(code, text === undefined ? "rejected" : `${text.what}; ${text.todo}`);
  }

  #tick(): void {
    const { clock, parking, batches } = this.#options;
    if (this.#hasFailed) return;
    try {
      parking.expire(clock.monotonicMs());
      batches.tick(this.#position);
      if (batches.takeNews()) for (const waiting of parking.takeAll()) this.#take(waiting);
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onFailed(error as Error);
    }
  }
}

/** Where the last id of each kind of object stands. */
const ALLOCATORS = [
  { kind: KIND.INVOCATION, at: INVOCATION_ALLOCATOR },
  { kind: KIND.WORKFLOW, at: WORKFLOW_ALLOCATOR },
  { kind: KIND.SESSION, at: SESSION_ALLOCATOR },
] as const;

/** Ids of the calls that records of a bundle answered or ended. */
function answeredCalls(view: DataView, { outcomes, count }: BundleResult): number[] {
  const ids: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = (i + 1) * SLOT_BYTES;
    const op = view.getUint8(at);
    if ((op === OP.RESPOND || op === OP.TIMEOUT) && outcomes[i] === ERROR.OK) ids.push(Number(view.getBigUint64(at + RECORD.RESPOND.id)));
  }
  return ids;
}

/** Null for a signature that recovered nothing. */
function signerOf({ recovered }: Submission): Uint8Array | null {
  return recovered === undefined || recovered.every((byte) => byte === 0) ? null : recovered;
}
