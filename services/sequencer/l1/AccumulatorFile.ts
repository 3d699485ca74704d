import { RecordFile } from "../../../derivation/files/RecordFile.ts";

const BYTES = 32;
const SYNC_EVERY = 512;

/**
 * The accumulators of the sealed batches, so that a restart does not hash the whole log again. Records that may not have been on disk
 * when the machine went down are dropped at the start and worked out anew.
 */
export class AccumulatorFile {
  readonly #file: RecordFile;

  constructor(path: string) {
    this.#file = new RecordFile(path, BYTES);
    this.#file.truncate(Math.max(0, this.#file.count - 2 * SYNC_EVERY));
  }

  /** Accumulators after 1, 2, … `count` batches are held. */
  get count(): number {
    return this.#file.count;
  }

  /** The accumulator after so many batches, 1 to `count`. */
  after(batches: number): Uint8Array {
    return this.#file.read(batches - 1);
  }

  append(accumulator: Uint8Array): void {
    this.#file.append(accumulator);
    if (this.#file.count % SYNC_EVERY === 0) this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
