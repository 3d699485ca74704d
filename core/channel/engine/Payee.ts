import { setU64 } from "../../codec/integers.ts";
import { ackDigest, voucherDigest } from "../digests.ts";
import { locksHashOf } from "../locks.ts";
import { MAX_UNITS } from "../../generated/protocol.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import type { EngineContext } from "./EngineContext.ts";
import { FRAME_MARGIN_BYTES } from "./EntryQueue.ts";
import type { SignedGrant } from "./Evidence.ts";
import { RESULT_BYTES, buildAckFrame, readAckFrame } from "./frames/ackFrame.ts";
import type { AckFrame } from "./frames/ackFrame.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { FRAME } from "./frames/FrameKind.ts";
import { CALLS_HEAD_BYTES, ENTRY, absorbEntries, readCallsFrame } from "./frames/callsFrame.ts";
import type { CallsFrame } from "./frames/callsFrame.ts";
import { CALL_STATE, OpenCalls } from "./OpenCalls.ts";
import { applyLockEntry, sumOfLocks, withLock } from "./OpenLock.ts";
import type { LockStep, OpenLock } from "./OpenLock.ts";
import { OutFrame } from "./OutFrame.ts";
import { RECORD } from "./RecordKind.ts";
import { absorbItems, sameBytes } from "./runningHash.ts";

const ZERO = new Uint8Array(32);
const MOST_RESULTS_PER_ACK = 4096;

/** An Ack of ours that the payer may not have. */
interface SentAck {
  readonly frame: OutFrame;
  readonly ack: AckFrame;
  /** Prices of the failed calls in it. */
  readonly failedUnits: number;
}

/** Where the peer's chain stands; the tentative one runs ahead by what is not verified. */
interface ChainState {
  readonly sequence: number;
  readonly hash: Uint8Array;
  readonly paid: number;
  readonly owed: number;
  /** Results that the payer has counted with. */
  readonly seen: number;
  readonly locks: readonly OpenLock[];
}

/** The peer's voucher as evidence. */
export interface HeldVoucher {
  readonly calls: CallsFrame;
  readonly signer: Uint8Array;
  readonly grant: SignedGrant | undefined;
  readonly locks: readonly OpenLock[];
}

/** The peer's chain: calls that we are paid for, and our answers. */
export class Payee {
  readonly context: EngineContext;
  state: ChainState = { sequence: 0, hash: ZERO, paid: 0, owed: 0, seen: 0, locks: [] };
  tentative: ChainState = this.state;
  /** Delivered calls without a logged answer. */
  readonly open: OpenCalls;
  /** Frames with calls that have no logged answer, oldest first. */
  unanswered: CallsFrame[] = [];
  /** Results under a logged Ack. */
  results = 0;
  resultsHash: Uint8Array = ZERO;
  acked = 0;
  /** Acks that the payer has not counted with, and the last one. */
  acks: SentAck[] = [];
  held: HeldVoucher | undefined;
  /** What we have paid the peer: it may spend that too. */
  readonly paidUnits: () => number;
  /** Of the peer's net, promised to a partial withdrawal. */
  reserved = 0;

  #answers = new Uint8Array(RESULT_BYTES * 256);
  #view = new DataView(this.#answers.buffer);
  #answerCount = 0;
  #payloads: (Uint8Array | undefined)[] = [];
  #hasPayloads = false;
  #unackedSinceMs = 0;
  /** Somebody waits for one of the answers. */
  #isUrgent = false;
  #answeredSinceMs = 0;
  /** Where the vouchers end that no Ack of ours covers; after a restart only those that came since. */
  #unackedEnds: number[] = [];
  #unansweredBytes = 0;

  constructor(context: EngineContext, paidUnits: () => number) {
    this.context = context;
    this.paidUnits = paidUnits;
    this.open = new OpenCalls(context.ownLimits.maxOpenCalls);
  }

  /** What the payer could still sign for. */
  get capacity(): number {
    const { paid, locks } = this.tentative;
    return this.context.netOf(this.context.other) + this.paidUnits() - this.reserved - paid - sumOfLocks(locks);
  }

