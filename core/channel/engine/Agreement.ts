import { baseDigest } from "../digests.ts";
import type { Base } from "../digests.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import { CloseAgreement } from "./CloseAgreement.ts";
import type { EngineContext } from "./EngineContext.ts";
import type { SignedBase } from "./Evidence.ts";
import { ByteReader } from "./frames/ByteReader.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { ASK, FRAME, PURPOSE } from "./frames/FrameKind.ts";
import type { Purpose } from "./frames/FrameKind.ts";
import { OutFrame } from "./OutFrame.ts";
import type { Payee } from "./Payee.ts";
import type { Payer } from "./Payer.ts";
import type { Signed } from "./Signed.ts";
import { RECORD } from "./RecordKind.ts";

/** Versions have 32 bits. */
const LAST_VERSION = 2 ** 32 - 1;
/** Stops that can follow each other without a record between them. */
const ROUNDS = 1024;
const NONE = new Uint8Array(0);
const ROOM = new Uint8Array(64);

/** Totals of both sides and how far both chains are: what has to be the same before anything is signed. */
type Heads = readonly [sequenceA: number, resultsA: number, sequenceB: number, resultsB: number, paidA: number, paidB: number];

interface Stop {
  readonly purpose: Purpose;
  /** draining: leader, STOP not sent; asked: leader, waits for STOPPED; answering: follower, drains; stopped: follower, waits for the signature. */
  stage: "draining" | "asked" | "answering" | "stopped";
  theirs: Heads | undefined;
  /** Of the STOP, so that an old answer is none. */
  round: number;
  readonly sinceMs: number;
}

/** Bases, and what leads to cooperative closes. Side 0 leads; side 1 may ask. */
export class Agreement {
  readonly context: EngineContext;
  readonly payer: Payer;
  readonly payee: Payee;
  stop: Stop | undefined;
  /** Side 0: a base that we signed and the other has not yet, with the frame that says so. Side 1: the answer to the base that stands. */
  proposal: Signed<Base> | undefined;
  /** A base's signature is being checked: frames behind it are already under that base. */
  isBaseArriving = false;
  frame: OutFrame | undefined;
  readonly closes: CloseAgreement;
  wantsRebase = false;
  wantsClose = false;
  /** When a base of ours left that the other has not signed yet. */
  awaitedSinceMs: number | undefined;
  #askedOn = 0;
  #rounds = 0;

  constructor(context: EngineContext, payer: Payer, payee: Payee) {
    this.context = context;
    this.payer = payer;
    this.payee = payee;
    this.closes = new CloseAgreement(context, payer, this);
  }

  get #owed(): readonly [number, number] {
    const { payer, payee, context } = this;
    return context.self === 0 ? [payer.owed, payee.state.owed - this.#unseenFailures] : [payee.state.owed - this.#unseenFailures, payer.owed];
  }

