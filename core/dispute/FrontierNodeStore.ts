import type { NodeStore } from "../state/tree/NodeStore.ts";

const HASH_BYTES = 32;
const COUNT_BYTES = 8;
/** The unfinished group of a level, and the finished one before it. */
const KEPT_NODES = 8;

interface Level {
  readonly nodes: Uint8Array;
  count: number;
}

/**
 * Keeps of each level of an append-only tree the last nodes only: enough to prove the leaf that is appended next, which is all that a
 * step ever touches there. Its size does not depend on the number of leaves.
 */
export class FrontierNodeStore implements NodeStore {
  readonly #levels: Level[];

  constructor(depth: number) {
    this.#levels = Array.from({ length: depth + 1 }, () => ({ nodes: new Uint8Array(KEPT_NODES * HASH_BYTES), count: 0 }));
  }

  put(level: number, firstIndex: number, hashes: Uint8Array): void {
    const kept = this.#levels[level];
    if (firstIndex !== kept.count) throw new RangeError(`level ${level}: node ${firstIndex} came where ${kept.count} was due`);
    const count = hashes.length / HASH_BYTES;
    for (let i = Math.max(0, count - KEPT_NODES); i < count; i += 1) {
      kept.nodes.set(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), ((firstIndex + i) % KEPT_NODES) * HASH_BYTES);
    }
    kept.count += count;
  }

  get(level: number, index: number): Uint8Array {
    const { nodes, count } = this.#levels[level];
    if (index < 0 || index >= count || index < count - KEPT_NODES) throw new RangeError(`level ${level} does not hold node ${index} of ${count}`);
    const at = (index % KEPT_NODES) * HASH_BYTES;
    return nodes.subarray(at, at + HASH_BYTES);
  }

  /** Becomes what belongs to a snapshot of the tree (`AppendTree.snapshot`). */
  load(snapshot: Uint8Array): void {
    const leaves = Number(new DataView(snapshot.buffer, snapshot.byteOffset).getBigUint64(0));
    const top = this.#levels.length - 1;
    let at = COUNT_BYTES;
    for (const [level, kept] of this.#levels.entries()) {
      kept.count = Math.floor(leaves / 4 ** level);
      const first = level === top ? 0 : kept.count - (kept.count % 4);
      for (let index = first; index < kept.count; index += 1, at += HASH_BYTES) {
        kept.nodes.set(snapshot.subarray(at, at + HASH_BYTES), (index % KEPT_NODES) * HASH_BYTES);
      }
    }
  }
}
