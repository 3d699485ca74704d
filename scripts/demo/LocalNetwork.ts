import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { computeAddress, JsonRpcProvider, parseEther, Wallet } from "ethers";

import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { ChildService, ROOT } from "./ChildService.ts";
import { connectTowerBond } from "../../chain/tower/connectTowerBond.ts";
import { Faucet } from "./Faucet.ts";
import type { Narrator } from "./Narrator.ts";
import { apiArguments, challengerArguments, deployArguments, hardhatNodeArguments, sequencerArguments, watchtowerArguments } from "./programs.ts";

const READY_MS = 60_000;
const DEPLOY_TRIES = 3;
const SERVICE_FUNDS_WEI = parseEther("10");
/** Where `npm start` serves when nobody else does; the CLI looks there by default. */
const PREFERRED_PORTS = { l1: 8545, sequencer: 7200, api: 7300, faucet: 7400, challenger: 7500, watchtower: 7600 };
const LOCAL_CHAIN_IDS = [31337, 1337];

/** What went wrong is for the person who started the demo: no stack. */
export class DemoError extends Error {}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function choosePort(preferred: number): Promise<number> {
  if (await isFree(preferred)) return preferred;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answersRpc(url: string): Promise<boolean> {
  try {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body, signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}

export interface Watchtower {
  readonly url: string;
  /** Its account on L1: holds the bond, signs receipts, sends the answers. */
  readonly address: string;
  readonly towerBond: string;
  readonly bondWei: bigint;
}

/** The L1, the contracts on it, the sequencer, a replica, a challenger and a faucet, as processes of their own. */
export class LocalNetwork {
  readonly #narrator: Narrator;
  /** Where the parts keep their data and logs. */
  readonly directory: string;
  readonly #children: ChildService[] = [];
  #faucet: Faucet | undefined;
  #watchtower: Promise<Watchtower> | undefined;
  l1Url = "";
  sequencerUrl = "";
  apiUrl = "";
  faucetUrl = "";
  challengerUrl = "";
  deployment!: Deployment;
  provider!: JsonRpcProvider;
  /** Called when a part ends although nobody asked it to. */
  onLost: (error: DemoError) => void = () => undefined;

  constructor(narrator: Narrator, directory: string) {
    this.#narrator = narrator;
    this.directory = directory;
  }

  async start(givenL1Url: string | undefined): Promise<void> {
    this.l1Url = givenL1Url ?? (await this.#startL1());
    await this.#connect(givenL1Url !== undefined);
    await this.#narrator.waiting("Deploying the contracts …", this.#deploy());
    this.#faucet = await Faucet.start(this.provider, this.deployment, await choosePort(PREFERRED_PORTS.faucet));
    this.faucetUrl = this.#faucet.url;
    await this.#narrator.waiting("Starting the sequencer, a replica and a challenger …", this.#startServices());
  }

  #spawn(name: string, args: readonly string[], env: Record<string, string> = {}): ChildService {
    const logFile = join(this.directory, `${name.replaceAll(" ", "-")}.log`);
    const child = new ChildService({ name, args, env, logFile });
    this.#children.push(child);
    return child;
  }

  /** A program of the story, ended with the network at the latest. What it prints is in its log file. */
  program(name: string, args: readonly string[], env: Record<string, string>): ChildService {
    return this.#spawn(name, args, env);
  }

  /** Sends test money on L1. */
  async gift(address: string, amountWei: bigint): Promise<void> {
    await this.#faucet?.give(address, amountWei);
  }

  /** From now on the end of this child is the end of the demo. */
  #watch(child: ChildService): void {
    void child.ended.then((code) => {
      if (!child.isStopping) this.onLost(new DemoError(`The ${child.name} ended by itself with code ${code}. Its last words:\n${child.lastLines}`));
    }).catch(() => undefined);
  }

  async #startL1(): Promise<string> {
    const port = await choosePort(PREFERRED_PORTS.l1);
    const url = `http://127.0.0.1:${port}`;
    const child = this.#spawn("local L1", hardhatNodeArguments(port));
    await this.#narrator.waiting("Starting a local L1 …", child.untilReady(() => answersRpc(url), READY_MS));
    this.#watch(child);
    return url;
  }

