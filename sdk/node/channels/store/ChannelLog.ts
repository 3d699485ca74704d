import { close, closeSync, fdatasync, ftruncateSync, fdatasyncSync, fstatSync, mkdirSync, openSync, rmSync, write, writeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";

import { toError } from "../../../../runtime/errors/CodedError.ts";
import { shellError } from "../ChannelShellError.ts";
import type { ChannelShellError } from "../ChannelShellError.ts";
import { GroupBuffer, MARK_BYTES, entriesOf } from "./groupCodec.ts";
import type { LogEntry } from "./groupCodec.ts";
import { isDiskFull } from "./isDiskFull.ts";
import { SEGMENT_HEAD_BYTES, createSegment, listSegments, readSegment, segmentName } from "./segmentFile.ts";

/** Zeros are written ahead, so that a commit does not have to change the file's size: fdatasync then costs a third. */
const AHEAD_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(AHEAD_BYTES);
export const DEFAULT_SEGMENT_BYTES = 32 * 1024 * 1024;
/** A segment is at least so many times as large as what a fresh one begins with. */
const LEAST_GROWTH = 4;
const FULL_RETRY_MS = 250;
const SMALL_GROUP_BYTES = 1 << 20;

const writeAsync = promisify(write);
const datasync = promisify(fdatasync);
const closeAsync = promisify(close);

/** Told when what was appended is on disk, or with the reason why it will never be. */
type Waiter = (error?: ChannelShellError) => void;

export interface LogOptions {
  /** Size from which a segment is replaced by a fresh one that begins with `snapshot`. */
  readonly segmentBytes?: number | undefined;
  /** Keep the segments that are not needed any more, as evidence of every call. Default: no. */
  readonly keepsHistory?: boolean | undefined;
}

/**
 * The append-only file of a channel store. What is appended in one turn, and while the disk is busy, goes down as one group under
 * one CRC with one fdatasync: whole or not at all. A segment begins with a snapshot of everything, so that only the newest
 * counts. On a full disk the group waits and is tried again; an fdatasync that fails is the end, since nobody knows what is on disk then.
 */
export class ChannelLog {
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #keepsHistory: boolean;
  #fd = -1;
  #segment = 0;
  #mark: Uint8Array = new Uint8Array(MARK_BYTES);
  #offset = 0;
  #allocated = 0;
  #baseBytes = 0;
  /** A segment whose blocks may be used again. */
  #spare: number | undefined;
  #pending = new GroupBuffer();
  #writing = new GroupBuffer();
  #waiters: Waiter[] = [];
  #running: Promise<void> | undefined;
  #ended: ChannelShellError | undefined;
  #isFull = false;
  #isClosing = false;
  #retry: { readonly timer: NodeJS.Timeout; readonly go: () => void } | undefined;
  #snapshot: (() => Iterable<LogEntry>) | undefined;
  #groups = 0;

  constructor(dir: string, options: LogOptions = {}) {
    this.#dir = dir;
    this.#segmentBytes = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.#keepsHistory = options.keepsHistory ?? false;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** True while the disk has no room: what is appended waits. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Why nothing more can be written; undefined while all is well. */
  get failure(): ChannelShellError | undefined {
    return this.#ended;
  }

  /** Groups written since the start. */
  get groups(): number {
    return this.#groups;
  }

  get segment(): number {
    return this.#segment;
  }

  /**
   * Reads what is there and makes the log ready. Call once, before anything else.
   * @param begin what a new log begins with
   * @throws ChannelShellError `channel/store-format`, `channel/store-damaged`
   */
  recover(begin: () => readonly LogEntry[]): readonly LogEntry[] {
    const segments = listSegments(this.#dir);
    const newest = segments.at(-1);
    if (newest === undefined) {
      const entries = begin();
      this.#open(0, entries);
      return entries;
    }
    const { mark, bytes, groups, hasRest } = readSegment(this.#dir, newest);
    const entries: LogEntry[] = [];
    for (let i = 0; i + 1 < groups.length; i += 1) {
      const found = entriesOf(bytes, groups[i]!, groups[i + 1]!);
      if (found === undefined) throw shellError("channel/store-damaged", { file: segmentName(newest), offset: groups[i]! }, "a group does not add up");
      for (const entry of found) entries.push(entry);
    }
    this.#segment = newest;
    this.#mark = mark;
    this.#offset = groups.at(-1)!;
    this.#baseBytes = groups[1]! - SEGMENT_HEAD_BYTES;
    this.#fd = openSync(join(this.#dir, segmentName(newest)), "r+");
    if (hasRest) ftruncateSync(this.#fd, this.#offset);
    fdatasyncSync(this.#fd);
    this.#allocated = fstatSync(this.#fd).size;
    for (const old of segments) if (old !== newest && !this.#keepsHistory) rmSync(join(this.#dir, segmentName(old)));
    return entries;
  }

  /**
   * Says what a fresh segment begins with: everything that has been appended when the call returns, in the fewest entries. The call
   * may append what is not yet.
   */
  compactWith(snapshot: () => Iterable<LogEntry>): void {
    this.#snapshot = snapshot;
  }

  /** Queues an entry; it is on disk when a later {@link whenDurable} says so. The bytes are copied. */
  append(channelId: Uint8Array, kind: number, body: Uint8Array): void {
    this.#pending.add(channelId, kind, body);
  }

  /** Calls `done` when everything that was appended so far is on disk, or with the reason why it will never be. */
  whenDurable(done: Waiter): void {
    if (this.#ended !== undefined) return void queueMicrotask(() => done(this.#ended));
    this.#waiters.push(done);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What else is appended in this turn goes along.
    await Promise.resolve();
    while (this.#waiters.length > 0 && this.#ended === undefined) {
      let fresh: GroupBuffer | undefined;
      try {
        // It may append what it has not yet, and holds then exactly what this group and those before it hold.
        fresh = this.#freshGroup();
      } catch (error) {
        this.#ended = shellError("channel/store-failed", { file: segmentName(this.#segment) }, `no snapshot: ${toError(error).message}`, error);
        break;
      }
      const waiters = this.#waiters;
      this.#waiters = [];
      [this.#pending, this.#writing] = [this.#writing, this.#pending];
      const error = await this.#write(fresh);
      this.#writing.clear();
      if (error !== undefined) this.#ended = error;
      for (const waiter of waiters) waiter(error);
    }
    this.#running = undefined;
    if (this.#ended !== undefined) for (const waiter of this.#waiters.splice(0)) waiter(this.#ended);
  }

  #freshGroup(): GroupBuffer | undefined {
    if (this.#snapshot === undefined || this.#offset < this.#segmentBytes || this.#offset < LEAST_GROWTH * this.#baseBytes) return undefined;
    const entries = [...this.#snapshot()];
    const group = new GroupBuffer();
    for (const { channelId, kind, body } of entries) group.add(channelId, kind, body);
    return group;
  }

  /** Writes the current group, and then the fresh segment; returns why it never will be written. */
  async #write(fresh: GroupBuffer | undefined): Promise<ChannelShellError | undefined> {
    for (;;) {
      try {
        if (!this.#writing.isEmpty) await this.#writeGroup(this.#writing.seal(this.#mark));
        break;
      } catch (error) {
        if (!isDiskFull(error)) return shellError("channel/store-failed", { file: segmentName(this.#segment) }, toError(error).message, error);
        this.#isFull = true;
        if (this.#isClosing) return shellError("channel/store-full", { file: segmentName(this.#segment) }, "it was closed before there was room", error);
        await new Promise<void>((go) => (this.#retry = { timer: setTimeout(go, FULL_RETRY_MS), go }));
        this.#retry = undefined;
      }
    }
    this.#isFull = false;
    return fresh === undefined ? undefined : this.#replaceSegment(fresh);
  }

  async #writeGroup(group: Buffer): Promise<void> {
    const end = this.#offset + group.length;
    // Into the page cache only: a thread's round trip would cost more than the copy of a small group.
    const isSmall = group.length <= SMALL_GROUP_BYTES;
    for (let done = 0; done < group.length; ) {
      const [left, at] = [group.length - done, this.#offset + done];
      done += isSmall ? writeSync(this.#fd, group, done, left, at) : (await writeAsync(this.#fd, group, done, left, at)).bytesWritten;
    }
    if (end > this.#allocated) this.#allocate(end);
    try {
      await datasync(this.#fd);
    } catch (error) {
      throw shellError("channel/store-failed", { file: segmentName(this.#segment) }, toError(error).message, error);
    }
    this.#offset = end;
    this.#groups += 1;
  }

  /** Room ahead is a matter of speed: on a full disk it is left out. */
  #allocate(end: number): void {
    this.#allocated = end;
    try {
      this.#allocated += writeSync(this.#fd, ZEROS, 0, AHEAD_BYTES, end);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  async #replaceSegment(fresh: GroupBuffer): Promise<ChannelShellError | undefined> {
    const [old, oldFd] = [this.#segment, this.#fd];
    try {
      this.#openFresh(old + 1, fresh, this.#spare);
    } catch (error) {
      if (this.#fd !== oldFd || !isDiskFull(error)) return shellError("channel/store-failed", { file: segmentName(old + 1) }, toError(error).message, error);
      // The segment goes on growing until there is room for its successor.
      this.#spare = undefined;
      return undefined;
    }
    await closeAsync(oldFd);
    this.#spare = this.#keepsHistory ? undefined : old;
    return undefined;
  }

  #open(segment: number, entries: Iterable<LogEntry>): void {
    const group = new GroupBuffer();
    for (const { channelId, kind, body } of entries) group.add(channelId, kind, body);
    this.#openFresh(segment, group, undefined);
  }

  #openFresh(segment: number, group: GroupBuffer, recycle: number | undefined): void {
    const mark = randomBytes(MARK_BYTES);
    const fd = createSegment(this.#dir, segment, mark, group.seal(mark), recycle);
    this.#fd = fd;
    this.#segment = segment;
    this.#mark = mark;
    this.#offset = SEGMENT_HEAD_BYTES + group.length;
    this.#baseBytes = group.length;
    this.#allocated = fstatSync(fd).size;
    this.#groups += 1;
  }

  /** Waits for what was asked to be durable, and closes the file. On a full disk it does not wait: those who do are told. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#retry?.go();
    if (this.#retry !== undefined) clearTimeout(this.#retry.timer);
    await this.#running;
    this.#ended ??= shellError("channel/store-closed", { dir: this.#dir });
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}
