import type { NodeStore } from "./NodeStore.ts";

const HASH_BYTES = 32;
const CHUNK_NODES = 1024;

interface Level {
  readonly chunks: Uint8Array[];
  count: number;
}

/** Keeps nodes in memory, 32 KiB chunks a level. Nodes of a level must come without gaps. */
export class MemoryNodeStore implements NodeStore {
  readonly #levels: Level[] = [];

  put(level: number, firstIndex: number, hashes: Uint8Array): void {
    while (this.#levels.length <= level) this.#levels.push({ chunks: [], count: 0 });
    const kept = this.#levels[level];
    if (firstIndex !== kept.count) throw new RangeError(`level ${level}: node ${firstIndex} came where ${kept.count} was due`);
    let at = 0;
    while (at < hashes.length) {
      const place = kept.count % CHUNK_NODES;
      if (place === 0) kept.chunks.push(new Uint8Array(CHUNK_NODES * HASH_BYTES));
      const bytes = Math.min(hashes.length - at, (CHUNK_NODES - place) * HASH_BYTES);
      kept.chunks[kept.chunks.length - 1].set(hashes.subarray(at, at + bytes), place * HASH_BYTES);
      kept.count += bytes / HASH_BYTES;
      at += bytes;
    }
  }

  get(level: number, index: number): Uint8Array {
    const kept = this.#levels[level];
    if (kept === undefined || index < 0 || index >= kept.count) throw new RangeError(`level ${level} has no node ${index}`);
    const place = (index % CHUNK_NODES) * HASH_BYTES;
    return kept.chunks[Math.floor(index / CHUNK_NODES)].subarray(place, place + HASH_BYTES);
  }
}
