import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

/** Bytes collected before they are written. */
const BUFFER_BYTES = 1 << 18;

/**
 * Records of one size in a file, appended in order and read by index. Writes are collected; what was not `sync`ed may be
 * gone after a crash, so the owner keeps a count that it knows to be on disk and cuts back to it with `truncate`. What a full disk
 * does not take stays in memory and is tried again with the next records; `sync` tells.
 */
export class RecordFile {
  readonly #fd: number;
  readonly #recordBytes: number;
  #buffer: Buffer;
  /** Records in the file; those after it are in the buffer. */
  #written: number;
  #buffered = 0;

  constructor(path: string, recordBytes: number) {
    this.#fd = openSync(path, "a+");
    closeSync(this.#fd);
    this.#fd = openSync(path, "r+");
    this.#recordBytes = recordBytes;
    this.#buffer = Buffer.alloc(Math.max(recordBytes, BUFFER_BYTES - (BUFFER_BYTES % recordBytes)));
    this.#written = Math.floor(fstatSync(this.#fd).size / recordBytes);
  }

  get count(): number {
    return this.#written + this.#buffered;
  }

  /** Appends whole records. */
  append(records: Uint8Array): void {
    let at = 0;
    while (at < records.length) {
      const free = this.#buffer.length - this.#buffered * this.#recordBytes;
      const take = Math.min(free, records.length - at);
      this.#buffer.set(records.subarray(at, at + take), this.#buffered * this.#recordBytes);
      this.#buffered += take / this.#recordBytes;
      at += take;
      if (this.#buffered * this.#recordBytes === this.#buffer.length) this.#makeRoom();
    }
  }

  /** A copy of record `index`. Throws a RangeError if it was never appended. */
  read(index: number): Uint8Array {
    return this.readMany(index, 1);
  }

  /** Copies of `count` records from `first` on. */
  readMany(first: number, count: number): Uint8Array {
    if (!Number.isInteger(first) || first < 0 || count < 0 || first + count > this.count) {
      throw new RangeError(`records ${first} to ${first + count} of ${this.count}`);
    }
    const out = new Uint8Array(count * this.#recordBytes);
    const inFile = Math.max(0, Math.min(count, this.#written - first));
    if (inFile > 0) {
      const bytes = readSync(this.#fd, out, 0, inFile * this.#recordBytes, first * this.#recordBytes);
      if (bytes !== inFile * this.#recordBytes) throw new RangeError(`records ${first} to ${first + inFile} are cut off`);
    }
    if (count > inFile) {
      const from = (first + inFile - this.#written) * this.#recordBytes;
      out.set(this.#buffer.subarray(from, from + (count - inFile) * this.#recordBytes), inFile * this.#recordBytes);
    }
    return out;
  }

  /** Forgets the records from `count` on. Throws a RangeError when there are fewer. */
  truncate(count: number): void {
    if (count > this.count) throw new RangeError(`cannot keep ${count} of ${this.count} records`);
    this.#buffered = Math.max(0, count - this.#written);
    if (count < this.#written) {
      ftruncateSync(this.#fd, count * this.#recordBytes);
      this.#written = count;
    }
  }

  #makeRoom(): void {
    try {
      this.flush();
    } catch {
      const larger = Buffer.alloc(2 * this.#buffer.length);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
  }

  /** Hands what is collected to the system. */
  flush(): void {
    if (this.#buffered === 0) return;
    const bytes = this.#buffered * this.#recordBytes;
    let done = 0;
    while (done < bytes) done += writeSync(this.#fd, this.#buffer, done, bytes - done, this.#written * this.#recordBytes + done);
    this.#written += this.#buffered;
    this.#buffered = 0;
  }

  /** Resolves nothing later: when it returns, all records are on disk. */
  sync(): void {
    this.flush();
    fdatasyncSync(this.#fd);
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}
