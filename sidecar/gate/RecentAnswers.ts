import type { HeldAnswer } from "./Sale.ts";

/** What an answer costs besides its body and its headers' text. */
const OVERHEAD_BYTES = 1_024;

/** The last paid answers that no ledger keeps, by their payment's proof; the oldest are dropped first. */
export class RecentAnswers {
  readonly #maxBytes: number;
  readonly #answers = new Map<string, HeldAnswer>();
  /** Their keys in a ring, the oldest at `#first`: a map that is emptied from its beginning grows slow to begin with. */
  readonly #keys: string[];
  #first = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#keys = new Array<string>(Math.floor(maxBytes / OVERHEAD_BYTES) + 1);
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
    while (this.#bytes + bytes > this.#maxBytes) this.#dropOldest();
    this.#keys[(this.#first + this.#answers.size) % this.#keys.length] = key;
    this.#answers.set(key, answer);
    this.#bytes += bytes;
  }

  #dropOldest(): void {
    const key = this.#keys[this.#first]!;
    this.#first = (this.#first + 1) % this.#keys.length;
    this.#bytes -= costOf(this.#answers.get(key)!);
    this.#answers.delete(key);
  }
}

function textOf(proof: Uint8Array): string {
  return Buffer.from(proof.buffer, proof.byteOffset, proof.byteLength).toString("latin1");
}

/** What strangers can make long counts: a request echoed in a header, such as `Location`. */
function costOf({ headers, body }: HeldAnswer): number {
  let bytes = body.length + OVERHEAD_BYTES;
  for (const [name, value] of headers) bytes += name.length + value.length;
  return bytes;
}
