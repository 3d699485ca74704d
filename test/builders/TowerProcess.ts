import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { toHex } from "../../core/codec/hex.ts";
import { testKey } from "./towerChannel.ts";
import { until } from "./until.ts";
import type { TowerNetwork } from "./towerNetwork.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "watchtower", "main.ts");
const STOP_MS = 15_000;

/** A deployment file of which the tower needs the adjudicator and the bond: the other names lead to a contract that is there. */
async function writeDeployment(network: TowerNetwork, path: string): Promise<void> {
  const [adjudicator, towerBond] = [toHex(network.domain.adjudicator), toHex(network.domain.towerBond)];
  const genesis = await network.chain.provider.getBlock(0);
  const others = Object.fromEntries(["inbox", "settlement", "game", "bridge", "exodus", "prover"].map((name) => [name, adjudicator]));
  const config = { assetScale: "1000000000", feeTable: Array<number>(24).fill(0) };
  writeFileSync(path, JSON.stringify({ chainId: network.chain.chainId, genesisHash: genesis!.hash, contracts: { ...others, adjudicator, towerBond }, config, blockNumber: 0 }));
}

/** The watchtower as an operator runs it, in a process of its own. Its key is that of lane 0 of its name. */
export class TowerProcess {
  /** Of all lives. */
  output = "";
  url = "";
  readonly #network: TowerNetwork;
  readonly #name: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #earlier = 0;

  constructor(network: TowerNetwork, name: string, flags: readonly string[] = []) {
    [this.#network, this.#name, this.#flags] = [network, name, flags];
  }

  /** Resolves when it watches. */
  async start(): Promise<void> {
    const { dir, chain } = this.#network;
    const dataDir = join(dir, `process ${this.#name}`);
    mkdirSync(dataDir, { recursive: true });
    const deployment = join(dataDir, "deployment.json");
    await writeDeployment(this.#network, deployment);
    const flags = ["--port", "0", "--l1-url", chain.url, "--deployment", deployment, "--data-dir", dataDir, "--poll-ms", "100", "--sweep", "2", "--min-window-seconds", "10", "--min-balance-gwei", "0"];
    this.#earlier = this.output.length;
    const keys = [0, 1].map((lane) => testKey(`${this.#name} lane ${lane}`).wallet);
    for (const { address } of keys) await this.#network.fund(address);
    const env = { ...process.env, WATCHTOWER_KEYS: keys.map(({ privateKey }) => privateKey).join(",") };
    const child = spawn(process.execPath, [MAIN, ...flags, ...this.#flags], { stdio: ["ignore", "pipe", "pipe"], env });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (this.output += data.toString()));
    this.#child = child;
    await until("the tower watches", () => {
      if (child.exitCode !== null) throw new Error(`the tower ended with code ${child.exitCode}:\n${this.output.slice(-3_000)}`);
      return this.life.includes("the watchtower watches");
    });
    this.url = /"url":"(http:[^"]+)"/.exec(this.life)?.[1] ?? "";
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What it printed since it was started last. */
  get life(): string {
    return this.output.slice(this.#earlier);
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
