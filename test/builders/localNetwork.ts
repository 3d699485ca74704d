import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ContractFactory, JsonRpcProvider, Wallet } from "ethers";
import type { InterfaceAbi } from "ethers";

import type { Deployment } from "../../chain/Deployment.ts";
import { Faucet } from "../../scripts/demo/Faucet.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { deployEconomyOn } from "./economyOnChain.ts";
import { deployRollupOn } from "./rollupOnChain.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const READY_MS = 60_000;
/** Local test key of the sequencer: on local chains it needs no other. */
const SEQUENCER_KEY = DEVELOPMENT_KEYS[1];

/** A chain as its users see it: L1, contracts, sequencer, replica and faucet, the services as processes of their own. */
export interface LocalNetworkForTests {
  readonly chain: LocalChain;
  readonly dir: string;
  readonly l1Url: string;
  readonly sequencerUrl: string;
  readonly apiUrl: string;
  readonly faucetUrl: string;
  readonly deploymentFile: string;
  readonly sequencerAddress: string;
  /** What the services printed last. */
  output(): string;
  /** Lets the services stand still, or go on: so that what has no part in a measurement takes nothing from it. L1 runs on. */
  pause(isPaused: boolean): void;
  stop(): Promise<void>;
}

async function untilOk(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (const end = Date.now() + READY_MS; ; ) {
    if (child.exitCode !== null) throw new Error(`a service ended with code ${child.exitCode}:\n${output()}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    if (Date.now() > end) throw new Error(`nothing answers at ${url}:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function deployTestToken(chain: LocalChain, name = "TestToken"): Promise<string> {
  const artifact = join(ROOT, "artifacts", "contracts", "test", "tokens", `${name}.sol`, `${name}.json`);
  const { abi, bytecode } = JSON.parse(readFileSync(artifact, "utf8")) as { abi: InterfaceAbi; bytecode: string };
  const contract = await new ContractFactory(abi, bytecode, new Wallet(DEVELOPMENT_KEYS[0], chain.provider)).deploy();
  return (await contract.waitForDeployment()).getAddress();
}

async function deployEconomyWithDollar(chain: LocalChain, parts: Parameters<typeof deployEconomyOn>[1]): Promise<Deployment> {
  const deployed = await deployEconomyOn(chain, parts);
  return { ...deployed, contracts: { ...deployed.contracts, testDollar: await deployTestToken(chain, "TestDollar") } };
}

/**
 * Starts it on free ports of the loopback. The deployment names the sequencer, so that clients can trust it.
 * @param asset the chain settles in ETH, or in a token that the faucet gives
 * @param economy with the registries in which agents have names, and the dollar that is paid by signature
 */
export async function startLocalNetwork(asset: "ETH" | "token" = "ETH", economy = false): Promise<LocalNetworkForTests> {
  const chain = await startLocalChain("anvil");
  const sequencerAddress = new Wallet(SEQUENCER_KEY).address.toLowerCase();
  const token = asset === "token" ? await deployTestToken(chain) : undefined;
  const parts = { sequencer: sequencerAddress, ...(token === undefined ? {} : { asset: token }) };
  const deployed = economy ? await deployEconomyWithDollar(chain, parts) : (await deployRollupOn(chain, parts)).deployment;
  const deployment = token === undefined ? deployed : { ...deployed, contracts: { ...deployed.contracts, asset: token } };
  const dir = mkdtempSync(join(tmpdir(), "agnt2-network-"));
  const deploymentFile = join(dir, "deployment.json");
  writeFileSync(deploymentFile, JSON.stringify(deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));

  const provider = new JsonRpcProvider(chain.url, chain.chainId, { staticNetwork: true, pollingInterval: 100, cacheTimeout: -1 });
  const faucet = await Faucet.start(provider, deployment, await freePort());
  let output = "";
  const children: ChildProcess[] = [];
  const start = (service: string, port: number, ...flags: string[]): ChildProcess => {
    const common = ["--port", String(port), "--l1-url", chain.url, "--deployment", deploymentFile, "--data-dir", join(dir, service), "--poll-ms", "100"];
    const child = spawn(process.execPath, [join(ROOT, "services", service, "main.ts"), ...common, ...flags], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output = `${output}${data.toString()}`.slice(-20_000)));
    children.push(child);
    return child;
  };
  const pause = (isPaused: boolean): void => {
    for (const child of children) child.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  };
  const stop = async (): Promise<void> => {
    pause(false);
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(timer);
    }
    await faucet.stop();
    provider.destroy();
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  const [sequencerPort, apiPort] = [await freePort(), await freePort()];
  const [sequencerUrl, apiUrl] = [`http://127.0.0.1:${sequencerPort}`, `http://127.0.0.1:${apiPort}`];
  try {
    const sequencer = start("sequencer", sequencerPort, "--batch-ms", "200");
    const api = start("api", apiPort, "--sequencer-url", sequencerUrl);
    await Promise.all([untilOk(`${sequencerUrl}/health`, sequencer, () => output), untilOk(`${apiUrl}/health`, api, () => output)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { chain, dir, l1Url: chain.url, sequencerUrl, apiUrl, faucetUrl: faucet.url, deploymentFile, sequencerAddress, output: () => output, pause, stop };
}
