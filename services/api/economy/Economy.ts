import type { JsonRpcApiProvider } from "ethers";
import type pg from "pg";

import { registryId } from "../../../chain/agents/registrationFile.ts";
import type { Deployment } from "../../../chain/Deployment.ts";
import { createEventSource } from "../../../derivation/createEventSource.ts";
import type { EventSource } from "../../../derivation/createEventSource.ts";
import { LOCAL_POLICY, PUBLIC_POLICY } from "../../../runtime/fetch/FetchPolicy.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { Metrics } from "../../../runtime/metrics/Metrics.ts";
import { CardFetcher } from "./cards/CardFetcher.ts";
import { CardStore } from "./cards/CardStore.ts";
import type { EconomyConfig } from "./EconomyConfig.ts";
import type { EconomyAddresses } from "./index/EconomyEvent.ts";
import { EconomyStore } from "./index/EconomyStore.ts";
import { createEconomyReader } from "./index/readEconomyEvents.ts";
import { openDatabase } from "./openDatabase.ts";

export interface EconomyOptions {
  readonly config: EconomyConfig;
  readonly deployment: Deployment;
  readonly addresses: EconomyAddresses;
  readonly provider: JsonRpcApiProvider;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Agents and bounties of a chain's L1, indexed in PostgreSQL. */
export interface Economy {
  readonly pool: pg.Pool;
  readonly addresses: EconomyAddresses;
  /** The identity registry as registration files name it. */
  readonly registry: string;
  /** Follows L1 and fetches files from now on. */
  start(): void;
  /** Ends that. The database still answers. */
  stop(): Promise<void>;
  /** Lets the database go. */
  close(): Promise<void>;
}

const RANGE_BLOCKS = 500;

/** Reports an error once, however often the next tries meet it. */
function reportOnce(logger: Logger, text: string): { report: (error: unknown) => void; recovered: () => void } {
  let last: string | undefined;
  return {
    report(error) {
      const { code, message } = error as { code?: string; message?: string };
      if (last === (code ?? message)) return;
      last = code ?? message;
      logger.warn({ err: error }, text);
    },
    recovered() {
      last = undefined;
      logger.info("The economy is indexed again.");
    },
  };
}

/**
 * Opens the database and prepares to follow L1; nothing runs before `start`.
 * @throws PostgresError, EmbeddedPostgresError
 */
export async function openEconomy({ config, deployment, addresses, provider, logger, metrics }: EconomyOptions): Promise<Economy> {
  const database = await openDatabase(config, deployment, addresses, logger);
  const { pool, schema } = database;
  let fetcher: CardFetcher | undefined;
  const unreadable = metrics.counter("economy_unreadable_events", "Events of contracts that could not be read");
  let source: EventSource;
  try {
    const store = new EconomyStore(pool, schema, () => fetcher?.wake());
    const cursors = await store.open();
    const indexing = reportOnce(logger, "The economy cannot be indexed now; what was indexed is served.");
    const read = createEconomyReader({
      provider,
      addresses,
      onUnreadable: (log, error) => {
        unreadable.inc();
        logger.warn({ err: error, transaction: log.transactionHash }, "An event could not be read and was left out.");
      },
    });
    const { pollMs, depth } = config;
    const firstBlock = Math.min(config.registryBlock ?? deployment.blockNumber, deployment.blockNumber);
    source = createEventSource({ provider, firstBlock, read, consumer: store, cursors, depth, pollMs, rangeBlocks: RANGE_BLOCKS, onError: indexing.report, onRecovered: indexing.recovered });
    const fetching = reportOnce(logger, "Registration files cannot be kept now.");
    fetcher = new CardFetcher({
      store: new CardStore(pool),
      deployment,
      fetches: config.cardFetches,
      retryMs: config.cardRetryMs,
      refreshMs: config.cardRefreshMs,
      document: { policy: config.cardsLocal ? LOCAL_POLICY : PUBLIC_POLICY, ipfsGateway: config.ipfsGateway, timeoutMs: config.cardTimeoutMs },
      nowMs: Date.now,
      onError: fetching.report,
    });
  } catch (error) {
    await database.close();
    throw error;
  }
  const files = fetcher;
  metrics.gauge("economy_indexed_block", "Last L1 block whose events are in the database", { read: () => source.cursor?.blockNumber ?? 0 });
  logger.info({ schema, embedded: config.databaseUrl === undefined }, "The economy is indexed in PostgreSQL.");
  return {
    pool,
    addresses,
    registry: registryId(deployment.chainId, addresses.identityRegistry ?? ""),
    start() {
      source.start();
      files.start();
    },
    async stop() {
      await Promise.all([source.stop(), files.stop()]);
    },
    close: () => database.close(),
  };
}