  async #connect(isGiven: boolean): Promise<void> {
    if (isGiven && !(await answersRpc(this.l1Url))) throw new DemoError(`No L1 answers at L1_URL ${new URL(this.l1Url).host}.`);
    this.provider = new JsonRpcProvider(this.l1Url, undefined, { staticNetwork: true, pollingInterval: 100, batchMaxCount: 1, cacheTimeout: -1 });
    const { chainId } = await this.provider.getNetwork();
    if (!LOCAL_CHAIN_IDS.includes(Number(chainId))) {
      throw new DemoError(`The L1 at L1_URL has chain id ${chainId}. The story spends test money of a local chain (${LOCAL_CHAIN_IDS.join(" or ")}), Hardhat's node or anvil; to deploy elsewhere see the README.`);
    }
  }

  async #deploy(): Promise<void> {
    const genesis = (await this.provider.getBlock(0))?.hash;
    const { chainId } = await this.provider.getNetwork();
    for (let tries = 1; ; tries += 1) {
      const child = this.#spawn(`deployment ${tries}`, deployArguments(), { L1_URL: this.l1Url });
      const code = await child.ended;
      // Another network of this folder may have been deployed at the same time: its file would name contracts that are not here.
      const text = code === 0 ? await readFile(join(ROOT, "deployments", `${chainId}.json`), "utf8") : undefined;
      const deployment = text === undefined ? undefined : loadDeployment(JSON.parse(text));
      if (text !== undefined && deployment !== undefined && deployment.genesisHash === genesis) {
        await writeFile(this.deploymentFile, text);
        this.deployment = deployment;
        return;
      }
      if (tries === DEPLOY_TRIES) throw new DemoError(`The deployment failed:\n${child.lastLines}`);
    }
  }

  get deploymentFile(): string {
    return join(this.directory, "deployment.json");
  }

  async #startServices(): Promise<void> {
    const shared = { l1Url: this.l1Url, deploymentFile: this.deploymentFile, directory: this.directory };
    const ports = { sequencer: await choosePort(PREFERRED_PORTS.sequencer), api: await choosePort(PREFERRED_PORTS.api), challenger: await choosePort(PREFERRED_PORTS.challenger) };
    this.sequencerUrl = `http://127.0.0.1:${ports.sequencer}`;
    this.apiUrl = `http://127.0.0.1:${ports.api}`;
    this.challengerUrl = `http://127.0.0.1:${ports.challenger}`;
    const [key, challengerKey] = [await this.#fundedKey(), await this.#fundedKey()];
    // The challenger plays for the sequencer's claims: nobody can beat a true one while it is up.
    const sequencer = this.#spawn("sequencer", sequencerArguments({ ...shared, port: ports.sequencer }), { SEQUENCER_KEY: key, SEQUENCER_CLAIM_MOVER: computeAddress(challengerKey) });
    const challenger = this.#spawn("challenger", challengerArguments({ ...shared, port: ports.challenger }, computeAddress(key)), { CHALLENGER_KEY: challengerKey });
    const api = this.#spawn("replica", apiArguments({ ...shared, port: ports.api }, this.sequencerUrl));
    await Promise.all([
      sequencer.untilReady(() => answersOk(`${this.sequencerUrl}/health`), READY_MS),
      api.untilReady(() => answersOk(`${this.apiUrl}/health`), READY_MS),
      challenger.untilReady(() => answersOk(`${this.challengerUrl}/health`), READY_MS),
    ]);
    for (const child of [sequencer, api, challenger]) this.#watch(child);
  }

  /** A watchtower with a bond behind it, started when it is first needed. */
  watchtower(): Promise<Watchtower> {
    this.#watchtower ??= this.#startWatchtower();
    return this.#watchtower;
  }

  async #startWatchtower(): Promise<Watchtower> {
    const wallet = new Wallet(await this.#fundedKey(), this.provider);
    const towerBond = this.deployment.contracts["towerBond"];
    if (towerBond === undefined) throw new DemoError("The deployment has no TowerBond.");
    const contract = connectTowerBond(towerBond, wallet);
    const bondWei = await contract.minBondWei();
    await (await contract.bond(wallet.address, { value: bondWei })).wait();
    const port = await choosePort(PREFERRED_PORTS.watchtower);
    const url = `http://127.0.0.1:${port}`;
    const child = this.#spawn("watchtower", watchtowerArguments({ l1Url: this.l1Url, deploymentFile: this.deploymentFile, directory: this.directory, port }), { WATCHTOWER_KEYS: wallet.privateKey });
    await child.untilReady(() => answersOk(`${url}/health`), READY_MS);
    this.#watch(child);
    return { url, address: wallet.address, towerBond, bondWei };
  }

  /** A fresh L1 account for a service: nobody else uses its nonces. */
  async #fundedKey(): Promise<string> {
    const wallet = Wallet.createRandom();
    await this.#faucet?.give(wallet.address, SERVICE_FUNDS_WEI);
    return wallet.privateKey;
  }

  /** Ends everything, last started first. */
  async stop(): Promise<void> {
    await this.#faucet?.stop();
    this.provider?.destroy();
    const [first, ...rest] = this.#children;
    await Promise.all(rest.map((child) => child.stop()));
    await first?.stop();
  }

  /** Ends everything at once, without waiting. */
  kill(): void {
    for (const child of this.#children) child.kill();
  }
}
