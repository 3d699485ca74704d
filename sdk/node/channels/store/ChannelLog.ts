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
 * The append-only file of a channel store. What is appended in one turn, and while the disk is busy, is written as one group under
 * one CRC, whole or not at all, and one fdatasync is for all groups that are written. A segment begins with a snapshot of everything, so that only the newest
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
  /** A group is on its way that others must not overtake, or a fresh segment. */
  #isHeld = false;
  #isClosing = false;
  #retry: { readonly timer: NodeJS.Timeout; readonly go: () => void } | undefined;
  #snapshot: (() => Iterable<LogEntry>) | undefined;
  #commits = 0;

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

  /** How often the disk was waited for since the start. */
  get commits(): number {
    return this.#commits;
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

  /**
   * Hands everything that was appended to the operating system, if nothing is in the way: from then on it outlives this process, though
   * not a loss of power.
   * @returns whether that is so
   */
  write(): boolean {
    if (this.#ended !== undefined || this.#isHeld || this.#isFreshDue) return false;
    if (this.#pending.isEmpty) return true;
    if (this.#pending.length > SMALL_GROUP_BYTES) return false;
    try {
      this.#writeSmall(this.#pending.seal(this.#mark));
    } catch (error) {
      // It stays pending, and whoever waits for the disk is told by the next commit.
      if (!isDiskFull(error)) this.#ended = shellError("channel/store-failed", { file: segmentName(this.#segment) }, toError(error).message, error);
      return false;
    }
    this.#pending.clear();
    return true;
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
      const error = await this.#commit(fresh);
      this.#writing.clear();
      if (error !== undefined) this.#ended = error;
      for (const waiter of waiters) waiter(error);
    }
    this.#running = undefined;
    if (this.#ended !== undefined) for (const waiter of this.#waiters.splice(0)) waiter(this.#ended);
  }

  get #isFreshDue(): boolean {
    return this.#snapshot !== undefined && this.#offset >= this.#segmentBytes && this.#offset >= LEAST_GROWTH * this.#baseBytes;
  }

  #freshGroup(): GroupBuffer | undefined {
    if (!this.#isFreshDue) return undefined;
    const entries = [...this.#snapshot!()];
    const group = new GroupBuffer();
    for (const { channelId, kind, body } of entries) group.add(channelId, kind, body);
    return group;
  }

  /** Writes the current group and has the disk take all that is written, and then the fresh segment; returns why it never will be. */
  async #commit(fresh: GroupBuffer | undefined): Promise<ChannelShellError | undefined> {
    this.#isHeld = true;
    try {
      for (;;) {
        try {
          if (!this.#writing.isEmpty) await this.#writeGroup(this.#writing.seal(this.#mark));
          break;
        } catch (error) {
          if (!isDiskFull(error)) throw error;
          this.#isFull = true;
          if (this.#isClosing) return shellError("channel/store-full", { file: segmentName(this.#segment) }, "it was closed before there was room", error);
          await new Promise<void>((go) => (this.#retry = { timer: setTimeout(go, FULL_RETRY_MS), go }));
          this.#retry = undefined;
        }
      }
      this.#isFull = false;
      // What a fresh segment begins with holds nothing that is written from here on.
      this.#isHeld = fresh !== undefined;
      await datasync(this.#fd);
      this.#commits += 1;
      return fresh === undefined ? undefined : await this.#replaceSegment(fresh);
    } catch (error) {
      return shellError("channel/store-failed", { file: segmentName(this.#segment) }, toError(error).message, error);
    } finally {
      this.#isHeld = false;
    }
  }

  /** Into the page cache only: a thread's round trip would cost more than the copy of a small group. */
  #writeSmall(group: Buffer): void {
    for (let done = 0; done < group.length; ) done += writeSync(this.#fd, group, done, group.length - done, this.#offset + done);
    this.#wrote(group.length);
  }

  async #writeGroup(group: Buffer): Promise<void> {
    if (group.length <= SMALL_GROUP_BYTES) return this.#writeSmall(group);
    for (let done = 0; done < group.length; ) done += (await writeAsync(this.#fd, group, done, group.length - done, this.#offset + done)).bytesWritten;
    this.#wrote(group.length);
  }

  #wrote(bytes: number): void {
    const end = this.#offset + bytes;
    if (end > this.#allocated) this.#allocate(end);
    this.#offset = end;
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
    this.#commits += 1;
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
