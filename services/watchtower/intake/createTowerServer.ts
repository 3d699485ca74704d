import { once } from "node:events";

import type { Express, Request, RequestHandler, Response } from "express";

import { toError } from "../../../runtime/errors/CodedError.ts";
import { createJsonIntake } from "../../../runtime/http/createJsonIntake.ts";
import type { IntakeGuards, IntakeRefusals } from "../../../runtime/http/createJsonIntake.ts";
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

const REFUSALS: IntakeRefusals = {
  body: (problem) => new TowerError("tower/body", { problem }),
  tooLarge: (limitBytes) => new TowerError("tower/too-large", { limitBytes }),
  tooMany: (limit, retryAfterSeconds) => new TowerError("tower/too-many", { limit, retryAfterSeconds }),
  unknownRoute: (path) => new TowerError("tower/unknown-route", { path }),
  internal: () => new TowerError("tower/internal", {}),
};

/** States in, receipts out; health, status and metrics. */
export function createTowerServer(options: TowerServerOptions): TowerServer {
  const { tower, store, metrics, logger } = options;
  const taken = metrics.counter("tower_states_total", "States that were handed in, by outcome", ["outcome"]);
  const latency = metrics.latency("tower_receipt", "Time from a state to its receipt");
  const taking = (take: (body: unknown) => Promise<unknown>): RequestHandler => async (request: Request, response: Response) => {
    const startedMs = performance.now();
    const result = await take(request.body as unknown);
    taken.inc({ outcome: "taken" });
    latency.observe((performance.now() - startedMs) / 1000);
    response.json(result);
  };
  const addRoutes = (app: Express, { share, json }: IntakeGuards): void => {
    app.post("/v1/states", share, ...json, taking((body) => tower.intake.submit(body)));
    app.post("/v1/sealed", share, ...json, taking((body) => tower.intake.seal(body)));
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
  };
  const { server, listen } = createJsonIntake({
    ...options,
    maxBodyBytes: MAX_BODY_BYTES,
    refusals: REFUSALS,
    addRoutes,
    onRefused: (error, thrown, request, isKnown) => {
      if (!isKnown || error.cause !== undefined) logger.debug({ err: thrown, path: request.path }, "A request was refused.");
      if (!isKnown) logger.error({ err: toError(thrown), path: request.path }, "A request failed.");
      taken.inc({ outcome: error.code });
    },
  });
  return {
    listen,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
