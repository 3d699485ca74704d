import { keccak256 } from "../../core/hash/index.ts";
import type { Channel } from "../../sdk/node/channels/index.ts";
import { Histogram } from "./Histogram.ts";
import type { LoadOptions } from "./SideOptions.ts";

/** More than calls can be without an answer in one channel. */
const RING = 1 << 17;
const OPEN_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 30_000;

/** Makes calls over many channels in turn and measures how long each takes until its signed answer is on our disk. */
export class CallLoad {
  readonly #channels: readonly Channel[];
  readonly #options: LoadOptions & { readonly price: number; readonly payloadBytes: number };
  /** For each channel, when the call of a sequence was due. */
  readonly #due: Float64Array[];
  readonly #histogram = new Histogram();
  #sent = 0;
  #answered = 0;
  #answeredInTime = 0;
  #failed = 0;
  #fromMs = Infinity;
  #untilMs = Infinity;
  #next = 0;
  #number = 0;

  constructor(channels: readonly Channel[], options: LoadOptions & { readonly price: number; readonly payloadBytes: number }) {
    this.#channels = channels;
    this.#options = options;
    this.#due = channels.map(() => new Float64Array(RING));
    for (const [place, channel] of channels.entries()) {
      const due = this.#due[place];
      channel.on("results", ({ count, sequences, statuses }) => {
        const nowMs = performance.now();
        const isMeasured = nowMs >= this.#fromMs && nowMs < this.#untilMs;
        for (let i = 0; i < count; i += 1) {
          if (statuses[i] !== 0) this.#failed += 1;
          if (isMeasured) this.#histogram.add(nowMs - due[sequences[i] % RING]);
        }
        if (isMeasured) this.#answeredInTime += count;
        this.#answered += count;
        if (this.#options.callsPerSecond === undefined) this.#fill();
      });
    }
  }

  async untilOpen(): Promise<void> {
    const endMs = performance.now() + OPEN_TIMEOUT_MS;
    while (this.#channels.some((channel) => channel.status().phase !== "open")) {
      if (performance.now() > endMs) throw new Error("the channels did not open in time");
      await pause(10);
    }
  }

  async run(): Promise<{ seconds: number; answered: number; counts: number[] }> {
    const { warmUpSeconds, seconds, callsPerSecond } = this.#options;
    const startMs = performance.now();
    this.#fromMs = startMs + 1_000 * warmUpSeconds;
    this.#untilMs = this.#fromMs + 1_000 * seconds;
    if (callsPerSecond === undefined) this.#fill();
    while (performance.now() < this.#untilMs) {
      if (callsPerSecond !== undefined) this.#keepPace(startMs, callsPerSecond);
      await pause(callsPerSecond === undefined ? 50 : 1);
    }
    const endMs = performance.now() + DRAIN_TIMEOUT_MS;
    while (this.#answered < this.#sent) {
      if (performance.now() > endMs) throw new Error(`${this.#sent - this.#answered} calls were never answered`);
      await pause(10);
    }
    if (this.#failed > 0) throw new Error(`${this.#failed} calls failed`);
    return { seconds, answered: this.#answeredInTime, counts: [...this.#histogram.counts] };
  }

  /** Sends what is due by now; each call counts from when it was due, also when the sender is late. */
  #keepPace(startMs: number, callsPerSecond: number): void {
    const due = Math.floor(((performance.now() - startMs) * callsPerSecond) / 1_000);
    while (this.#sent < due && this.#sendOne(startMs + (1_000 * (this.#sent + 1)) / callsPerSecond));
  }

  #fill(): void {
    const nowMs = performance.now();
    while (nowMs < this.#untilMs && this.#sent - this.#answered < this.#options.window && this.#sendOne(nowMs));
  }

  #sendOne(dueMs: number): boolean {
    const place = this.#next;
    const channel = this.#channels[place];
    const { price, payloadBytes } = this.#options;
    if (channel.refusalOf(price) !== undefined) return false;
    const request = new Uint8Array(payloadBytes);
    new DataView(request.buffer).setFloat64(0, (this.#number += 1));
    this.#due[place][channel.submit(price, keccak256(request), request) % RING] = dueMs;
    this.#next = (place + 1) % this.#channels.length;
    this.#sent += 1;
    return true;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
