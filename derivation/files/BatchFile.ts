import { RecordFile } from "./RecordFile.ts";

const HASH_BYTES = 32;
/** Subtree kinds 1 to 9. */
const SUBTREES = 9;
const RECORD_BYTES = 384;
const COUNTS_AT = (SUBTREES + 1) * HASH_BYTES;

/** What is kept of the state after each batch: enough to prove old receipts and withdrawals against it. */
export interface BatchResult {
  readonly stateRoot: Uint8Array;
  /** 32 bytes for each kind from 1 on. */
  readonly subtreeRoots: Uint8Array;
  readonly receiptCount: number;
  readonly withdrawalCount: number;
  readonly agentCount: number;
  readonly l2Time: number;
  readonly inboxCursor: number;
}

/** Results of batches by index. */
export class BatchFile {
  readonly #file: RecordFile;

  constructor(path: string) {
    this.#file = new RecordFile(path, RECORD_BYTES);
  }

  get count(): number {
    return this.#file.count;
  }

  append(result: BatchResult): void {
    const bytes = new Uint8Array(RECORD_BYTES);
    bytes.set(result.stateRoot, 0);
    bytes.set(result.subtreeRoots, HASH_BYTES);
    const view = new DataView(bytes.buffer, COUNTS_AT);
    view.setBigUint64(0, BigInt(result.receiptCount));
    view.setBigUint64(8, BigInt(result.withdrawalCount));
    view.setBigUint64(16, BigInt(result.inboxCursor));
    view.setUint32(24, result.agentCount);
    view.setUint32(28, result.l2Time);
    this.#file.append(bytes);
  }

  /** Throws a RangeError for a batch that was not executed. */
  read(index: number): BatchResult {
    const bytes = this.#file.read(index);
    const view = new DataView(bytes.buffer, bytes.byteOffset + COUNTS_AT);
    return {
      stateRoot: bytes.slice(0, HASH_BYTES),
      subtreeRoots: bytes.slice(HASH_BYTES, COUNTS_AT),
      receiptCount: Number(view.getBigUint64(0)),
      withdrawalCount: Number(view.getBigUint64(8)),
      inboxCursor: Number(view.getBigUint64(16)),
      agentCount: view.getUint32(24),
      l2Time: view.getUint32(28),
    };
  }

  truncate(count: number): void {
    this.#file.truncate(count);
  }

  sync(): void {
    this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}
