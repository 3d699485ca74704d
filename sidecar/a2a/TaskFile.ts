import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

import { Task } from "@a2a-js/sdk";

/** A task as it is kept. */
export interface KeptTask {
  readonly task: Task;
  readonly owner: string;
  readonly changedAtMs: number;
  /** Hash of the HTTP answer in which the task was told; known when its head is written. */
  readonly answerHash: string | undefined;
}

export interface TaskFileOptions {
  /** It is the caller's alone. */
  readonly path: string;
  /** What the disk refuses is tried again with the next change. */
  readonly onError: (error: unknown) => void;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA journal_size_limit = 4194304;
  CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, owner TEXT NOT NULL, changedAt INTEGER NOT NULL, answerHash TEXT, task TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
`;
const LAZY_MS = 100;
/** Of a disk that goes on refusing, later changes are not kept; the next start may find tasks that were forgotten. */
const MAX_CHANGED = 16_384;
const SECRET_BYTES = 32;
const SQLITE_CORRUPT = 11;
const SQLITE_NOT_A_DATABASE = 26;

function openDatabase(path: string): DatabaseSync {
  // For nobody else to read: what was asked and answered is in it, and the secret of the task tokens.
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path);
  try {
    database.exec(SCHEMA);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Tasks on disk, behind those in memory, which it is told the changes of. Written within a tenth of a second: a task is no money. */
export class TaskFile {
  readonly #database: DatabaseSync;
  readonly #onError: (error: unknown) => void;
  readonly #changed = new Map<string, KeptTask | undefined>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(database: DatabaseSync, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  /** Opens it, or makes it; one that is damaged is thrown away: what was paid is in the ledger. */
  static open({ path, onError }: TaskFileOptions): TaskFile {
    try {
      return new TaskFile(openDatabase(path), onError);
    } catch (error) {
      if (![SQLITE_CORRUPT, SQLITE_NOT_A_DATABASE].includes((error as { errcode?: number }).errcode ?? 0)) throw error;
      onError(error);
      for (const end of ["", "-wal", "-shm"]) rmSync(`${path}${end}`, { force: true });
      return new TaskFile(openDatabase(path), onError);
    }
  }

  /** The same for each start. */
  secret(): Buffer {
    this.#database.prepare("INSERT OR IGNORE INTO secrets (name, value) VALUES ('taskToken', ?)").run(randomBytes(SECRET_BYTES));
    const { value } = this.#database.prepare("SELECT value FROM secrets WHERE name = 'taskToken'").get() as { value: Uint8Array };
    return Buffer.from(value);
  }

  /** The one that was changed longest ago first. */
  read(): KeptTask[] {
    return this.#database.prepare("SELECT owner, changedAt, answerHash, task FROM tasks ORDER BY changedAt, rowid").all().map((row) => {
      const { owner, changedAt, answerHash, task } = row as { owner: string; changedAt: number; answerHash: string | null; task: string };
      return { task: Task.fromJSON(JSON.parse(task)), owner, changedAtMs: changedAt, answerHash: answerHash ?? undefined };
    });
  }

  /** @param kept undefined: it is forgotten */
  change(id: string, kept: KeptTask | undefined): void {
    if (!this.#database.isOpen) return;
    if (this.#changed.size < MAX_CHANGED || this.#changed.has(id)) this.#changed.set(id, kept);
    this.#timer ??= setTimeout(() => this.#flush(), LAZY_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#changed.size === 0) return;
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      const put = this.#database.prepare("INSERT OR REPLACE INTO tasks (id, owner, changedAt, answerHash, task) VALUES (?, ?, ?, ?, ?)");
      const remove = this.#database.prepare("DELETE FROM tasks WHERE id = ?");
      for (const [id, kept] of this.#changed) {
        if (kept === undefined) remove.run(id);
        else put.run(id, kept.owner, kept.changedAtMs, kept.answerHash ?? null, JSON.stringify(Task.toJSON(kept.task)));
      }
      this.#database.exec("COMMIT");
      this.#changed.clear();
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.#onError(error);
    }
  }

  /** Writes what is left. What changes after this is lost. */
  close(): void {
    if (!this.#database.isOpen) return;
    this.#flush();
    this.#database.close();
  }
}
