import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import pg from "pg";

import { systemClock } from "../../clock/systemClock.ts";
import { hasErrorCode, toError } from "../../errors/CodedError.ts";
import { lockDataDir } from "../../files/lockDataDir.ts";
import type { DataDirLock } from "../../files/lockDataDir.ts";
import type { Logger } from "../../logger/Logger.ts";
import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts";
import { findBinaries } from "./findBinaries.ts";
import { isPostmasterAlive, readPostmaster } from "./postmasterFile.ts";
import { ensureDataDir, launchServer, serverPaths } from "./serverProcess.ts";
import type { ServerPaths } from "./serverProcess.ts";

const USER = "agnt2";
const DATABASE = "agnt2";
const LEASE = "agnt2 lease";
const POLL_MS = 40;
const MAX_RESTART_DELAY_MS = 5000;

export interface EmbeddedPostgresOptions {
  /** The server's own folder; processes that name the same one share one server. */
  readonly folder: string;
  readonly logger: Logger;
  /** How long to wait for the server, or for another process that is starting it. Default 30 s. */
  readonly startTimeoutMs?: number;
}

/** A share in a running server. */
export interface EmbeddedPostgres {
  /** `postgres://…`, good for as long as the share is held. */
  readonly url: string;
  readonly port: number;
  /** Gives the share back; the last one stops the server. */
  release(): Promise<void>;
}

interface Lease {
  readonly client: pg.Client;
  readonly port: number;
}

/**
 * Starts the embedded PostgreSQL on a folder, or joins the one that runs there already, be it another process's or one
 * that an earlier process left behind when it was killed. Each holder keeps one named connection, its lease: the server
 * itself knows who is still there, and a killed holder's lease goes with its socket. When the server dies it is
 * started again on the same port.
 * @throws EmbeddedPostgresError
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger } = options;
  const timeoutMs = options.startTimeoutMs ?? 30_000;
  const paths = serverPaths(options.folder);
  let released: Promise<void> | undefined;
  let lease = await acquire(paths, timeoutMs, 0, logger);
  const port = lease.port;
  watch();

  function watch(): void {
    const { client } = lease;
    client.on("error", (error) => logger.debug({ err: error }, "the lease on the embedded PostgreSQL broke"));
    client.once("end", () => {
      if (released === undefined) restarting = restart();
    });
  }

  let restarting: Promise<void> = Promise.resolve();
  async function restart(): Promise<void> {
    logger.warn({ port }, "the embedded PostgreSQL has gone, starting it again");
    for (let delayMs = POLL_MS; released === undefined; delayMs = Math.min(delayMs * 2, MAX_RESTART_DELAY_MS)) {
      try {
        const fresh = await acquire(paths, timeoutMs, port, logger);
        if (fresh.port !== port) logger.error({ port, newPort: fresh.port }, "another program has taken the port of the embedded PostgreSQL; restart the service");
        lease = fresh;
        watch();
        return;
      } catch (error) {
        logger.error({ err: toError(error) }, "the embedded PostgreSQL could not be started again");
        await systemClock.sleep(delayMs);
      }
    }
  }

  return {
    url: urlOf(paths, port),
    port,
    release() {
      released ??= (async () => {
        // Stops the loop above and waits for the attempt under way, so that no lease outlives this call.
        await Promise.resolve();
        await restarting;
        await giveBack(paths, lease, timeoutMs, logger);
      })();
      return released;
    },
  };
}

function urlOf(paths: ServerPaths, port: number, database = DATABASE): string {
  return `postgres://${USER}:${readFileSync(paths.passwordFile, "utf8").trim()}@127.0.0.1:${port}/${database}`;
}

/** Waits its turn: one process at a time starts or stops the server of a folder. */
async function lockTurn(paths: ServerPaths, timeoutMs: number): Promise<DataDirLock> {
  for (const endMs = systemClock.nowMs() + timeoutMs; ; ) {
    try {
      return lockDataDir(paths.folder, "turn.lock");
    } catch (error) {
      if (!hasErrorCode(error, "files/locked")) throw error;
      if (systemClock.nowMs() > endMs) {
        throw new EmbeddedPostgresError("embeddedPostgres/busy", { dataDir: paths.dataDir }, "retry", {
          what: `Another process has been starting or stopping the embedded PostgreSQL in ${paths.folder} for ${timeoutMs} ms`,
          todo: "Wait for it or stop it",
        }, { cause: error });
      }
      await systemClock.sleep(POLL_MS);
    }
  }
}

