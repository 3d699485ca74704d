import { crc32 } from "node:zlib";

/** Before each group: length u32, CRC-32 u32 of what follows, the segment's mark (8 bytes). */
export const GROUP_HEAD_BYTES = 16;
export const MARK_BYTES = 8;
/** Before each entry of a group: channel id (32), kind u8, length u32. */
export const ENTRY_HEAD_BYTES = 37;
const CHANNEL_ID_BYTES = 32;

/** One thing to remember. What kinds there are is for the owner of the log to say. */
export interface LogEntry {
  /** 32 bytes; zeros: of the store itself. */
  readonly channelId: Uint8Array;
  /** 0 to 255. */
  readonly kind: number;
  readonly body: Uint8Array;
}

/** Collects the entries of a group into bytes that can be written as they are. */
export class GroupBuffer {
  #bytes: Buffer;
  #length = GROUP_HEAD_BYTES;

  constructor(initialBytes = 1 << 16) {
    this.#bytes = Buffer.allocUnsafe(initialBytes);
  }

  get isEmpty(): boolean {
    return this.#length === GROUP_HEAD_BYTES;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies an entry in. */
  add(channelId: Uint8Array, kind: number, body: Uint8Array): void {
    const end = this.#length + ENTRY_HEAD_BYTES + body.length;
    if (end > this.#bytes.length) this.#grow(end);
    const at = this.#length;
    this.#bytes.set(channelId, at);
    this.#bytes[at + CHANNEL_ID_BYTES] = kind;
    this.#bytes.writeUInt32BE(body.length, at + CHANNEL_ID_BYTES + 1);
    this.#bytes.set(body, at + ENTRY_HEAD_BYTES);
    this.#length = end;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** The whole group, sealed for a segment; valid until the next `add`. */
  seal(mark: Uint8Array): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    bytes.set(mark, 8);
    bytes.writeUInt32BE(this.#length - 8, 0);
    bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4);
    return bytes;
  }

  clear(): void {
    this.#length = GROUP_HEAD_BYTES;
  }
}

/** Where the whole group at `offset` ends; undefined when there is none of this mark. */
export function groupEnd(bytes: Buffer, offset: number, mark: Uint8Array): number | undefined {
  if (offset + GROUP_HEAD_BYTES > bytes.length) return undefined;
  const end = offset + 8 + bytes.readUInt32BE(offset);
  if (end < offset + GROUP_HEAD_BYTES || end > bytes.length) return undefined;
  if (bytes.compare(mark, 0, MARK_BYTES, offset + 8, offset + GROUP_HEAD_BYTES) !== 0) return undefined;
  return crc32(bytes.subarray(offset + 8, end)) === bytes.readUInt32BE(offset + 4) ? end : undefined;
}

/** The entries of a whole group, as plain arrays that look into `bytes`. Undefined when its inside does not add up, which its CRC makes a bug and no accident. */
export function entriesOf(bytes: Buffer, offset: number, end: number): LogEntry[] | undefined {
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: LogEntry[] = [];
  let at = offset + GROUP_HEAD_BYTES;
  while (at < end) {
    if (at + ENTRY_HEAD_BYTES > end) return undefined;
    const length = bytes.readUInt32BE(at + CHANNEL_ID_BYTES + 1);
    const next = at + ENTRY_HEAD_BYTES + length;
    if (next > end) return undefined;
    entries.push({ channelId: plain.subarray(at, at + CHANNEL_ID_BYTES), kind: plain[at + CHANNEL_ID_BYTES], body: plain.subarray(at + ENTRY_HEAD_BYTES, next) });
    at = next;
  }
  return entries;
}
