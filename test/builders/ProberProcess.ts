import { join } from "node:path";

import { ServiceProcess } from "./ServiceProcess.ts";
import type { UptimeNetwork } from "./uptimeNetwork.ts";

/** The prober in a process of its own, with its data in the network's folder. */
export class ProberProcess extends ServiceProcess {
  readonly address: string;
  readonly #network: UptimeNetwork;
  readonly #name: string;
  readonly #key: string;
  readonly #flags: readonly string[];

  constructor(network: UptimeNetwork, name: string, wallet: { readonly address: string; readonly privateKey: string }, flags: readonly string[]) {
    super("prober", "the prober measures");
    [this.#network, this.#name, this.#key, this.address, this.#flags] = [network, name, wallet.privateKey, wallet.address, flags];
  }

  async start(): Promise<void> {
    const { dir, chain } = this.#network;
    const flags = ["--port", "0", "--l1-url", chain.url, "--deployment", await this.#network.writeDeployment(), "--data-dir", join(dir, this.#name), "--poll-ms", "300", "--min-balance-gwei", "0"];
    await this.launch([...flags, ...this.#flags], { PROBER_KEY: this.#key });
  }
}