  /** Answers that are under no Ack yet. */
  get pendingAnswers(): number {
    return this.#answerCount;
  }

  /** A CALLS frame: cheap checks first, its hashes, then its signature. */
  onCalls(bytes: Uint8Array): void {
    const { context } = this;
    const before = this.tentative;
    const refuse = (code: ChannelCode, why: string): never => {
      throw new ChannelError(code, why);
    };
    const calls = readCallsFrame(bytes);
    if (!context.mayPay(context.other)) refuse("channel/one-way", "That side does not pay.");
    if (calls.entries > context.ownLimits.maxCallsPerFrame) refuse("channel/size", "Too many entries in one frame.");
    if (calls.sequence <= before.sequence) {
      if (calls.sequence === before.sequence && !sameBytes(calls.hash, before.hash)) refuse("channel/two-stores", "Two vouchers of one sequence.");
      this.repeatAck();
      return;
    }
    if (calls.version !== context.version || context.isProposed) refuse("channel/version", "A voucher under another base.");
    if (calls.before !== before.sequence) refuse("channel/sequence", "A voucher that does not follow.");
    if (!sameBytes(calls.hashBefore, before.hash)) refuse("channel/two-stores", "A voucher that follows other calls than ours.");
    if (context.waiting > 2 * context.ownLimits.maxInFlight + 16) refuse("channel/flood", "Too many frames at once.");
    if (this.#unackedEnds.length >= context.ownLimits.maxInFlight) refuse("channel/flood", "More vouchers without an Ack than agreed.");
    if (this.#unansweredBytes + bytes.length > context.options.maxUnansweredBytes) refuse("channel/backpressure", "Too many bytes of calls without an answer.");
    const key = context.peerKey(calls.signer);
    const after = this.#check(calls, before);
    if (!sameBytes(absorbEntries(calls.hashBefore, bytes, CALLS_HEAD_BYTES, calls.entries), calls.hash)) refuse("channel/hash", "The calls' hash is another.");
    let call = 0;
    for (let i = 0; i < calls.entries && calls.payloads !== undefined; i++) {
      if (bytes[calls.offsets[i]] === ENTRY.CALL) context.checkPayload(calls.payloads[call++], bytes, calls.offsets[i] + 17);
    }
    this.tentative = after;
    this.#unackedEnds.push(calls.sequence);
    const digest = voucherDigest(context.separator, context.channelId, { payer: context.other, version: calls.version, sequence: calls.sequence, paid: calls.paid, locksHash: calls.locksHash, callsHash: calls.hash });
    const grant = calls.signer === 1 ? context.peerSession : undefined;
    context.verify(digest, calls.signature, key, () => this.applyCalls(calls, after, key, grant));
  }

  /** The state after a frame, if its sums are right. */
  #check(calls: CallsFrame, before: ChainState): ChainState {
    const { context } = this;
    const refuse = (code: ChannelCode, why: string): never => {
      throw new ChannelError(code, why);
    };
    const failed = this.#failedBetween(before.seen, calls.resultsSeen) ?? refuse("channel/result", "A count of results that no Ack had.");
    const steps: LockStep[] = [];
    const after = this.#fold(calls, before, failed, steps);
    for (const step of steps) this.#checkStep(step);
    if (after.owed > MAX_UNITS) refuse("channel/limit", "More than 2^53 - 1 units.");
    if (after.paid !== calls.paid) refuse("channel/paid", `The voucher pays ${calls.paid}, its entries come to ${after.paid}.`);
    if (!sameBytes(after.locks.length === 0 ? ZERO : locksHashOf(after.locks), calls.locksHash)) refuse("channel/lock", "The locks are others.");
    const committed = after.paid + sumOfLocks(after.locks);
    if (committed > context.netOf(context.other) + this.paidUnits() - this.reserved) refuse("channel/capacity", "More than the confirmed deposits cover.");
    if (calls.signer === 1) context.checkPeerGrant(committed);
    const last = this.open.count === 0 ? this.state.sequence + 1 : this.open.oldest;
    if (calls.sequence - last >= this.open.capacity) refuse("channel/size", "Too many open calls.");
    return after;
  }

  #checkStep(step: LockStep): void {
    const { context } = this;
    const { lock } = step;
    if (!context.allowsLocks) throw new ChannelError("channel/lock", "No locks in Layer Core.");
    const { windowSeconds } = context.options.config;
    if (step.kind === ENTRY.LOCK) {
      // One that ends too soon may have been late on its way: it is taken and given up, see #giveUpLate.
      if (lock.expiry - context.l1Seconds > 4 * windowSeconds) throw new ChannelError("channel/lock-expiry", "The lock ends too late.");
    } else if (step.kind === ENTRY.DROP) {
      if (lock.isRegistered) throw new ChannelError("channel/lock", "The preimage stands on chain: the lock is ours.");
      if (lock.expiry >= context.l1Seconds) throw new ChannelError("channel/lock-expiry", "The lock is not over.");
    }
  }

