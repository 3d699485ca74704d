import { deserialize, serialize } from "node:v8";

import { RanBundle } from "./RanBundle.ts";
import type { BundleFacts } from "./RanBundle.ts";

const MAX_BUNDLES = 4096;
const MAX_RECORDS = 1 << 18;

const keyOf = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString("latin1");

/** The newest bundles that ran, by hash: one that is sent again is answered as the first time, also after a restart. */
export class RecentBundles {
  readonly #byHash = new Map<string, RanBundle>();
  /** Keys in the order of their arrival; a map's own first entry lies behind all that were deleted before it. */
  #order: string[] = [];
  #oldest = 0;
  #records = 0;

  add(hash: Uint8Array, ran: RanBundle): void {
    const key = keyOf(hash);
    this.#byHash.set(key, ran);
    this.#order.push(key);
    this.#records += ran.record.outcomes.length;
    while (this.#byHash.size > MAX_BUNDLES || this.#records > MAX_RECORDS) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const key = this.#order[this.#oldest] ?? "";
    this.#oldest += 1;
    this.#records -= this.#byHash.get(key)?.record.outcomes.length ?? 0;
    this.#byHash.delete(key);
    if (this.#oldest <= MAX_BUNDLES) return;
    this.#order = this.#order.slice(this.#oldest);
    this.#oldest = 0;
  }

  get(hash: Uint8Array): RanBundle | undefined {
    return this.#byHash.get(keyOf(hash));
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** Those before `position`, to lie beside a snapshot. */
  export(position: number): Uint8Array {
    const before = [...this.#byHash].filter(([, { record }]) => record.position < position);
    return serialize(before.map(([key, ran]) => [key, ran.facts]));
  }

  /** What `export` wrote. */
  import(bytes: Uint8Array): void {
    for (const [key, facts] of deserialize(bytes) as [string, BundleFacts][]) this.add(Buffer.from(key, "latin1"), RanBundle.from(facts));
  }
}
