import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import { createFileIntentJournal } from "../../derivation/files/FileIntentJournal.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { LOCAL_POLICY, PUBLIC_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { KeySigner } from "../../runtime/keystore/KeySigner.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createStagedService } from "../../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createStatusServer } from "../../runtime/metrics/createStatusServer.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import { createQueueBackend } from "../../runtime/queue/createQueueBackend.ts";
import type { ProberConfig } from "./config.ts";
import { createProber } from "./createProber.ts";
import { measureEndpoint } from "./measure/measureEndpoint.ts";
import { ProberError } from "./ProberError.ts";
import { ProberStore } from "./store/ProberStore.ts";

const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];
/** Account 5 of the mnemonic that every local development chain funds; public knowledge, refused on any other chain. */
const LOCAL_TEST_KEY = "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba";
const LOCAL_TRANSACTION_POLL_MS = 200;
const MIN_PERIOD_SECONDS = 600;
const GWEI = 1_000_000_000n;

/** The prober as one service: lock, store, transactions, looks, status; stopped in reverse. */
export function createProberService(config: ProberConfig, logger: Logger): Service {
  return createStagedService({ logger }, async ({ started }) => {
    const deployment = loadDeployment(JSON.parse(await readFile(config.deployment, "utf8")));
    const { chainId, contracts } = deployment;
    const isLocal = LOCAL_CHAIN_IDS.includes(chainId);
    const meter = required("uptimeMeter", config.meter ?? contracts["uptimeMeter"]);
    const boards = config.boards.length > 0 ? config.boards : [required("bountyBoard", contracts["bountyBoard"])];
    const signer = await loadKey(config, isLocal, logger);
    const lock = lockDataDir(config.dataDir);
    started("lock", () => lock.release());
    const provider = await createL1Provider(config.l1Url, chainId);
    started("L1", () => provider.destroy());
    await verifyDeployment(provider, deployment);
    const store = await ProberStore.open(join(config.dataDir, "prober.json"), { chainId, meter: meter.toLowerCase() });
    const backend = await createQueueBackend({ url: config.queueUrl, dataFolder: join(config.dataDir, "queue"), namespace: `prober_${signer.address.toLowerCase()}`, logger });
    started("queue", () => backend.close());
    const journal = createFileIntentJournal({ path: join(config.dataDir, "transactions.journal"), onCut: (bytes) => logger.warn({ bytes }, "the end of the transaction journal was torn and is cut off") });
    started("journal", () => journal.close());
    const metrics = new Metrics({ service: "prober" });
    const policy = (config.allowPrivate ?? isLocal) ? LOCAL_POLICY : PUBLIC_POLICY;
    const prober = await createProber({
      provider, chainId, meter, signer, journal, store, logger, metrics,
      clock: systemClock,
      firstBlock: deployment.blockNumber,
      queue: backend.queue("looks"),
      accepts: {
        boards: lowerCase(boards), bounties: config.bounties.map(BigInt), peers: lowerCase(config.peers), joinsOpenPanels: config.openPanels,
        minPeriodSeconds: config.minPeriodSeconds ?? (isLocal ? 1 : MIN_PERIOD_SECONDS),
      },
      maxEngagements: config.maxEngagements,
      endpoints: config.endpoints,
      measure: (url, signal) => measureEndpoint(url, { policy, timeoutMs: config.sampleTimeoutMs, chainId: config.chainId, maxHeadAgeSeconds: config.maxHeadAgeSeconds, nowSeconds: () => systemClock.nowSeconds(), signal }),
      publishes: config.publish,
      policy: { minCoveragePercent: config.minCoveragePercent, sampleMs: config.sampleMs, tallyAfterSeconds: config.tallyAfterSeconds, stakeWei: BigInt(config.stakeGwei) * GWEI, isLeaving: config.leave },
      fees: { calmCapWei: BigInt(config.calmFeeGwei) * GWEI, maxCapWei: BigInt(config.maxFeeGwei) * GWEI },
      minBalanceWei: BigInt(config.minBalanceGwei) * GWEI,
      everyMs: config.pollMs,
      ...(isLocal ? { transactions: { pollMs: LOCAL_TRANSACTION_POLL_MS } } : {}),
    });
    started("looks", () => prober.stop());
    await prober.start();
    const { host, port } = config;
    const server = createStatusServer({ host, port, metrics, logger, status: () => prober.status(), isWell: () => prober.isWell() });
    started("status", () => server.close());
    const actual = await server.listen();
    logger.info({ url: `http://${host}:${actual}`, validator: signer.address, meter }, "the prober measures");
  });
}

const lowerCase = (addresses: readonly string[]): Set<string> => new Set(addresses.map((address) => address.toLowerCase()));

function required(name: string, address: string | undefined): string {
  if (address === undefined) {
    throw new ProberError("prober/no-contract", { name }, "stop", { what: `The deployment names no ${name}`, todo: "Name its address in the settings" });
  }
  return address;
}

async function loadKey(config: ProberConfig, isLocal: boolean, logger: Logger): Promise<KeySigner> {
  const { keystoreFile, passwordFile, signerUrl, signerAddress } = config;
  const isConfigured = keystoreFile !== undefined || signerUrl !== undefined;
  const plainKey = config.plainKey ?? (isLocal && !isConfigured ? LOCAL_TEST_KEY : undefined);
  return await loadSigner({ keystoreFile, passwordFile, externalUrl: signerUrl, externalAddress: signerAddress, plainKey, allowPlainKey: isLocal }, logger);
}
