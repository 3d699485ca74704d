import { grantDigest } from "../digests.ts";
import type { Grant } from "../digests.ts";
import type { Lock } from "../locks.ts";
import { keccak256 } from "../../hash/index.ts";
import { toHex } from "../../codec/hex.ts";
import { Agreement } from "./Agreement.ts";
import { CHANNEL_CODES, ChannelError } from "./ChannelCode.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import type { ChannelStatus, DirectionStatus } from "./ChannelStatus.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import type { Effect } from "./Effect.ts";
import type { Engine } from "./Engine.ts";
import { EngineContext } from "./EngineContext.ts";
import type { ChainView, EngineOptions } from "./EngineOptions.ts";
import type { Evidence, SignedGrant } from "./Evidence.ts";
import { evidenceOf } from "./evidenceOf.ts";
import { ByteReader } from "./frames/ByteReader.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { ENTRY } from "./frames/callsFrame.ts";
import { ASK, FRAME } from "./frames/FrameKind.ts";
import { readGrant, writeGrant } from "./frames/grantFrame.ts";
import { findLock } from "./OpenLock.ts";
import { CALL_STATE } from "./OpenCalls.ts";
import { Payee } from "./Payee.ts";
import { Payer } from "./Payer.ts";
import { RECORD } from "./RecordKind.ts";
import { replayRecord } from "./replayRecord.ts";
import { Resync } from "./Resync.ts";
import { sameBytes } from "./runningHash.ts";
import { Withdrawals } from "./Withdrawals.ts";

/** The engine's parts, put together; see {@link Engine}. */
export class ChannelEngine implements Engine {
  readonly context: EngineContext;
  readonly payer: Payer;
  readonly payee: Payee;
  readonly agreement: Agreement;
  readonly withdrawals: Withdrawals;
  readonly resync: Resync;
  readonly #alarmed = new Set<string>();

  constructor(options: EngineOptions) {
    const context = new EngineContext(options);
    this.context = context;
    this.payer = new Payer(context, () => this.payee.state.paid);
    this.payee = new Payee(context, () => this.payer.paid);
    this.agreement = new Agreement(context, this.payer, this.payee);
    this.withdrawals = new Withdrawals(context, this.payer, this.payee);
    this.resync = new Resync(context, this.payer, this.payee, this.agreement);
    context.onDown = () => {
      this.payer.resetTentative();
      this.payee.resetTentative();
      this.agreement.reset();
    };
  }

  replay(record: Uint8Array): void {
    const { context } = this;
    if (!context.isReplaying) throw new ChannelError("channel/use", "Records are read before the engine resumes.");
    context.position++;
    try {
      if (record[0] === RECORD.CHECKPOINT) readCheckpoint(this, record);
      else replayRecord(this, record);
    } catch (error) {
      if (error instanceof ChannelError) throw new ChannelError("channel/log", `Record ${context.position}: ${error.message}`);
      throw error;
    }
  }

  resume(boot: Uint8Array, nowMs: number, l1Seconds: number): void {
    const { context, payee } = this;
    if (!context.isReplaying || boot.length !== 16) throw new ChannelError("channel/use", "An engine resumes once, with 16 random bytes.");
    context.isReplaying = false;
    context.nowMs = nowMs;
    context.l1Seconds = Math.max(context.l1Seconds, l1Seconds);
    this.resync.own = { epoch: this.resync.own.epoch + 1, boot: boot.slice() };
    context.log(new ByteWriter().u8(RECORD.BOOT).u64(this.resync.own.epoch).raw(boot).done());
    for (const calls of payee.unanswered) payee.deliver(calls, true, context.position);
  }

  checkpoint(): Uint8Array {
    return writeCheckpoint(this);
  }

  call(price: number, requestHash: Uint8Array, payload?: Uint8Array): number {
    this.#requireLive();
    return this.payer.call(price, requestHash, payload);
  }

  refusalOf(price: number): ChannelCode | undefined {
    return this.payer.refusalOf(price);
  }

  answer(sequence: number, status: number, responseHash: Uint8Array, payload?: Uint8Array, isUrgent = true): void {
    this.payee.answer(sequence, status, responseHash, payload, isUrgent);
  }

