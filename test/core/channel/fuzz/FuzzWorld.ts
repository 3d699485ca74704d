import { ChannelError, channelIdOf, grantDigest } from "../../../../core/channel/index.ts";
import type { ChainView, EngineOptions, Grant, PartialWithdrawal } from "../../../../core/channel/index.ts";
import type { ChannelEngine } from "../../../../core/channel/engine/ChannelEngine.ts";
import { ENTRY, readCallsFrame } from "../../../../core/channel/engine/frames/callsFrame.ts";
import { FRAME } from "../../../../core/channel/engine/frames/FrameKind.ts";
import { RECORD } from "../../../../core/channel/engine/RecordKind.ts";
import { toHex } from "../../../../core/codec/index.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import { Duo, WINDOW_SECONDS, separator, testConfig } from "../support/Duo.ts";
import type { EngineHost, Signer } from "../support/EngineHost.ts";
import { fakeSigner } from "../support/EngineHost.ts";
import { SignedRegistry } from "./SignedRegistry.ts";
import { settleOnChain } from "./settleOnChain.ts";

export type Random = () => number;

/** 32-bit generator: the same numbers for the same seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Called {
  readonly price: number;
  readonly request: string;
  /** What the payee answered last, before any crash may have undone it. */
  answer?: string;
}

export function insist(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(why);
}

/** Two engines, their owners' books, and a chain, for random play. */
export class FuzzWorld {
  readonly random: Random;
  readonly duo: Duo;
  readonly counts: Record<string, number>;
  readonly registries: readonly [SignedRegistry, SignedRegistry];
  /** Calls by payer and sequence. */
  readonly books: readonly [Map<number, Called>, Map<number, Called>] = [new Map(), new Map()];
  /** Preimages of locks that exist, by side of the payer. */
  readonly preimages: readonly [Uint8Array[], Uint8Array[]] = [[], []];
  readonly old: Uint8Array[][] = [[], []];
  view: ChainView = { netA: 0, netB: 0, withdrawalNonce: 0, status: "open", version: 0 };
  /** Units of locks that were paid, by payer and sequence. */
  readonly settled: readonly [Map<number, number>, Map<number, number>] = [new Map(), new Map()];
  /** The newest that both signed. */
  lastWithdrawal: PartialWithdrawal | undefined;
  #words = 0;

