import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const WAIT_MS = 5_000;
const LOOK_MS = 50;

/**
 * Ends database servers whose data lie in `directory`: one that a killed service had started goes on without it, and only the
 * demo knows that nobody will come back for it.
 */
export async function stopDatabases(directory: string): Promise<void> {
  for (const name of globSync("**/postmaster.pid", { cwd: directory })) {
    const file = join(directory, name);
    const pid = Number(readFileSync(file, "utf8").split("\n", 1)[0]);
    if (!(pid > 1)) continue;
    try {
      // Fast shutdown.
      process.kill(pid, "SIGINT");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      continue;
    }
    for (const until = Date.now() + WAIT_MS; existsSync(file) && Date.now() < until; ) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
