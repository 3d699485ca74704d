import { setU64 } from "../../codec/integers.ts";
import { keccak256 } from "../../hash/index.ts";
import { MAX_UNITS } from "../../generated/protocol.ts";
import { ackDigest, voucherDigest } from "../digests.ts";
import { locksHashOf } from "../locks.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import type { EngineContext } from "./EngineContext.ts";
import type { SignedGrant } from "./Evidence.ts";
import { EntryQueue } from "./EntryQueue.ts";
import { readAckFrame, ACK_HEAD_BYTES, RESULT_BYTES } from "./frames/ackFrame.ts";
import type { AckFrame } from "./frames/ackFrame.ts";
import { ENTRY, absorbEntries, buildCallsFrame, readCallsFrame } from "./frames/callsFrame.ts";
import type { CallsFrame } from "./frames/callsFrame.ts";
import { CALL_STATE, OpenCalls } from "./OpenCalls.ts";
import { applyLockEntry, findLock, sumOfLocks, withLock } from "./OpenLock.ts";
import type { OpenLock } from "./OpenLock.ts";
import { OutFrame } from "./OutFrame.ts";
import { RECORD } from "./RecordKind.ts";
import { absorbItems, sameBytes } from "./runningHash.ts";

const ZERO = new Uint8Array(32);

/** Our own chain: calls that we pay for, and the peer's signed answers. */
export class Payer {
  readonly context: EngineContext;
  /** Entries under a logged voucher, their running hash and what was paid with them. */
  sequence = 0;
  hash: Uint8Array = ZERO;
  paid = 0;
  /** All prices less those of failed calls; `paid` never falls, so it may be above: the credit. */
  owed = 0;
  locks: readonly OpenLock[] = [];
  /** Newest Ack of the peer. */
  acked = 0;
  ackedHash: Uint8Array = ZERO;
  results = 0;
  resultsHash: Uint8Array = ZERO;
  lastAck: Uint8Array | undefined;
  lastAckGrant: SignedGrant | undefined;
  readonly open: OpenCalls;
  inFlight: OutFrame[] = [];
  readonly queue = new EntryQueue();
  /** The locks after everything that is queued. */
  planned: readonly OpenLock[] = [];
  /** When the oldest voucher in flight was sent or last answered. */
  waitingSinceMs = 0;
  /** What the peer has paid us, by vouchers that we have. */
  readonly receivedUnits: () => number;
  /** Of our net, promised to a partial withdrawal. */
  reserved = 0;

  #tentative = { acked: 0, results: 0, resultsHash: ZERO as Uint8Array };
  #isKeyAlarmed = false;
  #marked: number[] = [];
  #preimages: Uint8Array[] = [];
  #drops: Uint8Array[] = [];

  constructor(context: EngineContext, receivedUnits: () => number) {
    this.context = context;
    this.receivedUnits = receivedUnits;
    this.open = new OpenCalls(context.ownLimits.maxOpenCalls);
  }

  /** Everything that we have paid or may have to pay, with the queue and `extra` units more. */
  committedWith(extra: number): number {
    return Math.max(this.paid, this.owed + this.queue.units + extra) + sumOfLocks(this.planned);
  }

  get capacity(): number {
    const { context } = this;
    const net = Math.min(context.netOf(context.self), context.fundsTold);
    return net + this.receivedUnits() - this.reserved - this.committedWith(0);
  }

  refusalOf(price: number, lockUnits = 0): ChannelCode | undefined {
    const { context, open } = this;
    if (context.frozen !== undefined) return context.frozen === "closing" ? "channel/closing" : "channel/frozen";
    if (context.isClosing) return "channel/frozen";
    if (!context.mayPay(context.self)) return "channel/one-way";
    if (this.queue.nextSequence > MAX_UNITS - 1) return "channel/limit";
    const window = Math.min(context.limits.maxOpenCalls, open.capacity);
    if (open.units + price > context.options.maxUnackedUnits || (open.count > 0 && this.queue.nextSequence - open.oldest >= window)) return "channel/backpressure";
    const committed = this.committedWith(price) + lockUnits;
    if (committed > MAX_UNITS) return "channel/limit";
    const net = Math.min(context.netOf(context.self), context.fundsTold);
    if (committed > net + this.receivedUnits() - this.reserved) return "channel/capacity";
    return this.#keyRefusal(committed);
  }

