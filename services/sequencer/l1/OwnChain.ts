import { setImmediate } from "node:timers/promises";

import { accumulatorAfter, batchDataRoot, batchHash, fromHex, toHex } from "../../../core/codec/index.ts";
import type { SealedBatch, SealedBatches } from "./ports.ts";

/** Batches whose hashes are remembered: more than a reorganisation takes back. */
const REMEMBERED = 4_096;

const EMPTY = `0x${"00".repeat(32)}`;

/** The hash of a batch as the Inbox stores it (RULES B-2). */
export function sealedBatchHash(batch: SealedBatch): string {
  const { l2Time, queueEnd, slots, data } = batch;
  return toHex(batchHash({ l2Time, queueEnd, slots, dataRoot: batchDataRoot(data) }));
}

/** What the sealed batches chain to (RULES B-6), from the log alone: what L1 says goes into none of it. Hashes as 0x-hexadecimal text. */
export class OwnChain {
  readonly #sealed: SealedBatches;
  readonly #hashes = new Map<number, string>();
  /** By number of batches. */
  readonly #accumulators = new Map<number, string>([[0, EMPTY]]);
  #count = 0;
  /** One at a time: each batch stands on the one before. */
  #chaining: Promise<unknown> = Promise.resolve();

  constructor(sealed: SealedBatches) {
    this.#sealed = sealed;
    this.#startFrom(sealed.accumulators?.count ?? 0);
  }

  /** The accumulator after so many batches, as far as they were chained. */
  after(count: number): string | undefined {
    const held = this.#accumulators.get(count);
    if (held !== undefined) return held;
    const { accumulators } = this.#sealed;
    return accumulators !== undefined && count > 0 && count <= accumulators.count ? toHex(accumulators.after(count)) : undefined;
  }

  /** Whether it is the accumulator after some number of batches. */
  has(accumulator: string): boolean {
    return [...this.#accumulators.values()].includes(accumulator);
  }

  async hashOf(index: number): Promise<string> {
    return this.#hashes.get(index) ?? sealedBatchHash(await this.#sealed.read(index));
  }

  /**
   * Chains on, by `most` batches at most, until `count` of them are chained.
   * @returns the accumulator after `count` batches; undefined when there is more to be done
   */
  async extendTo(count: number, most = Infinity): Promise<string | undefined> {
    const run = this.#chaining.then(() => this.#extendTo(count, most));
    this.#chaining = run.catch(() => undefined);
    return await run;
  }

  async #extendTo(count: number, most: number): Promise<string | undefined> {
    if (count < this.#count && this.after(count) === undefined) this.#startFrom(0);
    for (let left = most; this.#count < count && left > 0; left -= 1) {
      const batch = await this.#sealed.read(this.#count);
      const hash = sealedBatchHash(batch);
      const before = this.after(this.#count) ?? EMPTY;
      this.#hashes.set(this.#count, hash);
      this.#count += 1;
      const accumulator = accumulatorAfter(fromHex(before), fromHex(hash), batch.entryHashes);
      this.#accumulators.set(this.#count, toHex(accumulator));
      const { accumulators } = this.#sealed;
      if (accumulators?.count === this.#count - 1) accumulators.append(accumulator);
      this.#hashes.delete(this.#count - 1 - REMEMBERED);
      this.#accumulators.delete(this.#count - 1 - REMEMBERED);
      await setImmediate(); // Hashing a long log must not keep requests waiting.
    }
    return this.after(count);
  }

  #startFrom(count: number): void {
    this.#count = count;
    this.#accumulators.clear();
    this.#accumulators.set(0, EMPTY);
    for (let known = Math.max(1, count - REMEMBERED); known <= count; known += 1) this.#accumulators.set(known, this.after(known) ?? EMPTY);
  }
}