  isUnanswered(sequence: number): boolean {
    return this.payee.open.stateOf(sequence) === CALL_STATE.OPEN;
  }

  addLock(lock: Lock): number {
    this.#requireLive();
    const { context, payer } = this;
    const { windowSeconds } = context.options.config;
    if (!context.allowsLocks) throw new ChannelError("channel/lock", "No locks in Layer Core.");
    if (Math.abs(this.resync.skewSeconds) > context.options.maxSkewSeconds) throw new ChannelError("channel/clock-skew", "The clocks differ too much for anything that expires.");
    const left = lock.expiry - context.l1Seconds;
    if (!Number.isSafeInteger(lock.expiry) || left > 4 * windowSeconds - context.options.maxSkewSeconds || left < context.options.lockMarginSeconds + context.options.maxSkewSeconds) throw new ChannelError("channel/lock-expiry", "The lock ends too soon or too late for the peer.");
    return payer.lockEntry(ENTRY.LOCK, lock.amount, lock.hashlock, lock.expiry);
  }

  settleLock(preimage: Uint8Array): void {
    this.#requireLive();
    if (this.context.frozen !== undefined) throw new ChannelError("channel/frozen", "The channel ends.");
    if (findLock(this.payer.planned, keccak256(preimage)) === undefined) throw new ChannelError("channel/lock", "That lock is not open.");
    this.payer.settle(preimage);
  }

  dropLock(hashlock: Uint8Array): void {
    this.#requireLive();
    const { context } = this;
    const lock = findLock(this.payer.planned, hashlock);
    if (context.frozen !== undefined) throw new ChannelError("channel/frozen", "The channel ends.");
    if (lock === undefined) throw new ChannelError("channel/lock", "That lock is not open.");
    if (context.l1Seconds <= lock.expiry + context.options.maxSkewSeconds) throw new ChannelError("channel/lock-expiry", "The lock is not over, with the margin for the clocks.");
    if (lock.isRegistered) throw new ChannelError("channel/lock", "The preimage stands on chain.");
    this.payer.drop(hashlock);
  }

  claimLock(preimage: Uint8Array): void {
    this.#requireLive();
    const { payee, context } = this;
    const lock = findLock(payee.state.locks, keccak256(preimage));
    if (lock === undefined || lock.isReleased) throw new ChannelError("channel/lock", "That lock is not ours to claim.");
    context.log(new ByteWriter().u8(RECORD.CLAIMED).raw(preimage).done());
    context.remember(preimage);
    payee.markLock({ ...lock, preimage: preimage.slice() });
    if (context.link === "synced") context.send(new ByteWriter().u8(FRAME.PREIMAGE).raw(preimage).done());
  }

  releaseLock(hashlock: Uint8Array): void {
    this.#requireLive();
    const { payee } = this;
    const lock = findLock(payee.state.locks, hashlock);
    if (lock === undefined || lock.preimage !== undefined) throw new ChannelError("channel/lock", "That lock is not open, or claimed.");
    payee.release(lock);
  }

  preimageOf(hashlock: Uint8Array): Uint8Array | undefined {
    return this.context.preimages.get(toHex(hashlock));
  }

  preimageRegistered(preimage: Uint8Array): void {
    this.#requireLive();
    const { payee, payer, context } = this;
    const hashlock = keccak256(preimage);
    const theirs = findLock(payee.state.locks, hashlock);
    const mine = findLock(payer.planned, hashlock);
    if (theirs === undefined && mine === undefined) return;
    context.log(new ByteWriter().u8(RECORD.REGISTERED).raw(preimage).done());
    context.remember(preimage);
    if (theirs !== undefined) payee.markLock({ ...theirs, isRegistered: true, preimage: preimage.slice() });
    if (mine === undefined) return;
    payer.markLock({ ...mine, isRegistered: true });
    payer.learn(preimage);
  }

  connected(): void {
    this.#requireLive();
    const { context } = this;
    if (context.link !== "down") context.down();
    context.link = "hello";
    context.connection++;
    if (context.bannedMs > 0) {
      context.emit({ kind: "cut", code: "channel/flood", detail: "The peer sent garbage not long ago.", banMs: context.bannedMs });
      context.down();
      return;
    }
    this.resync.start();
  }

  disconnected(): void {
    this.context.down();
  }

