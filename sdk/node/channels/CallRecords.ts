import { mkdir, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { toError } from "../../../runtime/errors/CodedError.ts";
import { shellError } from "./ChannelShellError.ts";
import type { ChannelShellError } from "./ChannelShellError.ts";
import { isDiskFull } from "./store/isDiskFull.ts";

/** A call that was paid and answered: with the signatures that the store keeps, either side can prove it. */
export interface CallRecord {
  /** "out": we paid. */
  readonly direction: "out" | "in";
  readonly sequence: number;
  /** Units. */
  readonly price: number;
  readonly status: number;
  readonly requestHash: Uint8Array;
  readonly responseHash: Uint8Array;
}

/** Node's own is several times as fast as one that browsers have too, and this is done for every call. */
const hexOf = (bytes: Uint8Array): string => `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`;

const FLUSH_MS = 100;
const FULL_RETRY_MS = 250;
const LONGEST_LINE_BYTES = 512;

/**
 * One line a call, for accounts and proofs: direction, sequence, price in units, status, hash of the request, hash of the response. It is
 * written behind: what counts is in the channel's store, of which this is the readable part. While the disk is full what could not be
 * written is kept and tried again, and `requireRoom` refuses further calls; any other failure is told, and ends it.
 */
export class CallRecords {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #onFailed: (error: ChannelShellError) => void;
  /** Of the whole lines that the file has. */
  #bytes: number;
  #lines: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isFull = false;
  #failure: ChannelShellError | undefined;

  private constructor(path: string, file: FileHandle, bytes: number, onFailed: (error: ChannelShellError) => void) {
    this.#path = path;
    this.#file = file;
    this.#bytes = bytes;
    this.#onFailed = onFailed;
  }

  /** @param onFailed told once, when no more lines can be written: the channel must not go on without them */
  static async open(dir: string, channelId: string, onFailed: (error: ChannelShellError) => void): Promise<CallRecords> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const path = join(dir, `calls-${channelId.replace(/^0x/, "").slice(0, 16)}.log`);
    const file = await open(path, "a+", 0o600);
    const bytes = await wholeLinesOf(file);
    await file.truncate(bytes);
    return new CallRecords(path, file, bytes, onFailed);
  }

  /** To be asked before a call is paid or answered. @throws ChannelShellError `channel/store-full`, `channel/store-failed` */
  requireRoom(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isFull) throw this.#full();
  }

  add({ direction, sequence, price, status, requestHash, responseHash }: CallRecord): void {
    this.#lines.push(`${direction} ${sequence} ${price} ${status} ${hexOf(requestHash)} ${hexOf(responseHash)}\n`);
    this.#flushIn(FLUSH_MS);
  }

  #flushIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#flush(), ms);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Never throws: what is wrong stays known. */
  async #write(): Promise<void> {
    const count = this.#lines.length;
    if (count === 0 || this.#failure !== undefined) return;
    const bytes = Buffer.from(this.#lines.join(""));
    try {
      await this.#append(bytes);
      this.#lines.splice(0, count);
      this.#bytes += bytes.length;
      this.#isFull = false;
    } catch (error) {
      this.#isFull = isDiskFull(error);
      if (this.#isFull) return this.#flushIn(FULL_RETRY_MS);
      this.#failure = shellError("channel/store-failed", { file: this.#path }, toError(error).message, error);
      this.#onFailed(this.#failure);
    }
  }

  /** Leaves no part of a line behind when it fails. */
  async #append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.appendFile(bytes);
    } catch (error) {
      await this.#file.truncate(this.#bytes);
      throw error;
    }
  }

  /** @throws ChannelShellError when lines could not be written */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
    clearTimeout(this.#timer);
    await this.#file.close();
    this.requireRoom();
  }

  #full(): ChannelShellError {
    return shellError("channel/store-full", { file: this.#path });
  }
}

/** Bytes up to the end of the last whole line: a process that was killed may have left a part of one. */
async function wholeLinesOf(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, LONGEST_LINE_BYTES));
  await file.read(tail, 0, tail.length, size - tail.length);
  return size - tail.length + tail.lastIndexOf("\n") + 1;
}
