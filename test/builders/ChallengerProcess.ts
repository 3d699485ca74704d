import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { until } from "./until.ts";
import type { DisputeNetwork } from "./disputeNetwork.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "challenger", "main.ts");
const STOP_MS = 15_000;

/** The challenger as an operator runs it, in a process of its own, with its data in the network's folder. */
export class ChallengerProcess {
  /** Of all lives. */
  output = "";
  lives = 0;
  #child: ChildProcess | undefined;
  /** Output before the present life. */
  #earlier = 0;
  readonly #network: DisputeNetwork;
  readonly #key: string;
  readonly #flags: readonly string[];

  constructor(network: DisputeNetwork, key: string, flags: readonly string[] = []) {
    [this.#network, this.#key, this.#flags] = [network, key, flags];
  }

  /** Resolves when it watches. */
  async start(): Promise<void> {
    const { dir, chain, rollup } = this.#network;
    const deployment = join(dir, "deployment.json");
    writeFileSync(deployment, JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const flags = ["--port", "0", "--l1-url", chain.url, "--deployment", deployment, "--data-dir", join(dir, "challenger"), "--poll-ms", "100", "--collect-ms", "500", "--min-balance-gwei", "0"];
    this.#earlier = this.output.length;
    this.lives += 1;
    const child = spawn(process.execPath, [MAIN, ...flags, ...this.#flags], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, CHALLENGER_KEY: this.#key } });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (this.output += data.toString()));
    this.#child = child;
    await until("the challenger watches", () => {
      if (child.exitCode !== null) throw new Error(`the challenger ended with code ${child.exitCode}:\n${this.output.slice(-3_000)}`);
      return this.output.slice(this.#earlier).includes("the challenger watches");
    });
  }

  /** How often it said in this life that it wants such a call. */
  asked(type: string): number {
    return this.output.slice(this.#earlier).split(`${type} is asked for`).length - 1;
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
