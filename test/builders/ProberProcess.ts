import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { until } from "./until.ts";
import type { UptimeNetwork } from "./uptimeNetwork.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "prober", "main.ts");
const STOP_MS = 15_000;

/** The prober as a validator runs it, in a process of its own, with its data in the network's folder. */
export class ProberProcess {
  /** Of all lives. */
  output = "";
  readonly address: string;
  readonly #network: UptimeNetwork;
  readonly #name: string;
  readonly #key: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #earlier = 0;

  constructor(network: UptimeNetwork, name: string, wallet: { readonly address: string; readonly privateKey: string }, flags: readonly string[]) {
    [this.#network, this.#name, this.#key, this.address, this.#flags] = [network, name, wallet.privateKey, wallet.address, flags];
  }

  /** Resolves when it measures. */
  async start(): Promise<void> {
    const { dir, chain } = this.#network;
    const flags = ["--port", "0", "--l1-url", chain.url, "--deployment", await this.#network.writeDeployment(), "--data-dir", join(dir, this.#name), "--poll-ms", "300", "--min-balance-gwei", "0"];
    this.#earlier = this.output.length;
    const child = spawn(process.execPath, [MAIN, ...flags, ...this.#flags], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PROBER_KEY: this.#key } });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (this.output += data.toString()));
    this.#child = child;
    await until("the prober measures", () => {
      if (child.exitCode !== null) throw new Error(`the prober ended with code ${child.exitCode}:\n${this.output.slice(-3_000)}`);
      return this.output.slice(this.#earlier).includes("the prober measures");
    });
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
