import { setU64 } from "../codec/integers.ts";
import { keccak256 } from "../hash/index.ts";

/** Open conditional payments that one voucher may carry. */
export const MAX_LOCKS = 16;

/** Paid if the preimage of `hashlock` is shown in time. */
export interface Lock {
  /** keccak256 of the 32-byte preimage. */
  readonly hashlock: Uint8Array;
  /** Units. */
  readonly amount: number;
  /** Last L1 time, in seconds, at which the preimage may be registered. */
  readonly expiry: number;
}

/** Zero without locks, else keccak256(abi.encode(Lock[])) in the order in which they were added. */
export function locksHashOf(locks: readonly Lock[]): Uint8Array {
  if (locks.length === 0) return new Uint8Array(32);
  const words = new Uint8Array(64 + 96 * locks.length);
  const view = new DataView(words.buffer);
  words[31] = 32;
  view.setUint32(60, locks.length);
  for (const [place, lock] of locks.entries()) {
    const from = 64 + 96 * place;
    words.set(lock.hashlock, from);
    setU64(view, from + 56, lock.amount);
    setU64(view, from + 88, lock.expiry);
  }
  return keccak256(words);
}
