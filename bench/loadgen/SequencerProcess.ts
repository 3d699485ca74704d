import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const MAIN = join(import.meta.dirname, "..", "..", "services", "sequencer", "main.ts");
const START_MS = 180_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A sequencer under test, as a process of its own. */
export interface SequencerProcess {
  readonly url: string;
  readonly startMs: number;
  /** Largest resident memory so far, MiB; NaN where the system does not tell. */
  peakRssMiB(): number;
  /** User and system time of all its threads so far, seconds; NaN where the system does not tell. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

export async function startSequencer(flags: readonly string[], nodeFlags: readonly string[] = []): Promise<SequencerProcess> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, MAIN, "--port", String(port), "--log-level", "warn", ...flags], { stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the sequencer ended with code ${child.exitCode}`);
    if (performance.now() - startedAt > START_MS) {
      child.kill("SIGKILL");
      throw new Error("the sequencer did not start in time");
    }
    // A refused connection: not listening yet.
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok === true) break;
    await pause(100);
  }
  const read = (file: string): string => {
    const path = `/proc/${child.pid}/${file}`;
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  return {
    url,
    startMs: performance.now() - startedAt,
    peakRssMiB: () => Math.round(Number(/VmHWM:\s+(\d+)/.exec(read("status"))?.[1]) / 1024),
    cpuSeconds: () => {
      const fields = read("stat").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      const end = setTimeout(() => child.kill("SIGKILL"), 60_000);
      await once(child, "exit");
      clearTimeout(end);
    },
  };
}
