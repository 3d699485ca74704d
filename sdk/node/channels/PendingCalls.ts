import type { ResultBatch } from "../../../core/channel/index.ts";
import { shellError } from "./ChannelShellError.ts";

/** A call's answer, under the peer's signature and on our disk. */
export interface CallResult {
  readonly sequence: number;
  readonly response: Uint8Array;
  readonly responseHash: Uint8Array;
}

export interface CallOptions {
  /** Give up waiting after this long; the call itself cannot be taken back. Default: wait. */
  readonly timeoutMs?: number;
  /** About once a second while the answer is not there. */
  readonly onProgress?: (progress: { readonly sequence: number; readonly waitedMs: number; readonly isConnected: boolean }) => void;
}

interface Pending extends CallOptions {
  readonly resolve: (result: CallResult) => void;
  readonly reject: (error: Error) => void;
  readonly sinceMs: number;
}

const NOTHING = new Uint8Array(0);

/** The calls of this process that have no answer yet. */
export class PendingCalls {
  readonly #calls = new Map<number, Pending>();

  get size(): number {
    return this.#calls.size;
  }

  add(sequence: number, options: CallOptions, nowMs: number): Promise<CallResult> {
    return new Promise((resolve, reject) => this.#calls.set(sequence, { ...options, resolve, reject, sinceMs: nowMs }));
  }

  settle(results: ResultBatch): void {
    if (this.#calls.size === 0) return;
    for (let place = 0; place < results.count; place += 1) {
      const sequence = results.sequences[place]!;
      const call = this.#calls.get(sequence);
      if (call === undefined) continue;
      this.#calls.delete(sequence);
      const status = results.statuses[place]!;
      if (status !== 0) call.reject(shellError("channel/call-failed", { sequence, status }));
      else call.resolve({ sequence, response: results.payloads?.[place] ?? NOTHING, responseHash: results.responseHashes.slice(32 * place, 32 * place + 32) });
    }
  }

  /** About once a second. */
  tick(nowMs: number, isConnected: boolean): void {
    for (const [sequence, call] of this.#calls) {
      const waitedMs = nowMs - call.sinceMs;
      if (call.timeoutMs !== undefined && waitedMs >= call.timeoutMs) {
        this.#calls.delete(sequence);
        call.reject(shellError("channel/call-timeout", { sequence, waitedMs }));
      } else call.onProgress?.({ sequence, waitedMs, isConnected });
    }
  }

  /** Nobody will be told any more. */
  rejectAll(error: Error): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(error);
  }
}
