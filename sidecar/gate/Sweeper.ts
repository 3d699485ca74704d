import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import type { LedgerRow } from "../ledger/LedgerRow.ts";
import type { Way, WayName } from "../ways/Way.ts";
import type { ExchangeEnd } from "./Exchanges.ts";
import { resolvePayment } from "./resolvePayment.ts";
import type { SaleBooks } from "./SaleBooks.ts";

const ROWS_AT_ONCE = 32;
/** A claimed payment whose request may be repeated is kept for its buyer so long after its expiry. */
const ORPHAN_SECONDS = 60;

/** Clears up what sales left behind: on a timer, and when somebody asks for it. */
export class Sweeper {
  readonly #books: SaleBooks;
  readonly #ways: ReadonlyMap<WayName, Way>;
  readonly #now: () => number;
  /** In doubt after the last look. */
  #left = 0;

  constructor(books: SaleBooks, ways: ReadonlyMap<WayName, Way>, now: () => number) {
    this.#books = books;
    this.#ways = ways;
    this.#now = now;
  }

  /** Finds out how a payment ended that nobody is working on. @throws SidecarError `way/unavailable`, and whatever the way throws */
  async resolve(row: LedgerRow): Promise<ExchangeEnd> {
    const way = this.#ways.get(row.way);
    if (way === undefined) return { kind: "doubt" };
    const exchange = this.#books.exchanges.begin(row.key, row.proof);
    let end: ExchangeEnd = { kind: "doubt" };
    try {
      end = await resolvePayment(this.#books, way, row);
      return end;
    } finally {
      exchange.finish(end);
    }
  }

  /** Looks at everything that is unfinished, a few at a time. @returns how many are left in doubt */
  async sweep(shouldStop: () => boolean): Promise<number> {
    let left = 0;
    for (let afterId = 0; !shouldStop(); ) {
      const rows = this.#books.ledger.unfinished(afterId, ROWS_AT_ONCE);
      if (rows.length === 0) break;
      afterId = rows.at(-1)!.id;
      const results = await Promise.all(rows.filter((row) => this.#isOurs(row)).map((row) => this.#tryToResolve(row)));
      left += results.filter((isResolved) => !isResolved).length;
    }
    if (left > 0 && left !== this.#left) this.#books.log.warn({ payments: left }, "What became of some payments is not known yet; it is asked again.");
    this.#left = left;
    return left;
  }

  #isOurs(row: LedgerRow): boolean {
    if (this.#books.exchanges.find(row.key) !== undefined) return false;
    if (row.state !== "claimed" || !row.isRepeatable) return true;
    return row.expiresAt !== undefined && row.expiresAt + ORPHAN_SECONDS < this.#now() / 1_000;
  }

  async #tryToResolve(row: LedgerRow): Promise<boolean> {
    try {
      return (await this.resolve(row)).kind !== "doubt";
    } catch (error) {
      // An outage is told once for all of them, by their number.
      if (!hasErrorCode(error, "way/unavailable")) this.#books.log.error({ err: error, payment: row.key }, "What became of a payment could not be found out.");
      return false;
    }
  }
}