async function acquire(paths: ServerPaths, timeoutMs: number, preferredPort: number, logger: Logger): Promise<Lease> {
  const turn = await lockTurn(paths, timeoutMs);
  try {
    if (!existsSync(paths.passwordFile)) writeFileSync(paths.passwordFile, randomBytes(24).toString("hex"), { mode: 0o600 });
    const endMs = systemClock.nowMs() + timeoutMs;
    const binaries = await findBinaries();
    await ensureDataDir(paths, binaries);
    for (;;) {
      const running = readPostmaster(paths.dataDir);
      if (running !== undefined && isPostmasterAlive(running, paths.dataDir)) {
        const lease = await connectUntil(paths, running.port, endMs, () => isPostmasterAlive(running, paths.dataDir));
        if (lease !== undefined) {
          logger.info({ port: lease.port, pid: running.pid }, "joined the embedded PostgreSQL that is already running");
          return lease;
        }
      }
      const server = await launchServer(paths, binaries, preferredPort);
      let failure: EmbeddedPostgresError | undefined;
      void server.ended.then((error) => (failure = error));
      const lease = await connectUntil(paths, server.port, endMs, () => failure === undefined);
      if (lease !== undefined) {
        logger.info({ port: lease.port }, "started the embedded PostgreSQL");
        return lease;
      }
      // What a killed server left behind needs a moment to go; a port may have been taken meanwhile.
      if (systemClock.nowMs() > endMs) throw failure ?? (await server.ended);
      await systemClock.sleep(POLL_MS * 5);
    }
  } finally {
    turn.release();
  }
}

/** Connects as soon as the server lets us; undefined when it is no longer `alive` or time is up. */
async function connectUntil(paths: ServerPaths, port: number, endMs: number, alive: () => boolean): Promise<Lease | undefined> {
  while (alive() && systemClock.nowMs() < endMs) {
    const client = new pg.Client({ connectionString: urlOf(paths, port, "postgres"), application_name: LEASE, connectionTimeoutMillis: 2000, keepAlive: true });
    // Also while connecting a broken socket may raise a second, late error.
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ exists: boolean }>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", [DATABASE]);
      if (!rows[0]!.exists) await client.query(`CREATE DATABASE ${DATABASE}`);
      return { client, port };
    } catch (error) {
      await client.end().catch(() => undefined);
      // Refused, starting up, shutting down: try again. Anything else is told by the server's end or the time limit.
      if ((error as { code?: string }).code === "28P01") {
        throw new EmbeddedPostgresError("embeddedPostgres/start", { dataDir: paths.dataDir, logTail: "" }, "stop", {
          what: `The PostgreSQL on port ${port} does not accept the password in ${paths.passwordFile}`,
          todo: `Stop the server that runs on ${paths.dataDir}, remove ${paths.folder} and start again`,
        }, { cause: error });
      }
      await systemClock.sleep(POLL_MS);
    }
  }
  return undefined;
}

async function giveBack(paths: ServerPaths, lease: Lease, timeoutMs: number, logger: Logger): Promise<void> {
  const turn = await lockTurn(paths, timeoutMs);
  try {
    const postmaster = readPostmaster(paths.dataDir);
    const others = await lease.client
      .query<{ count: number }>("SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", [LEASE])
      .then(({ rows }) => rows[0]!.count)
      .catch((error: Error) => {
        logger.warn({ err: error }, "the embedded PostgreSQL was gone before it was stopped");
        return 0;
      });
    await lease.client.end().catch((error: Error) => logger.debug({ err: error }, "the lease was broken already"));
    if (others > 0 || postmaster === undefined || !isPostmasterAlive(postmaster, paths.dataDir)) return;
    // A fast shutdown: open transactions are rolled back, the data folder is left clean.
    process.kill(postmaster.pid, "SIGINT");
    for (const endMs = systemClock.nowMs() + timeoutMs; isPostmasterAlive(postmaster, paths.dataDir); await systemClock.sleep(POLL_MS)) {
      if (systemClock.nowMs() > endMs) {
        throw new EmbeddedPostgresError("embeddedPostgres/busy", { dataDir: paths.dataDir }, "stop", {
          what: `The embedded PostgreSQL (process ${postmaster.pid}) did not stop within ${timeoutMs} ms`,
          todo: "It does no harm; the next start uses it again",
        });
      }
    }
    logger.info({ port: lease.port }, "stopped the embedded PostgreSQL");
  } finally {
    turn.release();
  }
}
