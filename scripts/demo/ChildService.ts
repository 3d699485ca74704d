import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { join } from "node:path";

import { readEnvironment } from "./config.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
const NODE = join(ROOT, "node_modules", ".bin", "node");
const KEPT_LINES = 25;
const STOP_MS = 15_000;

export interface ChildOptions {
  /** For messages: "the sequencer". */
  readonly name: string;
  /** Program under the repository's Node, with its arguments. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where everything it prints goes. */
  readonly logFile: string;
}

/** A program of the story in a process of its own, ended by its id. */
export class ChildService {
  readonly name: string;
  readonly logFile: string;
  /** Settles when the process ends: with its exit code, or 128 and more after a signal. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #log: WriteStream;
  #lines: string[] = [];
  #isStopping = false;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.#log = createWriteStream(options.logFile);
    // A group of its own: Ctrl-C in the terminal reaches the story only, which then ends the others in order.
    this.#child = spawn(NODE, [...options.args], {
      cwd: ROOT,
      env: { ...readEnvironment().inherited, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => this.#keep(text));
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#keep(`${error.message}\n`);
        resolve(127);
      });
      this.#child.once("close", (code) => resolve(code ?? 128));
    });
    void this.ended.then(() => this.#log.end()).catch(() => undefined);
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** What it printed last, for the message when it fails. */
  get lastLines(): string {
    return this.#lines.join("\n");
  }

  #keep(text: string): void {
    this.#log.write(text);
    this.#lines = [...this.#lines, ...text.split("\n").filter((line) => line.trim() !== "")].slice(-KEPT_LINES);
  }

  /**
   * Waits until `isReady` says yes.
   * @throws Error with the last lines it printed when it ends before, or is not ready in time
   */
  async untilReady(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    let exitCode: number | undefined;
    void this.ended.then((code) => (exitCode = code)).catch(() => undefined);
    for (const until = Date.now() + timeoutMs; ; ) {
      if (exitCode !== undefined) throw new Error(`${this.name} ended with code ${exitCode} while starting:\n${this.lastLines}`);
      if (await isReady()) return;
      if (Date.now() > until) throw new Error(`${this.name} is not ready after ${timeoutMs / 1000} s:\n${this.lastLines}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Asks it to end; ends it for good when it does not. */
  async stop(): Promise<void> {
    if (this.#isStopping) {
      await this.ended;
      return;
    }
    this.#isStopping = true;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends it at once; for the very end of the process. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
