import type pg from "pg";

import { REORG_DEPTH_BLOCKS } from "../../../../chain/HeadWatcher.ts";
import type { EventConsumer, L1Cursor } from "../../../../derivation/createEventSource.ts";
import { inTransaction } from "../../../../runtime/postgres/createPool.ts";
import { migrate } from "../../../../runtime/postgres/migrate.ts";
import { applyEvent } from "./applyEvent.ts";
import { EconomyError } from "../EconomyError.ts";
import type { EconomyEvent } from "./EconomyEvent.ts";
import { ECONOMY_MIGRATIONS, UNDOABLE } from "./migrations.ts";

/** As many cursors as the source remembers: a reorganisation that leaves none of them begins anew. */
const KEPT_CURSORS = 2 * REORG_DEPTH_BLOCKS;

/**
 * Takes events over into PostgreSQL: the rows that they change, what they were before, and the cursor in one transaction. What is there
 * after a crash is what was committed, and reading goes on from its cursor.
 */
export class EconomyStore implements EventConsumer<EconomyEvent> {
  readonly #pool: pg.Pool;
  readonly #schema: string;
  /** Told after each commit that changed something. */
  readonly #onChange: () => void;
  #last: L1Cursor | undefined;

  constructor(pool: pg.Pool, schema: string, onChange: () => void) {
    this.#pool = pool;
    this.#schema = schema;
    this.#onChange = onChange;
  }

  /** Brings the tables up to date. @returns what was taken over before, oldest first */
  async open(): Promise<L1Cursor[]> {
    await migrate(this.#pool, this.#schema, ECONOMY_MIGRATIONS);
    const { rows } = await this.#pool.query<{ block_number: string; block_hash: string }>("SELECT block_number, block_hash FROM cursors ORDER BY block_number");
    const cursors = rows.map((row) => ({ blockNumber: Number(row.block_number), blockHash: row.block_hash }));
    this.#last = cursors.at(-1);
    return cursors;
  }

  async onEvents(events: readonly EconomyEvent[], cursor: L1Cursor): Promise<void> {
    const isNew = await inTransaction(this.#pool, async (client) => {
      if (!(await this.#isMine(client, cursor))) return false;
      let block = -1;
      for (const event of events) {
        if (event.blockNumber !== block) {
          block = event.blockNumber;
          await client.query("SELECT set_config('agnt2.block', $1, true)", [String(block)]);
        }
        await applyEvent(client, event);
      }
      await client.query("INSERT INTO cursors (block_number, block_hash) VALUES ($1, $2)", [cursor.blockNumber, cursor.blockHash]);
      await client.query(`DELETE FROM cursors WHERE block_number < (SELECT min(block_number) FROM (SELECT block_number FROM cursors ORDER BY block_number DESC LIMIT ${KEPT_CURSORS}) AS kept)`);
      await client.query("DELETE FROM undo WHERE block_number <= (SELECT min(block_number) FROM cursors)");
      return true;
    });
    this.#last = cursor;
    if (isNew && events.length > 0) this.#onChange();
  }

  async onRollback(blockNumber: number): Promise<void> {
    this.#last = await inTransaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ block_hash: string }>("SELECT block_hash FROM cursors WHERE block_number = $1", [blockNumber]);
      const kept = rows[0] === undefined ? undefined : { blockNumber, blockHash: rows[0].block_hash };
      if (!(await this.#isMine(client, kept))) return kept;
      // Nothing that was taken over is left of the chain: there is nothing to go back to.
      if (kept === undefined) await client.query(`TRUNCATE cursors, undo, ${Object.keys(UNDOABLE).join(", ")}`);
      else await client.query("SELECT roll_back($1)", [blockNumber]);
      return kept;
    });
    this.#onChange();
  }

  /**
   * Two writers would both fold the same blocks: who does not find its own last cursor writes nothing. It goes along with the other as long
   * as that one stands where it wants to go.
   * @throws EconomyError `economy/otherWriter` when the other stands elsewhere
   */
  async #isMine(client: pg.PoolClient, target: L1Cursor | undefined): Promise<boolean> {
    await client.query("LOCK TABLE cursors IN EXCLUSIVE MODE");
    const newest = await client.query<{ block_hash: string }>("SELECT block_hash FROM cursors ORDER BY block_number DESC LIMIT 1");
    if (newest.rows[0]?.block_hash === this.#last?.blockHash) return true;
    const there = await client.query("SELECT 1 FROM cursors WHERE block_number = $1 AND block_hash = $2", [target?.blockNumber, target?.blockHash]);
    if (there.rowCount === 1) return false;
    throw new EconomyError("economy/otherWriter", { schema: this.#schema, block: this.#last?.blockNumber ?? 0 }, "retry", {
      what: `Another program writes into the schema ${this.#schema}`,
      why: "It does not stand where this one does",
      todo: "What is read stays good. If it does not pass, let one API write, or give each a schema of its own by API_DATABASE_SCHEMA",
    });
  }
}
