import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { toHex } from "../../core/codec/hex.ts";
import { ServiceProcess } from "./ServiceProcess.ts";
import { testKey } from "./towerChannel.ts";
import type { TowerNetwork } from "./towerNetwork.ts";

/** A deployment file of which the tower needs the adjudicator and the bond: the other names lead to a contract that is there. */
async function writeDeployment(network: TowerNetwork, path: string): Promise<void> {
  const [adjudicator, towerBond] = [toHex(network.domain.adjudicator), toHex(network.domain.towerBond)];
  const genesis = await network.chain.provider.getBlock(0);
  const others = Object.fromEntries(["inbox", "settlement", "game", "bridge", "exodus", "prover"].map((name) => [name, adjudicator]));
  const config = { assetScale: "1000000000", feeTable: Array<number>(24).fill(0) };
  writeFileSync(path, JSON.stringify({ chainId: network.chain.chainId, genesisHash: genesis!.hash, contracts: { ...others, adjudicator, towerBond }, config, blockNumber: 0 }));
}

/** The watchtower in a process of its own. Its key is that of lane 0 of its name. */
export class TowerProcess extends ServiceProcess {
  readonly #network: TowerNetwork;
  readonly #name: string;
  readonly #flags: readonly string[];

  constructor(network: TowerNetwork, name: string, flags: readonly string[] = []) {
    super("watchtower", "the watchtower watches");
    [this.#network, this.#name, this.#flags] = [network, name, flags];
  }

  async start(): Promise<void> {
    const { dir, chain } = this.#network;
    const dataDir = join(dir, `process ${this.#name}`);
    mkdirSync(dataDir, { recursive: true });
    const deployment = join(dataDir, "deployment.json");
    await writeDeployment(this.#network, deployment);
    const flags = ["--port", "0", "--l1-url", chain.url, "--deployment", deployment, "--data-dir", dataDir, "--poll-ms", "100", "--sweep", "2", "--min-window-seconds", "10", "--min-balance-gwei", "0"];
    const keys = [0, 1].map((lane) => testKey(`${this.#name} lane ${lane}`).wallet);
    for (const { address } of keys) await this.#network.fund(address);
    await this.launch([...flags, ...this.#flags], { WATCHTOWER_KEYS: keys.map(({ privateKey }) => privateKey).join(",") });
  }
}