  frame(bytes: Uint8Array): void {
    const { context } = this;
    if (context.link === "down") return;
    context.guard(() => {
      if (bytes.length === 0 || bytes.length > context.ownLimits.maxFrameBytes) throw new ChannelError("channel/size", "A frame is empty or too long.");
      if (context.waiting > 4 * context.ownLimits.maxInFlight + 64) throw new ChannelError("channel/flood", "Too many frames at once.");
      this.#dispatch(bytes[0], bytes);
    });
  }

  #dispatch(kind: number, bytes: Uint8Array): void {
    const { context, resync, agreement } = this;
    if (kind === FRAME.HELLO) return resync.onHello(bytes);
    if (kind === FRAME.ERROR) return this.#onError(bytes);
    if (kind === FRAME.PROOF) return resync.onProof(bytes);
    if (kind === FRAME.ASK) return this.#onAsk(bytes);
    if (context.link === "hello") {
      if (resync.awaitsProof) return; // The peer does not know yet that our log is old.
      throw new ChannelError("channel/frame", "HELLO comes first.");
    }
    if (agreement.isBaseArriving) return context.inOrder(() => this.#dispatch(kind, bytes));
    if (kind === FRAME.CLOSE) return context.inOrder(() => agreement.closes.onClose(bytes));
    if (kind === FRAME.GRANT) return this.#onGrant(bytes);
    if (context.frozen !== undefined) {
      // What was under way when we froze is not taken; the peer learns it from our HELLO or CLOSE.
      if (context.frozen === "close-signed") return;
      throw new ChannelError(context.frozen === "closing" || context.frozen === "closed" ? "channel/closing" : "channel/frozen", "The channel ends.");
    }
    switch (kind) {
      case FRAME.CALLS:
        return this.payee.onCalls(bytes);
      case FRAME.ACK:
        return this.payer.onAck(bytes);
      case FRAME.FUNDS:
        return this.#onFunds(bytes);
      case FRAME.STOP:
        return context.inOrder(() => agreement.onStop(bytes));
      case FRAME.STOPPED:
        return context.inOrder(() => agreement.onStopped(bytes));
      case FRAME.REBASE:
        return context.inOrder(() => agreement.onRebase(bytes));
      case FRAME.REBASED:
        return context.inOrder(() => agreement.onRebased(bytes));
      case FRAME.WITHDRAW:
        return context.inOrder(() => this.withdrawals.onWithdraw(bytes));
      case FRAME.EXPORT:
        return this.withdrawals.onExport(bytes);
      case FRAME.PREIMAGE:
        return context.inOrder(() => this.#onPreimage(bytes));
      case FRAME.RELEASE:
        return context.inOrder(() => this.applyRelease(bytes));
      default:
        throw new ChannelError("channel/frame", `There is no frame ${kind}.`);
    }
  }

  #onError(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const code = CHANNEL_CODES[reader.u16()] ?? "channel/frame";
    reader.end();
    const { context } = this;
    // The peer says so without proof: until a restart we do not compete with the other store.
    if (code === "channel/two-stores" && context.link === "hello" && context.frozen === undefined) {
      context.freeze("two-stores");
      context.alarm(code, "The peer has seen a later start of our store.");
    }
    context.emit({ kind: "cut", code, detail: "The peer ended the connection.", banMs: 0 });
    context.down();
  }

