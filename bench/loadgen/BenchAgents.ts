import { keccak256 } from "../../core/hash/index.ts";
import { addressOfKey } from "../../runtime/crypto/secp.ts";

/** Index of the account that opens all others. */
export const FUNDER = 1;

/** Accounts with a known key; the others are only there so that the state has its size. */
export const KEYED_AGENTS = 32_768;

function hashOf(label: number, index: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, label);
  view.setUint32(4, index);
  return keccak256(bytes);
}

/** Every `stride`-th account has a key, so those that act lie all over the tree. */
export function strideOf(agents: number): number {
  return Math.max(2, Math.floor(agents / KEYED_AGENTS));
}

export function isKeyed(index: number, agents: number): boolean {
  return index % strideOf(agents) === 0;
}

/** Private key of a keyed account; public by design, for benchmarks only. */
export function benchKey(index: number): Uint8Array {
  return hashOf(1, index);
}

/** Address of account `index` (from 1 on). */
export function benchAddress(index: number, agents: number): Uint8Array {
  return isKeyed(index, agents) ? addressOfKey(benchKey(index)) : hashOf(2, index).subarray(12);
}

/** Indices of the keyed accounts in a random order that depends on the seed alone. */
export function keyedAgents(agents: number, seed: number): Uint32Array {
  const stride = strideOf(agents);
  const indices = Uint32Array.from({ length: Math.floor(agents / stride) }, (_, i) => (i + 1) * stride);
  let random = seed | 1;
  for (let i = indices.length - 1; i > 0; i -= 1) {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    const other = (random >>> 0) % (i + 1);
    const kept = indices[i];
    indices[i] = indices[other];
    indices[other] = kept;
  }
  return indices;
}
