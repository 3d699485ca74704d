import { join } from "node:path";

import type pg from "pg";

import type { Deployment } from "../../../chain/Deployment.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import { createPool, requireReachable } from "../../../runtime/postgres/createPool.ts";
import { startEmbeddedPostgres } from "../../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import type { EconomyConfig } from "./EconomyConfig.ts";
import type { EconomyAddresses } from "./index/EconomyEvent.ts";

const MAX_CONNECTIONS = 8;
const STATEMENT_TIMEOUT_MS = 15_000;

/** A database with a schema of this chain's own. */
export interface EconomyDatabase {
  readonly pool: pg.Pool;
  readonly schema: string;
  close(): Promise<void>;
}

/** One schema for each chain and set of contracts: a local chain that was restarted, or a board that was added, is indexed anew beside the old. */
function schemaOf(prefix: string, { chainId, genesisHash, blockNumber }: Deployment, addresses: EconomyAddresses): string {
  const identity = JSON.stringify([chainId, genesisHash, blockNumber, addresses]);
  return `${prefix}_${toHex(keccak256(new TextEncoder().encode(identity))).slice(2, 12)}`;
}

function withSearchPath(url: string, schema: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set("options", `-c search_path=${schema}`);
  return parsed.href.replaceAll("+", "%20");
}

/**
 * Opens the PostgreSQL that is configured, or starts the embedded one in the API's data folder.
 * @throws PostgresError `postgres/unreachable`; EmbeddedPostgresError
 */
export async function openDatabase(config: EconomyConfig, deployment: Deployment, addresses: EconomyAddresses, logger: Logger): Promise<EconomyDatabase> {
  const schema = schemaOf(config.databaseSchema, deployment, addresses);
  const server = config.databaseUrl === undefined ? await startEmbeddedPostgres({ folder: join(config.dataDir, "postgres"), logger }) : undefined;
  const pool = createPool({
    url: withSearchPath(config.databaseUrl ?? server?.url ?? "", schema),
    maxConnections: MAX_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    applicationName: "agnt2 api",
    onIdleError: (error) => logger.debug({ err: error }, "An idle connection to PostgreSQL broke."),
  });
  const close = async (): Promise<void> => {
    await pool.end();
    await server?.release();
  };
  try {
    await requireReachable(pool);
  } catch (error) {
    await close();
    throw error;
  }
  return { pool, schema, close };
}
