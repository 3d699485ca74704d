import type { HeldAnswer } from "./Sale.ts";

/** What an answer costs besides its body. */
const OVERHEAD_BYTES = 1_024;

/** The last paid answers that no ledger keeps, by their payment's proof; the oldest are dropped first. */
export class RecentAnswers {
  readonly #maxBytes: number;
  readonly #answers = new Map<string, HeldAnswer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  find(proof: Uint8Array): HeldAnswer | undefined {
    return this.#answers.size === 0 ? undefined : this.#answers.get(textOf(proof));
  }

  add(proof: Uint8Array, answer: HeldAnswer): void {
    const key = textOf(proof);
    const bytes = costOf(answer);
    if (bytes > this.#maxBytes || this.#answers.has(key)) return;
    this.#answers.set(key, answer);
    this.#bytes += bytes;
    if (this.#bytes <= this.#maxBytes) return;
    for (const [oldest, dropped] of this.#answers) {
      this.#answers.delete(oldest);
      this.#bytes -= costOf(dropped);
      if (this.#bytes <= this.#maxBytes) return;
    }
  }
}

function textOf(proof: Uint8Array): string {
  return Buffer.from(proof.buffer, proof.byteOffset, proof.byteLength).toString("latin1");
}

function costOf({ body }: HeldAnswer): number {
  return body.length + OVERHEAD_BYTES;
}
