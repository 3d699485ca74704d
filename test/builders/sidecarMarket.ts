import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Contract, JsonRpcProvider, Wallet } from "ethers";

import { testDollarAbi } from "../../chain/generated/abi/TestDollar.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import { parseAccount } from "../../sdk/state.ts";
import { ChildProgram } from "./ChildProgram.ts";
import { DEVELOPMENT_KEYS, freePort } from "./localChain.ts";
import { startLocalNetwork } from "./localNetwork.ts";
import type { LocalNetworkForTests } from "./localNetwork.ts";
import { SidecarProcess } from "./SidecarProcess.ts";
import type { SidecarSetup } from "./SidecarProcess.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const NODE_SERVICE = join(import.meta.dirname, "services", "quoteService.mjs");

/** An account of Layer Core as the sequencer shows it; amounts in the chain's units. */
export type CoreAccount = ReturnType<typeof parseAccount>;

/** A local network with a facilitator, test dollars, services in several languages, and sidecars: all processes of their own. */
export class SidecarMarket {
  readonly network: LocalNetworkForTests;
  readonly provider: JsonRpcProvider;
  readonly facilitatorUrl: string;
  /** Checksummed. */
  readonly dollar: string;
  readonly dir: string;
  readonly programs: ChildProgram[];
  readonly sidecars: SidecarProcess[] = [];

  private constructor(network: LocalNetworkForTests, provider: JsonRpcProvider, facilitator: ChildProgram, facilitatorUrl: string, dollar: string, dir: string) {
    [this.network, this.provider, this.facilitatorUrl, this.dollar, this.dir] = [network, provider, facilitatorUrl, dollar, dir];
    this.programs = [facilitator];
  }

  static async start(): Promise<SidecarMarket> {
    const network = await startLocalNetwork("ETH", true);
    const dir = mkdtempSync(join(tmpdir(), "agnt2-market-"));
    const provider = new JsonRpcProvider(network.l1Url, network.chain.chainId, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1, batchMaxCount: 1 });
    const { contracts } = loadDeployment(JSON.parse(readFileSync(network.deploymentFile, "utf8")));
    const [port, statusPort] = [await freePort(), await freePort()];
    const flags = ["--port", String(port), "--status-port", String(statusPort), "--l1-url", network.l1Url, "--deployment", network.deploymentFile, "--data-dir", join(dir, "facilitator"), "--payer-per-hour", "0", "--rate-limit", "0"];
    const facilitator = new ChildProgram("the facilitator", process.execPath, [join(ROOT, "services", "facilitator", "main.ts"), ...flags]);
    const url = `http://127.0.0.1:${port}`;
    const market = new SidecarMarket(network, provider, facilitator, url, contracts["testDollar"]!, dir);
    try {
      await facilitator.start(async () => (await fetch(`${url}/supported`).catch(() => undefined))?.ok === true);
      return market;
    } catch (error) {
      await market.stop();
      throw error;
    }
  }

  /** A fresh key with ETH and, if wanted, dollars (base units). */
  async wallet(dollars = 0n): Promise<Wallet> {
    const wallet = Wallet.createRandom(this.provider) as unknown as Wallet;
    const answer = await fetch(`${this.network.faucetUrl}/v1/faucet`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ address: wallet.address, amountBase: String(20n * 10n ** 18n) }) });
    if (!answer.ok) throw new Error(`the faucet answered ${answer.status}: ${await answer.text()}`);
    if (dollars > 0n) await this.mint(wallet.address, dollars);
    return wallet;
  }

  async mint(to: string, amount: bigint): Promise<void> {
    const owner = new Wallet(DEVELOPMENT_KEYS[2], this.provider);
    await ((await new Contract(this.dollar, testDollarAbi as never, owner).getFunction("mint")(to, amount)) as { wait(): Promise<unknown> }).wait();
  }

  async dollarsOf(address: string): Promise<bigint> {
    return (await new Contract(this.dollar, testDollarAbi as never, this.provider).getFunction("balanceOf")(address)) as bigint;
  }

  /** Every payment in dollars that L1 has from one to the other: their amounts. */
  async dollarTransfers(from: string, to: string): Promise<bigint[]> {
    const contract = new Contract(this.dollar, testDollarAbi as never, this.provider);
    const logs = await contract.queryFilter(contract.filters["Transfer"]!(from, to), 0);
    return logs.map((log) => (log as unknown as { args: [string, string, bigint] }).args[2]);
  }

  async account(address: string): Promise<CoreAccount> {
    const answer = await fetch(`${this.network.sequencerUrl}/v1/agents/${address.toLowerCase()}`);
    if (!answer.ok) throw new Error(`the sequencer answered ${answer.status} for ${address}`);
    return parseAccount((await answer.json()) as Record<string, unknown>);
  }

  folder(name: string): string {
    const folder = join(this.dir, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** The settings by which a sidecar finds this network. */
  get chainSettings(): Record<string, string | boolean> {
    const { sequencerUrl, apiUrl, l1Url, deploymentFile, faucetUrl } = this.network;
    return { sequencer: sequencerUrl, api: apiUrl, l1: l1Url, deployment: deploymentFile, faucet: faucetUrl, facilitator: this.facilitatorUrl, localTargets: true };
  }

  /** A sidecar that is not started yet. `routes` as in docs/SIDECAR.md section 6. */
  async sidecar(name: string, key: string, options: { readonly routes?: readonly object[]; readonly settings?: SidecarSetup["settings"]; readonly nodeFlags?: SidecarSetup["nodeFlags"] } = {}): Promise<SidecarProcess> {
    const dataDir = this.folder(name);
    const { routes, settings = {}, nodeFlags } = options;
    const file = join(dataDir, "routes.json");
    if (routes !== undefined) writeFileSync(file, JSON.stringify({ routes }));
    const sidecar = await SidecarProcess.create({ name, dataDir, key, settings: { ...this.chainSettings, name, ...(routes === undefined ? {} : { routes: file }), ...settings }, nodeFlags });
    this.sidecars.push(sidecar);
    return sidecar;
  }

  /** Python's own web server, as it comes, before a folder of files. */
  async pythonService(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = this.folder(`www-${this.programs.length}`);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const port = await freePort();
    return this.#service("Python's http.server (python3 must be installed for this test)", "python3", ["-u", "-m", "http.server", String(port), "--bind", "127.0.0.1", "--directory", folder], port);
  }

  /** A service that knows nothing of payments, in plain JavaScript. */
  async nodeService(): Promise<string> {
    const port = await freePort();
    return this.#service("the Node service", process.execPath, [NODE_SERVICE, String(port)], port);
  }

  async #service(name: string, command: string, args: readonly string[], port: number): Promise<string> {
    const program = new ChildProgram(name, command, args);
    this.programs.push(program);
    const url = `http://127.0.0.1:${port}`;
    await program.start(async () => (await fetch(url).catch(() => undefined)) !== undefined);
    return url;
  }

  async stop(): Promise<void> {
    await Promise.all(this.sidecars.map((sidecar) => sidecar.stop()));
    await Promise.all(this.programs.map((program) => program.stop()));
    this.provider.destroy();
    await this.network.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