  /** Prices of failed calls that the peer has not counted with yet. */
  get #unseenFailures(): number {
    const { payee } = this;
    let units = 0;
    for (const { ack, failedUnits } of payee.acks) if (ack.results > payee.state.seen) units += failedUnits;
    return units;
  }

  get #heads(): Heads {
    const { payer, payee, context } = this;
    const [paidA, paidB] = this.#owed;
    const mine = [payer.sequence, payer.results] as const;
    const theirs = [payee.state.sequence, payee.results] as const;
    const [a, b] = context.self === 0 ? [mine, theirs] : [theirs, mine];
    return [a[0], a[1], b[0], b[1], paidA, paidB];
  }

  /** Why the totals of now cannot be signed; undefined if they can. */
  objection(): ChannelCode | undefined {
    const { payer, payee, context } = this;
    if ([...payer.locks, ...payee.state.locks].some((lock) => !lock.isReleased)) return "channel/locks-open";
    const [paidA, paidB] = this.#owed;
    if (context.view.netA + paidB - paidA < 0 || context.view.netB + paidA - paidB < 0) return "channel/capacity";
    for (const side of [0, 1] as const) {
      const grant = context.sessions[side]?.grant;
      if (grant === undefined) continue;
      if ((side === 0 ? paidA : paidB) > grant.cap) return "channel/grant-cap";
      if (grant.expiry - context.l1Seconds <= 2 * context.options.config.windowSeconds) return "channel/grant-expired";
    }
    return undefined;
  }

  rebase(): void {
    if (this.context.frozen !== undefined || this.context.isClosing) throw new ChannelError("channel/frozen", "The channel ends.");
    if ([...this.payer.planned, ...this.payee.state.locks].some((lock) => !lock.isReleased)) throw new ChannelError("channel/locks-open", "Locks are open that were not given up.");
    this.wantsRebase = true;
  }

  close(): void {
    if (this.context.frozen !== undefined) throw new ChannelError("channel/frozen", "The channel ends.");
    this.wantsClose = true;
    this.context.isClosing = true;
  }

  pump(): void {
    const { context } = this;
    if (context.link !== "synced") return;
    if (context.frozen === "close-signed") {
      this.closes.send();
      return;
    }
    if (context.frozen !== undefined) return;
    if (context.self === 1) this.#follow();
    else this.#lead();
  }

  #lead(): void {
    const { context } = this;
    if (this.proposal !== undefined) {
      this.#sendProposal();
      return;
    }
    if (this.stop === undefined) {
      if (context.version >= LAST_VERSION) this.wantsRebase = false;
      if (!this.wantsClose && !this.wantsRebase) return;
      this.stop = { purpose: this.wantsClose ? PURPOSE.CLOSE : PURPOSE.REBASE, stage: "draining", theirs: undefined, round: 0, sinceMs: context.nowMs };
    }
    const { stop } = this;
    if (stop.stage === "draining") {
      if (!this.#isDrained(stop.purpose)) return;
      const objection = this.objection();
      if (objection !== undefined) {
        this.#giveUp(objection);
        return;
      }
      stop.stage = "asked";
      stop.round = context.position * ROUNDS + (this.#rounds++ % ROUNDS);
      context.send(new ByteWriter().u8(FRAME.STOP).u8(stop.purpose).u32(context.version + 1).u64(stop.round).done());
    }
    if (stop.theirs === undefined || context.waiting > 0 || !this.payer.isQuiet || !this.payee.isQuiet) return;
    const heads = this.#heads;
    if (heads.some((head, i) => head !== stop.theirs?.[i])) {
      context.cut("channel/heads", "The two sides' totals differ.", false);
      return;
    }
    const objection = this.objection();
    if (objection !== undefined) {
      this.#giveUp(objection);
      return;
    }
    context.hold = "all";
    if (stop.purpose === PURPOSE.CLOSE) this.closes.sign({ paidByA: heads[4], paidByB: heads[5] });
    else this.#propose({ version: context.version + 1, paidByA: heads[4], paidByB: heads[5] });
    this.stop = undefined;
  }

  #follow(): void {
    const { context, stop } = this;
    if (this.frame !== undefined && this.frame.sentOn !== context.connection && this.proposal !== undefined) this.#sendProposal();
    if (stop === undefined) {
      if ((this.wantsClose || this.wantsRebase) && this.#askedOn !== context.connection && context.hold === "none") {
        this.#askedOn = context.connection;
        context.send(new ByteWriter().u8(FRAME.ASK).u8(this.wantsClose ? ASK.CLOSE : ASK.REBASE).done());
      }
      return;
    }
    if (stop.stage !== "answering" || !this.#isDrained(stop.purpose) || !this.payer.isQuiet || !this.payee.isQuiet || context.waiting > 0) return;
    const objection = this.objection();
    if (objection !== undefined) {
      this.#giveUp(objection);
      return;
    }
    context.hold = "all";
    stop.stage = "stopped";
    const writer = new ByteWriter().u8(FRAME.STOPPED).u8(stop.purpose).u32(context.version + 1).u64(stop.round);
    for (const head of this.#heads) writer.u64(head);
    context.send(writer.done());
  }

  /** Whether we have nothing more to say before the vouchers stop; holds them back once that is near. */
  #isDrained(purpose: Purpose): boolean {
    const { payer, payee, context } = this;
    if (purpose === PURPOSE.REBASE) {
      if (context.hold === "none" && this.#hasLockWork) return false;
      context.hold = "vouchers";
      return payer.isAllSent && payee.isAllSigned;
    }
    context.isClosing = true;
    if (payer.queue.count > 0 || payer.pendingSettlements > 0 || payer.open.count > 0 || payer.inFlight.length > 0) return false;
    if (context.self === 1 && (payee.open.count > 0 || payee.pendingAnswers > 0)) return false;
    context.hold = "vouchers";
    return true;
  }

  #giveUp(code: ChannelCode): void {
    const { context } = this;
    context.send(new ByteWriter().u8(FRAME.STOP).u8(PURPOSE.GO_ON).u32(context.version + 1).u64(this.stop?.round ?? 0).done());
    context.alarm(code, "The totals of now cannot be signed.");
    this.#goOn();
  }

  #goOn(): void {
    this.stop = undefined;
    this.wantsRebase = false;
    this.wantsClose = false;
    this.context.isClosing = false;
    this.context.hold = "none";
  }

  onStop(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const purpose = reader.u8() as Purpose;
    const version = reader.u32();
    const round = reader.u64();
    reader.end();
    const { context } = this;
    if (version !== context.version + 1) throw new ChannelError("channel/version", "A stop for another base.");
    if (purpose === PURPOSE.GO_ON) {
      if (this.stop === undefined || this.stop.round !== round || (context.self === 0 && this.proposal !== undefined)) return;
      context.alarm("channel/refused", "The peer does not sign the totals of now.");
      this.#goOn();
      return;
    }
    if (context.self !== 1 || purpose > PURPOSE.CLOSE || this.stop !== undefined || context.hold !== "none") throw new ChannelError("channel/frame", "A stop has no place here.");
    this.stop = { purpose, stage: "answering", theirs: undefined, round, sinceMs: context.nowMs };
    if (purpose === PURPOSE.REBASE) {
      // Who leads answers no calls now, so what waits for answers would wait for ever.
      if (this.#hasLockWork) {
        this.#giveUp("channel/busy");
        return;
      }
      context.hold = "vouchers";
    }
  }

  /** Lock entries that are under no voucher yet: a new base must not come between. */
  get #hasLockWork(): boolean {
    return this.payer.queue.lockEntries > 0 || this.payer.pendingSettlements > 0;
  }

  onStopped(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes, 1);
    const purpose = reader.u8();
    const version = reader.u32();
    const round = reader.u64();
    const theirs: Heads = [reader.u64(), reader.u64(), reader.u64(), reader.u64(), reader.u64(), reader.u64()];
    reader.end();
    const { stop, context } = this;
    if (stop?.stage !== "asked" || stop.purpose !== purpose || stop.round !== round || version !== context.version + 1 || stop.theirs !== undefined) throw new ChannelError("channel/frame", "Nothing was stopped.");
    stop.theirs = theirs;
  }

  onAsk(what: number): void {
    const { context } = this;
    if (context.self !== 0) throw new ChannelError("channel/frame", "Side 0 leads.");
    if (what === ASK.CLOSE) {
      this.wantsClose = true;
      context.isClosing = true;
    } else this.wantsRebase = true;
  }

  #propose(base: Base): void {
    const { context } = this;
    const frame = new ByteWriter().u8(FRAME.REBASE).u8(0).u8(0).u32(base.version).u64(base.paidByA).u64(base.paidByB);
    context.logOut(frame.done());
    this.replayProposal(base);
    this.#sendProposal();
  }

  /** Side 0: from here on the proposal stands. */
  replayProposal(base: Base): void {
    this.restoreProposal({ value: base, signatures: [NONE, NONE], signers: [NONE, NONE] });
  }

  /** The proposal, or the answer to the base that stands, of a checkpoint. */
  restoreProposal(proposal: Signed<Base>): void {
    const { version, paidByA, paidByB } = proposal.value;
    this.proposal = proposal;
    if (this.context.self === 0) {
      this.context.hold = "all";
      this.context.isProposed = true;
    }
    const fields = this.context.self === 0 ? new ByteWriter().u8(FRAME.REBASE).u8(0).u8(0).u32(version).u64(paidByA).u64(paidByB) : new ByteWriter().u8(FRAME.REBASED).u8(0).u8(0).u32(version);
    this.frame = new OutFrame(fields.raw(ROOM).done(), version, ROOM);
  }

  /** Side 0: REBASE; side 1: REBASED. Signs first if that was not done. */
  #sendProposal(): void {
    const { context, frame, proposal } = this;
    if (frame === undefined || proposal === undefined || frame.sentOn === context.connection || frame.isSigning) return;
    const { key } = context.signerOf(context.self);
    if (!frame.isReady(context)) {
      frame.sign(context, baseDigest(context.separator, context.channelId, proposal.value), () => {
        context.log(new ByteWriter().u8(RECORD.BASE_SIGNATURE).u32(proposal.value.version).raw(key).raw(frame.bytes.slice(-64)).done());
        this.replaySignature(proposal.value.version, key, frame.bytes.slice(-64));
        if (context.link === "synced") this.#sendProposal();
      });
      return;
    }
    frame.sentOn = context.connection;
    context.send(frame.bytes);
    if (context.self === 0) this.awaitedSinceMs = context.nowMs;
    if (context.self === 1 && this.stop === undefined && context.frozen === undefined) context.hold = "none";
  }

  /** Our signature of the base that is proposed or stands. */
  replaySignature(version: number, key: Uint8Array, signature: Uint8Array): void {
    const { proposal, context } = this;
    if (proposal?.value.version !== version) return;
    proposal.signatures[context.self] = signature;
    proposal.signers[context.self] = key;
    const base = context.base;
    if (base?.base.version === version) context.base = { ...base, signatures: [...proposal.signatures], signers: [...proposal.signers] };
  }

  onRebase(bytes: Uint8Array): void {
    const { context, payer, payee } = this;
    const reader = new ByteReader(bytes, 2);
    const signer = reader.u8();
    const base: Base = { version: reader.u32(), paidByA: reader.u64(), paidByB: reader.u64() };
    const signature = reader.raw(64);
    reader.end();
    if (context.self !== 1) throw new ChannelError("channel/frame", "Side 0 proposes.");
    if (base.version === context.version && this.frame !== undefined) {
      this.frame.sentOn = 0;
      this.#sendProposal();
      return;
    }
    if (base.version !== context.version + 1 || context.hold !== "all") throw new ChannelError("channel/version", "A base that does not follow, or that was not agreed on.");
    const [paidA, paidB] = this.#owed;
    if (base.paidByA !== paidA || base.paidByB !== paidB || !payer.isQuiet) throw new ChannelError("channel/refused", "Those totals are not ours.");
    if ([...payer.locks, ...payee.state.locks].some((lock) => !lock.isReleased)) throw new ChannelError("channel/locks-open", "Locks are open that were not given up.");
    if (signer === 1) context.checkPeerGrant(paidA);
    const key = context.peerKey(signer);
    this.isBaseArriving = true;
    context.verify(baseDigest(context.separator, context.channelId, base), signature, key, () => {
      this.isBaseArriving = false;
      this.applyRebase(bytes, base, key, signature);
    });
  }

  /** Side 1 adopts, and signs from here on nothing of before. */
  applyRebase(bytes: Uint8Array, base: Base, key: Uint8Array, signature: Uint8Array): void {
    const { context } = this;
    if (base.version === context.version) return;
    context.logIn(bytes);
    this.restoreProposal({ value: base, signatures: [signature, NONE], signers: [key, NONE] });
    this.#adopt(base);
    if (!context.isReplaying) this.#sendProposal();
  }

  onRebased(bytes: Uint8Array): void {
    const { context, proposal } = this;
    const reader = new ByteReader(bytes, 2);
    const signer = reader.u8();
    const version = reader.u32();
    const signature = reader.raw(64);
    reader.end();
    if (context.self !== 0) throw new ChannelError("channel/frame", "Side 1 answers.");
    if (version === context.version) return;
    if (proposal === undefined || proposal.value.version !== version || proposal.signatures[0].length === 0) throw new ChannelError("channel/version", "An answer to no proposal.");
    if (signer === 1) context.checkPeerGrant(proposal.value.paidByB);
    const key = context.peerKey(signer);
    this.isBaseArriving = true;
    context.verify(baseDigest(context.separator, context.channelId, proposal.value), signature, key, () => {
      this.isBaseArriving = false;
      this.applyRebased(bytes, key, signature);
    });
  }

  /** Side 0: both signed. */
  applyRebased(bytes: Uint8Array, key: Uint8Array, signature: Uint8Array): void {
    const { proposal, context } = this;
    if (proposal === undefined) return;
    context.logIn(bytes);
    proposal.signatures[1] = signature;
    proposal.signers[1] = key;
    this.#adopt(proposal.value);
    this.proposal = undefined;
    this.frame = undefined;
    this.awaitedSinceMs = undefined;
    context.isProposed = false;
    context.hold = "none";
  }

  #adopt(base: Base): void {
    const { context, payer, payee, proposal } = this;
    const signed: SignedBase | undefined = proposal === undefined ? undefined : { base, signatures: [...proposal.signatures], signers: [...proposal.signers], digest: baseDigest(context.separator, context.channelId, base), grants: [context.sessions[0], context.sessions[1]] };
    context.version = base.version;
    context.base = signed;
    payer.adopt(context.self === 0 ? base.paidByA : base.paidByB);
    payee.adopt(context.self === 0 ? base.paidByB : base.paidByA);
    this.stop = undefined;
    this.wantsRebase = false;
    context.event({ name: "rebased", base });
  }

  /** The heads of both were compared. */
  onSync(peerVersion: number, peerProposed: number, isPeerFrozen: boolean): void {
    const { context } = this;
    this.stop = undefined;
    const isOpen = this.proposal !== undefined && (context.self === 0 || peerVersion < context.version);
    const isAwaited = context.self === 1 && (peerProposed === context.version + 1 || peerVersion < context.version);
    context.hold = isOpen || isAwaited || isPeerFrozen ? "all" : "none";
    if (context.self === 1 && this.frame !== undefined && peerVersion === context.version) this.frame.sentOn = context.connection;
  }

  /** The connection is gone: what nobody signed is forgotten. */
  reset(): void {
    this.stop = undefined;
    this.isBaseArriving = false;
    this.awaitedSinceMs = undefined;
    if (this.proposal === undefined || this.context.self === 1) this.context.hold = "none";
  }

  /** Units that each side has paid by our books, credits taken out. */
  totals(): readonly [number, number] {
    return this.#owed;
  }
}