  constructor(seed: number, counts: Record<string, number>, signer: Signer = fakeSigner) {
    this.random = createRandom(seed);
    this.counts = counts;
    const options = (): Partial<EngineOptions> => ({
      mode: this.chance(0.2) ? "each" : "chained", maxCallsPerFrame: 1 + this.below(8), maxInFlight: 1 + this.below(4), maxOpenCalls: 2 ** (4 + this.below(4)), maxUnackedUnits: this.chance(0.3) ? 50 : 100_000, maxPayloadBytes: 64, maxFrameBytes: 16_384,
    });
    this.duo = new Duo(options(), signer, options());
    const id = channelIdOf(testConfig);
    this.registries = [new SignedRegistry(separator, id, 0), new SignedRegistry(separator, id, 1)];
    for (const host of this.duo.hosts) {
      host.waitsForDisk = this.chance(0.5);
      host.deliversEarly = this.chance(0.3);
      host.onLog = (record) => {
        this.registries[host.side].onLog(record);
        this.bookSettled(host, record);
      };
      host.onSign = (digest) => this.registries[host.side].onSign(digest);
    }
    this.setView({ netA: this.below(2000), netB: this.below(2000) });
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  chance(share: number): boolean {
    return this.random() < share;
  }

  count(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  grantDigest(grant: Grant): Uint8Array {
    return grantDigest(separator, channelIdOf(testConfig), grant);
  }

  word(): Uint8Array {
    return keccak256(new TextEncoder().encode(`${this.#words++} ${this.random()}`));
  }

  inside(host: EngineHost): ChannelEngine {
    return host.engine as ChannelEngine;
  }

  peerOf(host: EngineHost): EngineHost {
    return this.duo.hosts[1 - host.side];
  }

  setView(change: Partial<ChainView>): void {
    this.view = { ...this.view, ...change };
    for (const host of this.duo.hosts) host.chain(this.view);
  }

  /** Runs what an owner asks for; a refusal with a code is fine. */
  ask(host: EngineHost, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      this.count(`refused ${error.code}`);
    }
    host.pull();
  }

  call(host: EngineHost): void {
    const payload = this.chance(0.1) ? new TextEncoder().encode(`payload ${this.below(1000)}`) : undefined;
    const request = payload === undefined ? this.word() : keccak256(payload);
    const price = this.chance(0.02) ? this.below(5000) : this.below(12);
    this.ask(host, () => {
      const sequence = host.engine.call(price, request, payload);
      this.books[host.side].set(sequence, { price, request: toHex(request) });
    });
  }

  answer(host: EngineHost): void {
    const batch = host.delivered.shift();
    if (batch === undefined) return;
    const books = this.books[1 - host.side];
    for (let i = 0; i < batch.count; i++) {
      const sequence = batch.sequences[i];
      const called = books.get(sequence);
      insist(called !== undefined && called.price === batch.prices[i] && called.request === toHex(batch.requestHashes.subarray(32 * i, 32 * i + 32)), `call ${sequence} was delivered as another`);
      const status = this.chance(0.15) ? 1 + this.below(254) : 0;
      const payload = this.chance(0.1) ? new TextEncoder().encode(`response ${this.below(1000)}`) : undefined;
      const response = payload === undefined ? this.word() : keccak256(payload);
      host.engine.answer(sequence, status, response, payload, this.chance(0.5));
      called.answer = `${status} ${toHex(response)}`;
    }
    this.count("calls delivered", batch.count);
    host.pull();
  }

  /** Looks at the results that came. */
  read(host: EngineHost): void {
    for (const { count, sequences, statuses, responseHashes } of host.results.splice(0)) {
      for (let i = 0; i < count; i++) {
        const answer = `${statuses[i]} ${toHex(responseHashes.subarray(32 * i, 32 * i + 32))}`;
        insist(this.books[host.side].get(sequences[i])?.answer === answer, `call ${sequences[i]} came back as another`);
      }
      this.count("results", count);
    }
  }

  bookSettled(host: EngineHost, record: Uint8Array): void {
    if (record[0] !== RECORD.OUT || record[1] !== FRAME.CALLS) return;
    const frame = new Uint8Array(record.length + 63);
    frame.set(record.subarray(1));
    const { offsets, amounts, before, bytes } = readCallsFrame(frame);
    for (const [i, offset] of offsets.entries()) if (bytes[offset] === ENTRY.SETTLE) this.settled[host.side].set(before + 1 + i, amounts[i]);
  }

  /** What the engines say happened. */
  readEvents(host: EngineHost): void {
    for (const event of host.events.splice(0)) {
      if (event.name === "withdrawal") this.lastWithdrawal = event.withdrawal;
      this.count(`event ${event.name}`);
    }
  }

  /** Hands a frame to `to`; counts it as accepted if the connection survives it. */
  give(to: EngineHost, frame: Uint8Array, kind: string): void {
    const cuts = to.cuts.length;
    const wasUp = to.isConnected;
    to.receive(frame);
    this.count("messages");
    this.count(`${kind} messages`);
    if (wasUp && to.cuts.length === cuts) this.count("accepted");
    else if (wasUp) this.count(`cut ${to.cuts[to.cuts.length - 1]?.code ?? ""}`);
  }

  pass(from: EngineHost): void {
    const frame = from.wire.shift();
    if (frame === undefined) return;
    if (this.old[from.side].length < 40) this.old[from.side].push(frame);
    else this.old[from.side][this.below(40)] = frame;
    this.give(this.peerOf(from), frame, "honest");
    this.checkConnection();
  }

  /** A transport that one side left is gone for both. */
  checkConnection(): void {
    const { a, b } = this.duo;
    if (a.isConnected && b.isConnected) return;
    for (const host of [a, b]) {
      // What was sent before the end may still arrive.
      while (host.wire.length > 0 && this.peerOf(host).isConnected && this.chance(0.8)) this.give(this.peerOf(host), host.wire.shift() as Uint8Array, "last");
      this.count("lost", host.wire.length);
      host.wire = [];
    }
    for (const host of [a, b]) if (host.isConnected) host.disconnect();
    a.wire = [];
    b.wire = [];
  }

  connect(): void {
    const { a, b } = this.duo;
    if (a.isConnected && b.isConnected) return;
    this.checkConnection();
    for (const host of [a, b]) {
      const { bannedMs } = this.inside(host).context;
      if (bannedMs > 0) for (const each of [a, b]) each.tick(bannedMs + 1);
    }
    for (const host of [a, b]) host.connect();
    this.count("connections");
  }

  restart(host: EngineHost): void {
    host.crash();
    this.forget(host);
    this.checkConnection();
  }

  /** The books after a crash: calls that were under no logged voucher never were. */
  forget(host: EngineHost): void {
    const last = this.inside(host).payer.sequence;
    for (const map of [this.books[host.side], this.settled[host.side]]) for (const sequence of map.keys()) if (sequence > last) map.delete(sequence);
  }

  /** What must hold at every moment. */
  check(): void {
    const [a, b] = this.duo.hosts.map((host) => this.inside(host));
    const outcome = settleOnChain([a.evidence(), b.evidence()], [this.view.netA, this.view.netB]);
    insist(outcome.a >= 0 && outcome.b >= 0 && outcome.a + outcome.b === this.view.netA + this.view.netB, "the payouts do not sum to what is held");
    for (const [payer, payee, side] of [[a, b, 0], [b, a, 1]] as const) {
      insist(payee.payee.state.sequence <= payer.payer.sequence, `side ${side} is credited with calls that it does not know`);
      insist(payer.payer.results <= payee.payee.results, `side ${side} has results that were not given`);
      const isSame = payee.context.version === outcome.version;
      if (isSame && payee.context.base?.signatures.every(({ length }) => length > 0) !== false) insist(outcome.paid[side] === payee.payee.state.paid, `the payee of side ${side} cannot enforce what it was paid`);
      if (isSame && payer.context.version === outcome.version) insist(outcome.paid[side] <= payer.payer.paid, `side ${side} pays more than it signed`);
      insist(payer.payer.owed >= 0 && payer.payer.paid >= payer.payer.owed, `the credit of side ${side} is negative`);
    }
  }

  /** Everything goes well from here: both must come to the same books, and the chain to the same payouts. */
  converge(): void {
    const { duo } = this;
    for (const host of duo.hosts) this.ask(host, () => host.engine.useSessionKey());
    for (let round = 0; round < 60; round++) {
      for (const host of duo.hosts) if (host.engine.status().frozenBy === "two-stores") this.restart(host);
      this.connect();
      for (let i = 0; i < 50; i++) {
        duo.settle();
        this.checkConnection();
        if (!duo.a.isConnected) break;
        for (const host of duo.hosts) while (host.delivered.length > 0) this.answer(host);
        duo.wait(20);
        for (const host of duo.hosts) {
          this.read(host);
          this.readEvents(host);
        }
      }
      if (duo.a.isConnected && this.isDone()) return this.checkBooks();
      duo.wait(1000, this.chance(0.1) ? WINDOW_SECONDS : 0);
    }
    throw new Error(`the two sides do not come together: ${duo.hosts.map((host) => `${host.engine.status().phase} ${host.engine.status().frozenBy ?? ""} ${host.cuts.slice(-2).map(({ code, detail }) => `${code} ${detail}`).join("; ")}`).join(" | ")}`);
  }

  isDone(): boolean {
    const [a, b] = this.duo.hosts.map((host) => this.inside(host));
    if (a.context.frozen !== undefined || b.context.frozen !== undefined) return a.agreement.closes.isClosed && b.agreement.closes.isClosed;
    return [a, b].every(({ payer, payee, context, agreement }) => payer.inFlight.length === 0 && payer.queue.count === 0 && payer.open.count === 0 && payee.pendingAnswers === 0 && context.link === "synced" && agreement.stop === undefined && context.hold === "none");
  }

  checkBooks(): void {
    const [a, b] = this.duo.hosts.map((host) => this.inside(host));
    insist(a.context.version === b.context.version, "the versions differ");
    for (const [payer, payee, side] of [[a, b, 0], [b, a, 1]] as const) {
      const state = payee.payee.state;
      insist(payer.payer.sequence === state.sequence && toHex(payer.payer.hash) === toHex(state.hash), `the chains of side ${side} differ`);
      insist(payer.payer.results === payee.payee.results && toHex(payer.payer.resultsHash) === toHex(payee.payee.resultsHash), `the results of side ${side} differ`);
      insist(payer.payer.paid === state.paid && payer.payer.locks.length === state.locks.length, `what side ${side} paid differs`);
    }
    insist(a.agreement.totals().join() === b.agreement.totals().join(), "the totals differ");
    if (a.agreement.closes.isClosed) for (const host of this.duo.hosts) this.forget(host);
    const [closeA, closeB] = [a.agreement.closes.closing, b.agreement.closes.closing];
    if (closeA !== undefined && closeB !== undefined) insist(closeA.value.paidByA === a.agreement.totals()[0] && closeB.signatures.every(({ length }) => length === 64), "the close is not what the books say");
    for (const side of [0, 1] as const) {
      let owed = 0;
      for (const { price, answer } of this.books[side].values()) if (answer === undefined || answer.startsWith("0 ")) owed += price;
      for (const units of this.settled[side].values()) owed += units;
      insist(owed === a.agreement.totals()[side], `side ${side}: the owners' books say ${owed}, the engines ${a.agreement.totals()[side]}`);
    }
    this.check();
    this.count("sequences that came together");
  }

}
