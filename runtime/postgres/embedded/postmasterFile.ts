import { existsSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What a running server writes about itself into its data folder. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/** Reads `postmaster.pid`; undefined when no server runs there, or it has not come far enough to have a port. */
export function readPostmaster(dataDir: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const [pid, port] = [Number(lines[0]), Number(lines[3])];
  return pid > 0 && port > 0 ? { pid, port } : undefined;
}

/** True while a process with this number exists that, where the system tells, is a PostgreSQL server on this folder. */
export function isPostmasterAlive(postmaster: Postmaster, dataDir: string): boolean {
  try {
    process.kill(postmaster.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  if (process.platform !== "linux") return true;
  try {
    const stat = readFileSync(`/proc/${postmaster.pid}/stat`, "utf8");
    const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
    if (state === "Z" || state === "X") return false;
    return readFileSync(`/proc/${postmaster.pid}/cmdline`, "utf8").split("\0").includes(realpathSync(dataDir));
  } catch (error) {
    // It ended between the two looks.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code!)) return false;
    throw error;
  }
}

/**
 * Removes a `postmaster.pid` whose number now belongs to another program: the server would take that for itself and
 * refuse to start. One whose process is gone is left to the server, which checks for leftovers of its own first.
 */
export function removeMisleadingPostmasterFile(dataDir: string): void {
  const file = join(dataDir, "postmaster.pid");
  const postmaster = readPostmaster(dataDir);
  if (postmaster !== undefined && existsSync(`/proc/${postmaster.pid}`) && !isPostmasterAlive(postmaster, dataDir)) rmSync(file, { force: true });
}
