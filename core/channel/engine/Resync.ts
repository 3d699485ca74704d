import { ackDigest, baseDigest, grantDigest, voucherDigest } from "../digests.ts";
import type { Ack, Base, Grant, Voucher } from "../digests.ts";
import type { Side } from "../ChannelConfig.ts";
import type { Agreement } from "./Agreement.ts";
import { ChannelError } from "./ChannelCode.ts";
import type { EngineContext } from "./EngineContext.ts";
import { readGrant, writeGrant } from "./frames/grantFrame.ts";
import { readAckFrame } from "./frames/ackFrame.ts";
import { ByteReader } from "./frames/ByteReader.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { ASK, FRAME } from "./frames/FrameKind.ts";
import { readHello, writeHello } from "./frames/helloFrame.ts";
import type { Hello } from "./frames/helloFrame.ts";
import type { SignedGrant } from "./Evidence.ts";
import type { Payee } from "./Payee.ts";
import type { Payer } from "./Payer.ts";
import { RECORD } from "./RecordKind.ts";
import { sameBytes } from "./runningHash.ts";

const PROTOCOL = 1;
const MIN_FRAME_BYTES = 8192;

interface Start {
  readonly epoch: number;
  readonly boot: Uint8Array;
}

/** What was signed, as a PROOF frame carries it. */
type Proven = { readonly kind: typeof FRAME.CALLS; readonly voucher: Voucher } | { readonly kind: typeof FRAME.ACK; readonly ack: Ack } | { readonly kind: typeof FRAME.REBASE; readonly base: Base };

/** The beginning of a connection: who has what, whose log is old, which store lives. */
export class Resync {
  readonly context: EngineContext;
  readonly payer: Payer;
  readonly payee: Payee;
  readonly agreement: Agreement;
  own: Start = { epoch: 0, boot: new Uint8Array(16) };
  peer: Start = { epoch: 0, boot: new Uint8Array(16) };
  sinceMs = 0;
  /** Difference of the peer's clock from ours in its last HELLO. */
  skewSeconds = 0;
  #awaitsProof = false;
  #provedOn = 0;

  constructor(context: EngineContext, payer: Payer, payee: Payee, agreement: Agreement) {
    this.context = context;
    this.payer = payer;
    this.payee = payee;
    this.agreement = agreement;
  }

  get awaitsProof(): boolean {
    return this.#awaitsProof;
  }

  /** Says what we have. */
  start(): void {
    const { context, payer, payee, agreement } = this;
    this.sinceMs = context.nowMs;
    this.#awaitsProof = false;
    const proposed = context.self === 0 ? (agreement.proposal?.value.version ?? 0) : 0;
    const hello: Hello = {
      protocol: PROTOCOL, channelId: context.channelId, side: context.self, epoch: this.own.epoch, boot: this.own.boot, seenEpoch: this.peer.epoch, seenBoot: this.peer.boot, l1Seconds: context.l1Seconds, isFrozen: context.frozen !== undefined, version: context.version, proposed, acked: payer.acked,
      sent: { count: payer.sequence, hash: payer.hash }, received: { count: payee.state.sequence, hash: payee.state.hash },
      resultsSent: { count: payee.results, hash: payee.resultsHash }, resultsReceived: { count: payer.results, hash: payer.resultsHash }, limits: context.ownLimits,
    };
    context.send(writeHello(hello));
  }

