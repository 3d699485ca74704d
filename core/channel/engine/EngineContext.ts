import { HOME, ONE_WAY, channelIdOf } from "../ChannelConfig.ts";
import type { Side } from "../ChannelConfig.ts";
import { toHex } from "../../codec/hex.ts";
import { keccak256 } from "../../hash/index.ts";
import { MAX_UNITS } from "../../generated/protocol.ts";
import { ChannelError } from "./ChannelCode.ts";
import { CHANNEL_CODES } from "./ChannelCode.ts";
import type { ChannelCode } from "./ChannelCode.ts";
import type { ChannelStatus } from "./ChannelStatus.ts";
import type { ChannelEvent, Effect } from "./Effect.ts";
import { DEFAULT_LIMITS } from "./EngineOptions.ts";
import type { ChainView, EngineLimits, EngineOptions } from "./EngineOptions.ts";
import type { SignedBase, SignedGrant } from "./Evidence.ts";
import { ByteWriter } from "./frames/ByteWriter.ts";
import { FRAME } from "./frames/FrameKind.ts";
import { RECORD } from "./RecordKind.ts";
import { sameBytes } from "./runningHash.ts";

/** A frame that was checked as far as it goes without its signature. Frames take effect in the order in which they came. */
interface InboxItem {
  state: "verifying" | "valid" | "bad";
  readonly apply: () => void;
}

const FIRST_BAN_MS = 1_000;
const PREIMAGES_KEPT = 1024;
const LONGEST_BAN_MS = 600_000;

/** What all parts of an engine share: who and where, the log, the effects, and the peer's frames in order. */
export class EngineContext {
  readonly options: Required<EngineOptions>;
  readonly channelId: Uint8Array;
  readonly self: Side;
  readonly other: Side;
  /** What both take. Ours until the peer's HELLO. */
  limits: EngineLimits;
  readonly ownLimits: EngineLimits;
  /** Keys by side: the principals. */
  readonly principals: readonly [Uint8Array, Uint8Array];
  /** Session keys by side. */
  readonly sessions: [SignedGrant | undefined, SignedGrant | undefined] = [undefined, undefined];
  /** The peer's newest session key, verified or not: frames behind the GRANT are checked against it. */
  peerSession: SignedGrant | undefined;
  /** Session keys of the peer whose grants stand on chain, in hex. */
  readonly registered = new Set<string>();
  /** Newest preimages that were shown, by their hashlocks in hex. */
  readonly preimages = new Map<string, Uint8Array>();
  nowMs = 0;
  l1Seconds = 0;
  version = 0;
  base: SignedBase | undefined;
  view: ChainView = { netA: 0, netB: 0, withdrawalNonce: 0, status: "open", version: 0 };
  hasView = false;
  /** What the peer says that it counts as our confirmed net; infinite while unknown. */
  fundsTold = Infinity;
  frozen: ChannelStatus["frozenBy"];
  link: "down" | "hello" | "synced" = "down";
  /** While a base or close is agreed on: no new vouchers; then no acknowledgements either. */
  hold: "none" | "vouchers" | "all" = "none";
  /** We signed the next base and the other has not: nothing of the old one is taken. */
  isProposed = false;
  /** A cooperative close was asked for: no new calls, what is queued goes on. */
  isClosing = false;
  /** Counts connections. */
  connection = 0;
  position = 0;
  isReplaying = true;
  /** Calls back when the connection is gone or cut. */
  onDown: () => void = () => undefined;

  #effects: Effect[] = [];
  #nextToken = 1;
  readonly #signing = new Map<number, (signature: Uint8Array) => void>();
  readonly #verifying = new Map<number, InboxItem>();
  #inbox: InboxItem[] = [];
  #strikes = 0;
  #bannedUntilMs = 0;