  #onAsk(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const what = reader.u8();
    reader.end();
    const { context } = this;
    if (what === ASK.PROOF) {
      this.resync.prove();
      return;
    }
    if (context.link !== "synced" || what > ASK.EXPORT) throw new ChannelError("channel/frame", "Asked for nothing that there is.");
    if (context.frozen !== undefined) return;
    if (what === ASK.EXPORT) context.event({ name: "export-asked" });
    else this.agreement.onAsk(what);
  }

  #onGrant(bytes: Uint8Array): void {
    const { context } = this;
    const { grant, signature } = readGrant(bytes);
    const known = context.peerSession?.grant;
    if (known !== undefined && sameBytes(known.key, grant.key) && known.cap === grant.cap && known.expiry === grant.expiry) return;
    const signed: SignedGrant = { side: context.other, grant, signature };
    context.peerSession = signed;
    context.verify(grantDigest(context.separator, context.channelId, grant), signature, context.principals[context.other], () => {
      context.logIn(bytes);
      context.sessions[context.other] = signed;
      context.event({ name: "granted", side: context.other, grant });
    });
  }

  /** Only while a contract's grant is: the chain has it. */
  grantRegistered(key: Uint8Array): void {
    this.context.registered.add(toHex(key));
  }

  #onFunds(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const isNegative = reader.u8() === 1;
    const units = reader.u64();
    reader.end();
    this.context.fundsTold = isNegative ? -units : units;
  }

  #onPreimage(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const preimage = reader.raw(32);
    reader.end();
    const { payer, context } = this;
    const lock = findLock(payer.planned, keccak256(preimage));
    if (lock !== undefined && (lock.isRegistered || context.l1Seconds <= lock.expiry)) payer.learn(preimage);
  }

  applyRelease(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const hashlock = reader.raw(32).slice();
    reader.end();
    const { payer, context } = this;
    const lock = findLock(payer.locks, hashlock);
    if (lock === undefined || lock.isReleased) return;
    context.logIn(bytes);
    payer.markLock({ ...lock, isReleased: true });
    context.event({ name: "lock-released", hashlock });
  }

  signed(token: number, signature: Uint8Array): void {
    this.context.signed(token, signature);
  }

  verified(token: number, isValid: boolean): void {
    this.context.verified(token, isValid);
  }

  tick(nowMs: number, l1Seconds: number): void {
    const { context, payer, payee, resync, agreement } = this;
    context.nowMs = Math.max(context.nowMs, nowMs);
    context.l1Seconds = Math.max(context.l1Seconds, l1Seconds);
    const { stallMs } = context.options;
    if (context.link === "hello" && context.nowMs - resync.sinceMs > stallMs) context.cut(resync.awaitsProof ? "channel/heads" : "channel/stalled", "The peer does not say what it has.", false);
    const waitsForAck = payer.inFlight.length > 0 && payer.inFlight[0].sentOn === context.connection && context.nowMs - payer.waitingSinceMs > stallMs;
    const waitsForBase = agreement.awaitedSinceMs !== undefined && context.nowMs - agreement.awaitedSinceMs > 2 * stallMs;
    const waitsForStop = agreement.stop !== undefined && agreement.stop.stage !== "answering" && context.nowMs - agreement.stop.sinceMs > 2 * stallMs;
    if (context.link === "synced" && (waitsForAck || waitsForStop || waitsForBase)) {
      context.alarm("channel/stalled", "The peer does not answer.");
      context.cut("channel/stalled", "The peer does not answer.", false);
    }
    for (const lock of payee.state.locks) {
      if (lock.preimage !== undefined && !lock.isRegistered && context.l1Seconds >= lock.expiry - context.options.lockMarginSeconds) this.#alarmOnce("channel/lock-expiring", toHex(lock.hashlock));
    }
    const grant = payee.held?.grant ?? (context.base === undefined ? undefined : context.base.grants[context.other]);
    if (grant !== undefined && grant.grant.expiry - context.l1Seconds <= 2 * context.options.config.windowSeconds) this.#alarmOnce("channel/grant-expiring", toHex(grant.grant.key));
    this.withdrawals.expire();
  }

  #alarmOnce(code: ChannelCode, detail: string): void {
    if (this.#alarmed.has(code + detail)) return;
    this.#alarmed.add(code + detail);
    this.context.alarm(code, detail);
  }

  chain(view: ChainView): void {
    this.#requireLive();
    const { context } = this;
    const old = context.view;
    if (context.hasView && view.withdrawalNonce === old.withdrawalNonce && (view.netA < old.netA || view.netB < old.netB)) context.alarm("channel/deposit-lost", `Nets of ${view.netA} and ${view.netB} units, before ${old.netA} and ${old.netB}.`);
    const isChanged = !context.hasView || view.netA !== old.netA || view.netB !== old.netB;
    context.view = view;
    context.hasView = true;
    this.withdrawals.expire();
    if (isChanged && context.link === "synced") this.resync.tellFunds();
    if (view.status === "open") return;
    const by = view.status;
    if (context.frozen === by || context.frozen === "closed") return;
    context.log(new ByteWriter().u8(RECORD.FROZEN).u8(by === "closing" ? 0 : 1).done());
    context.freeze(by);
    context.alarm("channel/closing", by === "closed" ? "The channel is closed." : "A close was asked for on chain: answer it if it is less than the evidence.");
    context.cut("channel/closing", "The channel ends on chain.", false); // What is still being verified is not taken any more.
  }

  rebase(): void {
    this.#requireLive();
    this.agreement.rebase();
  }

  close(): void {
    this.#requireLive();
    this.agreement.close();
  }

  withdraw(amount: number, validUntil: number): void {
    this.#requireLive();
    this.withdrawals.request(amount, validUntil);
  }

  askExport(): void {
    this.withdrawals.askExport();
  }

  approveExport(): void {
    this.withdrawals.approveExport();
  }

  useSessionKey(grant?: Grant, signature?: Uint8Array): void {
    this.#requireLive();
    const { context } = this;
    if (grant !== undefined && (signature === undefined || grant.key.length !== 20)) throw new ChannelError("channel/use", "A grant comes with its principal's signature.");
    if (context.frozen !== undefined && context.frozen !== "close-signed") throw new ChannelError("channel/frozen", "The channel ends.");
    if (grant !== undefined && grant.cap < this.payer.committedWith(0)) throw new ChannelError("channel/grant-cap", "The key may sign less than is paid already.");
    if (grant !== undefined && grant.expiry - context.l1Seconds <= 2 * context.options.config.windowSeconds + context.options.maxSkewSeconds) throw new ChannelError("channel/grant-expired", "The key ends within two windows.");
    const bytes = grant === undefined || signature === undefined ? new Uint8Array(0) : writeGrant(grant, signature);
    context.log(new ByteWriter().u8(RECORD.OWN_GRANT).raw(bytes).done());
    this.applyOwnGrant(bytes);
    if (bytes.length > 0 && context.link === "synced") context.send(bytes);
  }

  /** Our session key; no bytes: the principal signs. */
  applyOwnGrant(bytes: Uint8Array): void {
    const { context } = this;
    const session = bytes.length === 0 ? undefined : { side: context.self, ...readGrant(bytes) };
    context.sessions[context.self] = session;
  }

  drain(maySign = true): Effect[] {
    const { context, payer, payee, agreement, withdrawals } = this;
    if (!context.isReplaying && context.link === "synced") {
      agreement.pump();
      withdrawals.pump();
      if (maySign || context.hold !== "none" || context.isClosing) {
        payee.pump();
        payer.pump();
      }
      payee.flush();
      payer.flush();
      agreement.pump();
    }
    return context.takeEffects();
  }

  status(): ChannelStatus {
    const { context, payer, payee, agreement } = this;
    const [paidA, paidB] = agreement.totals();
    const [paid, received] = context.self === 0 ? [paidA, paidB] : [paidB, paidA];
    const outgoing: DirectionStatus = {
      sequence: payer.sequence, acked: payer.acked, paid: payer.paid, credit: payer.paid - payer.owed, results: payer.results, openCalls: payer.open.count, openUnits: payer.open.units, locks: payer.locks, callsHash: payer.hash, resultsHash: payer.resultsHash,
    };
    const incoming: DirectionStatus = {
      sequence: payee.state.sequence, acked: payee.acked, paid: payee.state.paid, credit: payee.state.paid - received, results: payee.results, openCalls: payee.open.count, openUnits: payee.open.units, locks: payee.state.locks, callsHash: payee.state.hash, resultsHash: payee.resultsHash,
    };
    const isStopping = context.hold !== "none" || context.isClosing;
    return {
      phase: context.frozen !== undefined ? "frozen" : context.link === "down" ? "offline" : context.link === "hello" ? "syncing" : isStopping ? "stopping" : "open",
      frozenBy: context.frozen, version: context.version, outgoing, incoming, balanceUnits: context.netOf(context.self) + received - paid, capacityUnits: Math.max(0, payer.capacity), logPosition: context.position,
    };
  }

  evidence(): Evidence {
    return evidenceOf(this.context, this.payee, this.agreement.closes);
  }

  #requireLive(): void {
    if (this.context.isReplaying) throw new ChannelError("channel/use", "The engine has not resumed.");
  }
}
