import { SLOT_BYTES } from "../../../core/generated/protocol.ts";
import { RecordFile } from "../../../derivation/files/RecordFile.ts";
import { LOG_KIND, decodeBatchStart, decodeBundle } from "../log/LogEntry.ts";
import type { BatchStart } from "../log/LogEntry.ts";
import type { LogPlace, SegmentLog } from "../log/SegmentLog.ts";

const RECORD_BYTES = 80;
/** Batches held in memory; the others are read from the file. */
const HELD = 1024;

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
  readonly stateRoot: Uint8Array;
}

/**
 * The batches that have ended, by index. Their data lie in the log; what else there is, in a file of fixed-width records that is cut
 * back to the newest snapshot at every start and made again by the replay.
 */
export class SealedBatches {
  readonly #log: SegmentLog;
  readonly #file: RecordFile;
  readonly #newest: SealedBatch[] = [];
  /** Told of each new batch. */
  onAdded: () => void = () => undefined;

  constructor(log: SegmentLog, path: string) {
    this.#log = log;
    this.#file = new RecordFile(path, RECORD_BYTES);
  }

  get count(): number {
    return this.#file.count;
  }

  /** Forgets the batches from `count` on; false if there are fewer. Once, before anything is added. */
  restore(count: number): boolean {
    if (count > this.#file.count) return false;
    this.#file.truncate(count);
    return true;
  }

  add(batch: SealedBatch): void {
    if (batch.index !== this.count) throw new RangeError(`batch ${batch.index} cannot follow ${this.count} batches`);
    this.#file.append(encode(batch));
    this.#newest.push(batch);
    if (this.#newest.length > HELD) this.#newest.shift();
    this.onAdded();
  }

  get(index: number): SealedBatch | undefined {
    if (index < 0 || index >= this.count) return undefined;
    const first = this.count - this.#newest.length;
    return index >= first ? this.#newest[index - first] : decode(index, this.#file.read(index));
  }

  /**
   * Its time and the entries that it consumes, as they were executed, and its slots: read from the log.
   * @throws SequencerError `sequencer/logDamaged`
   */
  contentOf(batch: SealedBatch): { readonly start: BatchStart; readonly data: Uint8Array } {
    const data = new Uint8Array(batch.slots * SLOT_BYTES);
    let start: BatchStart | undefined;
    let at = 0;
    for (const payload of this.#log.read(batch.from, batch.to)) {
      if (payload[0] === LOG_KIND.BATCH) start = decodeBatchStart(payload);
      if (payload[0] !== LOG_KIND.BUNDLE) continue;
      const { bundle } = decodeBundle(payload);
      data.set(bundle, at);
      at += bundle.length;
    }
    if (start === undefined || at !== data.length) throw new RangeError(`batch ${batch.index} is not where its record says`);
    return { start, data };
  }

  /** Everything is on disk when it returns. */
  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}

/** l2Time u32, slots u32, queueEnd u64, position u64, from and to (segment u32, offset u32), state root, 8 bytes zero. */
function encode({ l2Time, slots, queueEnd, position, from, to, stateRoot }: SealedBatch): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, l2Time);
  view.setUint32(4, slots);
  view.setBigUint64(8, BigInt(queueEnd));
  view.setBigUint64(16, BigInt(position));
  for (const [i, { segment, offset }] of [from, to].entries()) {
    view.setUint32(24 + 8 * i, segment);
    view.setUint32(28 + 8 * i, offset);
  }
  bytes.set(stateRoot, 40);
  return bytes;
}

function decode(index: number, bytes: Uint8Array): SealedBatch {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const place = (at: number): LogPlace => ({ segment: view.getUint32(at), offset: view.getUint32(at + 4) });
  return {
    index,
    l2Time: view.getUint32(0),
    slots: view.getUint32(4),
    queueEnd: Number(view.getBigUint64(8)),
    position: Number(view.getBigUint64(16)),
    from: place(24),
    to: place(32),
    stateRoot: bytes.slice(40, 72),
  };
}
