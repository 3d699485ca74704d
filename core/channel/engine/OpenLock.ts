import { MAX_LOCKS } from "../locks.ts";
import type { Lock } from "../locks.ts";
import { getU64 } from "../../codec/integers.ts";
import { keccak256 } from "../../hash/index.ts";
import { ChannelError } from "./ChannelCode.ts";
import { ENTRY } from "./frames/callsFrame.ts";
import { sameBytes } from "./runningHash.ts";

/** A lock with what became of it off chain. Lists are replaced, never changed. */
export interface OpenLock extends Lock {
  /** Its payee gave it up. */
  readonly isReleased: boolean;
  readonly preimage: Uint8Array | undefined;
  /** The preimage stands in the chain's register in time. */
  readonly isRegistered: boolean;
}

export function sumOfLocks(locks: readonly Lock[]): number {
  let sum = 0;
  for (const lock of locks) sum += lock.amount;
  return sum;
}

export function findLock(locks: readonly OpenLock[], hashlock: Uint8Array): OpenLock | undefined {
  return locks.find((lock) => sameBytes(lock.hashlock, hashlock));
}

/** The list with one lock changed. */
export function withLock(locks: readonly OpenLock[], changed: OpenLock): readonly OpenLock[] {
  return locks.map((lock) => (sameBytes(lock.hashlock, changed.hashlock) ? changed : lock));
}

function without(locks: readonly OpenLock[], gone: OpenLock): readonly OpenLock[] {
  return locks.filter((lock) => lock !== gone);
}

/** What a lock entry does. */
export interface LockStep {
  readonly locks: readonly OpenLock[];
  /** Units that move into `paid`. */
  readonly settled: number;
  readonly kind: number;
  readonly lock: OpenLock;
  readonly preimage: Uint8Array | undefined;
}

/**
 * The lock list after the entry at `at` (a LOCK, SETTLE or DROP entry).
 * @throws ChannelError channel/lock: twice the same, too many, not there, another amount, a wrong preimage
 */
export function applyLockEntry(locks: readonly OpenLock[], bytes: Uint8Array, at: number): LockStep {
  const refuse = (why: string): never => {
    throw new ChannelError("channel/lock", why);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = bytes[at];
  const amount = getU64(view, at + 9);
  const word = bytes.slice(at + 17, at + 49);
  if (kind === ENTRY.LOCK) {
    const expiry = bytes[at + 49] * 2 ** 32 + view.getUint32(at + 50);
    if (amount === 0) refuse("A lock of nothing.");
    if (locks.length >= MAX_LOCKS) refuse(`More than ${MAX_LOCKS} locks.`);
    if (findLock(locks, word) !== undefined) refuse("That hashlock is open already.");
    const lock: OpenLock = { hashlock: word, amount, expiry, isReleased: false, preimage: undefined, isRegistered: false };
    return { locks: [...locks, lock], settled: 0, kind, lock, preimage: undefined };
  }
  const preimage = kind === ENTRY.SETTLE ? word : undefined;
  const lock = findLock(locks, preimage === undefined ? word : keccak256(preimage)) ?? refuse("That lock is not open.");
  if (lock.amount !== amount) refuse("The amount is not the lock's.");
  return { locks: without(locks, lock), settled: preimage === undefined ? 0 : amount, kind, lock, preimage };
}
