import { join } from "node:path";

import { redactUrl } from "../logger/redact.ts";
import type { Logger } from "../logger/Logger.ts";
import { createPool, requireReachable } from "../postgres/createPool.ts";
import { startEmbeddedPostgres } from "../postgres/embedded/startEmbeddedPostgres.ts";
import { postgresQueues, redisQueues } from "./bullQueues.ts";
import type { BullQueues } from "./bullQueues.ts";
import { createWakeQueue } from "./createWakeQueue.ts";
import { QueueError } from "./QueueError.ts";
import type { QueueBackend, WakeQueue } from "./WakeQueue.ts";

export interface QueueBackendConfig {
  /** `redis://`, `rediss://`, `postgres://` or `postgresql://`; nothing for the embedded PostgreSQL. */
  readonly url?: string | undefined;
  /** Where the embedded PostgreSQL keeps its data; processes with the same folder share one server. */
  readonly dataFolder: string;
  /** Keeps several chains on one server apart: a plain lower-case identifier. Default `agnt2_queue`. */
  readonly namespace?: string;
  readonly logger: Logger;
}

/**
 * Opens the store of wake-ups that the configuration names, or starts the embedded one.
 * @throws QueueError `queue/url`, `queue/unavailable`; PostgresError `postgres/unreachable`; EmbeddedPostgresError
 */
export async function createQueueBackend(config: QueueBackendConfig): Promise<QueueBackend> {
  const namespace = config.namespace ?? "agnt2_queue";
  if (config.url === undefined || config.url === "") {
    const server = await startEmbeddedPostgres({ folder: join(config.dataFolder, "postgres"), logger: config.logger });
    return backend("embedded", server.url, postgresQueues(server.url, namespace), config.logger, () => server.release());
  }
  const scheme = URL.parse(config.url)?.protocol.slice(0, -1) ?? "";
  const nothingStarted = (): Promise<void> => Promise.resolve();
  if (scheme === "postgres" || scheme === "postgresql") {
    const pool = createPool({ url: config.url, maxConnections: 1 });
    try {
      await requireReachable(pool);
    } finally {
      await pool.end();
    }
    return backend("postgres", config.url, postgresQueues(config.url, namespace), config.logger, nothingStarted);
  }
  if (scheme === "redis" || scheme === "rediss") {
    const redis = backend("redis", config.url, redisQueues(config.url, namespace), config.logger, nothingStarted);
    const check = redis.queue("check");
    try {
      await check.counts();
    } catch (error) {
      await redis.close();
      throw error;
    }
    await check.close();
    return redis;
  }
  throw new QueueError("queue/url", { scheme }, "stop", {
    what: `A queue cannot be kept at an URL that starts with ${scheme === "" ? "nothing known" : `${scheme}://`}`,
    todo: "Use redis:// or postgres://, or leave it out for the embedded PostgreSQL",
  });
}

function backend(kind: QueueBackend["kind"], url: string, bull: BullQueues, logger: Logger, closeServer: () => Promise<void>): QueueBackend {
  const queues = new Set<WakeQueue>();
  let closed: Promise<void> | undefined;
  return {
    kind,
    url,
    queue(name) {
      const queue = createWakeQueue(name, bull, redactUrl(url), logger);
      queues.add(queue);
      return queue;
    },
    close() {
      closed ??= (async () => {
        await Promise.all([...queues].map((queue) => queue.close()));
        await closeServer();
      })();
      return closed;
    },
  };
}
