import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { DisputeNetwork } from "./disputeNetwork.ts";
import { ServiceProcess } from "./ServiceProcess.ts";

/** The challenger in a process of its own, with its data in the network's folder. */
export class ChallengerProcess extends ServiceProcess {
  readonly #network: DisputeNetwork;
  readonly #key: string;
  readonly #flags: readonly string[];

  constructor(network: DisputeNetwork, key: string, flags: readonly string[] = []) {
    super("challenger", "the challenger watches");
    [this.#network, this.#key, this.#flags] = [network, key, flags];
  }

  async start(): Promise<void> {
    const { dir, chain, rollup } = this.#network;
    const deployment = join(dir, "deployment.json");
    writeFileSync(deployment, JSON.stringify(rollup.deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const flags = ["--port", "0", "--l1-url", chain.url, "--deployment", deployment, "--data-dir", join(dir, "challenger"), "--poll-ms", "100", "--collect-ms", "500", "--min-balance-gwei", "0"];
    await this.launch([...flags, ...this.#flags], { CHALLENGER_KEY: this.#key });
  }

  /** How often it said in this life that it wants such a call. */
  asked(type: string): number {
    return this.life.split(`${type} is asked for`).length - 1;
  }
}