  constructor(options: EngineOptions) {
    const mode = options.mode ?? "chained";
    const limits = DEFAULT_LIMITS[mode];
    this.options = {
      ...limits, maxUnackedUnits: MAX_UNITS, maxUnansweredBytes: 256 << 20, ackDelayMs: 5, stallMs: 30_000, maxSkewSeconds: 120, lockMarginSeconds: Math.max(60, Math.floor(options.config.windowSeconds / 4)), contractParties: [false, false], ...options, mode,
    };
    const { maxCallsPerFrame, maxPayloadBytes, maxFrameBytes, maxOpenCalls, maxInFlight } = this.options;
    if (maxCallsPerFrame < 1 || maxCallsPerFrame > 4096 || maxInFlight < 1 || maxOpenCalls < maxCallsPerFrame || (maxOpenCalls & (maxOpenCalls - 1)) !== 0) {
      throw new ChannelError("channel/limit", "Limits: 1 to 4,096 calls a frame, open calls a power of two and no fewer than that.");
    }
    this.ownLimits = { maxCallsPerFrame, maxPayloadBytes, maxFrameBytes, maxOpenCalls, maxInFlight };
    this.limits = this.ownLimits;
    this.channelId = channelIdOf(options.config);
    this.self = options.self;
    this.other = options.self === 0 ? 1 : 0;
    this.principals = [options.config.partyA, options.config.partyB];
  }

  get separator(): Uint8Array {
    return this.options.separator;
  }

  get allowsLocks(): boolean {
    return this.options.config.home === HOME.L1;
  }

  remember(preimage: Uint8Array): void {
    this.preimages.set(toHex(keccak256(preimage)), preimage.slice());
    if (this.preimages.size <= PREIMAGES_KEPT) return;
    for (const oldest of this.preimages.keys()) {
      this.preimages.delete(oldest);
      return;
    }
  }

  /** Whether `side` may pay. */
  mayPay(side: Side): boolean {
    return side === 0 || (this.options.config.flags & ONE_WAY) === 0;
  }

  netOf(side: Side): number {
    return side === 0 ? this.view.netA : this.view.netB;
  }

  emit(effect: Effect): void {
    if (!this.isReplaying) this.#effects.push(effect);
  }

  takeEffects(): Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  get hasEffects(): boolean {
    return this.#effects.length > 0;
  }

  /** Writes a record; returns its position. While replaying, the record is the one that is read. */
  log(record: Uint8Array): number {
    if (this.isReplaying) return this.position;
    this.position++;
    this.#effects.push({ kind: "log", record, position: this.position });
    return this.position;
  }

  /** Logs a frame of the peer as it came. */
  logIn(frame: Uint8Array): number {
    if (this.isReplaying) return this.position;
    const record = new Uint8Array(1 + frame.length);
    record[0] = RECORD.IN;
    record.set(frame, 1);
    return this.log(record);
  }

  /** Logs a frame of ours, without the signature that it will have. */
  logOut(frame: Uint8Array): number {
    const record = new Uint8Array(1 + frame.length);
    record[0] = RECORD.OUT;
    record.set(frame, 1);
    return this.log(record);
  }

  /** @param after 0 for what says nothing of our log */
  send(frame: Uint8Array, after: number = this.position): void {
    if (this.link !== "down") this.emit({ kind: "send", frame, after });
  }

  /** Checks a payload against the hash at `hashAt` in `bytes`. @throws ChannelError channel/size, hash */
  checkPayload(payload: Uint8Array | undefined, bytes: Uint8Array, hashAt: number): void {
    if (payload === undefined) return;
    if (payload.length > this.ownLimits.maxPayloadBytes) throw new ChannelError("channel/size", "A payload is too long.");
    if (!sameBytes(keccak256(payload), bytes.subarray(hashAt, hashAt + 32))) throw new ChannelError("channel/hash", "A payload is not its hash's.");
  }

  event(event: ChannelEvent): void {
    this.emit({ kind: "event", event, after: this.position });
  }

  alarm(code: ChannelCode, detail: string): void {
    this.emit({ kind: "alarm", code, detail });
  }

  /** The key that signs vouchers, acknowledgements, bases and closes for us, as the frames' signer byte and address. */
  signerOf(side: Side): { readonly index: 0 | 1; readonly key: Uint8Array } {
    const session = this.sessions[side];
    return session === undefined ? { index: 0, key: this.principals[side] } : { index: 1, key: session.grant.key };
  }

  /** The key behind a signer byte of the peer. @throws ChannelError channel/signer */
  peerKey(index: number): Uint8Array {
    if (index === 1) {
      const session = this.peerSession;
      if (session === undefined) throw new ChannelError("channel/signer", "No session key of the peer is known.");
      return session.grant.key;
    }
    if (this.options.contractParties[this.other]) throw new ChannelError("channel/signer", "A contract signs with a granted key.");
    return this.principals[this.other];
  }