  #fold(calls: CallsFrame, before: ChainState, failedUnits: number, steps: LockStep[]): ChainState {
    let units = 0;
    let { locks } = before;
    for (let i = 0; i < calls.entries; i++) {
      if (calls.bytes[calls.offsets[i]] === ENTRY.CALL) {
        units += calls.amounts[i];
        continue;
      }
      const step = applyLockEntry(locks, calls.bytes, calls.offsets[i]);
      steps.push(step);
      locks = step.locks;
      units += step.settled;
    }
    const owed = before.owed - failedUnits + units;
    return { sequence: calls.sequence, hash: calls.hash, paid: Math.max(before.paid, owed), owed, seen: calls.resultsSeen, locks };
  }

  /** Prices of the failed calls in the results after `from` up to `to`; undefined if no Ack ended there. */
  #failedBetween(from: number, to: number): number | undefined {
    if (to === from) return 0;
    let units = 0;
    for (const { ack, failedUnits } of this.acks) {
      if (ack.results <= from) continue;
      units += failedUnits;
      if (ack.results === to) return units;
    }
    return undefined;
  }

  /** A voucher of the peer from the log. */
  replayCalls(bytes: Uint8Array, signer: Uint8Array, grant: SignedGrant | undefined): void {
    const calls = readCallsFrame(bytes);
    const failed = this.#failedBetween(this.state.seen, calls.resultsSeen);
    if (failed === undefined || calls.before !== this.state.sequence) throw new ChannelError("channel/log", "A voucher that does not follow.");
    const steps: LockStep[] = [];
    const after = this.#fold(calls, this.state, failed, steps);
    for (const { preimage } of steps) if (preimage !== undefined) this.context.remember(preimage);
    this.applyCalls(calls, after, signer, grant);
  }

  applyCalls(calls: CallsFrame, after: ChainState, signer: Uint8Array, grant: SignedGrant | undefined): void {
    const { context } = this;
    const { locks } = this.state;
    if (context.frozen !== undefined && !context.isReplaying) return;
    if (this.acked === this.state.sequence) this.#unackedSinceMs = context.nowMs;
    const position = context.logIn(calls.bytes);
    this.state = { ...after, locks: this.#keepMarks(after.locks) };
    this.held = { calls, signer, grant, locks: this.state.locks };
    this.acks = this.acks.filter(({ ack }, i) => ack.results > after.seen || i === this.acks.length - 1);
    if (calls.calls > 0) {
      this.restoreUnanswered(calls);
      for (let i = 0; i < calls.entries; i++) {
        if (calls.bytes[calls.offsets[i]] === ENTRY.CALL) this.open.open(calls.before + 1 + i, calls.amounts[i]);
      }
    }
    if (context.isReplaying) {
      this.tentative = this.state;
      return;
    }
    if (context.waiting === 0) this.tentative = this.state;
    if (calls.calls > 0) this.deliver(calls, false, position);
    this.#lockEvents(calls, locks);
    this.#giveUpLate(locks);
  }

  /** A lock that leaves no time to claim it on chain is worth nothing to us. */
  #giveUpLate(before: readonly OpenLock[]): void {
    const { context } = this;
    for (const lock of this.state.locks) {
      const isNew = !before.some(({ hashlock }) => sameBytes(hashlock, lock.hashlock));
      if (isNew && lock.expiry - context.l1Seconds < context.options.lockMarginSeconds) this.release(lock);
    }
  }

  /** Gives a lock up. */
  release(lock: OpenLock): void {
    const { context } = this;
    context.log(new ByteWriter().u8(RECORD.RELEASED).raw(lock.hashlock).done());
    this.markLock({ ...lock, isReleased: true });
    if (context.link === "synced") context.send(new ByteWriter().u8(FRAME.RELEASE).raw(lock.hashlock).done());
  }

  /** What became of a lock off chain stays with it. */
  #keepMarks(locks: readonly OpenLock[]): readonly OpenLock[] {
    return locks.length === 0 ? locks : locks.map((lock) => this.state.locks.find(({ hashlock }) => sameBytes(hashlock, lock.hashlock)) ?? lock);
  }

  #lockEvents(calls: CallsFrame, before: readonly OpenLock[]): void {
    if (calls.calls === calls.entries) return;
    const { context } = this;
    let locks = before;
    for (const offset of calls.offsets) {
      if (calls.bytes[offset] === ENTRY.CALL) continue;
      const { kind, lock, preimage, locks: next } = applyLockEntry(locks, calls.bytes, offset);
      if (preimage !== undefined) context.remember(preimage);
      locks = next;
      if (kind === ENTRY.LOCK) {
        if (lock.expiry - context.l1Seconds >= context.options.lockMarginSeconds) context.event({ name: "lock-added", lock });
      } else if (preimage !== undefined) context.event({ name: "lock-settled", hashlock: lock.hashlock, preimage });
      else context.event({ name: "lock-dropped", hashlock: lock.hashlock, payer: context.other });
    }
  }

  /** Hands out the calls of a frame that have no answer yet. */
  deliver(calls: CallsFrame, isRepeated: boolean, after: number): void {
    const { context, open } = this;
    const sequences = new Float64Array(calls.calls);
    const prices = new Float64Array(calls.calls);
    const requestHashes = new Uint8Array(32 * calls.calls);
    const payloads: Uint8Array[] | undefined = calls.payloads === undefined ? undefined : [];
    let count = 0;
    let call = 0;
    for (let i = 0; i < calls.entries; i++) {
      const at = calls.offsets[i];
      if (calls.bytes[at] !== ENTRY.CALL) continue;
      const sequence = calls.before + 1 + i;
      const payload = calls.payloads?.[call++];
      if (isRepeated && open.stateOf(sequence) !== CALL_STATE.OPEN) continue;
      sequences[count] = sequence;
      prices[count] = calls.amounts[i];
      requestHashes.set(calls.bytes.subarray(at + 17, at + 49), 32 * count);
      payloads?.push(payload ?? ZERO.subarray(32));
      count++;
    }
    if (count === 0) return;
    context.emit({
      kind: "deliver", calls: { count, sequences: sequences.subarray(0, count), prices: prices.subarray(0, count), requestHashes: requestHashes.subarray(0, 32 * count), payloads, isRepeated }, after,
    });
  }

  answer(sequence: number, status: number, responseHash: Uint8Array, payload: Uint8Array | undefined, isUrgent: boolean): void {
    if (this.open.stateOf(sequence) !== CALL_STATE.OPEN) throw new ChannelError("channel/result", `Call ${sequence} is not open.`);
    if (responseHash.length !== 32 || !Number.isInteger(status) || status < 0 || status > 255) throw new ChannelError("channel/size", "A status is a byte, a hash has 32.");
    if (payload !== undefined && payload.length > this.context.limits.maxPayloadBytes) throw new ChannelError("channel/size", "The response is too long.");
    const at = this.#answerCount * RESULT_BYTES;
    if (at === this.#answers.length) {
      const grown = new Uint8Array(2 * at);
      grown.set(this.#answers);
      this.#answers = grown;
      this.#view = new DataView(grown.buffer);
    }
    setU64(this.#view, at, sequence);
    this.#answers[at + 8] = status;
    this.#answers.set(responseHash, at + 9);
    if (payload !== undefined && !this.#hasPayloads) {
      this.#hasPayloads = true;
      this.#payloads = new Array<Uint8Array | undefined>(this.#answerCount).fill(undefined);
    }
    if (this.#hasPayloads) this.#payloads.push(payload);
    if (this.#answerCount === 0) this.#answeredSinceMs = this.context.nowMs;
    this.#isUrgent ||= isUrgent;
    this.#answerCount++;
    this.open.mark(sequence, CALL_STATE.ANSWERED);
  }

  /** Answers that nobody waits for are collected for `ackDelayMs`, unless the payer runs out of vouchers that it may send. */
  get #answersAreDue(): boolean {
    const { context } = this;
    if (this.#answerCount === 0) return false;
    if (this.#isUrgent || context.hold !== "none" || context.isClosing || this.#answerCount >= MOST_RESULTS_PER_ACK) return true;
    return 2 * this.#unackedEnds.length >= context.limits.maxInFlight || context.nowMs - this.#answeredSinceMs >= context.options.ackDelayMs;
  }

  /** Puts answers and receipts under Acks. */
  pump(): void {
    const { context } = this;
    if (context.link !== "synced" || context.hold === "all" || context.frozen !== undefined) return;
    const isEach = context.options.mode === "each";
    for (;;) {
      const isOwed = this.acked < this.state.sequence;
      const mayAnswer = this.#answersAreDue && (context.hold === "none" || context.isClosing || isOwed);
      const isDue = isOwed && (context.hold !== "none" || context.nowMs - this.#unackedSinceMs >= context.options.ackDelayMs);
      if (!mayAnswer && !isDue) return;
      let unsent = 0;
      for (const { frame } of this.acks) if (frame.sentOn !== context.connection) unsent++;
      if (unsent >= (isEach ? context.limits.maxInFlight : 1)) return;
      this.#cutAck(isEach ? 1 : MOST_RESULTS_PER_ACK);
    }
  }

  #cutAck(most: number): void {
    const { context } = this;
    let count = 0;
    let payloadBytes = 0;
    while (count < Math.min(most, this.#answerCount)) {
      payloadBytes += 4 + (this.#hasPayloads ? (this.#payloads[count]?.length ?? 0) : 0);
      if (count > 0 && payloadBytes + count * RESULT_BYTES > context.limits.maxFrameBytes - FRAME_MARGIN_BYTES) break;
      count++;
    }
    const results = this.#answers.slice(0, count * RESULT_BYTES);
    this.#answers.copyWithin(0, count * RESULT_BYTES, this.#answerCount * RESULT_BYTES);
    this.#answerCount -= count;
    if (this.#answerCount === 0) this.#isUrgent = false;
    let payloads: (Uint8Array | undefined)[] | undefined;
    if (this.#hasPayloads) {
      payloads = this.#payloads.splice(0, count).map((payload) => ((payload?.length ?? 0) > context.limits.maxPayloadBytes ? undefined : payload));
      if (payloads.every((payload) => payload === undefined)) payloads = undefined;
      if (this.#payloads.length === 0) this.#hasPayloads = false;
    }
    const hash = absorbItems(this.resultsHash, results, 0, RESULT_BYTES, count);
    const head = { signer: context.signerOf(context.self).index, version: context.version, sequence: this.state.sequence, callsHash: this.state.hash, resultsBefore: this.results, hashBefore: this.resultsHash, hash };
    this.applyAck(buildAckFrame(head, results, payloads));
  }

  /** An Ack of ours, new or from the log: a record with room for the signature. */
  applyAck(record: Uint8Array): void {
    const { context, open } = this;
    record[0] = RECORD.OUT;
    const ack = readAckFrame(record.subarray(1));
    let failedUnits = 0;
    for (let i = 0; i < ack.count; i++) {
      if (ack.statuses[i] !== 0) failedUnits += open.priceOf(ack.sequences[i]);
      open.close(ack.sequences[i]);
    }
    while (this.unanswered.length > 0 && (open.count === 0 || this.unanswered[0].sequence < open.oldest)) this.#unansweredBytes -= this.unanswered.shift()?.bytes.length ?? 0;
    while (this.#unackedEnds.length > 0 && this.#unackedEnds[0] <= ack.sequence) this.#unackedEnds.shift();
    const frame = new OutFrame(ack.bytes, ack.results, ack.hash);
    const last = this.acks.at(-1);
    if (last !== undefined && last.ack.results <= this.state.seen) this.acks.pop();
    this.acks.push({ frame, ack, failedUnits });
    this.acked = ack.sequence;
    this.results = ack.results;
    this.resultsHash = ack.hash;
    context.log(record.subarray(0, record.length - 64));
    if (!context.isReplaying) this.#sign(frame, ack);
  }

  /** A frame whose calls have no logged answer. */
  restoreUnanswered(calls: CallsFrame): void {
    this.unanswered.push(calls);
    this.#unansweredBytes += calls.bytes.length;
  }

  /** An Ack of a checkpoint, oldest first. */
  restoreAck(ack: AckFrame, failedUnits: number): void {
    this.acks.push({ frame: new OutFrame(ack.bytes, ack.results, ack.hash), ack, failedUnits });
  }

  #sign(frame: OutFrame, ack: AckFrame): void {
    const { context } = this;
    frame.sign(context, ackDigest(context.separator, context.channelId, { payer: context.other, version: ack.version, sequence: ack.sequence, callsHash: ack.callsHash, results: ack.results, resultsHash: ack.hash }), () => this.flush());
  }

  /** Sends what is signed and was not sent on this connection, in order. */
  flush(): void {
    const { context } = this;
    if (context.link !== "synced") return;
    for (const { frame, ack } of this.acks) {
      if (frame.sentOn === context.connection) continue;
      if (!frame.isReady(context)) {
        if (!frame.isSigning) this.#sign(frame, ack);
        return;
      }
      frame.sentOn = context.connection;
      context.send(frame.bytes);
    }
  }

  /** The payer repeats what we have: so may we. */
  repeatAck(): void {
    const last = this.acks.at(-1);
    if (last !== undefined && last.frame.sentOn === this.context.connection) this.context.send(last.frame.bytes);
  }

  get isAllSigned(): boolean {
    return this.acks.every(({ frame }) => frame.sentOn === this.context.connection);
  }

  /** Changes what is known of a lock that is open. */
  markLock(lock: OpenLock): void {
    this.state = { ...this.state, locks: withLock(this.state.locks, lock) };
    this.tentative = { ...this.tentative, locks: withLock(this.tentative.locks, lock) };
  }

  /** Whether every voucher that we have is acknowledged by an Ack that was sent. */
  get isQuiet(): boolean {
    return this.acked === this.state.sequence && this.acks.every(({ frame }) => frame.sentOn === this.context.connection);
  }

  /** The hash of our results at a count where an Ack ended; undefined elsewhere. */
  resultsHashAt(count: number): Uint8Array | undefined {
    if (count === this.results) return this.resultsHash;
    for (const { ack } of this.acks) {
      if (ack.results === count) return ack.hash;
      if (ack.resultsBefore === count) return ack.hashBefore;
    }
    return undefined;
  }

  /** A new base: the payer has counted with all results. */
  adopt(paid: number): void {
    this.state = { ...this.state, paid, owed: paid, seen: this.results, locks: [] };
    this.tentative = this.state;
    this.acks = [];
    this.held = undefined;
  }

  /** The connection is gone: frames that were not verified never came. */
  resetTentative(): void {
    this.tentative = this.state;
    this.#unackedEnds = this.#unackedEnds.filter((end) => end <= this.state.sequence);
  }
}
