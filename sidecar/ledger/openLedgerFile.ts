import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { LedgerError } from "./LedgerError.ts";

/** "a2lg": how a file says that it is a ledger. */
const APPLICATION_ID = 0x61_32_6c_67;
const CACHE_KIB = 8_192;
/** The log of changes is cut back to this after a burst. */
const MAX_WAL_BYTES = 16 * 2 ** 20;
const SQLITE_CORRUPT = 11;
const SQLITE_NOT_A_DATABASE = 26;

/**
 * Each brings a ledger of the version before to the next; the first makes a new one. Never change one that was published: add another.
 * `state` is the place in LEDGER_STATES. What is large and short-lived has tables of its own, whose pages are used again: answers, and
 * offers, the payments of which something is left to do.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE payments (
     id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, way TEXT NOT NULL, state INTEGER NOT NULL,
     requestHash BLOB NOT NULL, proof BLOB NOT NULL, isRepeatable INTEGER NOT NULL,
     payer TEXT NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL, answerHash BLOB, moved TEXT,
     expiresAt INTEGER, claimedAt INTEGER NOT NULL, changedAt INTEGER NOT NULL) STRICT;
   CREATE INDEX byProof ON payments (proof);
   CREATE INDEX unfinished ON payments (id) WHERE state IN (0, 1, 3);
   CREATE INDEX forgettable ON payments (max(expiresAt, changedAt)) WHERE state IN (2, 4) AND expiresAt IS NOT NULL;
   CREATE TABLE answers (
     id INTEGER PRIMARY KEY REFERENCES payments (id) ON DELETE CASCADE, isSettled INTEGER NOT NULL, bytes INTEGER NOT NULL,
     status INTEGER NOT NULL, headers TEXT NOT NULL, paidHeaders TEXT, body BLOB NOT NULL) STRICT;
   CREATE TABLE offers (id INTEGER PRIMARY KEY REFERENCES payments (id) ON DELETE CASCADE, payment TEXT NOT NULL) STRICT;
   CREATE INDEX droppable ON answers (id) WHERE isSettled = 1;
   CREATE TABLE totals (
     way TEXT NOT NULL, asset TEXT NOT NULL, payer TEXT NOT NULL, count INTEGER NOT NULL, amount TEXT NOT NULL,
     PRIMARY KEY (way, asset, payer)) STRICT, WITHOUT ROWID;`,
];

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() as Record<string, unknown>)[0]);
}

function isDamage(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOT_A_DATABASE].includes((error as { errcode?: number }).errcode ?? 0);
}

/**
 * Opens the ledger's file or makes it; one of an older version is brought up to date. After an unclean end the file is checked.
 * @param maxBytes it grows no further than this, or than it is
 * @throws LedgerError `ledger/foreign`, `ledger/corrupt`, `ledger/newer`
 */
export function openLedgerFile(path: string, maxBytes: number): DatabaseSync {
  const wasLeftOpen = existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA journal_size_limit = ${MAX_WAL_BYTES}`);
    const version = pragma(database, "user_version");
    const application = pragma(database, "application_id");
    const isNew = version === 0 && application === 0 && pragma(database, "schema_version") === 0;
    if (!isNew && application !== APPLICATION_ID) throw new LedgerError("ledger/foreign", { path });
    if (version > MIGRATIONS.length) throw new LedgerError("ledger/newer", { path, version });
    if (wasLeftOpen && Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0] !== "ok") throw new LedgerError("ledger/corrupt", { path });
    for (let next = version; next < MIGRATIONS.length; next++) {
      database.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[next]!} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${next + 1}; COMMIT`);
    }
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pragma(database, "page_size")))}`);
    return database;
  } catch (error) {
    database.close();
    throw isDamage(error) ? new LedgerError("ledger/corrupt", { path }, { cause: error }) : error;
  }
}
