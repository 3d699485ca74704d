import { LOG_KIND, decodeBundle } from "./log/LogEntry.ts";
import type { LogPlace, SegmentLog } from "./log/SegmentLog.ts";

/** A batch that has ended, as it goes to L1. */
export interface SealedBatch {
  readonly index: number;
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly slots: number;
  /** Records executed up to its end. */
  readonly position: number;
  readonly from: LogPlace;
  readonly to: LogPlace;
  stateRoot: Uint8Array | undefined;
}

/** The batches that have ended, by index. Their data lie in the log. */
export class SealedBatches {
  readonly #log: SegmentLog;
  readonly #batches: SealedBatch[] = [];
  /** Told of each new batch. */
  onAdded: () => void = () => undefined;

  constructor(log: SegmentLog) {
    this.#log = log;
  }

  get count(): number {
    const last = this.#batches.at(-1);
    return last === undefined ? 0 : last.index + 1;
  }

  add(batch: SealedBatch): void {
    this.#batches.push(batch);
    this.onAdded();
  }

  get(index: number): SealedBatch | undefined {
    const first = this.#batches[0];
    return first === undefined ? undefined : this.#batches[index - first.index];
  }

  /** The batch's slots, read from the log. */
  dataOf(batch: SealedBatch): Uint8Array {
    const data = new Uint8Array(batch.slots * 96);
    let at = 0;
    for (const payload of this.#log.read(batch.from, batch.to)) {
      if (payload[0] !== LOG_KIND.BUNDLE) continue;
      const { bundle } = decodeBundle(payload);
      data.set(bundle, at);
      at += bundle.length;
    }
    return data;
  }

  list(): readonly SealedBatch[] {
    return this.#batches;
  }
}
