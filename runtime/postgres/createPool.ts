import pg from "pg";

import { toError } from "../errors/CodedError.ts";
import { PostgresError } from "./PostgresError.ts";

export interface PoolOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  /** A query that runs longer is cancelled. */
  readonly statementTimeoutMs?: number;
  readonly applicationName?: string;
  /** Told when an idle connection breaks; the pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void;
}

/** A pool of connections. It connects when it is first used; end it with `pool.end()`. */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 4,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    statement_timeout: options.statementTimeoutMs ?? 30_000,
    application_name: options.applicationName ?? "agnt2",
    keepAlive: true,
  });
  // Without a listener a broken idle connection would end the process.
  pool.on("error", (error) => options.onIdleError?.(error));
  return pool;
}

/** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    // A connection that cannot even roll back is thrown away; the first error is the one that matters.
    await client.query("ROLLBACK").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

/** @throws PostgresError `postgres/unreachable` (retry) */
export async function requireReachable(pool: pg.Pool): Promise<void> {
  try {
    await pool.query("SELECT 1");
  } catch (error) {
    const host = `${pool.options.host ?? URL.parse(pool.options.connectionString ?? "")?.host ?? "its host"}`;
    throw new PostgresError("postgres/unreachable", { host }, "retry", {
      what: `PostgreSQL on ${host} does not answer`,
      why: toError(error).message,
      todo: "Start it, or correct the connection URL",
    }, { cause: error });
  }
}
