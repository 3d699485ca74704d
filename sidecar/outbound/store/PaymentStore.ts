import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, StatementSync } from "node:sqlite";

import { toError } from "../../../runtime/errors/CodedError.ts";
import { SidecarError } from "../../SidecarError.ts";
import type { WayName } from "../../ways/Way.ts";
import { dayOf } from "../Budget.ts";
import { isSpent } from "../Receipt.ts";
import type { Receipt, ReceiptQuery, SpentSum } from "../Receipt.ts";

export const OUTBOUND_FILE = "outbound.sqlite";
const LAZY_MS = 200;
/** Writes that wait for a disk that refuses them; beyond it nothing more is paid. */
const MAX_WAITING = 50_000;
const PRUNE_ROWS = 4_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS payments (
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, host TEXT NOT NULL, payee TEXT NOT NULL, method TEXT NOT NULL, url TEXT NOT NULL,
    queryHash TEXT NOT NULL, way TEXT NOT NULL, network TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL, state TEXT NOT NULL,
    key TEXT NOT NULL, expiresAt INTEGER NOT NULL, payload TEXT NOT NULL, requestHash TEXT NOT NULL, answerHash TEXT NOT NULL,
    status INTEGER NOT NULL, attestation TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS unsettled ON payments (id) WHERE state IN ('reserved', 'open');
  -- What was spent, also in rows that have been pruned since: of each day, host, way and asset.
  CREATE TABLE IF NOT EXISTS sums (
    day INTEGER NOT NULL, host TEXT NOT NULL, way TEXT NOT NULL, network TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (day, host, way, network, asset)
  ) STRICT, WITHOUT ROWID;
  -- What each channel has paid by the rows above, for the comparison with the channel itself after a crash.
  CREATE TABLE IF NOT EXISTS channels (channelId TEXT PRIMARY KEY, amount TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

const COLUMNS = [
  "id", "time", "host", "payee", "method", "url", "queryHash", "way", "network", "asset", "amount", "state", "key", "expiresAt", "payload", "requestHash", "answerHash", "status", "attestation",
] as const satisfies readonly (keyof Receipt)[];

/** What changes in a receipt after it was begun. */
export type ReceiptChange = Partial<Pick<Receipt, "amount" | "state" | "key" | "expiresAt" | "payload" | "answerHash" | "status" | "attestation">>;

interface SumChange {
  readonly place: readonly [day: number, host: string, way: string, network: string, asset: string];
  amount: bigint;
  count: number;
}

interface Waiting {
  readonly write: () => void;
  readonly settle: { resolve(): void; reject(error: Error): void } | undefined;
}

/** `channel:<channelId>:<sequence>` */
function channelOf({ way, key }: Pick<Receipt, "way" | "key">): string | undefined {
  return way === "channel" ? key.split(":")[1] : undefined;
}

function toReceipt(row: Record<string, unknown>): Receipt {
  return { ...(row as unknown as Receipt), amount: BigInt(row["amount"] as string) };
}

/**
 * Receipts and sums on disk. Writes of one turn of the event loop, or of a few milliseconds where nobody waits for them, are one
 * transaction; the sums are in the same one as the rows, so that they agree after any crash.
 */
export class PaymentStore {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #select: StatementSync;
  readonly #addSum: StatementSync;
  readonly #readSum: StatementSync;
  readonly #addChannel: StatementSync;
  readonly #readChannel: StatementSync;
  readonly #updates = new Map<string, StatementSync>();
  /** What the receipts of the transaction that is being written come to. */
  readonly #sums = new Map<string, SumChange>();
  readonly #channelSums = new Map<string, bigint>();
  #waiting: Waiting[] = [];
  /** Receipts that nobody waits for and that no transaction has yet: what changes in them meanwhile costs no statement. */
  #fresh = new Map<number, Receipt>();
  #timer: NodeJS.Timeout | undefined;
  #isSoon = false;
  #nextId: number;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare(`INSERT INTO payments (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`);
    this.#select = database.prepare("SELECT * FROM payments WHERE id = ?");
    this.#addSum = database.prepare(
      "INSERT INTO sums (day, host, way, network, asset, amount, count) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = excluded.amount, count = excluded.count",
    );
    this.#readSum = database.prepare("SELECT amount, count FROM sums WHERE day = ? AND host = ? AND way = ? AND network = ? AND asset = ?");
    this.#addChannel = database.prepare("INSERT INTO channels (channelId, amount) VALUES (?, ?) ON CONFLICT DO UPDATE SET amount = excluded.amount");
    this.#readChannel = database.prepare("SELECT amount FROM channels WHERE channelId = ?");
    this.#nextId = Number((database.prepare("SELECT coalesce(max(id), 0) AS id FROM payments").get() as { id: number }).id) + 1;
  }

  /** The folder is the caller's alone (see `lockDataDir`). */
  static open(dir: string): PaymentStore {
    mkdirSync(dir, { recursive: true });
    const database = new DatabaseSync(join(dir, OUTBOUND_FILE));
    database.exec(SCHEMA);
    return new PaymentStore(database);
  }

  get isFull(): boolean {
    return this.#waiting.length + this.#fresh.size >= MAX_WAITING;
  }

  /** For the next receipt. */
  newId(): number {
    this.#nextId += 1;
    return this.#nextId - 1;
  }

  /** Resolves when the disk has it. @throws SidecarError `buy/store` */
  add(receipt: Receipt): Promise<void> {
    return this.#queueDurable(() => this.#write(receipt));
  }

  /** As `add`, without waiting: within a few milliseconds. For payments that another log on this disk has already. */
  addLater(receipt: Receipt): void {
    this.#fresh.set(receipt.id, receipt);
    this.#flushLater();
  }

  /** Resolves when the disk has it. @throws SidecarError `buy/store` */
  async change(id: number, change: ReceiptChange): Promise<void> {
    await this.#queueDurable(this.#changeFresh(id, change) ? () => undefined : () => this.#change(id, change));
  }

  changeLater(id: number, change: ReceiptChange): void {
    if (!this.#changeFresh(id, change)) this.#queue({ write: () => this.#change(id, change), settle: undefined });
  }

  /** @returns false: it is on disk, or on its way there */
  #changeFresh(id: number, change: ReceiptChange): boolean {
    const fresh = this.#fresh.get(id);
    if (fresh !== undefined) this.#fresh.set(id, { ...fresh, ...change });
    return fresh !== undefined;
  }

  #write(receipt: Receipt): void {
    this.#insert.run(...COLUMNS.map((name) => (name === "amount" ? String(receipt.amount) : receipt[name])));
    if (isSpent(receipt.state)) this.#count(receipt, 1);
  }

  #change(id: number, change: ReceiptChange): void {
    const row = this.#select.get(id);
    if (row === undefined) return;
    const before = toReceipt(row);
    const names = Object.keys(change) as (keyof ReceiptChange)[];
    const sql = `UPDATE payments SET ${names.map((name) => `${name} = :${name}`).join(", ")} WHERE id = :id`;
    const statement = this.#updates.get(sql) ?? this.#database.prepare(sql);
    this.#updates.set(sql, statement);
    statement.run(Object.fromEntries([...names.map((name) => [name, typeof change[name] === "bigint" ? String(change[name]) : change[name]]), ["id", id]]) as Record<string, SQLInputValue>);
    const after: Receipt = { ...before, ...change };
    const isSame = isSpent(before.state) === isSpent(after.state) && before.amount === after.amount && channelOf(before) === channelOf(after);
    if (isSame) return;
    if (isSpent(before.state)) this.#count(before, -1);
    if (isSpent(after.state)) this.#count(after, 1);
  }

  #count(receipt: Receipt, sign: 1 | -1): void {
    const place = [dayOf(receipt.time), receipt.host, receipt.way, receipt.network, receipt.asset] as const;
    const delta = sign === 1 ? receipt.amount : -receipt.amount;
    const key = place.join("\n");
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { place, amount: delta, count: sign });
    else {
      sum.amount += delta;
      sum.count += sign;
    }
    const channelId = channelOf(receipt);
    if (channelId !== undefined) this.#channelSums.set(channelId, (this.#channelSums.get(channelId) ?? 0n) + delta);
  }

  /** Once for each sum that changes in a transaction, not once for each receipt. */
  #writeSums(): void {
    for (const { place, amount, count } of this.#sums.values()) {
      const sum = this.#readSum.get(...place) as { amount: string; count: number } | undefined;
      this.#addSum.run(...place, String(BigInt(sum?.amount ?? 0) + amount), (sum?.count ?? 0) + count);
    }
    for (const [channelId, amount] of this.#channelSums) {
      const ofChannel = this.#readChannel.get(channelId) as { amount: string } | undefined;
      this.#addChannel.run(channelId, String(BigInt(ofChannel?.amount ?? 0) + amount));
    }
  }

  #queueDurable(write: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue({ write, settle: { resolve, reject } });
    });
  }

  #queue(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (waiting.settle !== undefined) {
      if (this.#isSoon) return;
      this.#isSoon = true;
      setImmediate(() => this.flush());
    } else this.#flushLater();
  }

  #flushLater(): void {
    this.#timer ??= setTimeout(() => this.flush(), LAZY_MS);
  }

  /** Writes what waits, in one transaction. What the disk refuses is told to those who wait, and tried again for the others. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isSoon = false;
    const [batch, fresh] = [this.#waiting, this.#fresh];
    if (batch.length + fresh.size === 0 || !this.#database.isOpen) return;
    this.#waiting = [];
    this.#fresh = new Map();
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      this.#sums.clear();
      this.#channelSums.clear();
      for (const receipt of fresh.values()) this.#write(receipt);
      for (const { write } of batch) write();
      this.#writeSums();
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      const refused = new SidecarError("buy/store", {}, { cause: toError(error) });
      for (const { settle } of batch) settle?.reject(refused);
      for (const waiting of batch) if (waiting.settle === undefined) this.#queue(waiting);
      this.#fresh = fresh;
      if (fresh.size > 0) this.#flushLater();
      return;
    }
    for (const { settle } of batch) settle?.resolve();
  }

  get(id: number): Receipt | undefined {
    this.flush();
    const row = this.#select.get(id);
    return row === undefined ? undefined : toReceipt(row);
  }

  /** Newest first. */
  list({ before = Number.MAX_SAFE_INTEGER, limit = 100, host, state, since = 0 }: ReceiptQuery = {}): Receipt[] {
    this.flush();
    const rows = this.#database
      .prepare("SELECT * FROM payments WHERE id < :before AND time >= :since AND (:host IS NULL OR host = :host) AND (:state IS NULL OR state = :state) ORDER BY id DESC LIMIT :limit")
      .all({ before, since, host: host ?? null, state: state ?? null, limit });
    return rows.map(toReceipt);
  }

  /** What is not known yet, oldest first. */
  unsettled(after = 0, limit = 256): Receipt[] {
    this.flush();
    return this.#database.prepare("SELECT * FROM payments WHERE state IN ('reserved', 'open') AND id > ? ORDER BY id LIMIT ?").all(after, limit).map(toReceipt);
  }

  /** Receipts of a channel whose outcome is not known. */
  openOn(channelId: string): Receipt[] {
    this.flush();
    return this.#database.prepare("SELECT * FROM payments WHERE state = 'open' AND key LIKE ?").all(`channel:${channelId}:%`).map(toReceipt);
  }

  /** What was spent in all, with what is reserved or not known. */
  sums(): SpentSum[] {
    this.flush();
    const sums = new Map<string, { network: string; asset: string; way: WayName; amount: bigint; count: number }>();
    for (const row of this.#database.prepare("SELECT way, network, asset, amount, count FROM sums").iterate()) {
      const { way, network, asset, amount, count } = row as { way: WayName; network: string; asset: string; amount: string; count: number };
      const key = `${network}/${asset}/${way}`;
      const sum = sums.get(key) ?? { network, asset, way, amount: 0n, count: 0 };
      sum.amount += BigInt(amount);
      sum.count += count;
      sums.set(key, sum);
    }
    return [...sums.values()];
  }

  /** What the budget starts from: all that was ever spent of an asset, and the newest day of it by host. */
  spentOf(network: string, asset: string): { inAll: bigint; day: number; byHost: Map<string, bigint> } {
    const rows = this.#database.prepare("SELECT day, host, amount FROM sums WHERE network = ? AND asset = ? ORDER BY day").iterate(network, asset.toLowerCase());
    const spent = { inAll: 0n, day: 0, byHost: new Map<string, bigint>() };
    for (const row of rows) {
      const { day, host, amount } = row as { day: number; host: string; amount: string };
      spent.inAll += BigInt(amount);
      if (day > spent.day) {
        spent.day = day;
        spent.byHost.clear();
      }
      spent.byHost.set(host, (spent.byHost.get(host) ?? 0n) + BigInt(amount));
    }
    return spent;
  }

  /** What the receipts say that a channel has paid, in base units. */
  paidByChannel(channelId: string): bigint {
    this.flush();
    return BigInt((this.#readChannel.get(channelId) as { amount: string } | undefined)?.amount ?? 0);
  }

  /** Begins the account of a channel at what it had paid before, unless it has one. On disk when this returns. */
  knowChannel(channelId: string, paid: bigint): void {
    this.#database.prepare("INSERT OR IGNORE INTO channels (channelId, amount) VALUES (?, ?)").run(channelId, String(paid));
  }

  knowsChannel(channelId: string): boolean {
    return this.#readChannel.get(channelId) !== undefined;
  }

  /** Forgets receipts whose end is known, never the newest one (ids go on from it): older ones than `before` (Unix ms), and all but the newest `keep`; at most so many at once. The sums stay. @returns how many */
  prune(before: number, keep: number, most = Infinity): number {
    this.flush();
    const { last } = this.#database.prepare("SELECT coalesce(max(id), 0) AS last FROM payments").get() as { last: number };
    // Rows are in the order of their times, so what is old is read up to the first that is not, and never the whole table.
    const { young } = this.#database.prepare("SELECT coalesce((SELECT id FROM payments WHERE time >= ? ORDER BY id LIMIT 1), ?) AS young").get(before, last) as { young: number };
    const statement = this.#database.prepare("DELETE FROM payments WHERE id IN (SELECT id FROM payments WHERE id < ? AND state NOT IN ('reserved', 'open') ORDER BY id LIMIT ?)");
    const end = Math.min(last, Math.max(young, last - keep + 1));
    let pruned = 0;
    while (pruned < most) {
      const rows = Math.min(PRUNE_ROWS, most - pruned);
      const changes = Number(statement.run(end, rows).changes);
      pruned += changes;
      if (changes < rows) break;
    }
    return pruned;
  }

  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    const refused = new SidecarError("buy/store", {});
    for (const { settle } of this.#waiting) settle?.reject(refused);
    this.#waiting = [];
    this.#database.close();
  }
}
