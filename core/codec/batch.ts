import { CoreError } from "../errors.ts";
import { CHUNK_SLOTS, SLOT_BYTES, TAG_INNER } from "../generated/protocol.ts";
import { hashNode, keccak256 } from "../hash/index.ts";

const CHUNK_BYTES = CHUNK_SLOTS * SLOT_BYTES;

/** A batch as L1 knows it (B-2). */
export interface BatchMeta {
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly slots: number;
  /** 32 bytes. */
  readonly dataRoot: Uint8Array;
}

/** A queue entry as L1 knows it (B-3). Addresses 20 bytes, dataRoot 32. */
export interface L1Entry {
  readonly kind: number;
  readonly sender: Uint8Array;
  readonly account: Uint8Array;
  readonly value: number | bigint;
  readonly slots: number;
  readonly dataRoot: Uint8Array;
  readonly dueTime: number;
}

/** The chunk that holds a slot, with its path to the data root: three siblings a level, from the chunk up. */
export interface ChunkOpening {
  readonly chunk: Uint8Array;
  readonly siblings: readonly Uint8Array[];
}

/** Levels of the data tree, from the chunk hashes up to the root; each padded to a power of four (B-1). */
function dataLevels(slots: Uint8Array): Uint8Array[][] {
  if (slots.length % SLOT_BYTES !== 0) throw new CoreError("codec/length", `${slots.length} bytes are not whole slots.`);
  let level: Uint8Array[] = [];
  for (let at = 0; at < slots.length; at += CHUNK_BYTES) level.push(keccak256(slots.subarray(at, at + CHUNK_BYTES)));
  let width = 1;
  while (width < level.length) width *= 4;
  while (level.length < width) level.push(new Uint8Array(32));
  const levels = [level];
  while (level.length > 1) {
    const parents: Uint8Array[] = [];
    const words = new Uint8Array(128);
    for (let i = 0; i < level.length; i += 4) {
      for (let j = 0; j < 4; j += 1) words.set(level[i + j], 32 * j);
      const parent = new Uint8Array(32);
      hashNode(words, 0, TAG_INNER, parent, 0);
      parents.push(parent);
    }
    levels.push(parents);
    level = parents;
  }
  return levels;
}

/** The root of batch data (B-1): zero for no slots. */
export function batchDataRoot(slots: Uint8Array): Uint8Array {
  const levels = dataLevels(slots);
  return levels[levels.length - 1][0];
}

/** Opens the chunk that holds slot `slotIndex`. */
export function openSlot(slots: Uint8Array, slotIndex: number): ChunkOpening {
  if (slotIndex < 0 || (slotIndex + 1) * SLOT_BYTES > slots.length) throw new CoreError("codec/length", `There is no slot ${slotIndex}.`);
  const levels = dataLevels(slots);
  const chunkIndex = Math.floor(slotIndex / CHUNK_SLOTS);
  const siblings: Uint8Array[] = [];
  let node = chunkIndex;
  for (const level of levels.slice(0, -1)) {
    for (let i = node & ~3; i < (node & ~3) + 4; i += 1) if (i !== node) siblings.push(level[i]);
    node >>>= 2;
  }
  return { chunk: slots.slice(chunkIndex * CHUNK_BYTES, (chunkIndex + 1) * CHUNK_BYTES), siblings };
}

function writeInteger(words: Uint8Array, word: number, value: number | bigint): void {
  let rest = BigInt(value);
  for (let i = 32 * word + 31; rest > 0n; i -= 1, rest >>= 8n) words[i] = Number(rest & 255n);
}

/** Hash of a batch (B-2). */
export function batchHash(meta: BatchMeta): Uint8Array {
  const words = new Uint8Array(128);
  writeInteger(words, 0, meta.l2Time);
  writeInteger(words, 1, meta.queueEnd);
  writeInteger(words, 2, meta.slots);
  words.set(meta.dataRoot, 96);
  return keccak256(words);
}

/** Hash of a queue entry (B-3): 27 bytes of the keccak, then slots and dueTime in the clear, so that L1 can read them. */
export function entryHash(entry: L1Entry): Uint8Array {
  const words = new Uint8Array(224);
  writeInteger(words, 0, entry.kind);
  words.set(entry.sender, 44);
  words.set(entry.account, 76);
  writeInteger(words, 3, entry.value);
  writeInteger(words, 4, entry.slots);
  words.set(entry.dataRoot, 160);
  writeInteger(words, 6, entry.dueTime);
  const hash = keccak256(words);
  hash[27] = entry.slots;
  new DataView(hash.buffer, hash.byteOffset).setUint32(28, entry.dueTime);
  return hash;
}

/** The accumulator after a batch (B-6): chains it and the entries that it consumes to all before. Hashes of 32 bytes. */
export function accumulatorAfter(before: Uint8Array, hash: Uint8Array, entryHashes: readonly Uint8Array[]): Uint8Array {
  const words = new Uint8Array(64 + 32 * entryHashes.length);
  words.set(before);
  words.set(hash, 32);
  entryHashes.forEach((entry, at) => words.set(entry, 64 + 32 * at));
  return keccak256(words);
}
