import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AbiCoder, Interface, Wallet, concat, getCreateAddress, id, toBeHex, zeroPadValue } from "ethers";

import { connectIdentityRegistry, connectReputationRegistry, connectValidationRegistry } from "../../chain/agents/connectRegistries.ts";
import { chainRef } from "../../chain/agents/agnt2Service.ts";
import { registryId } from "../../chain/agents/registrationFile.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import { connectBountyBoard, connectJobEscrow } from "../../chain/bounties/connectBountyBoard.ts";
import { silentLogger } from "../../runtime/logger/createLogger.ts";
import { loadConfig } from "../../runtime/config/loadConfig.ts";
import { readPostmaster } from "../../runtime/postgres/embedded/postmasterFile.ts";
import { serverPaths } from "../../runtime/postgres/embedded/serverProcess.ts";
import { apiSettings } from "../../services/api/config.ts";
import { createApiService } from "../../services/api/service.ts";
import type { ApiService } from "../../services/api/service.ts";
import type { IdentityRegistry, ReputationRegistry, ValidationRegistry } from "../../typechain-types/agents/index.ts";
import type { BountyBoard, JobEscrow } from "../../typechain-types/bounties/index.ts";
import { mined } from "./mined.ts";
import { startDeploymentRun } from "./deploymentRun.ts";
import type { DeploymentRun } from "./deploymentRun.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { CHAIN_TEST_CONFIG, deployRollupOn } from "./rollupOnChain.ts";
import type { RollupOnChain } from "./rollupOnChain.ts";

export type Json = Record<string, unknown>;

/**
 * A contract that logs what it is told: four topics, then the data. It stands for ProofOfService, whose own proofs have tests of their own.
 *   topics: PUSH1 0x60 CALLDATALOAD … PUSH0 CALLDATALOAD; size = CALLDATASIZE - 0x80, CALLDATACOPY to 0, LOG4
 */
const HERALD = `0x${"606035604035602035" + "5f35" + "6080360380" + "60805f37" + "5fa400"}`;

/** An L1 with a chain, registries, escrow and board, and an API that indexes them. */
export interface EconomyStage {
  readonly chain: LocalChain;
  readonly rollup: RollupOnChain;
  readonly deployment: Deployment;
  readonly dir: string;
  /** How registration files name registry and chain. */
  readonly registry: string;
  readonly chainRef: string;
  readonly identity: IdentityRegistry;
  readonly reputation: ReputationRegistry;
  readonly validation: ValidationRegistry;
  readonly escrow: JobEscrow;
  readonly board: BountyBoard;
  /** Another key's wallet, with money. */
  wallet(place: number): Promise<Wallet>;
  /** Lets ProofOfService say something: values of the three indexed fields, then of the others. */
  say(signature: string, indexed: readonly (bigint | number | string)[], types: readonly string[], values: readonly unknown[]): Promise<void>;
  /** Flags of an API on this stage. */
  flags(...more: string[]): string[];
  startApi(...more: string[]): Promise<ApiClient>;
  /** Of the embedded server that the first API runs. */
  databaseUrl(): string;
  stop(): Promise<void>;
}

export interface ApiClient {
  readonly service: ApiService;
  readonly url: string;
  get(path: string): Promise<{ status: number; body: Json }>;
  items(path: string): Promise<Json[]>;
  until(path: string, isThere: (body: Json) => boolean): Promise<Json>;
  /** Waits until everything up to the newest block is indexed, and every file was looked at. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const WAIT_MS = 30_000;

/** Asks an API that runs anywhere. */
export function apiClient(url: string, chain: LocalChain): Omit<ApiClient, "service" | "stop"> {
  const get = async (path: string): Promise<{ status: number; body: Json }> => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, body: (await response.json()) as Json };
  };
  const until = async (path: string, isThere: (body: Json) => boolean): Promise<Json> => {
    for (const end = Date.now() + WAIT_MS; ; await new Promise((resolve) => setTimeout(resolve, 40))) {
      const { body } = await get(path);
      if (isThere(body)) return body;
      if (Date.now() > end) throw new Error(`${path} never got there: ${JSON.stringify(body).slice(0, 2_000)}`);
    }
  };
  return {
    url,
    get,
    until,
    items: async (path) => (await get(path)).body["items"] as Json[],
    async settled() {
      const head = await chain.provider.getBlockNumber();
      await until("/v1/economy/status", ({ indexed, files }) => Number(indexed) >= head && (files as Json)["pending"] === 0);
    },
  };
}

