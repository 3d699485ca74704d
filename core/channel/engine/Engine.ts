import type { Grant } from "../digests.ts";
import type { Lock } from "../locks.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import type { Effect } from "./Effect.ts";
import type { ChainView } from "./EngineOptions.ts";
import type { ChannelStatus } from "./ChannelStatus.ts";
import type { Evidence } from "./Evidence.ts";

/**
 * One side of one channel: pure, no I/O, no clock, no randomness. Inputs change it; `drain` then cuts frames and acknowledgements
 * and returns what is to be done, in order. Many inputs and one `drain` make one large frame.
 *
 * Life: `createEngine`, `replay` every record of the log in order, `resume` once; then inputs. After a restart the same records
 * give the same state, and what was meant to be signed is signed again with the same bytes, never anything else at its place.
 * Methods throw ChannelError for what their caller asks and cannot have; frames never throw: they `cut`.
 */
export interface Engine {
  /** One log record, as it was given out. @throws ChannelError channel/log */
  replay(record: Uint8Array): void;
  /** The log is read. `boot`: 16 random bytes, new for each process. */
  resume(boot: Uint8Array, nowMs: number, l1Seconds: number): void;
  /** The state as one record, with which a new log can begin in place of all records so far; positions go on from it. Only when drained. */
  checkpoint(): Uint8Array;

  /**
   * Queues a paid call; its sequence in our chain. `payload` travels with it and must be its hash's.
   * @throws ChannelError channel/backpressure (wait for results), capacity, grant-cap, grant-expired, frozen, one-way, size, limit
   */
  call(price: number, requestHash: Uint8Array, payload?: Uint8Array): number;
  /** Why `call` would throw now; undefined if it would not. Cheaper than a throw in a loop. */
  refusalOf(price: number): ChannelCode | undefined;
  /**
   * The answer to a delivered call; status 0 is success, any other credits the price to the payer.
   * @param isUrgent false: nobody waits for it, so it may be collected with others for `ackDelayMs`
   * @throws channel/result, size
   */
  answer(sequence: number, status: number, responseHash: Uint8Array, payload?: Uint8Array, isUrgent?: boolean): void;
  /** Whether a call of the peer waits for `answer`. */
  isUnanswered(sequence: number): boolean;

  /** Queues a conditional payment. @throws channel/lock, lock-expiry, capacity, grant-cap, frozen, one-way */
  addLock(lock: Lock): number;
  /** Payer: pays a lock whose preimage it learned by itself, with the next voucher. */
  settleLock(preimage: Uint8Array): void;
  /** Payer: takes out an expired lock, with the next voucher. @throws channel/lock-expiry before its time */
  dropLock(hashlock: Uint8Array): void;
  /** Payee: claims a lock; the preimage goes to the payer. */
  claimLock(preimage: Uint8Array): void;
  /** Payee: gives a lock up; the next rebase takes it out. */
  releaseLock(hashlock: Uint8Array): void;
  /** A preimage that this channel saw lately, in either direction: a hub that missed the event finds it here. */
  preimageOf(hashlock: Uint8Array): Uint8Array | undefined;
  /** The preimage stands in the register of the chain since a time ≤ the lock's expiry: the lock must be settled, not dropped. */
  preimageRegistered(preimage: Uint8Array): void;

  /** A transport is up (frames whole, in order, peer authenticated) or down. */
  connected(): void;
  disconnected(): void;
  frame(bytes: Uint8Array): void;
  /** Answers to effects; late ones for what is gone are ignored. */
  signed(token: number, signature: Uint8Array): void;
  verified(token: number, isValid: boolean): void;
  /** About every 10 ms while there is work, else every second. Times that run back are taken as standing still. */
  tick(nowMs: number, l1Seconds: number): void;
  /** Every time when what the chain says changed. */
  chain(view: ChainView): void;

  /** A new base, which makes credits usable, takes out released locks, and ends the old evidence. Either side. */
  rebase(): void;
  /** Cooperative close: stops new calls, waits for the answers, both sign. The event `closed` has what the chain wants. */
  close(): void;
  /** Pays out `amount` units to our side while the channel goes on. @throws channel/capacity, busy, frozen */
  withdraw(amount: number, validUntil: number): void;
  /** Asks the peer for its consent to move the channel from Layer Core to L1; or consents. */
  askExport(): void;
  approveExport(): void;
  /** Our session key from now on, with the principal's signature over the grant; none: the principal signs again. */
  useSessionKey(grant?: Grant, signature?: Uint8Array): void;
  /** The chain has the peer's grant of this key: needed before a contract's session key counts. */
  grantRegistered(key: Uint8Array): void;

  /**
   * What is to be done.
   * @param maySign false: nothing new goes under a voucher or an Ack yet, so that more goes under the next one. Ask again soon.
   */
  drain(maySign?: boolean): Effect[];
  status(): ChannelStatus;
  evidence(): Evidence;
}
