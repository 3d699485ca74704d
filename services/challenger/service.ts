import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { KeySigner } from "../../runtime/keystore/KeySigner.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createService } from "../../runtime/lifecycle/createService.ts";
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
  const started: { readonly name: string; stop(): Promise<void> | void }[] = [];

  let fail: (error: Error) => void = () => undefined;
  const ended = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  ended.catch(() => undefined);

  async function start(): Promise<void> {
    const deployment = loadDeployment(JSON.parse(await readFile(config.deployment, "utf8")));
    const isLocal = LOCAL_CHAIN_IDS.includes(deployment.chainId);
    const signer = await loadKey(config, isLocal, logger);
    const lock = lockDataDir(config.dataDir);
    started.push({ name: "lock", stop: () => lock.release() });
    const provider = await createL1Provider(config.l1Url, deployment.chainId);
    started.push({ name: "L1", stop: () => provider.destroy() });
    await verifyDeployment(provider, deployment);
    const backend = await createQueueBackend({ url: config.queueUrl, dataFolder: join(config.dataDir, "queue"), namespace: `challenger_${deployment.contracts.inbox.toLowerCase()}`, logger });
    started.push({ name: "queue", stop: () => backend.close() });
    const journal = createFileIntentJournal({ path: join(config.dataDir, "transactions.journal"), onCut: (bytes) => logger.warn({ bytes }, "the end of the transaction journal was torn and is cut off") });
    started.push({ name: "journal", stop: () => journal.close() });
    const metrics = new Metrics({ service: "challenger" });
    const evidence = createEvidence({ provider, deployment, dataDir: config.dataDir, sequencers: config.sequencers, logger });
    if (evidence !== undefined) started.push({ name: "evidence", stop: () => evidence.close() });
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
    await challenger.start();
    started.push({ name: "turns", stop: () => challenger.stop() });
    const { host, port } = config;
    const server = createStatusServer({ host, port, metrics, logger, status: () => challenger.status(), isWell: () => challenger.isWell(), addHead: evidence?.add });
    started.push({ name: "status", stop: () => server.close() });
    const actual = await server.listen();
    logger.info({ url: `http://${host}:${actual}`, challenger: signer.address, backing: config.backing }, "the challenger watches");
  }

  /** Each part is stopped, whatever becomes of the one before it. */
  async function stop(): Promise<void> {
    const errors: Error[] = [];
    for (let part = started.pop(); part !== undefined; part = started.pop()) {
      try {
        await part.stop();
      } catch (error) {
        logger.error({ err: toError(error), part: part.name }, "a part did not stop in order");
        errors.push(toError(error));
      }
    }
    if (errors[0] !== undefined) throw errors[0];
  }

  return createService({
    ended,
    async start() {
      try {
        await start();
      } catch (error) {
        await stop().catch(() => undefined); // told already; the reason of the start is what counts
        throw error;
      }
    },
    stop,
  });
}

async function loadKey(config: ChallengerConfig, isLocal: boolean, logger: Logger): Promise<KeySigner> {
  const { keystoreFile, passwordFile, signerUrl, signerAddress } = config;
  const isConfigured = keystoreFile !== undefined || signerUrl !== undefined;
  const plainKey = config.plainKey ?? (isLocal && !isConfigured ? LOCAL_TEST_KEY : undefined);
  return await loadSigner({ keystoreFile, passwordFile, externalUrl: signerUrl, externalAddress: signerAddress, plainKey, allowPlainKey: isLocal }, logger);
}
