import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

import { until } from "./until.ts";

const STOP_MS = 25_000;
const KEPT_CHARS = 40_000;

/** A program of any language in a process of its own, known by its id, that can be killed and started again. */
export class ChildProgram {
  readonly name: string;
  readonly #command: string;
  readonly #args: () => readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(name: string, command: string, args: readonly string[] | (() => readonly string[]), env: Readonly<Record<string, string>> = {}) {
    [this.name, this.#command, this.#args, this.#env] = [name, command, typeof args === "function" ? args : () => args, env];
  }

  /** Resolves when `isReady` says yes. @throws Error with what it printed when it ends before */
  async start(isReady: () => Promise<boolean>, waitMs?: number): Promise<void> {
    const child = spawn(this.#command, [...this.#args()], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...this.#env } });
    this.#child = child;
    let failure: Error | undefined;
    child.once("error", (error) => (failure = error));
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => (this.#output = `${this.#output}${data.toString()}`.slice(-KEPT_CHARS)));
    await until(`${this.name} is ready`, async () => {
      if (failure !== undefined) throw new Error(`${this.name} cannot be started (${this.#command}): ${failure.message}`);
      if (child.exitCode !== null) throw new Error(`${this.name} ended with code ${child.exitCode}:\n${this.#output}`);
      return isReady();
    }, waitMs).catch((error: unknown) => {
      throw new Error(`${(error as Error).message}\n${this.#output.slice(-6_000)}`, { cause: error });
    });
  }

  /** What it printed last. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Gone in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  }
}
