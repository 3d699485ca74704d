import { readFile } from "node:fs/promises";

import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { channelDomain } from "../../core/channel/index.ts";
import { domainSeparator } from "../../core/codec/bundle.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { KeySigner } from "../../runtime/keystore/KeySigner.ts";
import { loadSigner } from "../../runtime/keystore/loadSigner.ts";
import { createStagedService } from "../../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import { adoptFromL1 } from "./adoptFromL1.ts";
import type { SequencerConfig } from "./config.ts";
import { connectL1 } from "./connectL1.ts";
import type { SealedBatches } from "./batches/SealedBatches.ts";
import { Core } from "./Core.ts";
import { createHeadSigner } from "./heads/HeadSigner.ts";
import { HttpServer } from "./intake/HttpServer.ts";
import { StreamServer } from "./intake/StreamServer.ts";


const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];
/** Account 1 of the mnemonic that every local development chain funds; public knowledge, refused on any other chain. */
const LOCAL_TEST_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/** The sequencer as one service: lock, log, pipeline, L1 side, intake; stopped in the order intake, pipeline, L1, stores. */
export function createSequencerService(config: SequencerConfig, logger: Logger): Service {
  return createStagedService({ logger }, async (staging) => {
    const { started, fail } = staging;
    const deployment = loadDeployment(JSON.parse(await readFile(config.deployment, "utf8")));
    const isLocal = LOCAL_CHAIN_IDS.includes(deployment.chainId);
    const key = await loadKey(config, isLocal, logger);
    const lock = lockDataDir(config.dataDir);
    started("lock", () => lock.release());
    const { inbox } = deployment.contracts;
    const separator = domainSeparator({ chainId: deployment.chainId, inbox: fromHex(inbox, 20) });
    const channels = channelDomain({ chainId: deployment.chainId, adjudicator: fromHex(deployment.contracts.adjudicator, 20) });
    const signer = createHeadSigner(key, { separator, chainId: deployment.chainId, inbox }, systemClock, logger);
    if (config.adopt) await adopt(config, deployment, logger);
    const { feeTable, slotSeconds, vacancySeconds } = deployment.config;
    const turns = deployment.contracts.sequencerSet === undefined ? {} : { slotSeconds: Number(slotSeconds), vacancySeconds: Number(vacancySeconds) };
    const core = await Core.open({ config, chain: { domainSeparator: separator, channels, feeTable, ...turns }, signer, logger, onFailed: fail });
    started("stores", () => core.stop());
    await core.start();
    const metrics = new Metrics({ service: "sequencer" });
    const l1 = config.posting ? await connectL1({ config, deployment, core, key, isLocal, logger, metrics, staging }) : undefined;
    started("pipeline", () => core.stopPipeline());
    const http = createHttp(config, deployment, core, key.address, metrics, logger, separator, () => l1?.status());
    started("intake", () => http.close());
    const port = await http.listen();
    logger.info({ url: `http://${config.host}:${port}`, sequencer: key.address }, "the sequencer takes bundles");
  });
}

async function adopt(config: SequencerConfig, deployment: Deployment, logger: Logger): Promise<void> {
  const provider = await createL1Provider(config.l1Url, deployment.chainId);
  try {
    await adoptFromL1({ provider, deployment, dataDir: config.dataDir, clock: systemClock, logger });
  } finally {
    provider.destroy();
  }
}

async function loadKey(config: SequencerConfig, isLocal: boolean, logger: Logger): Promise<KeySigner> {
  const { keystoreFile, passwordFile, signerUrl, signerAddress } = config;
  const isConfigured = keystoreFile !== undefined || signerUrl !== undefined;
  const plainKey = config.plainKey ?? (isLocal && !isConfigured ? LOCAL_TEST_KEY : undefined);
  return await loadSigner({ keystoreFile, passwordFile, externalUrl: signerUrl, externalAddress: signerAddress, plainKey, allowPlainKey: isLocal }, logger);
}

function createHttp(config: SequencerConfig, deployment: Deployment, core: Core, address: string, metrics: Metrics, logger: Logger, separator: Uint8Array, l1Status: () => unknown): HttpServer {
  const { pipeline, sealed, committer, state, roots } = core;
  for (const name of ["bundles", "records", "accepted", "rejectedBundles", "parked"] as const) {
    metrics.gauge(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), `${name} since the start`, { read: () => pipeline.counts[name] });
  }
  metrics.gauge("queue_bundles", "bundles between intake and execution", { read: () => pipeline.queueLength });
  metrics.gauge("waiting_bundles", "bundles that wait for others", { read: () => pipeline.waiting });
  metrics.gauge("dependency_levels", "longest chain of dependent bundles in the newest sampled batch", { read: () => core.levels.figures.levels });
  metrics.gauge("dependency_bundles", "bundles of that batch; divided by the levels: the parallelism it allows", { read: () => core.levels.figures.bundles });
  const stream = new StreamServer(pipeline, logger);
  const status = () => ({
    position: pipeline.position,
    durablePosition: committer.position,
    head: toHex(committer.head),
    sealedBatches: sealed.count,
    l2Time: pipeline.l2Time,
    nextEntry: pipeline.nextEntry,
    rooted: rootedOf(sealed),
    inboxCursor: pipeline.inboxCursor,
    queuedBundles: pipeline.queueLength,
    waitingBundles: pipeline.waiting,
    clients: stream.clients,
    dependencies: core.levels.figures,
    ...pipeline.counts,
    l1: l1Status() ?? null,
  });
  return new HttpServer({
    host: config.host, port: config.port, maxConnections: config.maxConnections, maxConnectionsPerAddress: config.maxConnectionsPerAddress, pipeline, stream, state, roots, metrics, logger, status, isWell: () => pipeline.isWell, signedHead: () => committer.signed,
    config: {
      chainId: deployment.chainId,
      domainSeparator: toHex(separator),
      contracts: deployment.contracts,
      inbox: deployment.contracts.inbox,
      settlement: deployment.contracts.settlement,
      bridge: deployment.contracts.bridge,
      asset: deployment.contracts.asset ?? null,
      assetScale: String(deployment.config.assetScale),
      feeTable: deployment.config.feeTable,
      sequencer: address,
    },
  });
}

/** The newest root of whole batches, once there is one: replicas compare it with theirs. */
function rootedOf(sealed: SealedBatches): { batchCount: number; stateRoot: string } | null {
  const newest = sealed.get(sealed.count - 1);
  return newest === undefined ? null : { batchCount: newest.index + 1, stateRoot: toHex(newest.stateRoot) };
}
