import { closeSync, existsSync, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import type { L1Cursor } from "../L1Source.ts";
import type { L1Event } from "../L1Event.ts";

/** A frame is: u32 length of the body, u32 crc32 of the body, body. A body is: u32 length of the JSON, JSON, batch data. */
const FRAME_HEAD_BYTES = 8;
const JSON_HEAD_BYTES = 4;

type Frame = { readonly type: "cursor"; readonly cursor: L1Cursor } | { readonly type: "event"; readonly event: L1Event };

/** What is read back of a frame: batch data stay in the file until they are asked for. */
export type LoggedFrame =
  | { readonly type: "cursor"; readonly cursor: L1Cursor }
  | { readonly type: "event"; readonly event: L1Event; readonly data: DataRef };

/** Where a batch's data lie in the file. */
export interface DataRef {
  readonly offset: number;
  readonly bytes: number;
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return { $n: value.toString() };
  if (value instanceof Uint8Array) return { $h: toHex(value) };
  return value;
}

function reviver(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$n" in value) return BigInt(String(value.$n));
  if ("$h" in value) return fromHex(String(value.$h));
  return value;
}

const NO_BYTES = new Uint8Array();

/** Splits the data of a batch off, so that they are not hex in JSON. */
function encodeFrame(frame: Frame): { bytes: Buffer; dataBytes: number } {
  let data: Uint8Array = NO_BYTES;
  let json: Frame = frame;
  if (frame.type === "event" && frame.event.type === "batch") {
    ({ data } = frame.event.batch);
    json = { type: "event", event: { ...frame.event, batch: { ...frame.event.batch, data: NO_BYTES } } };
  }
  const text = Buffer.from(JSON.stringify(json, replacer));
  const body = Buffer.concat([Buffer.alloc(JSON_HEAD_BYTES), text, data]);
  body.writeUInt32BE(text.length, 0);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(body.length, 0);
  head.writeUInt32BE(crc32(body), 4);
  return { bytes: Buffer.concat([head, body]), dataBytes: data.length };
}

/**
 * What was read from L1, in its order, in one file: the source of every replay. `append` ends with a cursor and is on
 * disk when it returns; a torn end is cut off at the last whole cursor, because the blocks after it are read again.
 */
export class L1Log {
  readonly #fd: number;
  /** Where each cursor's frame ends. */
  #ends: { blockNumber: number; end: number }[] = [];
  #end = 0;
  readonly #loaded: LoggedFrame[] = [];
  /** Bytes of a torn end that were cut off at opening. */
  readonly cutBytes: number;

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, existsSync(path) ? "r+" : "w+");
    const size = fstatSync(this.#fd).size;
    this.#scan(size);
    this.cutBytes = size - this.#end;
    if (this.cutBytes > 0) ftruncateSync(this.#fd, this.#end);
  }

  /** The frames that were there at opening; handed over once. */
  takeLoaded(): LoggedFrame[] {
    return this.#loaded.splice(0);
  }

  /** Takes the events of some blocks over, and the cursor after them. Returns where each event's data lie. */
  append(events: readonly L1Event[], cursor: L1Cursor): DataRef[] {
    const frames = [...events.map((event) => encodeFrame({ type: "event", event })), encodeFrame({ type: "cursor", cursor })];
    const refs: DataRef[] = [];
    let at = this.#end;
    for (const { bytes, dataBytes } of frames) {
      at += bytes.length;
      refs.push({ offset: at - dataBytes, bytes: dataBytes });
    }
    const all = Buffer.concat(frames.map(({ bytes }) => bytes));
    let done = 0;
    while (done < all.length) done += writeSync(this.#fd, all, done, all.length - done, this.#end + done);
    fdatasyncSync(this.#fd);
    this.#end = at;
    this.#ends.push({ blockNumber: cursor.blockNumber, end: at });
    return refs.slice(0, events.length);
  }

  /** Forgets everything after the last cursor at or below the block. */
  rollback(blockNumber: number): void {
    while ((this.#ends.at(-1)?.blockNumber ?? -1) > blockNumber) this.#ends.pop();
    this.#end = this.#ends.at(-1)?.end ?? 0;
    ftruncateSync(this.#fd, this.#end);
    fdatasyncSync(this.#fd);
  }

  readData(ref: DataRef): Uint8Array {
    const bytes = new Uint8Array(ref.bytes);
    let done = 0;
    while (done < bytes.length) {
      const count = readSync(this.#fd, bytes, done, bytes.length - done, ref.offset + done);
      if (count === 0) throw new RangeError(`the log ends before ${ref.offset + ref.bytes}`);
      done += count;
    }
    return bytes;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #scan(size: number): void {
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    let at = 0;
    let sinceCursor: LoggedFrame[] = [];
    while (at + FRAME_HEAD_BYTES <= size) {
      readSync(this.#fd, head, 0, FRAME_HEAD_BYTES, at);
      const length = head.readUInt32BE(0);
      if (at + FRAME_HEAD_BYTES + length > size) return;
      const body = Buffer.alloc(length);
      readSync(this.#fd, body, 0, length, at + FRAME_HEAD_BYTES);
      if (crc32(body) !== head.readUInt32BE(4)) return;
      const textEnd = JSON_HEAD_BYTES + body.readUInt32BE(0);
      const frame = JSON.parse(body.toString("utf8", JSON_HEAD_BYTES, textEnd), reviver) as Frame;
      at += FRAME_HEAD_BYTES + length;
      if (frame.type === "event") {
        const bytes = length - textEnd;
        sinceCursor.push({ ...frame, data: { offset: at - bytes, bytes } });
        continue;
      }
      for (const event of sinceCursor) this.#loaded.push(event);
      this.#loaded.push(frame);
      sinceCursor = [];
      this.#end = at;
      this.#ends.push({ blockNumber: frame.cursor.blockNumber, end: at });
    }
  }
}
