import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

import { shellError } from "../ChannelShellError.ts";
import { GROUP_HEAD_BYTES, MARK_BYTES, groupEnd } from "./groupCodec.ts";

const MAGIC = "AGNT2CHN";
const FORMAT = 1;
/** Magic, format u32, the segment's mark (8 random bytes), 4 bytes zero. */
export const SEGMENT_HEAD_BYTES = 24;
const MARK_AT = 12;
/** A segment that is being made; it counts only under its own name. */
const DRAFT = "next.draft";

export const segmentName = (segment: number): string => `${String(segment).padStart(8, "0")}.log`;

/** Numbers of the segments in a folder, ascending. */
export function listSegments(dir: string): number[] {
  return readdirSync(dir).filter((name) => /^\d{8}\.log$/.test(name)).map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
}

function syncFolder(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeWhole(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

/**
 * Makes a segment that begins with `group`, which is everything that counts so far: it has its name only once it is whole on disk.
 * A segment that is not needed any more is written over, since its blocks are there already; its groups carry another mark.
 * @returns the open file
 */
export function createSegment(dir: string, segment: number, mark: Uint8Array, group: Uint8Array, recycle: number | undefined): number {
  const draft = join(dir, DRAFT);
  rmSync(draft, { force: true });
  if (recycle !== undefined) renameSync(join(dir, segmentName(recycle)), draft);
  const head = Buffer.alloc(SEGMENT_HEAD_BYTES);
  head.write(MAGIC, "latin1");
  head.writeUInt32BE(FORMAT, 8);
  head.set(mark, MARK_AT);
  const fd = openSync(draft, recycle === undefined ? "w+" : "r+");
  try {
    writeWhole(fd, head, 0);
    writeWhole(fd, group, SEGMENT_HEAD_BYTES);
    fdatasyncSync(fd);
    renameSync(draft, join(dir, segmentName(segment)));
    syncFolder(dir);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

export interface ReadSegment {
  readonly mark: Uint8Array;
  readonly bytes: Buffer;
  /** Where each whole group starts, and at last where the next one goes. */
  readonly groups: readonly number[];
  /** True if something that is no whole group stands there: the last one, cut short, or blocks of an older use. */
  readonly hasRest: boolean;
}

/**
 * Reads a segment up to its last whole group.
 * @throws ChannelShellError `channel/store-format`, `channel/store-damaged`
 */
export function readSegment(dir: string, segment: number): ReadSegment {
  const file = segmentName(segment);
  const bytes = readFileSync(join(dir, file));
  const found = bytes.length >= SEGMENT_HEAD_BYTES && bytes.subarray(0, 8).toString("latin1") === MAGIC ? bytes.readUInt32BE(8) : 0;
  if (found !== FORMAT) throw shellError("channel/store-format", { file, found, known: FORMAT });
  const mark = Uint8Array.from(bytes.subarray(MARK_AT, MARK_AT + MARK_BYTES));
  const groups = [SEGMENT_HEAD_BYTES];
  let offset = SEGMENT_HEAD_BYTES;
  for (let end = groupEnd(bytes, offset, mark); end !== undefined; end = groupEnd(bytes, offset, mark)) groups.push((offset = end));
  // Its first group was whole before the file had its name.
  if (groups.length === 1) throw shellError("channel/store-damaged", { file, offset }, "its first group is gone");
  // Only the last group may be torn: each one before it was on disk before the next was begun.
  for (let at = bytes.indexOf(mark, offset); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    const group = at - (GROUP_HEAD_BYTES - MARK_BYTES);
    if (group > offset && groupEnd(bytes, group, mark) !== undefined) throw shellError("channel/store-damaged", { file, offset }, "whole groups follow");
  }
  return { mark, bytes, groups, hasRest: bytes.subarray(offset).some((byte) => byte !== 0) };
}
