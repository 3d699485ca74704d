import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";

import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { domainSeparator } from "../../core/codec/bundle.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import type { DataDirLock } from "../../runtime/files/lockDataDir.ts";
import { loadLocalSigner } from "../../runtime/keystore/loadSigner.ts";
import { createService } from "../../runtime/lifecycle/createService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { SequencerConfig } from "./config.ts";
import { connectL1 } from "./connectL1.ts";
import { Core } from "./Core.ts";
import { HttpServer } from "./intake/HttpServer.ts";
import { StreamServer } from "./intake/StreamServer.ts";
import type { SealedBatches } from "./SealedBatches.ts";

const LOCAL_CHAIN_IDS: readonly number[] = [31337, 1337];
/** Account 1 of the mnemonic that every local development chain funds; public knowledge, refused on any other chain. */
const LOCAL_TEST_KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/** The sequencer as one service: lock, log, pipeline, L1 side, intake; stopped the other way round. */
export function createSequencerService(config: SequencerConfig, logger: Logger): Service {
  let lock: DataDirLock | undefined;
  let core: Core | undefined;
  let http: HttpServer | undefined;
  let l1: Awaited<ReturnType<typeof connectL1>> | undefined;
  let fail: (error: Error) => void = () => undefined;
  const ended = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  ended.catch(() => undefined);

  return createService({
    ended,
    async start() {
      const deployment = loadDeployment(JSON.parse(await readFile(config.deployment, "utf8")));
      const signer = await loadKey(config, deployment);
      mkdirSync(config.dataDir, { recursive: true });
      lock = lockDataDir(config.dataDir);
      const chain = {
        domainSeparator: domainSeparator({ chainId: deployment.chainId, inbox: fromHex(deployment.contracts.inbox, 20) }),
        feeTable: deployment.config.feeTable,
      };
      core = new Core(config, chain, (digest) => signer.signDigest(digest), logger, fail);
      await core.start();
      const metrics = new Metrics({ service: "sequencer" });
      if (config.posting) {
        const isLocal = LOCAL_CHAIN_IDS.includes(deployment.chainId);
        l1 = await connectL1({ config, deployment, core, key: signer, isLocal, logger, metrics, onStop: fail });
      }
      http = createHttp(config, deployment, core, signer.address, metrics, logger, chain.domainSeparator, () => l1?.side.status());
      const port = await http.listen();
      logger.info({ url: `http://${config.host}:${port}`, sequencer: signer.address }, "the sequencer takes bundles");
    },
    async stop() {
      await http?.close();
      await core?.stop();
      await l1?.stop();
      lock?.release();
    },
  });
}

async function loadKey(config: SequencerConfig, deployment: Deployment) {
  const isLocal = LOCAL_CHAIN_IDS.includes(deployment.chainId);
  const plainKey = config.plainKey ?? (isLocal && config.keystoreFile === undefined ? LOCAL_TEST_KEY : undefined);
  return await loadLocalSigner({ keystoreFile: config.keystoreFile, passwordFile: config.passwordFile, plainKey, allowPlainKey: isLocal });
}

function createHttp(config: SequencerConfig, deployment: Deployment, core: Core, address: string, metrics: Metrics, logger: Logger, separator: Uint8Array, l1Status: () => unknown): HttpServer {
  const { pipeline, sealed, committer, state, roots } = core;
  for (const name of ["bundles", "records", "accepted", "rejectedBundles", "parked"] as const) {
    metrics.gauge(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), `${name} since the start`, { read: () => pipeline.counts[name] });
  }
  metrics.gauge("queue_bundles", "bundles between intake and execution", { read: () => pipeline.queueLength });
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
    clients: stream.clients,
    ...pipeline.counts,
    l1: l1Status() ?? null,
  });
  return new HttpServer({
    host: config.host, port: config.port, pipeline, stream, state, roots, metrics, logger, status,
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
  return newest?.stateRoot === undefined ? null : { batchCount: newest.index + 1, stateRoot: toHex(newest.stateRoot) };
}
