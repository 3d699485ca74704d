import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { FilesError } from "./FilesError.ts";

const SQLITE_BUSY = 5;

/** Every lock held: one that nobody refers to would be collected as garbage, and so let go in silence. */
const held = new Set<DatabaseSync>();

/** A folder that belongs to this holder until it is released or the process ends. */
export interface DataDirLock {
  readonly dir: string;
  release(): void;
}

function readOwnerPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Takes a folder for this holder alone, so that a second one on the same data is refused, also in this process and in
 * another container on the same disk. Node has no file locks of its own, so SQLite's is borrowed: the kernel keeps it and
 * lets go when the owner ends, however it ends. Hence a dead owner's lock needs no taking over and no guess from process
 * numbers, which are used again. `NAME.pid` beside it is only there to name the owner in the message.
 * The folder is created when it is not there.
 * @param name of the lock file, for a folder that has more than one
 * @throws FilesError `files/locked`
 */
export function lockDataDir(dir: string, name = "agnt2.lock"): DataDirLock {
  mkdirSync(dir, { recursive: true });
  const path = join(realpathSync(dir), name);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    const ownerPid = readOwnerPid(`${path}.pid`);
    throw new FilesError(
      "files/locked",
      { dir, ownerPid },
      "stop",
      {
        what: `The data in ${dir} is in use by ${ownerPid === undefined ? "another process" : ownerPid === process.pid ? "this very process" : `process ${ownerPid}`}`,
        why: "Two writers would destroy it",
        todo: "Stop the other one or choose another data folder",
      },
      { cause: error },
    );
  }
  writeFileSync(`${path}.pid`, `${process.pid}\n`);
  held.add(database);
  return {
    dir,
    release: () => {
      if (held.delete(database)) database.close();
    },
  };
}
