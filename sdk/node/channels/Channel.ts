import { keccak256 } from "../../../core/hash/index.ts";
import type { ChainView, ChannelCode, ChannelConfig, ChannelEvent, ChannelStatus, Effect, Engine, Evidence, Grant, Lock, ResultBatch, Side } from "../../../core/channel/index.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import { shellError } from "./ChannelShellError.ts";
import type { ChannelShellCode, ChannelShellError } from "./ChannelShellError.ts";
import { IncomingCalls } from "./IncomingCalls.ts";
import type { BatchHandler, CallHandler } from "./IncomingCalls.ts";
import { PendingCalls } from "./PendingCalls.ts";
import type { CallOptions, CallResult } from "./PendingCalls.ts";

/** What an alarm names: a code of the engine or of the shell, or what a program's own handler or listener threw. */
export type ChannelAlarm = ChannelCode | ChannelShellCode | "channel/handler";

/** Effects that wait for the disk. */
type Held = Extract<Effect, { readonly after: number }>;

/** What a channel asks of the peer object that runs it. */
export interface ChannelHost {
  nowMs(): number;
  l1Seconds(): number;
  /** Calls `turn` at the end of this turn of the event loop, once. */
  schedule(channel: Channel): void;
  append(channel: Channel, record: Uint8Array): void;
  /** True when all that was appended outlives this process from now on. */
  write(): boolean;
  whenDurable(done: (error?: ChannelShellError) => void): void;
  readonly isStoreFull: boolean;
  transmit(channel: Channel, frame: Uint8Array): void;
  /** True if the key's signer is in this process: what it signs dies with it unless it was on disk and sent. */
  signsHere(key: Uint8Array): boolean;
  sign(channel: Channel, digest: Uint8Array, key: Uint8Array, done: (signature: Uint8Array) => void): void;
  verify(digest: Uint8Array, signature: Uint8Array, signer: Uint8Array, done: (isValid: boolean) => void): void;
  cut(channel: Channel, code: ChannelCode, detail: string, banMs: number): void;
  alarm(channel: Channel, code: ChannelAlarm, detail: string): void;
}

/** What a program may listen to. All are told only of what is on disk. */
export interface ChannelListeners {
  event(event: ChannelEvent): void;
  /** More of what was said and signed is on disk; often. */
  durable(): void;
  /** Signed answers, also to calls of an earlier process. */
  results(results: ResultBatch): void;
  /** A person or a policy should look. */
  alarm(code: ChannelAlarm, detail: string): void;
  /** The channel's traffic was ended for what the peer did; it is taken up again after a while. */
  cut(code: ChannelCode, detail: string): void;
}

export interface ChannelParts {
  readonly id: Uint8Array;
  readonly idText: string;
  readonly config: ChannelConfig;
  readonly self: Side;
  /** Replayed, not resumed. */
  readonly engine: Engine;
  readonly maxRunningCalls: number;
}

/** One channel: its engine, and what the engine asks for, done in order. Made by `ChannelPeer`. */
export class Channel {
  readonly id: Uint8Array;
  /** Hex without 0x. */
  readonly idText: string;
  readonly config: ChannelConfig;
  readonly self: Side;
  /** The other party, 20 bytes. */
  readonly peer: Uint8Array;
  readonly #engine: Engine;
  readonly #host: ChannelHost;
  readonly #incoming: IncomingCalls;
  readonly #pending = new PendingCalls();
  readonly #listeners: { readonly [K in keyof ChannelListeners]: Set<ChannelListeners[K]> } = { event: new Set(), durable: new Set(), results: new Set(), alarm: new Set(), cut: new Set() };
  /** Position of the last record that was appended, that the disk was asked for, and that it has. */
  #appended = 0;
  #asked = 0;
  #durable = 0;
  #held: Held[] = [];
  /** Calls that are handed out before the disk has them. */
  #early: Extract<Effect, { readonly kind: "deliver" }>[] = [];
  #isEarly = false;
  /** Position of the last record that outlives this process and that nothing but time asks the disk for. */
  #written = 0;
  #failure: Error | undefined;
  #isConnected = false;
  /** Counts how often a connection came or went. */
  #connection = 0;
  #isInTurn = false;

