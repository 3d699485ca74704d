import { mkdir, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";

import { toHex } from "../../../core/codec/hex.ts";

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

const FLUSH_MS = 100;

/**
 * One line a call, for accounts and proofs: direction, sequence, price in units, status, hash of the request, hash of the response. It is
 * written behind: what counts is in the channel's store, of which this is the readable part.
 */
export class CallRecords {
  readonly #file: FileHandle;
  #lines: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(dir: string, channelId: string): Promise<CallRecords> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return new CallRecords(await open(join(dir, `calls-${channelId.replace(/^0x/, "").slice(0, 16)}.log`), "a", 0o600));
  }

  add({ direction, sequence, price, status, requestHash, responseHash }: CallRecord): void {
    this.#lines.push(`${direction} ${sequence} ${price} ${status} ${toHex(requestHash)} ${toHex(responseHash)}\n`);
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#lines.splice(0).join("");
    if (text !== "") this.#writing = this.#writing.then(() => this.#file.appendFile(text));
    // Told by `close`; nothing depends on it meanwhile.
    this.#writing.catch(() => undefined);
  }

  /** @throws when lines could not be written */
  async close(): Promise<void> {
    this.#flush();
    try {
      await this.#writing;
    } finally {
      await this.#file.close();
    }
  }
}
