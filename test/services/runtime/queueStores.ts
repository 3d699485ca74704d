import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { startEmbeddedPostgres } from "../../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import { findFreePort } from "../../../runtime/postgres/embedded/serverProcess.ts";
import { createQueueBackend } from "../../../runtime/queue/createQueueBackend.ts";
import type { QueueBackend } from "../../../runtime/queue/WakeQueue.ts";

/** A store for the conformance suite: a server of its own, and as many clients as a test wants. */
export interface QueueStore {
  /** What a worker in another process must be told to reach the same store. */
  readonly url: string | undefined;
  open(): Promise<QueueBackend>;
  stop(): Promise<void>;
}

async function startRedis(folder: string): Promise<QueueStore> {
  if (spawnSync("redis-server", ["--version"]).status !== 0) {
    throw new Error("This test needs the program redis-server and it is not installed: apt-get install redis-server");
  }
  const port = await findFreePort();
  const server = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit");
  for await (const chunk of server.stdout) if (String(chunk).includes("Ready to accept connections")) break;
  const url = `redis://127.0.0.1:${port}`;
  return {
    url,
    open: () => createQueueBackend({ url, dataFolder: folder, logger: silentLogger }),
    stop: async () => {
      server.kill("SIGTERM");
      await ended;
    },
  };
}

async function startExternalPostgres(folder: string): Promise<QueueStore> {
  // Another server of the same kind: what matters is that the queue gets nothing but an URL.
  const server = await startEmbeddedPostgres({ folder: join(folder, "external"), logger: silentLogger });
  return {
    url: server.url,
    open: () => createQueueBackend({ url: server.url, dataFolder: folder, logger: silentLogger }),
    stop: () => server.release(),
  };
}

async function useEmbedded(folder: string): Promise<QueueStore> {
  return { url: undefined, open: () => createQueueBackend({ dataFolder: folder, logger: silentLogger }), stop: () => Promise.resolve() };
}

/** Every store, by the name its tests carry. */
export const QUEUE_STORES: Readonly<Record<string, (folder: string) => Promise<QueueStore>>> = {
  Redis: startRedis,
  "external PostgreSQL": startExternalPostgres,
  "embedded PostgreSQL": useEmbedded,
};
