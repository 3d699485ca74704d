import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";

import { ChainError } from "../../chain/ChainError.ts";
import { createL1Provider } from "../../chain/createL1Provider.ts";
import { loadDeployment, verifyDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { toHex } from "../../core/codec/hex.ts";
import type { L1Event } from "../../derivation/L1Event.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { Replica } from "../../derivation/Replica.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import { lockDataDir } from "../../runtime/files/lockDataDir.ts";
import { createStagedService } from "../../runtime/lifecycle/createStagedService.ts";
import type { Staging } from "../../runtime/lifecycle/createStagedService.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { Metrics } from "../../runtime/metrics/Metrics.ts";
import { createAmountFormat } from "./AmountFormat.ts";
import type { ApiContext } from "./ApiContext.ts";
import type { ApiConfig } from "./config.ts";
import { createHttpApp } from "./createHttpApp.ts";
import { economyAddresses } from "./economy/index/EconomyEvent.ts";
import { openEconomy } from "./economy/Economy.ts";
import { economyRoutes } from "./economy/routes/economyRoutes.ts";
import { ExitBook } from "./exits/ExitBook.ts";
import { Feed } from "./feed/Feed.ts";
import { batchMessage, claimMessage, entryMessage, epochMessage, payoutMessage } from "./feed/feedMessages.ts";
import { pastEvents } from "./feed/pastEvents.ts";
import { readAsset } from "./readAsset.ts";
import { RequestShare } from "./RequestShare.ts";
import { routes } from "./routes/index.ts";
import { createSequencerWatch } from "./SequencerWatch.ts";

export interface ApiService extends Service {
  /** Where it listens, once started. */
  readonly url: string;
}

const VERSION = "0.1.0";

/** @throws ChainError `DEPLOYMENT_INVALID` */
function readDeployment(path: string): Deployment {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ChainError("DEPLOYMENT_INVALID", `${path} cannot be read (${toError(error).message})`, { path }, error);
  }
  return loadDeployment(json);
}

/** Everything of a running API, made in `start` because it needs the L1. */
interface Parts {
  readonly replica: Replica;
  readonly source: L1Source;
  readonly context: ApiContext;
}

