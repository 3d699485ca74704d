import { createEngine } from "../../../../core/channel/index.ts";
import type { CallBatch, ChannelCode, ChannelEvent, ChainView, Effect, Engine, EngineOptions, ResultBatch, Side } from "../../../../core/channel/index.ts";
import { addressOf, fakeSignature, isFakeSignature } from "./FakeKeys.ts";

export interface Signer {
  sign(digest: Uint8Array, address: Uint8Array): Uint8Array;
  verify(digest: Uint8Array, signature: Uint8Array, address: Uint8Array): boolean;
}

export const fakeSigner: Signer = { sign: fakeSignature, verify: isFakeSignature };

type Held = Exclude<Effect, { kind: "log" | "verify" | "alarm" | "cut" }>;

/**
 * A shell without a machine: it keeps the log in memory, what is durable apart from what is not, and does nothing by itself, so
 * that a test decides what happens when. Effects wait for their log position as a real shell must.
 */
export class EngineHost {
  readonly options: EngineOptions;
  readonly side: Side;
  readonly signer: Signer;
  readonly principal: Uint8Array;
  engine: Engine;
  /** Records on disk, and those that a crash would lose. */
  durable: Uint8Array[] = [];
  volatile: Uint8Array[] = [];
  held: Held[] = [];
  signing: Extract<Effect, { kind: "sign" }>[] = [];
  verifying: Extract<Effect, { kind: "verify" }>[] = [];
  /** Frames on their way to the peer. */
  wire: Uint8Array[] = [];
  delivered: CallBatch[] = [];
  results: ResultBatch[] = [];
  events: ChannelEvent[] = [];
  alarms: ChannelCode[] = [];
  cuts: { readonly code: ChannelCode; readonly detail: string; readonly banMs: number }[] = [];
  isConnected = false;
  nowMs = 0;
  l1Seconds: number;
  view: ChainView | undefined;
  /** Records that a checkpoint stands for. */
  base = 0;
  /** Hooks of a harness that watches. */
  onLog: (record: Uint8Array) => void = () => undefined;
  onSign: (digest: Uint8Array) => void = () => undefined;
  /** New vouchers and Acks wait until the disk has what went before. */
  waitsForDisk = false;
  /** Calls are handed out before they are on disk. */
  deliversEarly = false;
  #boots = 0;

  constructor(options: EngineOptions, names: readonly [string, string], l1Seconds = 1_000_000, signer: Signer = fakeSigner) {
    this.options = options;
    this.side = options.self;
    this.signer = signer;
    this.principal = addressOf(names[options.self]);
    this.l1Seconds = l1Seconds;
    this.engine = createEngine(options);
    this.#resume();
  }

  #resume(): void {
    this.engine.resume(addressOf(`boot ${this.side} ${this.#boots++}`).slice(0, 16), this.nowMs, this.l1Seconds);
    if (this.view !== undefined) this.engine.chain(this.view);
    this.pull();
  }

  /** Takes what the engine wants done. */
  pull(): void {
    for (const effect of this.engine.drain(!this.waitsForDisk || this.volatile.length === 0)) {
      if (effect.kind === "log") {
        this.volatile.push(effect.record.slice());
        this.onLog(effect.record);
      } else if (effect.kind === "verify") this.verifying.push(effect);
      else if (effect.kind === "alarm") this.alarms.push(effect.code);
      else if (effect.kind === "cut") {
        this.cuts.push(effect);
        this.flushSends();
        this.isConnected = false;
      } else if (effect.kind === "deliver" && this.deliversEarly) this.delivered.push(effect.calls);
      else this.held.push(effect);
    }
  }

  /** A cut lets frames out that wait for nothing. */
  flushSends(): void {
    this.#release();
  }

  /** fdatasync. */
  flush(): void {
    this.durable.push(...this.volatile);
    this.volatile = [];
    this.#release();
    if (this.waitsForDisk) this.pull();
  }

  #release(): void {
    const position = this.durable.length + this.base;
    let at = 0;
    for (; at < this.held.length && this.held[at].after <= position; at++) {
      const effect = this.held[at];
      if (effect.kind === "send") {
        if (this.isConnected) this.wire.push(effect.frame.slice());
      } else if (effect.kind === "sign") this.signing.push(effect);
      else if (effect.kind === "deliver") this.delivered.push(effect.calls);
      else if (effect.kind === "results") this.results.push(effect.results);
      else this.events.push(effect.event);
    }
    this.held.splice(0, at);
  }

  sign(index = 0): void {
    const [task] = this.signing.splice(index, 1);
    if (task === undefined) return;
    this.onSign(task.digest);
    this.engine.signed(task.token, this.signer.sign(task.digest, task.key));
    this.pull();
  }

  verify(index = 0): void {
    const [task] = this.verifying.splice(index, 1);
    if (task === undefined) return;
    this.engine.verified(task.token, this.signer.verify(task.digest, task.signature, task.signer));
    this.pull();
  }

  connect(): void {
    this.isConnected = true;
    this.wire = [];
    this.held = this.held.filter(({ kind }) => kind !== "send");
    this.engine.connected();
    this.pull();
  }

  disconnect(): void {
    this.isConnected = false;
    this.engine.disconnected();
    this.pull();
  }

  receive(frame: Uint8Array): void {
    this.engine.frame(frame);
    this.pull();
  }

  tick(ms: number, seconds = 0): void {
    this.nowMs += ms;
    this.l1Seconds += seconds;
    this.engine.tick(this.nowMs, this.l1Seconds);
    this.pull();
  }

  chain(view: ChainView): void {
    this.view = view;
    this.engine.chain(view);
    this.pull();
  }

  /** The process dies: what is not durable is gone; it starts again from `records` (default: what is on disk). */
  crash(records: readonly Uint8Array[] = this.durable): void {
    this.durable = [...records];
    this.volatile = [];
    this.held = [];
    this.signing = [];
    this.verifying = [];
    this.wire = [];
    this.delivered = [];
    this.results = [];
    this.isConnected = false;
    this.engine = createEngine(this.options);
    for (const record of this.durable) this.engine.replay(record);
    this.base = this.engine.status().logPosition - this.durable.length;
    this.#resume();
  }

  /** Does everything that waits, but hands out no frames. Whether there was anything. */
  work(): boolean {
    let did = false;
    this.pull();
    while (this.volatile.length + this.signing.length + this.verifying.length > 0 || (this.held.length > 0 && this.held[0].after <= this.durable.length + this.base)) {
      did = true;
      this.flush();
      while (this.signing.length > 0) this.sign();
      while (this.verifying.length > 0) this.verify();
      this.pull();
    }
    return did;
  }
}
