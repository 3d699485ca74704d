import { closeSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import type { Logger } from "../../../runtime/logger/Logger.ts";
import { SequencerError } from "../SequencerError.ts";

const MAGIC = "AGNT2LOG";
const FORMAT = 1;
const HEADER_BYTES = 16;
/** Before each entry: length u32, CRC-32 u32. */
export const FRAME_BYTES = 8;
const SEGMENT_BYTES = 64 * 1024 * 1024;

/** A place in the log: where an entry starts. */
export interface LogPlace {
  readonly segment: number;
  readonly offset: number;
}

const nameOf = (segment: number): string => `${String(segment).padStart(8, "0")}.log`;

/**
 * The append-only log: the truth from which everything else can be made again. Entries are written in groups, each with one
 * fdatasync. A torn end is cut back to the last whole entry when the log is opened; damage before the end is refused.
 */
export class SegmentLog {
  readonly #dir: string;
  readonly #logger: Logger;
  #segment = 0;
  #offset = HEADER_BYTES;
  #handle: FileHandle | undefined;

  constructor(dir: string, logger: Logger) {
    this.#dir = dir;
    this.#logger = logger;
    mkdirSync(dir, { recursive: true });
  }

  /** Where the next entry goes, whether it is on disk yet or not. */
  get end(): LogPlace {
    return { segment: this.#segment, offset: this.#offset };
  }

  /** Yields every whole entry from `from` on, cuts back a torn end, and makes the log ready for `append`. */
  *recover(from: LogPlace | undefined): Generator<{ place: LogPlace; payload: Uint8Array }> {
    const segments = readdirSync(this.#dir).filter((name) => name.endsWith(".log")).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
    for (const [i, segment] of segments.entries()) {
      if (from !== undefined && segment < from.segment) continue;
      const isLast = i === segments.length - 1;
      const start = from !== undefined && segment === from.segment ? from.offset : HEADER_BYTES;
      yield* this.#recoverSegment(segment, start, isLast);
    }
    if (segments.length === 0) this.#create(0);
  }

  *#recoverSegment(segment: number, start: number, isLast: boolean): Generator<{ place: LogPlace; payload: Uint8Array }> {
    const file = join(this.#dir, nameOf(segment));
    const bytes = readFileSync(file);
    if (bytes.length < HEADER_BYTES && isLast) {
      this.#create(segment);
      return;
    }
    const found = bytes.subarray(0, 8).toString("latin1") === MAGIC ? bytes.readUInt32BE(8) : 0;
    if (found !== FORMAT) {
      throw new SequencerError("sequencer/logFormat", { file: nameOf(segment), found, known: FORMAT }, "stop", {
        what: `The log ${nameOf(segment)} has format ${found}; this version reads ${FORMAT}`,
        todo: "Run the version that wrote it, or restore a backup",
      });
    }
    let offset = start;
    while (offset + FRAME_BYTES <= bytes.length) {
      const length = bytes.readUInt32BE(offset);
      const end = offset + FRAME_BYTES + length;
      if (length === 0 || end > bytes.length) break;
      const payload = bytes.subarray(offset + FRAME_BYTES, end);
      if (crc32(payload) !== bytes.readUInt32BE(offset + 4)) break;
      yield { place: { segment, offset }, payload };
      offset = end;
    }
    if (offset < bytes.length) this.#cut(segment, file, offset, bytes.length, isLast);
    this.#segment = segment;
    this.#offset = offset;
  }

  /** Only the very end may be torn: what was acknowledged was synchronised, and an entry after a whole one came later. */
  #cut(segment: number, file: string, offset: number, length: number, isLast: boolean): void {
    if (!isLast) {
      throw new SequencerError("sequencer/logDamaged", { file: nameOf(segment), offset }, "stop", {
        what: `The log ${nameOf(segment)} is damaged at byte ${offset}, before its end`,
        todo: "Restore a backup; what is posted can be derived from L1",
      });
    }
    this.#logger.warn({ segment, keptBytes: offset, cutBytes: length - offset }, "the log's end was torn; it is cut back to the last whole entry");
    const fd = openSync(file, "r+");
    ftruncateSync(fd, offset);
    fdatasyncSync(fd);
    closeSync(fd);
  }

  #create(segment: number): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.write(MAGIC, "latin1");
    header.writeUInt32BE(FORMAT, 8);
    const fd = openSync(join(this.#dir, nameOf(segment)), "w");
    writeSync(fd, header);
    fdatasyncSync(fd);
    closeSync(fd);
    const dir = openSync(this.#dir, "r");
    fsyncSync(dir);
    closeSync(dir);
    this.#segment = segment;
    this.#offset = HEADER_BYTES;
  }

  /**
   * Writes entries and waits until they are on disk. One call at a time. When it fails, nothing of the group counts as written, and
   * the same group may be tried again.
   */
  async append(payloads: readonly Uint8Array[]): Promise<void> {
    const size = payloads.reduce((sum, payload) => sum + FRAME_BYTES + payload.length, 0);
    const group = Buffer.allocUnsafe(size);
    let at = 0;
    for (const payload of payloads) {
      group.writeUInt32BE(payload.length, at);
      group.writeUInt32BE(crc32(payload), at + 4);
      group.set(payload, at + FRAME_BYTES);
      at += FRAME_BYTES + payload.length;
    }
    this.#handle ??= await open(join(this.#dir, nameOf(this.#segment)), "r+");
    let written = 0;
    while (written < size) {
      const { bytesWritten } = await this.#handle.write(group, written, size - written, this.#offset + written);
      written += bytesWritten;
    }
    await this.#handle.datasync();
    this.#offset += size;
  }

  /** Starts the next segment when this one is large; between two groups. */
  async rotateWhenLarge(): Promise<void> {
    if (this.#offset < SEGMENT_BYTES) return;
    await this.#handle?.close();
    this.#handle = undefined;
    this.#create(this.#segment + 1);
  }

  /** The entries from `from` up to (not including) `to`, from disk. */
  read(from: LogPlace, to: LogPlace): Uint8Array[] {
    const payloads: Uint8Array[] = [];
    for (let segment = from.segment; segment <= to.segment; segment += 1) {
      const fd = openSync(join(this.#dir, nameOf(segment)), "r");
      const start = segment === from.segment ? from.offset : HEADER_BYTES;
      const end = segment === to.segment ? to.offset : fstatSync(fd).size;
      const bytes = Buffer.alloc(Math.max(0, end - start));
      readSync(fd, bytes, 0, bytes.length, start);
      closeSync(fd);
      for (let offset = 0; offset + FRAME_BYTES <= bytes.length; ) {
        const length = bytes.readUInt32BE(offset);
        payloads.push(bytes.subarray(offset + FRAME_BYTES, offset + FRAME_BYTES + length));
        offset += FRAME_BYTES + length;
      }
    }
    return payloads;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }
}
