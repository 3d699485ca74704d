import { closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import type { Logger } from "../../../runtime/logger/Logger.ts";
import { SequencerError } from "../SequencerError.ts";
import { GROUP_BYTES, encodeGroup, LOG_KIND } from "./LogEntry.ts";
import type { GroupStart } from "./LogEntry.ts";

const MAGIC = "AGNT2LOG";
const FORMAT = 3;
/** Magic, format u32, the segment's mark (8 random bytes), 4 bytes zero. */
const HEADER_BYTES = 24;
const MARK_AT = 12;
const MARK_BYTES = 8;
/** Before each entry: length u32, CRC-32 u32. */
export const FRAME_BYTES = 8;
const GROUP_FRAME_BYTES = FRAME_BYTES + GROUP_BYTES;
export const SEGMENT_BYTES = 64 * 1024 * 1024;

/** A place in the log: where an entry starts. */
export interface LogPlace {
  readonly segment: number;
  readonly offset: number;
}

/** An entry, and where it starts and ends. */
export interface PlacedEntry {
  readonly place: LogPlace;
  readonly end: LogPlace;
  /** A view of a large buffer: copy what is to be kept. */
  readonly payload: Uint8Array;
}

/** The file of a segment. */
export const segmentName = (segment: number): string => `${String(segment).padStart(8, "0")}.log`;

/** Numbers of the segments in a folder, ascending. */
export function listSegments(dir: string): number[] {
  return readdirSync(dir).filter((name) => /^\d{8}\.log$/.test(name)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
}

function damaged(segment: number, offset: number, why: string): SequencerError {
  return new SequencerError("sequencer/logDamaged", { file: segmentName(segment), offset }, "stop", {
    what: `The log ${segmentName(segment)} is damaged at byte ${offset}: ${why}`,
    todo: "Restore a backup; what is posted can be derived from L1",
  });
}

/**
 * The append-only log: the truth from which everything else can be made again. Entries are written in groups, each behind a GROUP
 * entry and with one fdatasync. A torn last group is cut back to its last whole entry when the log is opened; any other damage is
 * refused, since what it holds was acknowledged. Each GROUP entry repeats its segment's random mark: no content that a client chose
 * can pass for the start of a group.
 */
export class SegmentLog {
  readonly #dir: string;
  readonly #logger: Logger;
  #segment = 0;
  #offset = HEADER_BYTES;
  #mark: Uint8Array = new Uint8Array(MARK_BYTES);
  #handle: FileHandle | undefined;

  constructor(dir: string, logger: Logger) {
    this.#dir = dir;
    this.#logger = logger;
    mkdirSync(dir, { recursive: true });
  }

  /** Where the next group goes. */
  get end(): LogPlace {
    return { segment: this.#segment, offset: this.#offset };
  }

  /** True if the log reaches up to a place. */
  covers({ segment, offset }: LogPlace): boolean {
    return (statSync(join(this.#dir, segmentName(segment)), { throwIfNoEntry: false })?.size ?? -1) >= offset;
  }

  /**
   * Yields every whole entry from `from` on, cuts back a torn end, and makes the log ready for `append`.
   * @throws SequencerError `sequencer/logFormat`, `sequencer/logDamaged`
   */
  *recover(from: LogPlace | undefined): Generator<PlacedEntry> {
    const segments = listSegments(this.#dir);
    const first = from?.segment ?? 0;
    if (segments.length > 0 && !segments.includes(first)) throw damaged(first, 0, "the file is gone");
    for (const [i, segment] of segments.entries()) {
      if (segment !== i + segments[0]!) throw damaged(i + segments[0]!, 0, "the file is gone");
      if (segment < first) continue;
      const start = from !== undefined && segment === first ? from.offset : HEADER_BYTES;
      yield* this.#recoverSegment(segment, start, i === segments.length - 1);
    }
    if (segments.length === 0) this.#create(0);
  }

  *#recoverSegment(segment: number, start: number, isLast: boolean): Generator<PlacedEntry> {
    const file = join(this.#dir, segmentName(segment));
    const bytes = readFileSync(file);
    // Its name may be on disk and its content not.
    if (isLast && start === HEADER_BYTES && bytes.length <= HEADER_BYTES && (bytes.length < HEADER_BYTES || bytes.every((byte) => byte === 0))) {
      this.#logger.warn({ segment }, "the log's newest file was torn at its start; it is begun again");
      this.#create(segment);
      return;
    }
    const found = bytes.subarray(0, 8).toString("latin1") === MAGIC ? bytes.readUInt32BE(8) : 0;
    if (found !== FORMAT) {
      throw new SequencerError("sequencer/logFormat", { file: segmentName(segment), found, known: FORMAT }, "stop", {
        what: `The log ${segmentName(segment)} has format ${found}; this version reads ${FORMAT}`,
        todo: "Run the version that wrote it, or restore a backup",
      });
    }
    const mark = Uint8Array.from(bytes.subarray(MARK_AT, MARK_AT + MARK_BYTES));
    let offset = start;
    for (;;) {
      const end = entryEnd(bytes, offset);
      if (end === undefined) break;
      const isForeign = bytes[offset + FRAME_BYTES] === LOG_KIND.GROUP && bytes.compare(mark, 0, MARK_BYTES, end - MARK_BYTES, end) !== 0;
      if (isForeign) throw damaged(segment, offset, "the mark of its header is another one");
      yield { place: { segment, offset }, end: { segment, offset: end }, payload: bytes.subarray(offset + FRAME_BYTES, end) };
      offset = end;
    }
    if (offset !== bytes.length) this.#cut(segment, file, offset, bytes, mark, isLast);
    this.#segment = segment;
    this.#offset = offset;
    this.#mark = mark;
  }

  /** Only the last group may be torn: every one before it was synchronised before the next was begun. */
  #cut(segment: number, file: string, offset: number, bytes: Buffer, mark: Uint8Array, isLast: boolean): void {
    if (!isLast) throw damaged(segment, offset, "later files follow");
    if (offset > bytes.length) throw damaged(segment, offset, "its end is gone");
    for (let at = bytes.indexOf(mark, offset); at >= 0; at = bytes.indexOf(mark, at + 1)) {
      const group = at - (GROUP_FRAME_BYTES - MARK_BYTES);
      if (group > offset && bytes[group + FRAME_BYTES] === LOG_KIND.GROUP && entryEnd(bytes, group) !== undefined) throw damaged(segment, offset, "later groups follow");
    }
    this.#logger.warn({ segment, keptBytes: offset, cutBytes: bytes.length - offset }, "the log's end was torn; it is cut back to the last whole entry");
    const fd = openSync(file, "r+");
    ftruncateSync(fd, offset);
    fdatasyncSync(fd);
    closeSync(fd);
  }

  #create(segment: number): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.write(MAGIC, "latin1");
    header.writeUInt32BE(FORMAT, 8);
    const mark = randomBytes(MARK_BYTES);
    header.set(mark, MARK_AT);
    const fd = openSync(join(this.#dir, segmentName(segment)), "w");
    try {
      writeSync(fd, header);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const dir = openSync(this.#dir, "r");
    fsyncSync(dir);
    closeSync(dir);
    this.#segment = segment;
    this.#offset = HEADER_BYTES;
    this.#mark = mark;
  }

  /**
   * Writes a group and waits until it is on disk; returns where its first entry starts. One call at a time. When it fails, nothing of
   * the group counts as written, and the same group may be tried again.
   * @param start how many of the entries are bundles, and what slot their head is signed for
   */
  async append(payloads: readonly Uint8Array[], start: GroupStart): Promise<LogPlace> {
    await this.#rotateWhenLarge();
    const opening = encodeGroup(start, this.#mark);
    const size = payloads.reduce((sum, payload) => sum + FRAME_BYTES + payload.length, GROUP_FRAME_BYTES);
    const group = Buffer.allocUnsafe(size);
    let at = writeEntry(group, 0, opening);
    for (const payload of payloads) at = writeEntry(group, at, payload);
    this.#handle ??= await open(join(this.#dir, segmentName(this.#segment)), "r+");
    let written = 0;
    while (written < size) {
      const { bytesWritten } = await this.#handle.write(group, written, size - written, this.#offset + written);
      written += bytesWritten;
    }
    await this.#handle.datasync();
    const first = { segment: this.#segment, offset: this.#offset + GROUP_FRAME_BYTES };
    this.#offset += size;
    return first;
  }

  /** Starts the next segment when this one is large; between two groups. */
  async #rotateWhenLarge(): Promise<void> {
    if (this.#offset < SEGMENT_BYTES) return;
    await this.#handle?.close();
    this.#handle = undefined;
    this.#create(this.#segment + 1);
  }

  /**
   * Copies of the entries from `from` up to (not including) `to`, from disk.
   * @throws SequencerError `sequencer/logDamaged` when they are not what was written
   */
  read(from: LogPlace, to: LogPlace): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    for (let segment = from.segment; segment <= to.segment; segment += 1) {
      const fd = openSync(join(this.#dir, segmentName(segment)), "r");
      const start = segment === from.segment ? from.offset : HEADER_BYTES;
      const length = (segment === to.segment ? to.offset : fstatSync(fd).size) - start;
      const bytes = Buffer.alloc(Math.max(0, length));
      const found = readSync(fd, bytes, 0, bytes.length, start);
      closeSync(fd);
      let offset = 0;
      while (offset < bytes.length) {
        const end = found === bytes.length ? entryEnd(bytes, offset) : undefined;
        if (end === undefined) throw damaged(segment, start + offset, "it was whole when it was written");
        payloads.push(bytes.subarray(offset + FRAME_BYTES, end));
        offset = end;
      }
    }
    return payloads;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

/** Where the entry at `offset` ends; undefined when there is no whole one. */
function entryEnd(bytes: Buffer, offset: number): number | undefined {
  if (offset + FRAME_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32BE(offset);
  const end = offset + FRAME_BYTES + length;
  if (length === 0 || end > bytes.length) return undefined;
  return crc32(bytes.subarray(offset + FRAME_BYTES, end)) === bytes.readUInt32BE(offset + 4) ? end : undefined;
}

function writeEntry(group: Buffer, at: number, payload: Uint8Array): number {
  group.writeUInt32BE(payload.length, at);
  group.writeUInt32BE(crc32(payload), at + 4);
  group.set(payload, at + FRAME_BYTES);
  return at + FRAME_BYTES + payload.length;
}
