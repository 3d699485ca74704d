import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { JsonRpcProvider, NonceManager, Wallet } from "ethers";

import { connectContracts } from "../../chain/connectContracts.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { domainSeparator, fromHex, toHex } from "../../core/codec/index.ts";
import { addressOfKey } from "../../runtime/crypto/secp.ts";
import { ChildService, ROOT } from "../../scripts/demo/ChildService.ts";
import { FUNDER, benchKey } from "../loadgen/BenchAgents.ts";
import { runLoad } from "../loadgen/runLoad.ts";
import { startAnvil } from "./Anvil.ts";
import type { Anvil } from "./Anvil.ts";
import { startSequencer } from "./SequencerProcess.ts";
import type { SequencerProcess } from "./SequencerProcess.ts";

const HARDHAT = join(ROOT, "node_modules", "hardhat", "dist", "src", "cli.js");
const DEPLOYMENT_NAME = "bench";
/** The first development key of anvil: public, worthless on any real chain. */
const DEPOSITOR_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/** In units; the development accounts own 10,000 ETH each. */
const DEPOSIT_UNITS = 9_000_000_000_000n;
const OPEN_BUNDLE = 512;
const OPEN_WINDOW = 24;
const SETUP_SECONDS = 600;

/** A rollup on an anvil of its own whose accounts are open; every run starts from this state. */
export interface BenchChain {
  readonly anvil: Anvil;
  readonly deployment: Deployment;
  readonly domainSeparator: string;
  /** Puts L1 and the sequencer's data back to where all accounts were just opened, and starts a sequencer on them. */
  startRun(flags: readonly string[], nodeFlags: readonly string[]): Promise<SequencerProcess>;
  stop(): Promise<void>;
}

/**
 * Starts anvil, deploys the contracts, deposits through the Bridge and opens the accounts with OPEN_ACCOUNT bundles; all of that is
 * posted to L1 before it returns.
 * @param dir an empty folder for data
 * @param batchFlags how the sequencer seals
 */
export async function createBenchChain(dir: string, agents: number, batchFlags: readonly string[], say: (line: string) => void): Promise<BenchChain> {
  const anvil = await startAnvil();
  try {
    const deployment = await deploy(anvil, dir, say);
    const separator = toHex(domainSeparator({ chainId: deployment.chainId, inbox: fromHex(deployment.contracts.inbox, 20) }));
    await deposit(anvil, deployment);
    const flags = ["--l1-url", anvil.url, "--deployment", join(dir, "deployment.json"), "--no-claiming", ...batchFlags];
    const prepared = join(dir, "prepared");
    await openAccounts({ flags: [...flags, "--data-dir", prepared], agents, separator, say });
    rmSync(join(prepared, "queue"), { recursive: true, force: true });
    let snapshot = await anvil.send<string>("evm_snapshot");
    const dataDir = join(dir, "data");
    return {
      anvil,
      deployment,
      domainSeparator: separator,
      async startRun(runFlags, nodeFlags) {
        rmSync(dataDir, { recursive: true, force: true });
        cpSync(prepared, dataDir, { recursive: true });
        await anvil.send("evm_revert", [snapshot]);
        snapshot = await anvil.send<string>("evm_snapshot");
        return await startSequencer([...flags, "--data-dir", dataDir, ...runFlags], nodeFlags);
      },
      stop: () => anvil.stop(),
    };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

/** The project's own deployment, under a name of its own. */
async function deploy(anvil: Anvil, dir: string, say: (line: string) => void): Promise<Deployment> {
  say("deploying the contracts to anvil ...");
  const args = [HARDHAT, "deploy", "--network", "localhost", "--name", DEPLOYMENT_NAME, "--reset"];
  const child = new ChildService({ name: "deployment", args, env: { L1_URL: anvil.url }, logFile: join(dir, "deployment.log") });
  if ((await child.ended) !== 0) throw new Error(`the deployment failed:\n${child.lastLines}`);
  const text = readFileSync(join(ROOT, "deployments", `${DEPLOYMENT_NAME}-31337.json`), "utf8");
  writeFileSync(join(dir, "deployment.json"), text);
  return loadDeployment(JSON.parse(text));
}

/** Opens the funder's account, the first one. */
async function deposit(anvil: Anvil, deployment: Deployment): Promise<void> {
  const provider = new JsonRpcProvider(anvil.url, undefined, { staticNetwork: true, pollingInterval: 50, cacheTimeout: -1 });
  try {
    const { bridge } = connectContracts(deployment, new NonceManager(new Wallet(DEPOSITOR_KEY, provider)));
    const value = DEPOSIT_UNITS * deployment.config.assetScale;
    await (await bridge.deposit(toHex(addressOfKey(benchKey(FUNDER))), value, { value })).wait();
  } finally {
    provider.destroy();
  }
}

async function openAccounts({ flags, agents, separator, say }: { flags: readonly string[]; agents: number; separator: string; say: (line: string) => void }): Promise<void> {
  say(`opening ${agents} accounts ...`);
  const sequencer = await startSequencer(flags);
  try {
    // The deposit is executed once it is read from L1 and its batch is sealed.
    while ((await sequencer.status()).sealedBatches === 0) await pause(100);
    const { durableBundles, refusedBundles, refusedRecords, acceptedRecords, seconds } = await runLoad({
      url: sequencer.url, domainSeparator: separator, workload: "open", bundle: OPEN_BUNDLE, bundles: Math.ceil((agents - 1) / OPEN_BUNDLE), agents, seed: 1,
      seconds: SETUP_SECONDS, window: OPEN_WINDOW,
    });
    if (refusedBundles + refusedRecords > 0 || acceptedRecords !== agents - 1) {
      throw new Error(`${acceptedRecords} of ${agents - 1} accounts were opened in ${durableBundles} bundles; ${refusedBundles} bundles and ${refusedRecords} records were refused`);
    }
    const postedAt = await untilPosted(sequencer, SETUP_SECONDS * 1000);
    say(`${acceptedRecords} accounts opened in ${seconds} s, all on L1 ${(postedAt.waitedMs / 1000).toFixed(1)} s later`);
  } finally {
    await sequencer.stop();
  }
}

/** Waits until every sealed batch is on L1; `isPosted` is false when that did not come in time. */
export async function untilPosted(sequencer: Pick<SequencerProcess, "status">, limitMs: number): Promise<{ isPosted: boolean; waitedMs: number; sealed: number; posted: number }> {
  const startedAt = performance.now();
  for (;;) {
    const { sealedBatches, l1 } = await sequencer.status();
    const posted = l1?.postedBatches ?? 0;
    const waitedMs = performance.now() - startedAt;
    if (posted >= sealedBatches || waitedMs > limitMs) return { isPosted: posted >= sealedBatches, waitedMs, sealed: sealedBatches, posted };
    await pause(100);
  }
}
