import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Deployment } from "../../chain/Deployment.ts";
import { freePort } from "./localChain.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "challenger", "main.ts");
const START_MS = 60_000;
const STOP_MS = 15_000;

/** What the process took, by its own metrics. */
export interface Load {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
}

/** The challenger in a process of its own, watched by its metrics. */
export class MeteredChallenger {
  readonly #url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    [this.#url, this.#child] = [url, child];
  }

  static async start(options: { dir: string; l1Url: string; deployment: Deployment; key: string; heapMiB: number }): Promise<MeteredChallenger> {
    const { dir, l1Url, deployment, key } = options;
    const file = join(dir, "deployment.json");
    writeFileSync(file, JSON.stringify(deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const port = await freePort();
    const flags = ["--port", String(port), "--l1-url", l1Url, "--deployment", file, "--data-dir", join(dir, "challenger"), "--poll-ms", "500", "--min-balance-gwei", "0", "--log-level", "error"];
    const child = spawn(process.execPath, [`--max-old-space-size=${options.heapMiB}`, MAIN, ...flags], { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, CHALLENGER_KEY: key } });
    const url = `http://127.0.0.1:${port}`;
    for (const end = Date.now() + START_MS; Date.now() < end; ) {
      if (child.exitCode !== null) throw new Error(`the challenger ended with code ${child.exitCode}`);
      const answer = await fetch(`${url}/health`).catch(() => undefined);
      if (answer !== undefined) return new MeteredChallenger(url, child);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    child.kill("SIGKILL");
    throw new Error("the challenger did not come up");
  }

  async load(): Promise<Load> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const read = (name: string): number => {
      const line = text.split("\n").find((one) => one.startsWith(name) && !one.startsWith("#"));
      if (line === undefined) throw new Error(`no metric ${name}`);
      return Number(line.slice(line.lastIndexOf(" ") + 1));
    };
    return { residentBytes: read("process_resident_memory_bytes"), heapBytes: read("nodejs_heap_size_used_bytes"), cpuSeconds: read("process_cpu_seconds_total") };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  }
}
