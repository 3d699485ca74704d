import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { until } from "./until.ts";

const SERVICES = join(import.meta.dirname, "..", "..", "services");
const STOP_MS = 15_000;

/** A service as an operator runs it, in a process of its own, that can be killed and started again. */
export abstract class ServiceProcess {
  /** Of all lives. */
  output = "";
  lives = 0;
  readonly #service: string;
  readonly #readyLine: string;
  #child: ChildProcess | undefined;
  /** Output before the present life. */
  #earlier = 0;

  /**
   * @param service its folder
   * @param readyLine what it says when it is ready
   */
  constructor(service: string, readyLine: string) {
    [this.#service, this.#readyLine] = [service, readyLine];
  }

  abstract start(): Promise<void>;

  /** Resolves when it is ready. @param env beside this process's own */
  protected async launch(flags: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
    this.#earlier = this.output.length;
    this.lives += 1;
    const child = spawn(process.execPath, [join(SERVICES, this.#service, "main.ts"), ...flags], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (this.output += data.toString()));
    this.#child = child;
    await until(this.#readyLine, () => {
      if (child.exitCode !== null) throw new Error(`the ${this.#service} ended with code ${child.exitCode}:\n${this.output.slice(-3_000)}`);
      return this.life.includes(this.#readyLine);
    });
  }

  /** What it printed since it was started last. */
  get life(): string {
    return this.output.slice(this.#earlier);
  }

  /** Where it listens. */
  get url(): string {
    return /"url":"(http:[^"]+)"/.exec(this.life)?.[1] ?? "";
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
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
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  }
}