  /** Why the key of now cannot sign for `committed` units. */
  #keyRefusal(committed: number): ChannelCode | undefined {
    const { context } = this;
    const session = context.sessions[context.self];
    if (session === undefined) return context.options.contractParties[context.self] ? "channel/signer" : undefined;
    if (committed > session.grant.cap) return "channel/grant-cap";
    if (session.grant.expiry - context.l1Seconds <= 2 * context.options.config.windowSeconds + context.options.maxSkewSeconds) return "channel/grant-expired";
    return undefined;
  }

  #demand(price: number, lockUnits = 0): void {
    const code = this.refusalOf(price, lockUnits);
    if (code !== undefined) throw new ChannelError(code, "The call is not taken.");
  }

  call(price: number, requestHash: Uint8Array, payload: Uint8Array | undefined): number {
    if (!Number.isSafeInteger(price) || price < 0) throw new ChannelError("channel/limit", "A price is a whole number of units.");
    if (requestHash.length !== 32) throw new ChannelError("channel/size", "A request hash has 32 bytes.");
    if (payload !== undefined && payload.length > this.context.limits.maxPayloadBytes) throw new ChannelError("channel/size", "The request is too long.");
    this.#demand(price);
    const sequence = this.queue.pushCall(price, requestHash, payload);
    this.open.open(sequence, price);
    return sequence;
  }

  /** Queues a lock entry (u8 kind ‖ u64 sequence ‖ u64 amount ‖ …). */
  lockEntry(kind: number, amount: number, word: Uint8Array, expiry: number): number {
    if (!Number.isSafeInteger(amount) || amount < 0) throw new ChannelError("channel/limit", "An amount is a whole number of units.");
    if (word.length !== 32) throw new ChannelError("channel/size", "A hashlock or preimage has 32 bytes.");
    if (kind === ENTRY.LOCK) this.#demand(0, amount);
    const bytes = new Uint8Array(kind === ENTRY.LOCK ? 54 : 49);
    const view = new DataView(bytes.buffer);
    bytes[0] = kind;
    setU64(view, 1, this.queue.nextSequence);
    setU64(view, 9, amount);
    bytes.set(word, 17);
    if (kind === ENTRY.LOCK) {
      bytes[49] = Math.floor(expiry / 2 ** 32);
      view.setUint32(50, expiry % 2 ** 32);
    }
    const step = applyLockEntry(this.planned, bytes, 0);
    this.planned = step.locks;
    return this.queue.pushEntry(bytes, step.settled);
  }

  /** Puts what is queued under vouchers, as far as the pipeline allows. */
  pump(): void {
    const { context } = this;
    if (context.link !== "synced" || context.hold !== "none" || context.frozen !== undefined) return;
    if (this.pendingSettlements > 0) this.#endLocks();
    if (this.queue.count === 0) return;
    const refusal = this.#keyRefusal(this.committedWith(0));
    if (refusal !== undefined) {
      if (!this.#isKeyAlarmed) context.alarm(refusal, "Calls wait for a key that may sign them.");
      this.#isKeyAlarmed = true;
      return;
    }
    this.#isKeyAlarmed = false;
    while (this.queue.count > 0 && this.inFlight.length < context.limits.maxInFlight && this.#cutFrame());
  }

  /** One voucher over what is queued; false if the oldest open call is too far back. */
  #cutFrame(): boolean {
    const { context, queue } = this;
    const part = queue.take(context.limits, this.open.count === 0 ? Infinity : this.open.oldest + context.limits.maxOpenCalls - 1);
    if (part.count === 0) return false;
    let { locks } = this;
    for (const offset of part.lockOffsets) {
      const step = applyLockEntry(locks, part.bytes, offset);
      locks = step.locks;
      if (step.preimage !== undefined) context.remember(step.preimage);
    }
    const owed = this.owed + part.units;
    const paid = Math.max(this.paid, owed);
    const hash = absorbEntries(this.hash, part.bytes, 0, part.count);
    const head = {
      signer: context.signerOf(context.self).index, version: context.version, before: this.sequence, resultsSeen: this.results, paid, hashBefore: this.hash, hash, locksHash: locks.length === 0 ? ZERO : locksHashOf(locks),
    };
    const record = buildCallsFrame(head, part.bytes, part.count, part.payloads);
    this.#sent(record, paid, owed, hash, locks, part.count);
    return true;
  }

  #sent(record: Uint8Array, paid: number, owed: number, hash: Uint8Array, locks: readonly OpenLock[], entries: number): void {
    const { context } = this;
    record[0] = RECORD.OUT;
    const frame = new OutFrame(record.subarray(1), this.sequence + entries, hash);
    if (this.inFlight.length === 0) this.waitingSinceMs = context.nowMs;
    this.sequence += entries;
    this.hash = hash;
    this.paid = paid;
    this.owed = owed;
    this.locks = locks;
    this.inFlight.push(frame);
    context.log(record.subarray(0, record.length - 64));
    if (!context.isReplaying) this.#sign(frame);
  }

  #sign(frame: OutFrame): void {
    const calls = readCallsFrame(frame.bytes);
    const { context } = this;
    frame.sign(context, voucherDigest(context.separator, context.channelId, { payer: context.self, version: calls.version, sequence: calls.sequence, paid: calls.paid, locksHash: calls.locksHash, callsHash: calls.hash }), () => this.flush());
  }

  /** Sends what is signed and was not sent on this connection, in order. */
  flush(): void {
    const { context } = this;
    if (context.link !== "synced") return;
    for (const frame of this.inFlight) {
      if (frame.sentOn === context.connection) continue;
      if (!frame.isReady(context)) {
        if (!frame.isSigning) this.#sign(frame);
        return;
      }
      frame.sentOn = context.connection;
      context.send(frame.bytes);
    }
  }

  /** Whether every voucher left on this connection. */
  get isAllSent(): boolean {
    return this.inFlight.every((frame) => frame.sentOn === this.context.connection);
  }

  /** Locks that are to be settled or dropped with the next voucher. */
  get pendingSettlements(): number {
    return this.#preimages.length + this.#drops.length;
  }

  /** The payee showed a preimage, or the chain has it. */
  learn(preimage: Uint8Array): void {
    const hashlock = keccak256(preimage);
    const lock = findLock(this.planned, hashlock);
    if (lock === undefined || this.#preimages.some((known) => sameBytes(known, preimage))) return;
    this.settle(preimage);
    this.context.event({ name: "preimage", hashlock, preimage: preimage.slice() });
  }

  /** Pays a lock with the next voucher. */
  settle(preimage: Uint8Array): void {
    this.#preimages.push(preimage.slice());
  }

  /** Takes an expired lock out with the next voucher. */
  drop(hashlock: Uint8Array): void {
    this.#drops.push(hashlock.slice());
  }

  /** Locks are settled and dropped only when a voucher can follow at once: a new base in between takes out what it finds. */
  #endLocks(): void {
    for (const preimage of this.#preimages) {
      const lock = findLock(this.planned, keccak256(preimage));
      if (lock !== undefined) this.lockEntry(ENTRY.SETTLE, lock.amount, preimage, 0);
    }
    for (const hashlock of this.#drops) {
      const lock = findLock(this.planned, hashlock);
      if (lock !== undefined && !lock.isRegistered) this.lockEntry(ENTRY.DROP, lock.amount, hashlock, 0);
    }
    this.#preimages = [];
    this.#drops = [];
  }

  /** Changes what is known of a lock that is open. */
  markLock(lock: OpenLock): void {
    this.locks = withLock(this.locks, lock);
    this.planned = withLock(this.planned, lock);
  }

  /** Whether nothing waits for an Ack. */
  get isQuiet(): boolean {
    return this.inFlight.length === 0;
  }

  /** The running hash at a sequence where a voucher ended; undefined elsewhere. */
  hashAt(sequence: number): Uint8Array | undefined {
    if (sequence === this.sequence) return this.hash;
    if (sequence === this.acked) return this.ackedHash;
    return this.inFlight.find((frame) => frame.end === sequence)?.hash;
  }

  /** An Ack from the peer: cheap checks, then its signature. */
  onAck(bytes: Uint8Array): void {
    const { context, open } = this;
    const refuse = (code: ChannelCode, why: string): never => {
      throw new ChannelError(code, why);
    };
    const ack = readAckFrame(bytes);
    const tentative = this.#tentative;
    if (ack.sequence <= tentative.acked && ack.results <= tentative.results) {
      if (ack.results === tentative.results && !sameBytes(ack.hash, tentative.resultsHash)) refuse("channel/hash", "Other results than before.");
      return; // A repeat.
    }
    if (ack.version !== context.version || context.isProposed) refuse("channel/version", "An Ack under another base.");
    if (ack.resultsBefore !== tentative.results || ack.sequence < tentative.acked) refuse("channel/sequence", "An Ack that does not follow.");
    if (!sameBytes(ack.hashBefore, tentative.resultsHash)) refuse("channel/hash", "The results follow others than ours.");
    const end = ack.sequence === this.acked ? this.ackedHash : this.inFlight.find((frame) => frame.end === ack.sequence && frame.sentOn === context.connection)?.hash;
    if (end === undefined) refuse("channel/sequence", "An Ack of what was not sent.");
    else if (!sameBytes(ack.callsHash, end)) refuse("channel/hash", "An Ack of other calls.");
    if (ack.count > context.ownLimits.maxOpenCalls) refuse("channel/flood", "Too many results.");
    this.#checkResults(ack);
    if (!sameBytes(absorbItems(ack.hashBefore, bytes, ACK_HEAD_BYTES, RESULT_BYTES, ack.count), ack.hash)) refuse("channel/hash", "The results' hash is another.");
    const key = context.peerKey(ack.signer);
    for (const sequence of ack.sequences) {
      if (open.stateOf(sequence) !== CALL_STATE.OPEN) refuse("channel/result", "Two results of one call.");
      open.mark(sequence, CALL_STATE.ANSWERED);
      this.#marked.push(sequence);
    }
    this.#tentative = { acked: ack.sequence, results: ack.results, resultsHash: ack.hash };
    const digest = ackDigest(context.separator, context.channelId, { ...ack, payer: context.self, callsHash: ack.callsHash, resultsHash: ack.hash });
    const grant = ack.signer === 1 ? context.peerSession : undefined;
    context.verify(digest, ack.signature, key, () => this.applyAck(ack, grant));
  }

  #checkResults(ack: AckFrame): void {
    const { open, context } = this;
    for (const sequence of ack.sequences) {
      if (sequence > ack.sequence || open.stateOf(sequence) !== CALL_STATE.OPEN) throw new ChannelError("channel/result", "A result of a call that is not open.");
    }
    for (const [i, payload] of (ack.payloads ?? []).entries()) context.checkPayload(payload, ack.bytes, ACK_HEAD_BYTES + i * RESULT_BYTES + 9);
  }

  applyAck(ack: AckFrame, grant: SignedGrant | undefined): void {
    const { context, open } = this;
    if (context.frozen !== undefined && !context.isReplaying) return;
    const after = context.logIn(ack.bytes);
    this.acked = ack.sequence;
    this.ackedHash = ack.callsHash;
    this.results = ack.results;
    this.resultsHash = ack.hash;
    this.lastAck = ack.bytes;
    this.lastAckGrant = grant;
    this.waitingSinceMs = context.nowMs;
    while (this.inFlight.length > 0 && this.inFlight[0].end <= ack.sequence) this.inFlight.shift();
    const hashes = new Uint8Array(32 * ack.count);
    for (let i = 0; i < ack.count; i++) {
      const sequence = ack.sequences[i];
      if (ack.statuses[i] !== 0) this.owed -= open.priceOf(sequence);
      open.close(sequence);
      const at = ACK_HEAD_BYTES + i * RESULT_BYTES + 9;
      hashes.set(ack.bytes.subarray(at, at + 32), 32 * i);
    }
    this.#marked.splice(0, ack.count);
    if (context.isReplaying) this.resetTentative();
    else if (ack.count > 0) {
      const { count, sequences, statuses } = ack;
      context.emit({ kind: "results", results: { count, sequences, statuses, responseHashes: hashes, payloads: ack.payloads?.map((payload) => payload ?? ZERO.subarray(32)) }, after });
    }
  }

  /** A voucher of ours from the log. */
  replayCalls(calls: CallsFrame, record: Uint8Array): void {
    let { locks } = this;
    let units = 0;
    for (let i = 0; i < calls.entries; i++) {
      if (calls.bytes[calls.offsets[i]] === ENTRY.CALL) {
        this.open.open(calls.before + 1 + i, calls.amounts[i]);
        units += calls.amounts[i];
      } else {
        const step = applyLockEntry(locks, calls.bytes, calls.offsets[i]);
        locks = step.locks;
        units += step.settled;
        if (step.preimage !== undefined) this.context.remember(step.preimage);
      }
    }
    this.#sent(record, calls.paid, this.owed + units, calls.hash.slice(), locks, calls.entries);
    this.planned = locks;
    this.queue.nextSequence = this.sequence + 1;
  }

  /** The state of a checkpoint. */
  restore(state: Pick<Payer, "sequence" | "hash" | "paid" | "owed" | "locks" | "acked" | "ackedHash" | "results" | "resultsHash"> & { readonly lastAck: Uint8Array | null; readonly lastAckGrant: SignedGrant | null; readonly inFlight: readonly { bytes: Uint8Array; end: number; hash: Uint8Array }[] }): void {
    const { sequence, hash, paid, owed, locks, acked, ackedHash, results, resultsHash, lastAck, lastAckGrant } = state;
    Object.assign(this, { sequence, hash, paid, owed, locks, acked, ackedHash, results, resultsHash, lastAck: lastAck ?? undefined, lastAckGrant: lastAckGrant ?? undefined });
    this.inFlight = state.inFlight.map((frame) => new OutFrame(frame.bytes, frame.end, frame.hash));
    this.planned = locks;
    this.queue.nextSequence = sequence + 1;
    this.resetTentative();
  }

  /** A new base: the totals are agreed, the credit is used up, the locks are gone. */
  adopt(paid: number): void {
    this.paid = paid;
    this.owed = paid;
    this.locks = [];
    this.planned = this.queue.replan([]);
  }

  /** The connection is gone: Acks that were not verified never came. */
  resetTentative(): void {
    for (const sequence of this.#marked) this.open.mark(sequence, CALL_STATE.OPEN);
    this.#marked = [];
    this.#tentative = { acked: this.acked, results: this.results, resultsHash: this.resultsHash };
  }
}