  /** Whether the peer's session key may sign for `committed` units now. @throws ChannelError channel/grant-expired, grant-cap, signer */
  checkPeerGrant(committed: number): void {
    const session = this.peerSession;
    if (session === undefined) throw new ChannelError("channel/signer", "No session key of the peer is known.");
    if (session.grant.expiry - this.l1Seconds <= 2 * this.options.config.windowSeconds) throw new ChannelError("channel/grant-expired", "The peer's session key ends within two windows.");
    if (committed > session.grant.cap) throw new ChannelError("channel/grant-cap", "More than the peer's session key may sign.");
    if (this.options.contractParties[this.other] && !this.registered.has(toHex(session.grant.key))) throw new ChannelError("channel/signer", "A contract's grant counts once it stands on chain.");
  }

  sign(digest: Uint8Array, as: "principal" | "session", then: (signature: Uint8Array) => void): void {
    if (this.isReplaying) return;
    const token = this.#nextToken++;
    this.#signing.set(token, then);
    const key = as === "principal" ? this.principals[this.self] : this.signerOf(this.self).key;
    this.emit({ kind: "sign", token, digest, as, key, after: this.position });
  }

  /** Signs with the session key if there is one. */
  signAny(digest: Uint8Array, then: (signature: Uint8Array) => void): void {
    this.sign(digest, this.sessions[this.self] === undefined ? "principal" : "session", then);
  }

  signed(token: number, signature: Uint8Array): void {
    const then = this.#signing.get(token);
    if (then === undefined) return;
    this.#signing.delete(token);
    then(signature);
  }

  /** Queues a frame of the peer until its signature is checked; then `apply` runs, after those before it. */
  verify(digest: Uint8Array, signature: Uint8Array, signer: Uint8Array, apply: () => void): void {
    const token = this.#nextToken++;
    const item: InboxItem = { state: "verifying", apply };
    this.#inbox.push(item);
    this.#verifying.set(token, item);
    this.emit({ kind: "verify", token, digest, signature, signer });
  }

  /** Queues a frame without a signature behind those that are still checked. */
  inOrder(apply: () => void): void {
    if (this.#inbox.length === 0) apply();
    else this.#inbox.push({ state: "valid", apply });
  }

  /** Frames of the peer that wait for a verdict. */
  get waiting(): number {
    return this.#inbox.length;
  }

  verified(token: number, isValid: boolean): void {
    const item = this.#verifying.get(token);
    if (item === undefined) return;
    this.#verifying.delete(token);
    item.state = isValid ? "valid" : "bad";
    const connection = this.connection;
    while (this.#inbox.length > 0 && this.#inbox[0].state !== "verifying") {
      const first = this.#inbox[0];
      if (first.state === "bad") {
        this.cut("channel/signature", "A signature is not its signer's.", true);
        return;
      }
      this.#inbox.shift();
      this.guard(first.apply);
      if (this.connection !== connection || this.link === "down") return;
    }
  }

  /** Runs what a frame asks for; a refusal ends the connection. */
  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      const isHostile = error.code === "channel/frame" || error.code === "channel/hash" || error.code === "channel/size" || error.code === "channel/flood";
      this.cut(error.code, error.message, isHostile);
    }
  }

  /** Tells the peer why and ends the connection; after garbage, for longer each time. */
  cut(code: ChannelCode, detail: string, isHostile: boolean): void {
    if (this.link === "down") return;
    const banMs = isHostile ? Math.min(FIRST_BAN_MS * 2 ** this.#strikes, LONGEST_BAN_MS) : 0;
    if (isHostile) {
      this.#strikes = Math.min(this.#strikes + 1, 20);
      this.#bannedUntilMs = this.nowMs + banMs;
    }
    this.send(new ByteWriter().u8(FRAME.ERROR).u16(CHANNEL_CODES.indexOf(code)).done(), 0);
    this.emit({ kind: "cut", code, detail, banMs });
    this.down();
  }

  /** Milliseconds until the peer may connect again. */
  get bannedMs(): number {
    return Math.max(0, this.#bannedUntilMs - this.nowMs);
  }

  /** The connection is gone: what was not applied never came. */
  down(): void {
    if (this.link === "down") return;
    this.link = "down";
    this.#inbox = [];
    this.#verifying.clear();
    this.peerSession = this.sessions[this.other];
    this.onDown();
  }

  freeze(by: NonNullable<ChannelStatus["frozenBy"]>): void {
    this.frozen = by;
  }
}