  constructor(parts: ChannelParts, host: ChannelHost) {
    this.id = parts.id;
    this.idText = parts.idText;
    this.config = parts.config;
    this.self = parts.self;
    this.peer = parts.self === 0 ? parts.config.partyB : parts.config.partyA;
    this.#engine = parts.engine;
    this.#host = host;
    this.#incoming = new IncomingCalls(
      (sequence, status, responseHash, response, isUrgent) => {
        if (this.#failure !== undefined) return;
        this.#engine.answer(sequence, status, responseHash, response, isUrgent);
        this.#host.schedule(this);
      },
      parts.maxRunningCalls,
      (error, sequence) => this.#alarm("channel/handler", `call ${sequence}: ${error.message}`),
    );
  }

  /** Begins: the log has been replayed. */
  resume(boot: Uint8Array): void {
    this.#appended = this.#asked = this.#durable = this.#engine.status().logPosition;
    this.#engine.resume(boot, this.#host.nowMs(), this.#host.l1Seconds());
    this.#host.schedule(this);
  }

  /** True while frames can go to the peer and come back. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** True when something waits: for the disk, the peer, or a handler. */
  get isBusy(): boolean {
    if (this.#held.length > 0 || this.#pending.size > 0 || this.#appended > this.#asked) return true;
    const { outgoing, incoming } = this.#engine.status();
    return outgoing.openCalls > 0 || incoming.openCalls > 0 || outgoing.acked < outgoing.sequence;
  }

  status(): ChannelStatus {
    return this.#engine.status();
  }

  /** The best that this side can enforce on chain. */
  evidence(): Evidence {
    return this.#engine.evidence();
  }

  /** Adds a listener; the function that is returned takes it off. */
  on<K extends keyof ChannelListeners>(name: K, listener: ChannelListeners[K]): () => void {
    this.#listeners[name].add(listener);
    return () => void this.#listeners[name].delete(listener);
  }

  /** Runs the peer's calls from now on, one by one; those that wait too. */
  serve(handler: CallHandler): void {
    this.#incoming.serve(handler);
  }

  /**
   * As {@link serve}, for handlers that want whole batches.
   * @param isEarly calls are handed out before the disk has them, once they outlive this process. Who loses power then may get them again
   * as new ones, and loses those that the peer does not send again.
   */
  serveBatches(handler: BatchHandler, isEarly = false): void {
    this.#isEarly = isEarly;
    this.#incoming.serveBatches(handler);
  }

  /**
   * Pays for a call and waits until its answer is signed by the peer and on our disk.
   * @param price units
   * @throws ChannelError of the engine (`channel/backpressure`: wait for answers), ChannelShellError `channel/call-failed`,
   * `channel/call-timeout`, `channel/store-full`, `channel/left`
   */
  async call(price: number, request: Uint8Array, options: CallOptions = {}): Promise<CallResult> {
    const sequence = this.submit(price, keccak256(request), request);
    return await this.#pending.add(sequence, options, this.#host.nowMs());
  }

  /**
   * Pays for a request that goes another way: the channel carries its hash only. Errors as of `call`; those that can be told at once are
   * thrown, what becomes of the call later is the promise's.
   */
  begin(price: number, requestHash: Uint8Array, options: CallOptions = {}): { readonly sequence: number; readonly result: Promise<CallResult> } {
    const sequence = this.submit(price, requestHash);
    return { sequence, result: this.#pending.add(sequence, options, this.#host.nowMs()) };
  }

  /**
   * Queues a paid call for callers that listen to `results` themselves.
   * @param request travels with it if it is given
   * @returns its sequence in our chain
   */
  submit(price: number, requestHash: Uint8Array, request?: Uint8Array): number {
    this.#requireUse();
    if (this.#host.isStoreFull) throw shellError("channel/store-full", { file: "" });
    const sequence = this.#engine.call(price, requestHash, request);
    this.#host.schedule(this);
    return sequence;
  }

  /** Whether a call of the peer waits for its answer. */
  isUnanswered(sequence: number): boolean {
    return this.#engine.isUnanswered(sequence);
  }

  /** Why it goes no further in this process; undefined while it does. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Why `call` would refuse now; undefined if it would not. */
  refusalOf(price: number): ChannelCode | ChannelShellCode | undefined {
    if (this.#failure !== undefined) return "channel/left";
    return this.#host.isStoreFull ? "channel/store-full" : this.#engine.refusalOf(price);
  }

  /** What the chain says now; without it the engine counts with no deposits. */
  updateChain(view: ChainView): void {
    this.#do((engine) => engine.chain(view));
  }

  addLock(lock: Lock): number {
    return this.#do((engine) => engine.addLock(lock));
  }

  settleLock(preimage: Uint8Array): void {
    this.#do((engine) => engine.settleLock(preimage));
  }

  dropLock(hashlock: Uint8Array): void {
    this.#do((engine) => engine.dropLock(hashlock));
  }

  claimLock(preimage: Uint8Array): void {
    this.#do((engine) => engine.claimLock(preimage));
  }

  releaseLock(hashlock: Uint8Array): void {
    this.#do((engine) => engine.releaseLock(hashlock));
  }

  preimageRegistered(preimage: Uint8Array): void {
    this.#do((engine) => engine.preimageRegistered(preimage));
  }

  /** Asks for a new base; the event `rebased` says when both signed it. */
  rebase(): void {
    this.#do((engine) => engine.rebase());
  }

  /** Asks for a cooperative close; the event `closed` has what the chain wants. */
  close(): void {
    this.#do((engine) => engine.close());
  }

  withdraw(amount: number, validUntil: number): void {
    this.#do((engine) => engine.withdraw(amount, validUntil));
  }

  askExport(): void {
    this.#do((engine) => engine.askExport());
  }

  approveExport(): void {
    this.#do((engine) => engine.approveExport());
  }

  /** Our session key from now on; without one the principal signs again. Its signer was given to the peer object. */
  useSessionKey(grant?: Grant, signature?: Uint8Array): void {
    this.#do((engine) => engine.useSessionKey(grant, signature));
  }

  grantRegistered(key: Uint8Array): void {
    this.#do((engine) => engine.grantRegistered(key));
  }

  /** A preimage that this channel saw lately. */
  preimageOf(hashlock: Uint8Array): Uint8Array | undefined {
    return this.#engine.preimageOf(hashlock);
  }

  #do<T>(work: (engine: Engine) => T): T {
    this.#requireUse();
    const result = work(this.#engine);
    this.#host.schedule(this);
    return result;
  }

  #requireUse(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The rest is for `ChannelPeer`. A connection to the peer that both serve this channel on is up or down. */
  connectionChanged(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    // What waits to be sent belongs to the connection that it was made for: the next one begins with a HELLO.
    this.turn();
    this.#held = this.#held.filter(({ kind }) => kind !== "send");
    this.#connection += 1;
    this.#isConnected = isConnected;
    this.#guarded(() => (isConnected ? this.#engine.connected() : this.#engine.disconnected()));
    this.#host.schedule(this);
  }

  received(frame: Uint8Array): void {
    this.#guarded(() => this.#engine.frame(frame));
    this.#host.schedule(this);
  }

  tick(nowMs: number, l1Seconds: number, isSecond: boolean): void {
    this.#guarded(() => this.#engine.tick(nowMs, l1Seconds));
    if (isSecond) this.#pending.tick(nowMs, this.#isConnected);
    this.#guarded(() => this.#turn(true));
  }

  /** An engine that throws where it should not ends its channel here, before anything wrong is signed, and no other one. */
  #guarded(work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The state in one record; everything has been appended then. */
  checkpoint(): Uint8Array {
    this.turn();
    return this.#engine.checkpoint();
  }

  /** Does what the engine asks for. */
  turn(): void {
    this.#guarded(() => this.#turn(false));
  }

  #turn(isTick: boolean): void {
    // What is done may come back here, and the effects of one list go before those of the next.
    if (this.#isInTurn) return;
    this.#isInTurn = true;
    try {
      // While the disk works, what is new waits and goes under one signature with what comes meanwhile.
      const drain = (): Effect[] => this.#engine.drain(this.#asked === this.#durable);
      for (let effects = drain(); effects.length > 0; effects = drain()) {
        const connection = this.#connection;
        for (const effect of effects) if (effect.kind !== "send" || connection === this.#connection) this.#perform(effect);
      }
    } finally {
      this.#isInTurn = false;
    }
    this.#release();
    if (this.#early.length > 0) this.#deliverEarly();
    // The calls that were handed out early go to the disk with the next thing that has to, or with the next tick.
    if (this.#appended === this.#asked || (!isTick && this.#held.length === 0 && this.#written === this.#appended)) return;
    const position = (this.#asked = this.#appended);
    this.#host.whenDurable((error) => {
      if (error !== undefined) return this.fail(error);
      this.#durable = position;
      this.#release();
      this.#host.schedule(this);
      for (const listener of this.#listeners.durable) this.#tell(listener);
    });
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case "log":
        this.#host.append(this, effect.record);
        this.#appended = effect.position;
        return;
      case "sign":
        if (this.#host.signsHere(effect.key)) this.#sign(effect);
        else this.#held.push(effect);
        return;
      case "verify": {
        const { token } = effect;
        return this.#host.verify(effect.digest, effect.signature, effect.signer, (isValid) => this.#answered(() => this.#engine.verified(token, isValid)));
      }
      case "alarm":
        return this.#alarm(effect.code, effect.detail);
      case "cut":
        this.#release();
        for (const listener of this.#listeners.cut) this.#tell(() => listener(effect.code, effect.detail));
        return this.#host.cut(this, effect.code, effect.detail, effect.banMs);
      case "deliver":
        (this.#isEarly ? this.#early : this.#held).push(effect);
        return;
      default:
        this.#held.push(effect);
    }
  }

  #deliverEarly(): void {
    const due = this.#early.splice(0);
    if (!this.#host.write()) return void this.#held.push(...due);
    this.#written = this.#appended;
    for (const { calls } of due) this.#incoming.deliver(calls);
  }

  #sign({ token, digest, key }: Extract<Effect, { readonly kind: "sign" }>): void {
    this.#host.sign(this, digest, key, (signature) => this.#answered(() => this.#engine.signed(token, signature)));
  }

  #answered(tell: () => void): void {
    if (this.#failure !== undefined) return;
    tell();
    this.#host.schedule(this);
  }

  /** Does what the disk has caught up with, in order. */
  #release(): void {
    let count = 0;
    while (count < this.#held.length && this.#held[count]!.after <= this.#durable) count += 1;
    if (count === 0) return;
    const due = this.#held.splice(0, count);
    for (const effect of due) {
      switch (effect.kind) {
        case "send":
          this.#host.transmit(this, effect.frame);
          break;
        case "sign":
          this.#sign(effect);
          break;
        case "deliver":
          this.#incoming.deliver(effect.calls);
          break;
        case "results":
          this.#pending.settle(effect.results);
          for (const listener of this.#listeners.results) this.#tell(() => listener(effect.results));
          break;
        case "event":
          for (const listener of this.#listeners.event) this.#tell(() => listener(effect.event));
          break;
        default:
      }
    }
  }

  /** A listener that throws stops neither the channel nor the other listeners. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#host.alarm(this, "channel/handler", `a listener threw: ${toError(error).message}`);
    }
  }

  #alarm(code: ChannelAlarm, detail: string): void {
    this.#host.alarm(this, code, detail);
    for (const listener of this.#listeners.alarm) this.#tell(() => listener(code, detail));
  }

  /** The channel can go no further in this process: nothing more is signed or sent, and everybody who waits is told. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = toError(error);
    const { code } = this.#failure as { code?: string };
    if (code !== "channel/left") this.#alarm((code ?? "channel/handler") as ChannelAlarm, this.#failure.message);
    this.#held = [];
    this.#pending.rejectAll(this.#failure);
  }
}
