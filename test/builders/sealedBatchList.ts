import { entryHash } from "../../core/codec/index.ts";
import { keccak256 } from "../../core/hash/index.ts";
import type { EntryConsumer, EpochRoots, FedEntry, SealedBatch, SealedBatches } from "../../services/sequencer/l1/ports.ts";

/** A sequencer reduced to what its L1 side sees of it: seals any slots, and "computes" a root as the hash of the batch's number. */
export interface SealedBatchList {
  readonly sealed: SealedBatches;
  readonly roots: EpochRoots;
  readonly entries: EntryConsumer;
  /** Everything that was handed over, in order. */
  readonly fed: FedEntry[];
  /** Roots after this many batches are known. */
  rootsUntil: number;
  /** Seals a batch of garbage slots that consumes every entry it has. */
  seal(l2Time: number, slots?: number): SealedBatch;
  rootOf(batchCount: number): Uint8Array;
}

const SLOT_BYTES = 96;

export function createSealedBatchList(): SealedBatchList {
  const batches: SealedBatch[] = [];
  const fed: FedEntry[] = [];
  const rootOf = (batchCount: number): Uint8Array => keccak256(Uint8Array.of(1, batchCount));
  const list: SealedBatchList = {
    fed,
    rootOf,
    rootsUntil: Infinity,
    sealed: {
      count: () => batches.length,
      read(index) {
        const batch = batches[index];
        return batch === undefined ? Promise.reject(new Error(`batch ${index} is not sealed`)) : Promise.resolve(batch);
      },
    },
    roots: { rootAt: (batchCount) => (batchCount <= Math.min(list.rootsUntil, batches.length) ? rootOf(batchCount) : undefined) },
    entries: {
      nextEntry: () => fed.length,
      resumeBlock: () => fed.at(-1)?.blockNumber,
      onEntries(entries) {
        fed.push(...entries);
        return Promise.resolve();
      },
    },
    seal(l2Time, slots = 3) {
      const index = batches.length;
      const data = new Uint8Array(slots * SLOT_BYTES).fill(index + 1);
      const entryHashes = fed.slice(batches.at(-1)?.queueEnd ?? 0).map(({ entry }) => entryHash(entry));
      const batch = { index, l2Time, queueEnd: fed.length, data, slots, entryHashes, position: 3 * index };
      batches.push(batch);
      return batch;
    },
  };
  return list;
}