  onHello(bytes: Uint8Array): void {
    const { context } = this;
    const hello = readHello(bytes);
    if (context.link !== "hello" || this.#awaitsProof) throw new ChannelError("channel/frame", "A second HELLO.");
    if (hello.protocol !== PROTOCOL || !sameBytes(hello.channelId, context.channelId) || hello.side !== context.other) throw new ChannelError("channel/network", "The peer is in another channel, on another chain, or on our side.");
    this.#fence(hello);
    this.skewSeconds = hello.l1Seconds - context.l1Seconds;
    if (Math.abs(this.skewSeconds) > context.options.maxSkewSeconds) context.alarm("channel/clock-skew", `The peer's clock differs by ${this.skewSeconds} s.`);
    this.#agreeOnLimits(hello);
    const { isPeerBehind, isOwnBehind } = this.#compare(hello);
    if (isPeerBehind) {
      this.prove();
      context.alarm("channel/store-behind", "The peer's log does not know what it signed.");
      if (!isOwnBehind) {
        context.cut("channel/store-behind", "The peer's log is old.", false);
        return;
      }
    }
    if (isOwnBehind) {
      this.#awaitsProof = true;
      context.send(new ByteWriter().u8(FRAME.ASK).u8(ASK.PROOF).done());
      return;
    }
    this.#resume(hello);
  }

  /** One store at a time: the one that was started last. */
  #fence(hello: Hello): void {
    const { context, peer } = this;
    if (hello.epoch < peer.epoch || (hello.epoch === peer.epoch && !sameBytes(hello.boot, peer.boot))) {
      context.alarm("channel/two-stores", "The peer's store lives twice, or is an old copy.");
      throw new ChannelError("channel/two-stores", "A later start of that store was seen.");
    }
    if (hello.seenEpoch > this.own.epoch || (hello.seenEpoch === this.own.epoch && !sameBytes(hello.seenBoot, this.own.boot))) {
      // Said without proof, so until a restart only: whoever restarts has the later epoch, and is behind if the other store signed anything.
      if (context.frozen === undefined) context.freeze("two-stores");
      context.alarm("channel/two-stores", "The peer has seen a later start of our store.");
      throw new ChannelError("channel/two-stores", "Our store lives twice, or is an old copy.");
    }
    if (hello.epoch === peer.epoch) return;
    this.peer = { epoch: hello.epoch, boot: hello.boot.slice() };
    context.log(new ByteWriter().u8(RECORD.PEER_BOOT).u64(hello.epoch).raw(hello.boot).done());
  }

