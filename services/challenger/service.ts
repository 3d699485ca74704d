import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { KeySigner } from "../../runtime/keystore/KeySigner.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createStagedService } from "../../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import { createQueueBackend } from "../../runtime/queue/createQueueBackend.ts";
import type { ChallengerConfig } from "./config.ts";
import { createChallenger } from "./createChallenger.ts";
import { createEvidence } from "./evidence/createEvidence.ts";
import { createStatusServer } from "./createStatusServer.ts";

const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];
/** Account 2 of the mnemonic that every local development chain funds; public knowledge, refused on any other chain. */
const LOCAL_TEST_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
const LOCAL_COLLECT_MS = 2_000;
const LOCAL_TRANSACTION_POLL_MS = 200;
const GWEI = 1_000_000_000n;

/** The challenger as one service: lock, replica, transactions, turns, status; stopped in reverse. */
export function createChallengerService(config: ChallengerConfig, logger: Logger): Service {
  return createStagedService({ logger }, async ({ started, fail }) => {
    const deployment = loadDeployment(JSON.parse(await readFile(config.deployment, "utf8")));
    const isLocal = LOCAL_CHAIN_IDS.includes(deployment.chainId);
    const signer = await loadKey(config, isLocal, logger);
    const lock = lockDataDir(config.dataDir);
    started("lock", () => lock.release());
    const provider = await createL1Provider(config.l1Url, deployment.chainId);
    started("L1", () => provider.destroy());
    await verifyDeployment(provider, deployment);
    const backend = await createQueueBackend({ url: config.queueUrl, dataFolder: join(config.dataDir, "queue"), namespace: `challenger_${deployment.contracts.inbox.toLowerCase()}`, logger });
    started("queue", () => backend.close());
    const journal = createFileIntentJournal({ path: join(config.dataDir, "transactions.journal"), onCut: (bytes) => logger.warn({ bytes }, "the end of the transaction journal was torn and is cut off") });
    started("journal", () => journal.close());
    const metrics = new Metrics({ service: "challenger" });
    const evidence = createEvidence({ provider, deployment, dataDir: config.dataDir, sequencers: config.sequencers, logger });
    if (evidence !== undefined) started("evidence", () => evidence.close());
    const challenger = await createChallenger({
      ...(evidence === undefined ? {} : { evidence }),
      provider, deployment, signer, journal, logger, metrics,
      onStop: fail,
      queue: backend.queue("disputes"),
      dataDir: config.dataDir,
      everyMs: config.pollMs,
      collectEveryMs: isLocal ? Math.min(config.collectMs, LOCAL_COLLECT_MS) : config.collectMs,
      snapshotBatches: config.snapshotBatches,
      maxEpochs: config.maxEpochs,
      maxTraces: config.maxTraces,
      playFor: config.playFor,
      policy: { backing: config.backing, maxEntries: config.maxEntries, maxBondWei: BigInt(config.maxBondGwei) * GWEI, minBalanceWei: BigInt(config.minBalanceGwei) * GWEI },
      fees: { calmCapWei: BigInt(config.calmFeeGwei) * GWEI, maxCapWei: BigInt(config.maxFeeGwei) * GWEI, stakeWei: BigInt(config.stakeGwei) * GWEI },
      ...(isLocal ? { transactions: { pollMs: LOCAL_TRANSACTION_POLL_MS } } : {}),
    });
    started("turns", () => challenger.stop());
    await challenger.start();
    const { host, port } = config;
    const server = createStatusServer({ host, port, metrics, logger, status: () => challenger.status(), isWell: () => challenger.isWell(), addHead: evidence?.add });
    started("status", () => server.close());
    const actual = await server.listen();
    logger.info({ url: `http://${host}:${actual}`, challenger: signer.address, backing: config.backing }, "the challenger watches");
  });
}

async function loadKey(config: ChallengerConfig, isLocal: boolean, logger: Logger): Promise<KeySigner> {
  const { keystoreFile, passwordFile, signerUrl, signerAddress } = config;
  const isConfigured = keystoreFile !== undefined || signerUrl !== undefined;
  const plainKey = config.plainKey ?? (isLocal && !isConfigured ? LOCAL_TEST_KEY : undefined);
  return await loadSigner({ keystoreFile, passwordFile, externalUrl: signerUrl, externalAddress: signerAddress, plainKey, allowPlainKey: isLocal }, logger);
}
