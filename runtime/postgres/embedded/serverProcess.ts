import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts";
import type { PostgresBinaries } from "./findBinaries.ts";
import { removeMisleadingPostmasterFile } from "./postmasterFile.ts";
import { findServerUser, launchAs } from "./serverUser.ts";

/** The release whose data format the binaries read. */
const MAJOR_VERSION = "18";
const DRAFT_PREFIX = "data.new.";
const LOG_TAIL_CHARS = 2000;

/**
 * A small server for wake-ups and indexes: both can be made again from what is the truth, so a commit need not wait for
 * the disk (a crash of the server or of ours loses nothing, a power cut at most the last moments).
 */
const SETTINGS = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  shared_buffers: "32MB",
  synchronous_commit: "off",
  max_wal_size: "256MB",
  jit: "off",
  log_min_messages: "warning",
};

/** Where an embedded server keeps its things. */
export interface ServerPaths {
  readonly folder: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly passwordFile: string;
}

export function serverPaths(folder: string): ServerPaths {
  mkdirSync(folder, { recursive: true });
  const real = realpathSync(folder);
  return { folder: real, dataDir: join(real, "data"), logFile: join(real, "postgres.log"), passwordFile: join(real, "password") };
}

function logTail(paths: ServerPaths): string {
  return existsSync(paths.logFile) ? readFileSync(paths.logFile, "utf8").slice(-LOG_TAIL_CHARS).trim() : "";
}

/** Spawns a server program with its output in the log file; in a session of its own, so that Ctrl-C reaches only us. */
function launch(paths: ServerPaths, file: string, args: string[]): { readonly child: ChildProcess; readonly exited: Promise<number> } {
  const { command, args: allArgs, identity } = launchAs(findServerUser(), file, paths.dataDir, args);
  const log = openSync(paths.logFile, "w");
  const child = spawn(command, allArgs, { ...identity, detached: true, cwd: "/", stdio: ["ignore", log, log] });
  closeSync(log);
  const exited = new Promise<number>((resolve) => {
    child.once("error", (error) => {
      writeFileSync(paths.logFile, `${error.message}\n`, { flag: "a" });
      resolve(-1);
    });
    child.once("exit", (code) => resolve(code ?? -1));
  });
  return { child, exited };
}

/**
 * Makes the data folder when there is none, beside its place and then renamed, so that a crash leaves no half of one.
 * @throws EmbeddedPostgresError `embeddedPostgres/init`, `embeddedPostgres/version`
 */
export async function ensureDataDir(paths: ServerPaths, binaries: PostgresBinaries): Promise<void> {
  const versionFile = join(paths.dataDir, "PG_VERSION");
  if (existsSync(versionFile)) {
    const found = readFileSync(versionFile, "utf8").trim();
    if (found === MAJOR_VERSION) return;
    throw new EmbeddedPostgresError("embeddedPostgres/version", { dataDir: paths.dataDir, found, known: MAJOR_VERSION }, "stop", {
      what: `The data in ${paths.dataDir} was written by PostgreSQL ${found}, and this release brings ${MAJOR_VERSION}`,
      todo: `Remove ${paths.folder}; wake-ups and indexes are made again`,
    });
  }
  // Under a name of its own: the program that fills it goes on for a moment when its starter is killed.
  for (const name of readdirSync(paths.folder)) {
    if (name.startsWith(DRAFT_PREFIX)) rmSync(join(paths.folder, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
  const draft = join(paths.folder, `${DRAFT_PREFIX}${randomBytes(4).toString("hex")}`);
  mkdirSync(draft, { mode: 0o700 });
  const user = findServerUser();
  const passwordCopy = join(draft, "..", "password.init");
  writeFileSync(passwordCopy, readFileSync(paths.passwordFile), { mode: 0o600 });
  if (user !== undefined) for (const path of [draft, passwordCopy]) chownSync(path, user.uid, user.gid);
  try {
    const args = ["-D", draft, "-U", "agnt2", "--auth=scram-sha-256", `--pwfile=${passwordCopy}`, "--locale=C", "--encoding=UTF8"];
    const exitCode = await launch(paths, binaries.initdb, args).exited;
    if (exitCode === 0) return renameSync(draft, paths.dataDir);
    throw new EmbeddedPostgresError("embeddedPostgres/init", { dataDir: paths.dataDir }, "stop", {
      what: `The embedded PostgreSQL could not make its data folder ${paths.dataDir}`,
      why: logTail(paths),
      todo: "Correct the cause, or configure a PostgreSQL or Redis of your own",
    });
  } finally {
    rmSync(passwordCopy, { force: true });
  }
}

/** A port of 127.0.0.1 that nobody listens on; `preferred` when that one is free. */
export async function findFreePort(preferred = 0): Promise<number> {
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const found = (server.address() as AddressInfo).port;
        server.close(() => resolve(found));
      });
    });
  return preferred === 0 ? listen(0) : listen(preferred).catch(() => listen(0));
}

/** A server that was launched; `failed` rejects when it ends. */
export interface LaunchedServer {
  readonly port: number;
  readonly ended: Promise<EmbeddedPostgresError>;
}

/** Launches the server on a free port. It is ready when it can be connected to. */
export async function launchServer(paths: ServerPaths, binaries: PostgresBinaries, preferredPort: number): Promise<LaunchedServer> {
  removeMisleadingPostmasterFile(paths.dataDir);
  const port = await findFreePort(preferredPort);
  const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const { child, exited } = launch(paths, binaries.postgres, ["-D", paths.dataDir, ...settings]);
  // It may outlive us: whoever holds a lease decides when it stops.
  child.unref();
  const ended = exited.then(
    () =>
      new EmbeddedPostgresError("embeddedPostgres/start", { dataDir: paths.dataDir, logTail: logTail(paths) }, "retry", {
        what: `The embedded PostgreSQL on ${paths.dataDir} ended`,
        why: logTail(paths),
        todo: "Correct the cause, or configure a PostgreSQL or Redis of your own",
      }),
  );
  return { port, ended };
}
