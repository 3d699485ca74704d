import { setU64 } from "../../codec/integers.ts";
import type { EngineLimits } from "./EngineOptions.ts";
import { ENTRY, ENTRY_BYTES } from "./frames/callsFrame.ts";
import { applyLockEntry } from "./OpenLock.ts";
import type { OpenLock } from "./OpenLock.ts";

/** Entries that go under one voucher. */
export interface QueuePart {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Prices and settled locks. */
  readonly units: number;
  readonly lockOffsets: readonly number[];
  readonly payloads: readonly (Uint8Array | undefined)[] | undefined;
}

/** Of a frame, for its head and signature. */
export const FRAME_MARGIN_BYTES = 4096;

/** Entries of our chain that are under no voucher yet, as the bytes that are hashed. */
export class EntryQueue {
  #bytes = new Uint8Array(49 * 256);
  #view = new DataView(this.#bytes.buffer);
  #from = 0;
  #to = 0;
  /** Of the queued calls, in order; only filled once one has a payload. */
  #payloads: (Uint8Array | undefined)[] = [];
  #hasPayloads = false;
  #calls = 0;
  count = 0;
  /** Of them calls. */
  get calls(): number {
    return this.#calls;
  }

  /** Of them lock entries. */
  lockEntries = 0;
  units = 0;
  nextSequence = 1;

  #room(length: number): number {
    if (this.#to + length > this.#bytes.length) {
      const used = this.#to - this.#from;
      const grown = used + length > this.#bytes.length / 2 ? new Uint8Array(2 * this.#bytes.length) : new Uint8Array(this.#bytes.length);
      grown.set(this.#bytes.subarray(this.#from, this.#to));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
      this.#from = 0;
      this.#to = used;
    }
    const at = this.#to;
    this.#to += length;
    return at;
  }

  pushCall(price: number, requestHash: Uint8Array, payload: Uint8Array | undefined): number {
    const at = this.#room(49);
    this.#bytes[at] = ENTRY.CALL;
    setU64(this.#view, at + 1, this.nextSequence);
    setU64(this.#view, at + 9, price);
    this.#bytes.set(requestHash, at + 17);
    if (payload !== undefined && !this.#hasPayloads) {
      this.#hasPayloads = true;
      this.#payloads = new Array<Uint8Array | undefined>(this.#calls).fill(undefined);
    }
    if (this.#hasPayloads) this.#payloads.push(payload);
    this.#calls++;
    this.count++;
    this.units += price;
    return this.nextSequence++;
  }

  /** A lock entry whose sequence is `nextSequence`; `settled` units move into what is paid. */
  pushEntry(entry: Uint8Array, settled: number): number {
    this.#bytes.set(entry, this.#room(entry.length));
    this.count++;
    this.lockEntries++;
    this.units += settled;
    return this.nextSequence++;
  }

  /** Entries from the front: not beyond `maxSequence`, not above the limits. A payload that is longer than the peer takes is left out. */
  take(limits: EngineLimits, maxSequence: number): QueuePart {
    const maxEntries = Math.min(limits.maxCallsPerFrame, this.count, maxSequence - (this.nextSequence - this.count) + 1);
    const maxBytes = limits.maxFrameBytes - FRAME_MARGIN_BYTES;
    const lockOffsets: number[] = [];
    let at = this.#from;
    let count = 0;
    let calls = 0;
    let units = 0;
    let bytes = 0;
    while (count < maxEntries) {
      const kind = this.#bytes[at];
      const length = ENTRY_BYTES[kind];
      if (kind === ENTRY.CALL && this.#hasPayloads && (this.#payloads[calls]?.length ?? 0) > limits.maxPayloadBytes) this.#payloads[calls] = undefined;
      const payload = kind === ENTRY.CALL && this.#hasPayloads ? this.#payloads[calls] : undefined;
      const more = length + 4 + (payload?.length ?? 0);
      if (count > 0 && bytes + more > maxBytes) break;
      bytes += more;
      const high = this.#view.getUint32(at + 9) * 2 ** 32;
      if (kind === ENTRY.CALL) calls++;
      else lockOffsets.push(at - this.#from);
      if (kind === ENTRY.CALL || kind === ENTRY.SETTLE) units += high + this.#view.getUint32(at + 13);
      at += length;
      count++;
    }
    const part = this.#bytes.slice(this.#from, at);
    let payloads: (Uint8Array | undefined)[] | undefined;
    if (this.#hasPayloads) {
      payloads = this.#payloads.splice(0, calls);
      if (payloads.every((payload) => payload === undefined)) payloads = undefined;
      if (this.#payloads.length === 0) this.#hasPayloads = false;
    }
    this.#from = at;
    this.#calls -= calls;
    this.count -= count;
    this.lockEntries -= lockOffsets.length;
    this.units -= units;
    if (this.count === 0) {
      this.#from = 0;
      this.#to = 0;
    }
    return { bytes: part, count, units, lockOffsets, payloads };
  }

  /** The lock list after everything queued, from another beginning: entries that no longer fit are found when they are cut. */
  replan(locks: readonly OpenLock[]): readonly OpenLock[] {
    let list = locks;
    let at = this.#from;
    for (let i = 0; i < this.count; i++) {
      if (this.#bytes[at] !== ENTRY.CALL) list = applyLockEntry(list, this.#bytes, at).locks;
      at += ENTRY_BYTES[this.#bytes[at]];
    }
    return list;
  }
}
