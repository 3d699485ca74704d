import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { KeySigner } from "../../runtime/keystore/KeySigner.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createStagedService } from "../../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import { createQueueBackend } from "../../runtime/queue/createQueueBackend.ts";
import type { WatchtowerConfig } from "./config.ts";
import { CoreAnswerer } from "./core/CoreAnswerer.ts";
import type { CoreAnswererOptions } from "./core/CoreAnswerer.ts";
import { CoreChannels } from "./core/CoreChannels.ts";
import { createTower } from "./createTower.ts";
import type { TowerLane, TowerOptions } from "./createTower.ts";
import { createReceiptSigner } from "./intake/ReceiptSigner.ts";
import { createTowerServer } from "./intake/createTowerServer.ts";
import { readBond } from "./read/readBond.ts";
import { TowerStore } from "./store/TowerStore.ts";
import { TowerError } from "./TowerError.ts";

const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];
/** Accounts 3 and 4 of the mnemonic that every local development chain funds; public knowledge, refused on any other chain. */
const LOCAL_TEST_KEYS = ["0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6", "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"] as const;
const LOCAL_TRANSACTION_POLL_MS = 200;
const GWEI = 1_000_000_000n;
const RPC_TIMEOUT_MS = 5_000;

/** The watchtower as one service: lock, store, transactions, looks, intake; stopped in reverse. */
export function createWatchtowerService(config: WatchtowerConfig, logger: Logger): Service {
  return createStagedService({ logger }, async ({ started, fail }) => {
    const deployment = loadDeployment(JSON.parse(await readFile(config.deployment, "utf8")));
    const { chainId } = deployment;
    const isLocal = LOCAL_CHAIN_IDS.includes(chainId);
    const keys = await loadKeys(config, isLocal, logger);
    const lock = lockDataDir(config.dataDir);
    started("lock", () => lock.release());
    const provider = await createL1Provider(config.l1Url, chainId, { timeoutMs: RPC_TIMEOUT_MS });
    started("L1", () => provider.destroy());
    await verifyDeployment(provider, deployment);
    const [adjudicator, towerBond] = [addressOf(deployment, "adjudicator", config.adjudicator), addressOf(deployment, "towerBond", config.towerBond)];
    const domain = { chainId, adjudicator: fromHex(adjudicator), towerBond: fromHex(towerBond) };
    const tower = config.bondedBy ?? keys[0]!.address;
    const bond = await readBond(provider, towerBond, { tower, signer: keys[0]!.address, adjudicator });
    if (!bond.isGood && !config.allowUnbonded) throw new TowerError("tower/not-bonded", { tower }, { reaction: "stop" });
    const mandateSeconds = Math.min(config.mandateSeconds, bond.maxMandateSeconds);

    const backend = await createQueueBackend({ url: config.queueUrl, dataFolder: join(config.dataDir, "queue"), namespace: `watchtower_${adjudicator.toLowerCase()}`, logger });
    started("queue", () => backend.close());
    const store = new TowerStore(config.dataDir, { maxChannels: config.maxChannels, maxSealed: config.maxSealed, maxPerLocator: config.maxPerLocator }, fail);
    started("store", () => store.close());
    const endpoints = await Promise.all(config.l1Url.map((each) => createL1Provider([each], chainId, { timeoutMs: RPC_TIMEOUT_MS })));
    started("endpoints", () => endpoints.forEach((endpoint) => endpoint.destroy()));
    const lanes: TowerLane[] = [];
    for (const [index, signer] of keys.entries()) lanes.push(await createLane(index, signer, chainId));

    const metrics = new Metrics({ service: "watchtower" });
    const receiptSigner = createReceiptSigner(keys[0]!, domain);
    const actAfter = config.actAfterPercent / 100;
    const core = coreOf(config, { chainId, inbox: deployment.contracts.inbox, signer: keys[0]! });
    const watch = createTower({
      endpoints, domain, lanes, receiptSigner, store, logger, metrics,
      queue: backend.queue("closes"),
      ...(core === undefined ? {} : { core }),
      forceAfter: config.forceAfterPercent / 100,
      intake: { mandateSeconds, minCoreWindowSeconds: config.minCoreWindowSeconds, minWindowSeconds: config.minWindowSeconds, minHeldWei: BigInt(config.minHeldGwei) * GWEI },
      policy: { actAfter },
      fees: { calmCapWei: BigInt(config.calmFeeGwei) * GWEI, maxCapWei: BigInt(config.maxFeeGwei) * GWEI, stakeWei: config.stakeGwei === undefined ? bond.amountWei : BigInt(config.stakeGwei) * GWEI },
      minBalanceWei: BigInt(config.minBalanceGwei) * GWEI,
      everyMs: config.pollMs,
      sweep: config.sweep,
      ...(isLocal ? { transactions: { pollMs: LOCAL_TRANSACTION_POLL_MS } } : {}),
    });
    started("looks", () => watch.stop());
    await watch.start();
    const { host, port } = config;
    const info = { chainId, adjudicator, towerBond, tower, mandateSeconds, minWindowSeconds: config.minWindowSeconds, actAfterPercent: config.actAfterPercent };
    const server = createTowerServer({ host, port, tower: watch, store, info, metrics, logger, rateLimit: config.rateLimit, maxConnections: config.maxConnections });
    started("intake", () => server.close());
    const actual = await server.listen();
    logger.info({ url: `http://${host}:${actual}`, signer: receiptSigner.address, lanes: lanes.length, channels: store.watchedCount, actAfter }, "the watchtower watches");

    /** Each lane begins with another endpoint, so that one that keeps transactions to itself does not silence them all. */
    async function createLane(index: number, signer: KeySigner, chainId: number): Promise<TowerLane> {
      const first = index % config.l1Url.length;
      const provider = await createL1Provider([...config.l1Url.slice(first), ...config.l1Url.slice(0, first)], chainId, { timeoutMs: RPC_TIMEOUT_MS });
      started(`endpoints of lane ${index}`, () => provider.destroy());
      const journal = createFileIntentJournal({
        path: join(config.dataDir, `transactions-${signer.address.toLowerCase()}.journal`),
        onCut: (bytes) => logger.warn({ bytes, lane: index }, "the end of a transaction journal was torn and is cut off"),
      });
      started(`journal of lane ${index}`, () => journal.close());
      return { signer, journal, provider };
    }
  });
}

