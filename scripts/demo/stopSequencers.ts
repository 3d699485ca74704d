import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Ends sequencers that an agent below `directory` has started and was killed before it could end them; they live in groups of their own. */
export function stopSequencers(directory: string): void {
  for (const name of globSync("**/sequencer.json", { cwd: directory })) {
    const { pid } = JSON.parse(readFileSync(join(directory, name), "utf8")) as { pid: number };
    // Numbers of processes are used again: only one that names this very folder is meant.
    const commandFile = `/proc/${pid}/cmdline`;
    if (existsSync("/proc/self/cmdline") && !(existsSync(commandFile) && readFileSync(commandFile, "utf8").includes(directory))) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
