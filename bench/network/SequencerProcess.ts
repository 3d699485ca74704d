import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { freePort } from "./freePort.ts";
import { processFigures } from "./processFigures.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "sequencer", "main.ts");
const START_MS = 180_000;
const STOP_MS = 60_000;

/** What of `/v1/status` is of interest here. */
export interface SequencerStatus {
  readonly sealedBatches: number;
  readonly nextEntry: number;
  readonly l1: { readonly postedBatches: number } | null;
}

/** A sequencer under test, as a process of its own. */
export interface SequencerProcess {
  readonly url: string;
  readonly startMs: number;
  /** Largest resident memory so far, MiB; NaN where the system does not tell. */
  peakRssMiB(): number;
  /** User and system time of all its threads so far, seconds; NaN where the system does not tell. */
  cpuSeconds(): number;
  status(): Promise<SequencerStatus>;
  stop(): Promise<void>;
}

/** @throws Error when it ends or is not ready in time */
export async function startSequencer(flags: readonly string[], nodeFlags: readonly string[] = []): Promise<SequencerProcess> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, MAIN, "--port", String(port), "--log-level", "warn", ...flags], { stdio: ["ignore", 2, 2] });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
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
  return {
    url,
    startMs: performance.now() - startedAt,
    peakRssMiB: () => processFigures(child.pid).peakRssMiB,
    cpuSeconds: () => processFigures(child.pid).cpuSeconds,
    async status() {
      if (child.exitCode !== null) throw new Error(`the sequencer ended by itself with code ${child.exitCode}`);
      return (await (await fetch(`${url}/v1/status`)).json()) as SequencerStatus;
    },
    async stop() {
      process.off("exit", kill);
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      const end = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await once(child, "exit");
      clearTimeout(end);
    },
  };
}