/** The verifying replica with its HTTP and WebSocket side. */
export function createApiService(config: ApiConfig, logger: Logger): ApiService {
  const metrics = new Metrics({ service: "api" });
  const server = createServer();
  let parts: Parts | undefined;
  let trouble: string | undefined;
  let l1Error: string | undefined;

  const need = (): Parts => {
    if (parts === undefined) throw new Error("the API service has not started");
    return parts;
  };
  const { rateLimit: limit, trustedProxies } = config;
  const share = limit === 0 ? undefined : new RequestShare({ limit, trustedProxies });
  server.maxConnections = config.maxConnections;
  const feed = new Feed({
    admit: (request) => share?.take(request),
    onError: (error) => logger.error({ err: error }, "A reader of the feed could not be served."),
    maxClients: config.feedClients,
    maxClientsPerAddress: config.feedClientsPerAddress,
    maxBufferedBytes: config.feedBufferKib << 10,
    trustedProxies,
    hello: () => {
      const { replica, source } = need();
      const stateRoot = toHex(replica.rootAt(replica.batchCount) ?? new Uint8Array(32));
      return { type: "hello", batchCount: replica.batchCount, stateRoot, block: source.cursor?.blockNumber ?? null, blockHash: source.cursor?.blockHash ?? null };
    },
    past: (point) => pastEvents(need().context, point),
  });

  /** Batches are told when they are executed. */
  function publish(event: L1Event): void {
    if (event.type === "entry") feed.publish(entryMessage({ ...event.entry, at: event.at }));
    else if (event.type === "epoch") feed.publish(epochMessage(event));
    else if (event.type === "withdrawn") feed.publish(payoutMessage(event));
    else if (event.type !== "batch") feed.publish(claimMessage(event));
  }

  function createReplica(deployment: Deployment): Replica {
    return new Replica({
      dir: config.dataDir,
      deployment,
      snapshotBatches: config.snapshotBatches,
      onCut: (bytes) => logger.warn({ bytes }, "The end of the log was torn by a crash and was cut off; it is read from L1 again."),
      onDivergence: (error) => {
        trouble = error.message;
        logger.error({ err: error }, "A root differs from the one derived from L1.");
        feed.publish({ type: "divergence", code: error.code, ...error.payload });
      },
      onBatch: (index) => {
        const { replica, context } = need();
        const batch = replica.view.batches[index];
        if (batch !== undefined) feed.publish(batchMessage(context, batch));
      },
      onEvent: publish,
      onRollback: (batchCount, blockNumber) => {
        logger.warn({ batchCount, blockNumber }, "L1 was reorganised; the state went back.");
        feed.publish({ type: "rollback", block: blockNumber, batchCount, blockNumber });
      },
    });
  }

  /** The same error is logged once, however often the next tries meet it. */
  function reportL1Error(thrown: unknown): void {
    const error = toError(thrown);
    const { code, reaction } = error as { code?: string; reaction?: string };
    if (reaction === "stop") trouble = error.message;
    if (l1Error === (code ?? error.message)) return;
    l1Error = code ?? error.message;
    logger[reaction === "stop" ? "error" : "warn"]({ err: error }, `L1 cannot be read: ${error.message}`);
  }

  async function openStores({ started }: Staging): Promise<Parts> {
    const deployment = readDeployment(config.deployment);
    const provider = await createL1Provider(config.l1Url, deployment.chainId);
    started("L1", () => provider.destroy());
    await verifyDeployment(provider, deployment);
    const asset = await readAsset(provider, deployment);
    const lock = lockDataDir(config.dataDir);
    started("lock", () => lock.release());
    const replica = createReplica(deployment);
    started("replica", async () => {
      await replica.saveSnapshot();
      replica.close();
    });
    const source = createL1Source({
      provider,
      deployment,
      consumer: replica,
      cursors: replica.cursors,
      depth: config.depth,
      pollMs: config.pollMs,
      onError: reportL1Error,
      onRecovered: () => {
        l1Error = undefined;
        logger.info("L1 can be read again.");
      },
    });
    const addresses = config.economy ? economyAddresses(deployment) : undefined;
    const economy = addresses === undefined ? undefined : await openEconomy({ config, deployment, addresses, provider, logger, metrics });
    if (economy !== undefined) started("database", () => economy.close());
    const context: ApiContext = {
      deployment,
      replica,
      exits: new ExitBook(replica, String(deployment.config["feeRecipient"] ?? "")),
      asset,
      amounts: createAmountFormat(asset),
      nowSeconds: () => Math.floor(Date.now() / 1000),
      l1: () => ({ head: source.head?.number, timestamp: source.head?.timestamp, derived: source.cursor?.blockNumber, host: provider.activeHost }),
      trouble: () => trouble,
      economy,
    };
    return { replica, source, context };
  }

  function startWorkers({ started }: Staging, { source, replica, context: { economy } }: Parts): void {
    started("L1 source", () => source.stop());
    source.start();
    if (economy !== undefined) {
      started("economy", () => economy.stop());
      economy.start();
    }
    if (config.sequencerUrl === undefined) return;
    const watch = createSequencerWatch({
      url: config.sequencerUrl,
      pollMs: config.pollMs,
      onRoot: (batchCount, stateRoot) => void replica.compare(batchCount, stateRoot),
      onError: (error) => logger.debug({ err: error }, "The sequencer's root could not be read."),
    });
    started("sequencer watch", () => watch.stop());
    watch.start();
  }

  async function startIntake({ started }: Staging, { context, source }: Parts): Promise<void> {
    const { corsOrigin } = config;
    started("HTTP", () => {
      feed.close();
      share?.close();
      server.closeAllConnections();
      server.close();
    });
    const served = context.economy === undefined ? routes : [...routes, ...economyRoutes];
    server.on("request", createHttpApp({ context, routes: served, metrics, logger, corsOrigin, share, version: VERSION, isReady: () => source.head !== undefined }));
    feed.attach(server);
    server.listen(config.port, config.host);
    await once(server, "listening");
    logger.info({ url: url(), dataDir: config.dataDir }, `The API listens on ${url()}; see ${url()}/docs.`);
  }

  function url(): string {
    const { address, port } = server.address() as AddressInfo;
    return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  }

  const service = createStagedService({ logger }, async (staging) => {
    parts = await openStores(staging);
    measure(metrics, parts.context, feed);
    await parts.replica.resume();
    startWorkers(staging, parts);
    await startIntake(staging, parts);
  });
  return {
    ...service,
    get url() {
      return url();
    },
  };
}

function measure(metrics: Metrics, { replica, l1, trouble }: ApiContext, feed: Feed): void {
  metrics.gauge("replica_batches", "Batches executed", { read: () => replica.batchCount });
  metrics.gauge("replica_receipts", "Receipts written", { read: () => replica.current.machine("receiptCount") });
  metrics.gauge("replica_agents", "Accounts", { read: () => replica.current.agentCount });
  metrics.gauge("replica_l1_head", "Newest L1 block", { read: () => l1().head ?? 0 });
  metrics.gauge("replica_l1_derived", "Last L1 block taken over", { read: () => l1().derived ?? 0 });
  metrics.gauge("replica_diverged", "1 when an announced root differs from ours", { read: () => (trouble() === undefined ? 0 : 1) });
  metrics.gauge("feed_clients", "WebSocket clients of the feed", { read: () => feed.clientCount });
}
