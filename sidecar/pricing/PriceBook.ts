import type { RouteTable } from "./RouteTable.ts";

/** Replaced tables that are remembered at once: who changes prices faster shortens the older quotes. */
const MAX_REPLACED = 16;

/** The price list in force, and those that were replaced so recently that their quotes are still good. */
export class PriceBook {
  #current: RouteTable;
  #replaced: { readonly table: RouteTable; readonly goodUntilMs: number }[] = [];

  constructor(table: RouteTable) {
    this.#current = table;
  }

  get current(): RouteTable {
    return this.#current;
  }

  /** From now on this table is asked for; the one before stays good for as long as it said. */
  replace(table: RouteTable, nowMs: number): void {
    this.#drop(nowMs);
    this.#replaced.unshift({ table: this.#current, goodUntilMs: nowMs + this.#current.quoteMs });
    this.#replaced.length = Math.min(this.#replaced.length, MAX_REPLACED);
    this.#current = table;
  }

  /** Tables whose prices are still taken, the youngest first, the current one at the head. */
  quoted(nowMs: number): readonly RouteTable[] {
    if (this.#replaced.length > 0) this.#drop(nowMs);
    return [this.#current, ...this.#replaced.map(({ table }) => table)];
  }

  #drop(nowMs: number): void {
    this.#replaced = this.#replaced.filter(({ goodUntilMs }) => nowMs < goodUntilMs);
  }
}