  #agreeOnLimits({ limits }: Hello): void {
    const { context } = this;
    const own = context.ownLimits;
    if (limits.maxCallsPerFrame < 1 || limits.maxInFlight < 1 || limits.maxOpenCalls < 1 || limits.maxFrameBytes < MIN_FRAME_BYTES) throw new ChannelError("channel/limit", "The peer takes nothing.");
    context.limits = {
      maxCallsPerFrame: Math.min(own.maxCallsPerFrame, limits.maxCallsPerFrame), maxPayloadBytes: Math.min(own.maxPayloadBytes, limits.maxPayloadBytes), maxFrameBytes: Math.min(own.maxFrameBytes, limits.maxFrameBytes), maxOpenCalls: Math.min(own.maxOpenCalls, limits.maxOpenCalls), maxInFlight: Math.min(own.maxInFlight, limits.maxInFlight),
    };
  }

  /** Whose log lacks what its own side signed, or has something else in its place. */
  #compare(hello: Hello): { readonly isPeerBehind: boolean; readonly isOwnBehind: boolean } {
    const { context, payer, payee, agreement } = this;
    const { state } = payee;
    const isProposed = context.self === 0 && agreement.proposal !== undefined;
    const isAnswered = context.self === 1 && hello.proposed === context.version && hello.version === context.version - 1;
    const isVersionAhead = hello.version > context.version && !(isProposed && hello.version === context.version + 1);
    const isVersionBehind = hello.version < context.version && !isAnswered;
    const known = payer.hashAt(hello.received.count);
    const results = payee.resultsHashAt(hello.resultsReceived.count);
    const isReceivedOld = hello.received.count < payer.acked;
    const isResultOld = hello.resultsReceived.count < state.seen;
    const isOwnBehind =
      isVersionAhead || hello.acked > payee.acked || (!isReceivedOld && (known === undefined || !sameBytes(known, hello.received.hash))) || (!isResultOld && (results === undefined || !sameBytes(results, hello.resultsReceived.hash)));
    const differs = (head: Hello["sent"], count: number, hash: Uint8Array): boolean => head.count < count || (head.count === count && !sameBytes(head.hash, hash));
    const isPeerBehind = isVersionBehind || isReceivedOld || isResultOld || differs(hello.sent, state.sequence, state.hash) || differs(hello.resultsSent, payer.results, payer.resultsHash);
    return { isPeerBehind, isOwnBehind };
  }

  #resume(hello: Hello): void {
    const { context, payer, payee, agreement } = this;
    // When the newer base was agreed on, everything under the older one had arrived; what we signed under the newer one since may not have.
    const newest = Math.max(hello.version, context.version);
    const versionOf = ({ bytes }: { readonly bytes: Uint8Array }): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(5);
    for (const frame of payer.inFlight) frame.sentOn = versionOf(frame) < newest || frame.end <= hello.received.count ? context.connection : 0;
    for (const [i, { frame, ack }] of payee.acks.entries()) frame.sentOn = ack.version < newest || (ack.results <= hello.resultsReceived.count && i < payee.acks.length - 1) ? context.connection : 0;
    payer.waitingSinceMs = context.nowMs;
    context.link = "synced";
    agreement.onSync(hello.version, hello.proposed, hello.isFrozen);
    const session = context.sessions[context.self];
    if (session !== undefined) context.send(writeGrant(session.grant, session.signature));
    if (context.hasView) this.tellFunds();
    for (const lock of payee.state.locks) {
      if (lock.preimage !== undefined) context.send(new ByteWriter().u8(FRAME.PREIMAGE).raw(lock.preimage).done());
      else if (lock.isReleased) context.send(new ByteWriter().u8(FRAME.RELEASE).raw(lock.hashlock).done());
    }
    context.event({ name: "synced" });
  }

  /** What we count as the peer's confirmed net. */
  tellFunds(): void {
    const { context } = this;
    const net = context.netOf(context.other);
    context.send(new ByteWriter().u8(FRAME.FUNDS).u8(net < 0 ? 1 : 0).u64(Math.abs(net)).done());
  }

  /** Shows the peer the newest that we have of it, signed; once a connection. */
  prove(): void {
    const { context, payer, payee } = this;
    if (this.#provedOn === context.connection) return;
    this.#provedOn = context.connection;
    const { held } = payee;
    if (held !== undefined) {
      const { version, sequence, paid, locksHash, hash } = held.calls;
      this.#sendProof(FRAME.CALLS, held.grant, new ByteWriter().u32(version).u64(sequence).u64(paid).raw(locksHash).raw(hash).done(), held.calls.signature);
    }
    if (payer.lastAck !== undefined) {
      const ack = readAckFrame(payer.lastAck);
      this.#sendProof(FRAME.ACK, payer.lastAckGrant, new ByteWriter().u32(ack.version).u64(ack.sequence).raw(ack.callsHash).u64(ack.results).raw(ack.hash).done(), ack.signature);
    }
    const { base } = context;
    if (base !== undefined && base.signatures[context.other].length === 64) {
      const grant = sameBytes(base.signers[context.other], context.principals[context.other]) ? undefined : base.grants[context.other];
      this.#sendProof(FRAME.REBASE, grant, new ByteWriter().u32(base.base.version).u64(base.base.paidByA).u64(base.base.paidByB).done(), base.signatures[context.other]);
    }
  }

  #sendProof(kind: number, grant: SignedGrant | undefined, fields: Uint8Array, signature: Uint8Array): void {
    const writer = new ByteWriter().u8(FRAME.PROOF).u8(kind).u8(grant === undefined ? 0 : 1);
    if (grant !== undefined) writer.short(writeGrant(grant.grant, grant.signature));
    this.context.send(writer.raw(fields).raw(signature).done(), 0);
  }

  /** The peer shows a signature of ours. If our log does not know it, nothing more is signed. */
  onProof(bytes: Uint8Array): void {
    const { context } = this;
    const { proven, grant, signature } = readProof(bytes, context.self);
    const { separator, channelId, self } = context;
    if (!this.isUnknown(proven)) {
      if (this.#awaitsProof) return;
      throw new ChannelError("channel/heads", "We know that signature.");
    }
    const digest = proven.kind === FRAME.CALLS ? voucherDigest(separator, channelId, proven.voucher) : proven.kind === FRAME.ACK ? ackDigest(separator, channelId, proven.ack) : baseDigest(separator, channelId, proven.base);
    const check = (key: Uint8Array): void => context.verify(digest, signature, key, () => this.applyProof(bytes, proven));
    if (grant === undefined) check(context.principals[self]);
    else context.verify(grantDigest(separator, channelId, grant.grant), grant.signature, context.principals[self], () => check(grant.grant.key));
  }

  /** Whether our log lacks it, or has something else in its place. */
  isUnknown(proven: Proven): boolean {
    const { context, payer, payee, agreement } = this;
    if (proven.kind === FRAME.CALLS) {
      const { version, sequence, callsHash } = proven.voucher;
      if (sequence > payer.sequence || version > context.version) return true;
      const hash = payer.hashAt(sequence);
      return hash !== undefined && !sameBytes(hash, callsHash);
    }
    if (proven.kind === FRAME.ACK) {
      const { version, sequence, results, resultsHash } = proven.ack;
      if (sequence > payee.acked || results > payee.results || version > context.version) return true;
      const hash = payee.resultsHashAt(results);
      return hash !== undefined && !sameBytes(hash, resultsHash);
    }
    const { base } = proven;
    const mine = base.version === agreement.proposal?.value.version ? agreement.proposal.value : base.version === context.version ? context.base?.base : undefined;
    if (mine !== undefined) return mine.paidByA !== base.paidByA || mine.paidByB !== base.paidByB;
    return base.version > context.version;
  }

  applyProof(bytes: Uint8Array, proven: Proven): void {
    const { context } = this;
    if (context.frozen !== "two-stores" && context.frozen !== "store-behind") {
      context.logIn(bytes);
      const isFork = proven.kind === FRAME.CALLS ? proven.voucher.sequence <= this.payer.sequence : proven.kind === FRAME.ACK ? proven.ack.results <= this.payee.results && proven.ack.sequence <= this.payee.acked : proven.base.version <= context.version;
      context.freeze(isFork ? "two-stores" : "store-behind");
      context.alarm(isFork ? "channel/two-stores" : "channel/store-behind", "The peer has a signature of ours that our log does not know. Nothing more is signed: close with what there is.");
    }
    if (!context.isReplaying) context.cut("channel/store-behind", "Our log is old.", false);
  }
}

/** @throws ChannelError channel/frame */
export function readProof(bytes: Uint8Array, self: Side): { readonly proven: Proven; readonly grant: { readonly grant: Grant; readonly signature: Uint8Array } | undefined; readonly signature: Uint8Array } {
  const reader = new ByteReader(bytes, 1);
  const kind = reader.u8();
  const grant = reader.u8() === 1 ? readGrant(reader.short()) : undefined;
  const version = reader.u32();
  let proven: Proven;
  if (kind === FRAME.CALLS) proven = { kind, voucher: { payer: self, version, sequence: reader.u64(), paid: reader.u64(), locksHash: reader.raw(32), callsHash: reader.raw(32) } };
  else if (kind === FRAME.ACK) proven = { kind, ack: { payer: self === 0 ? 1 : 0, version, sequence: reader.u64(), callsHash: reader.raw(32), results: reader.u64(), resultsHash: reader.raw(32) } };
  else if (kind === FRAME.REBASE) proven = { kind, base: { version, paidByA: reader.u64(), paidByB: reader.u64() } };
  else throw new ChannelError("channel/frame", "A proof of nothing.");
  const signature = reader.raw(64);
  reader.end();
  return { proven, grant, signature };
}