/** Channels at home in Layer Core are watched when both ends are named: where to read, and where to answer. */
function coreOf({ apiUrl, sequencerUrl }: WatchtowerConfig, rest: Omit<CoreAnswererOptions, "channels" | "sequencerUrl">): TowerOptions["core"] {
  if (apiUrl === undefined || sequencerUrl === undefined) return undefined;
  const channels = new CoreChannels(apiUrl);
  return { channels, answerer: new CoreAnswerer({ ...rest, channels, sequencerUrl: sequencerUrl.replace(/\/+$/, "") }) };
}

function addressOf({ contracts }: Deployment, name: string, given: string | undefined): string {
  const address = given ?? contracts[name];
  if (address === undefined) throw new TowerError("tower/no-contract", { name }, { reaction: "stop" });
  return address;
}

/** The key of the receipts first, then those of the spare accounts. */
async function loadKeys(config: WatchtowerConfig, isLocal: boolean, logger: Logger): Promise<KeySigner[]> {
  const { keystoreFile, passwordFile, signerUrl, signerAddress, plainKeys } = config;
  if (keystoreFile !== undefined) {
    const files = [keystoreFile, ...config.spareKeystores];
    return await Promise.all(files.map((file) => loadSigner({ keystoreFile: file, passwordFile, externalUrl: signerUrl }, logger)));
  }
  if (signerUrl !== undefined) {
    const addresses = [signerAddress, ...config.spareAddresses];
    return await Promise.all(addresses.map((externalAddress) => loadSigner({ externalUrl: signerUrl, externalAddress }, logger)));
  }
  const keys = plainKeys.length === 0 && isLocal ? LOCAL_TEST_KEYS : plainKeys;
  if (keys.length === 0) return [await loadSigner({}, logger)];
  return await Promise.all(keys.map((plainKey) => loadSigner({ plainKey, allowPlainKey: isLocal }, logger)));
}
