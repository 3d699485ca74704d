import type { DatabaseSync } from "node:sqlite";

import { toError } from "../../runtime/errors/CodedError.ts";
import { LedgerWriter } from "./LedgerWriter.ts";
import type { LedgerChange, WriterLimits } from "./LedgerWriter.ts";
import { openLedgerFile } from "./openLedgerFile.ts";

const SQLITE_IO_ERROR = 10;
const SQLITE_FULL = 13;

/** Why a change is not on disk: it begins from another state, there is no room for it, or the disk failed. */
export interface ChangeProblem {
  readonly problem: "state" | "full" | "failed";
  readonly message: string;
}

export interface LedgerFileOptions extends WriterLimits {
  readonly path: string;
  readonly maxFileBytes: number;
}

function problemOf(thrown: unknown): ChangeProblem {
  const { errcode = 0 } = thrown as { errcode?: number };
  // The number of an extended code is in its last byte. A disk without room fails as FULL, or as an error of reading and writing.
  const isNoRoom = (errcode & 255) === SQLITE_FULL || (errcode & 255) === SQLITE_IO_ERROR;
  return { problem: isNoRoom ? "full" : "failed", message: toError(thrown).message };
}

/** The writing side of the ledger's file. Every call waits for the disk. */
export class LedgerFile {
  readonly #database: DatabaseSync;
  readonly #writer: LedgerWriter;

  constructor({ path, maxFileBytes, ...limits }: LedgerFileOptions) {
    this.#database = openLedgerFile(path, maxFileBytes);
    this.#writer = new LedgerWriter(this.#database, limits);
  }

  /** Makes the changes in one transaction. @returns for each its problem, if it has one */
  write(changes: readonly LedgerChange[]): (ChangeProblem | undefined)[] {
    try {
      return this.#transact(() => changes.map((change) => this.#apply(change)));
    } catch (error) {
      if (changes.length === 1) return [problemOf(error)];
      // One of them is at fault, or the room is not enough for all: what can be written is.
      return changes.map((change) => this.write([change])[0]);
    }
  }

  /** @returns how many were forgotten */
  forget(before: number, most: number): number | ChangeProblem {
    try {
      return this.#transact(() => this.#writer.forget(before, most));
    } catch (error) {
      return problemOf(error);
    }
  }

  close(): void {
    this.#database.close();
  }

  #apply(change: LedgerChange): ChangeProblem | undefined {
    return this.#writer.apply(change) ? undefined : { problem: "state", message: change.kind };
  }

  #transact<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      this.#writer.recount();
      throw error;
    }
  }
}
