import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import express from "express";
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";

import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { Metrics } from "../../../runtime/metrics/Metrics.ts";
import type { Tower } from "../createTower.ts";
import type { TowerStore } from "../store/TowerStore.ts";
import { TowerError } from "../TowerError.ts";

export interface TowerServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tower: Tower;
  readonly store: TowerStore;
  /** What `GET /v1/info` says of where promises are enforced, and by whom. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** States that one address may hand in in a minute; 0 for no limit. */
  readonly rateLimit: number;
  readonly maxConnections: number;
}

export interface TowerServer {
  /** Resolves to the port. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** A state with 16 locks and four grants is about 6 kB. */
export const MAX_BODY_BYTES = 32_768;
const MINUTE_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;

function refusalOf(thrown: unknown): TowerError | undefined {
  if (thrown instanceof TowerError) return thrown;
  const { type, status } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as { type?: string; status?: number };
  if (type === "entity.too.large") return new TowerError("tower/too-large", { limitBytes: MAX_BODY_BYTES });
  if (thrown instanceof URIError || status === 400 || status === 415) return new TowerError("tower/body", { problem: toError(thrown).message });
  return undefined;
}

/** States in, receipts out; health, status and metrics. */
export function createTowerServer(options: TowerServerOptions): TowerServer {
  const { tower, store, metrics, logger } = options;
  const app = express();
  app.disable("x-powered-by");
  const taken = metrics.counter("tower_states_total", "States that were handed in, by outcome", ["outcome"]);
  const latency = metrics.latency("tower_receipt", "Time from a state to its receipt");
  const json = express.json({ limit: MAX_BODY_BYTES, strict: true, type: () => true });
  const share: RequestHandler =
    options.rateLimit === 0
      ? (_request, _response, next) => next()
      : rateLimit({
          windowMs: MINUTE_MS,
          limit: options.rateLimit,
          standardHeaders: "draft-8",
          legacyHeaders: false,
          keyGenerator: (request) => ipKeyGenerator(request.socket.remoteAddress ?? "unknown"),
          handler: (_request, response) => {
            const retryAfterSeconds = MINUTE_MS / 1000;
            response.setHeader("retry-after", String(retryAfterSeconds));
            throw new TowerError("tower/too-many", { limit: options.rateLimit, retryAfterSeconds });
          },
        });

  const bounded: RequestHandler = (request, response, next) => {
    if (Number(request.headers["content-length"] ?? 0) <= MAX_BODY_BYTES) return next();
    // What is announced is not waited for.
    response.setHeader("connection", "close");
    throw new TowerError("tower/too-large", { limitBytes: MAX_BODY_BYTES });
  };
  const taking = (take: (body: unknown) => Promise<unknown>): RequestHandler => async (request: Request, response: Response) => {
    const startedMs = performance.now();
    const result = await take(request.body as unknown);
    taken.inc({ outcome: "taken" });
    latency.observe((performance.now() - startedMs) / 1000);
    response.json(result);
  };
  // The share of an address comes before its bodies are read.
  app.post("/v1/states", share, bounded, json, taking((body) => tower.intake.submit(body)));
  app.post("/v1/sealed", share, bounded, json, taking((body) => tower.intake.seal(body)));
  app.get("/v1/states/:channelId/:side", (request, response) => {
    const { channelId, side } = request.params as { channelId: string; side: string };
    const found = side === "0" || side === "1" ? store.find(channelId.toLowerCase(), side === "0" ? 0 : 1) : undefined;
    if (found === undefined) throw new TowerError("tower/not-found", {});
    const { version, sequence, paid, until } = found;
    response.json({ channelId: found.channelId, side: found.side, version, sequence, paid, until });
  });
  app.get("/v1/info", (_request, response) => void response.json({ ...options.info, ...tower.status() }));
  app.get("/v1/status", (_request, response) => void response.json(tower.status()));
  app.get("/health", (_request, response) => void response.status(tower.isWell() ? 200 : 503).json({ ok: tower.isWell(), alarms: tower.status().alarms }));
  app.get("/metrics", (request, response) => metrics.handleRequest(request, response));
  app.use((request: Request) => {
    throw new TowerError("tower/unknown-route", { path: request.path.slice(0, 100) });
  });
  const onError: ErrorRequestHandler = (thrown: unknown, request, response, _next) => {
    const known = refusalOf(thrown);
    if (known === undefined || known.cause !== undefined) logger.debug({ err: thrown, path: request.path }, "A request was refused.");
    if (known === undefined) logger.error({ err: toError(thrown), path: request.path }, "A request failed.");
    const error = known ?? new TowerError("tower/internal", {});
    taken.inc({ outcome: error.code });
    response.status(error.status).json(error.body());
  };
  app.use(onError);

  // Express takes requests as they come.
  const server = createServer(app as never);
  server.maxConnections = options.maxConnections;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = 2 * HEADERS_TIMEOUT_MS;
  return {
    async listen() {
      server.listen(options.port, options.host);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
