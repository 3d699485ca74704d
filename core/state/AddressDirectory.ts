import { DIRECTORY, LEAF_BYTES } from "../generated/protocol.ts";
import type { LeafStore } from "./LeafStore.ts";

const CHUNK_CAPACITY = 512;

/**
 * Account indices sorted by owner address, in chunks of at most 512, over the leaves of subtree DIRECTORY (which hold the same
 * order as a linked list). Only this index makes finding the low leaf of OA-2 quick; it is not part of the state.
 */
export class AddressDirectory {
  readonly #store: LeafStore;
  readonly #chunks: Uint32Array[] = [];
  readonly #counts: number[] = [];

  constructor(store: LeafStore) {
    this.#store = store;
    this.#chunks.push(new Uint32Array(CHUNK_CAPACITY));
    this.#counts.push(1); // the sentinel, index 0, owner 0
  }

  /** The account with the greatest owner that is not above the 20 bytes at `offset` (0, the sentinel, if there is none). */
  low(address: DataView, offset: number): number {
    const chunk = this.#chunkOf(address, offset);
    return this.#chunks[chunk][this.#placeIn(chunk, address, offset)];
  }

  /** True if account `index` is owned by exactly that address. The sentinel is owned by the zero address. */
  isOwner(index: number, address: DataView, offset: number): boolean {
    return this.#compare(index, address, offset) === 0;
  }

  /** Index of the account of that address, 0 if there is none. */
  find(address: DataView, offset: number): number {
    const index = this.low(address, offset);
    return this.#compare(index, address, offset) === 0 ? index : 0;
  }

  /** Adds account `index`, whose owner stands at `offset` and has no account yet. */
  insert(index: number, address: DataView, offset: number): void {
    let chunk = this.#chunkOf(address, offset);
    let place = this.#placeIn(chunk, address, offset) + 1;
    if (this.#counts[chunk] === CHUNK_CAPACITY) {
      const half = CHUNK_CAPACITY / 2;
      const upper = new Uint32Array(CHUNK_CAPACITY);
      upper.set(this.#chunks[chunk].subarray(half));
      this.#chunks.splice(chunk + 1, 0, upper);
      this.#counts.splice(chunk + 1, 0, half);
      this.#counts[chunk] = half;
      if (place > half) {
        chunk += 1;
        place -= half;
      }
    }
    const indices = this.#chunks[chunk];
    indices.copyWithin(place + 1, place, this.#counts[chunk]);
    indices[place] = index;
    this.#counts[chunk] += 1;
  }

  /** Reads the order again from the linked list in the leaves. */
  rebuild(): void {
    this.#chunks.length = 0;
    this.#counts.length = 0;
    const view = this.#store.view;
    let index = 0;
    do {
      const last = this.#counts.length - 1;
      if (last < 0 || this.#counts[last] === CHUNK_CAPACITY / 2) {
        this.#chunks.push(new Uint32Array(CHUNK_CAPACITY));
        this.#counts.push(0);
      }
      const chunk = this.#counts.length - 1;
      this.#chunks[chunk][this.#counts[chunk]] = index;
      this.#counts[chunk] += 1;
      index = index < this.#store.count ? view.getUint32(index * LEAF_BYTES + DIRECTORY.nextIndex) : 0;
    } while (index !== 0);
  }

  #chunkOf(address: DataView, offset: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#chunks[middle][0], address, offset) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Place of the greatest owner in the chunk that is not above the address. */
  #placeIn(chunk: number, address: DataView, offset: number): number {
    const indices = this.#chunks[chunk];
    let low = 0;
    let high = this.#counts[chunk];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#compare(indices[middle], address, offset) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Sign of owner(index) - address. */
  #compare(index: number, address: DataView, offset: number): number {
    const view = this.#store.view;
    const at = index * LEAF_BYTES + DIRECTORY.owner;
    for (let i = 0; i < 20; i += 4) {
      const difference = (index === 0 ? 0 : view.getUint32(at + i)) - address.getUint32(offset + i);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}