async function deployRegistry({ deploy }: DeploymentRun, name: string, signature: string, args: readonly unknown[]): Promise<string> {
  const implementation = await deploy("agents", name);
  const data = new Interface([`function ${signature}`]).encodeFunctionData("initialize", args);
  return await deploy("agents", "RegistryProxy", [implementation, data]);
}

async function deployHerald(wallet: Wallet): Promise<string> {
  const length = (HERALD.length - 2) / 2;
  const init = concat([`0x60${length.toString(16).padStart(2, "0")}8060095f395ff3`, HERALD]);
  const nonce = await wallet.getNonce();
  await mined(wallet.sendTransaction({ data: init }));
  return getCreateAddress({ from: wallet.address, nonce });
}

/** Starts an anvil with everything deployed; the first development key owns it all. */
export async function startEconomyStage(options: { gasLimit?: number; rollup?: Partial<typeof CHAIN_TEST_CONFIG> } = {}): Promise<EconomyStage> {
  const chain = await startLocalChain("anvil");
  if (options.gasLimit !== undefined) await chain.send("evm_setBlockGasLimit", [toBeHex(options.gasLimit)]);
  const owner = new Wallet(DEVELOPMENT_KEYS[0]).address;
  const first = await startDeploymentRun(chain, owner);
  const identity = await deployRegistry(first, "IdentityRegistry", "initialize(address)", [owner]);
  await first.end();
  const rollup = await deployRollupOn(chain, { identityRegistry: identity, ...options.rollup });
  const { wallet } = rollup;
  const second = await startDeploymentRun(chain, owner);
  const reputation = await deployRegistry(second, "ReputationRegistry", "initialize(address,address)", [identity, owner]);
  const validation = await deployRegistry(second, "ValidationRegistry", "initialize(address,address)", [identity, owner]);
  const escrow = await second.deploy("bounties", "JobEscrow", [owner, 0, owner]);
  const board = await second.deploy("bounties", "BountyBoard", [escrow, identity, owner, 0, owner]);
  await second.end();
  const herald = await deployHerald(wallet);
  const { contracts, config, ...rest } = rollup.deployment;
  const addresses = { ...contracts, identityRegistry: identity, reputationRegistry: reputation, validationRegistry: validation, jobEscrow: escrow, bountyBoard: board, proofOfService: herald };
  const deployment = loadDeployment({ ...rest, contracts: addresses, config: { ...config, assetScale: String(config.assetScale) } });
  const dir = mkdtempSync(join(tmpdir(), "agnt2-economy-"));
  const file = join(dir, "deployment.json");
  writeFileSync(file, JSON.stringify(deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
  const services: ApiService[] = [];
  const flags = (...more: string[]): string[] => ["--port=0", `--l1-url=${chain.url}`, `--deployment=${file}`, `--data-dir=${join(dir, "api")}`, "--poll-ms=30", "--rate-limit=0", ...more];
  return {
    chain,
    rollup,
    deployment,
    dir,
    registry: registryId(chain.chainId, identity),
    chainRef: chainRef(chain.chainId, contracts.settlement),
    identity: connectIdentityRegistry(identity, wallet),
    reputation: connectReputationRegistry(reputation, wallet),
    validation: connectValidationRegistry(validation, wallet),
    escrow: connectJobEscrow(escrow, wallet),
    board: connectBountyBoard(board, wallet),
    async wallet(place) {
      const other = new Wallet(id(`economy ${place}`), chain.provider);
      await chain.send("anvil_setBalance", [other.address, "0x3635c9adc5dea00000"]);
      return other;
    },
    async say(signature, indexed, types, values) {
      const topics = [id(signature), ...indexed.map((value) => (typeof value === "string" ? zeroPadValue(value, 32) : zeroPadValue(toBeHex(value), 32)))];
      await mined(wallet.sendTransaction({ to: herald, data: concat([...topics, AbiCoder.defaultAbiCoder().encode([...types], [...values])]) }));
    },
    flags,
    async startApi(...more) {
      const service = createApiService(loadConfig(apiSettings, { env: {}, flags: [...flags("--log-level=silent"), ...more] }), silentLogger);
      services.push(service);
      await service.start();
      return { ...apiClient(service.url, chain), service, stop: () => service.stop({ kind: "requested", by: "the test" }) };
    },
    databaseUrl() {
      const { dataDir, passwordFile } = serverPaths(join(dir, "api", "postgres"));
      return `postgres://agnt2:${readFileSync(passwordFile, "utf8").trim()}@127.0.0.1:${readPostmaster(dataDir)?.port}/agnt2`;
    },
    async stop() {
      for (const service of services) await service.stop({ kind: "requested", by: "the test" });
      await chain.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
