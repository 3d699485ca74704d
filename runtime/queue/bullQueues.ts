import { Queue, Worker, createPostgresBackend, withBackend } from "bullmq";
import type { QueueOptions, WorkerOptions } from "bullmq";

/** Wake-ups carry an id and nothing else. */
export interface WakeData {
  readonly id: string;
}

/** The part of BullMQ that is used here, the same for both stores. */
export interface BullQueues {
  createQueue(name: string, options: Omit<QueueOptions, "connection">): Queue<WakeData>;
  createWorker(name: string, handler: ConstructorParameters<typeof Worker<WakeData>>[1], options: Omit<WorkerOptions, "connection">): Worker<WakeData>;
}

/** BullMQ on Redis; `namespace` keeps several chains on one server apart. */
export function redisQueues(url: string, namespace: string): BullQueues {
  return {
    // Adding fails after a few tries, so that a caller hears of it; a worker waits for the server to come back.
    createQueue: (name, options) => new Queue(name, { ...options, prefix: namespace, connection: { url, maxRetriesPerRequest: 3 } }),
    createWorker: (name, handler, options) => new Worker(name, handler, { ...options, prefix: namespace, connection: { url, maxRetriesPerRequest: null } }),
  };
}

/** BullMQ on PostgreSQL; the tables live in a schema named after `namespace` and are made when they are not there. */
export function postgresQueues(url: string, namespace: string): BullQueues {
  const classes = withBackend(createPostgresBackend);
  const connection = (max: number) => ({ connectionString: url, schema: namespace, migrate: true, max, application_name: "agnt2 queue" });
  // The classes differ from Redis's only in types of the connection, which stay in here.
  return {
    createQueue: (name, options) => new classes.Queue<WakeData>(name, { ...options, connection: connection(2) }) as unknown as Queue<WakeData>,
    createWorker: (name, handler, options) => new classes.Worker<WakeData>(name, handler as never, { ...options, connection: connection(4) }) as unknown as Worker<WakeData>,
  };
}
