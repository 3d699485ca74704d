import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import express from "express";
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";

import { toError } from "../errors/CodedError.ts";
import { HttpError } from "../errors/HttpError.ts";

/** What an intake refuses by itself, in the words of its service. */
export interface IntakeRefusals {
  body(problem: string): HttpError;
  tooLarge(limitBytes: number): HttpError;
  tooMany(limit: number, retryAfterSeconds: number): HttpError;
  unknownRoute(path: string): HttpError;
  internal(): HttpError;
}

/** For the routes of a service. */
export interface IntakeGuards {
  /** The share of an address; comes before its bodies are read. */
  readonly share: RequestHandler;
  /** Refuses bodies by their announced length, and reads the others as JSON. */
  readonly json: readonly RequestHandler[];
}

export interface JsonIntakeOptions {
  readonly host: string;
  readonly port: number;
  readonly maxBodyBytes: number;
  /** Requests that one address may make in a minute; 0 for no limit. */
  readonly rateLimit: number;
  readonly maxConnections: number;
  readonly refusals: IntakeRefusals;
  readonly addRoutes: (app: Express, guards: IntakeGuards) => void;
  /** Told of each refusal; `isKnown` is false when what was thrown is no refusal of the service or of this intake. */
  readonly onRefused: (error: HttpError, thrown: unknown, request: Request, isKnown: boolean) => void;
}

export interface JsonIntake {
  readonly server: Server;
  /** Resolves to the port. */
  listen(): Promise<number>;
}

const MINUTE_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;
const MAX_TEXT = 200;
const MAX_PATH = 100;

/** An HTTP server that takes JSON from strangers: bounded in body, time, connections and requests of one address. */
export function createJsonIntake(options: JsonIntakeOptions): JsonIntake {
  const { maxBodyBytes, refusals } = options;
  const app = express();
  app.disable("x-powered-by");

  const tooMany = (_request: Request, response: Response): never => {
    const retryAfterSeconds = MINUTE_MS / 1000;
    response.setHeader("retry-after", String(retryAfterSeconds));
    throw refusals.tooMany(options.rateLimit, retryAfterSeconds);
  };
  const share: RequestHandler =
    options.rateLimit === 0
      ? (_request, _response, next) => next()
      : rateLimit({
          windowMs: MINUTE_MS, limit: options.rateLimit, standardHeaders: "draft-8", legacyHeaders: false,
          keyGenerator: (request) => ipKeyGenerator(request.socket.remoteAddress ?? "unknown"), handler: tooMany,
        });
  const bounded: RequestHandler = (request, response, next) => {
    if (Number(request.headers["content-length"] ?? 0) <= maxBodyBytes) return next();
    // What is announced is not waited for.
    response.setHeader("connection", "close");
    throw refusals.tooLarge(maxBodyBytes);
  };
  options.addRoutes(app, { share, json: [bounded, express.json({ limit: maxBodyBytes, strict: true, type: () => true })] });

  app.use((request: Request) => {
    throw refusals.unknownRoute(request.path.slice(0, MAX_PATH));
  });
  const refusalOf = (thrown: unknown): HttpError | undefined => {
    if (thrown instanceof HttpError) return thrown;
    const { type, status } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as { type?: string; status?: number };
    if (type === "entity.too.large") return refusals.tooLarge(maxBodyBytes);
    if (thrown instanceof URIError || status === 400 || status === 415) return refusals.body(toError(thrown).message.slice(0, MAX_TEXT));
    return undefined;
  };
  const onError: ErrorRequestHandler = (thrown: unknown, request, response, _next) => {
    const known = refusalOf(thrown);
    const error = known ?? refusals.internal();
    options.onRefused(error, thrown, request, known !== undefined);
    response.status(error.status).json(error.body());
  };
  app.use(onError);

  // Express takes requests as they come.
  const server = createServer(app as never);
  server.maxConnections = options.maxConnections;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = 2 * HEADERS_TIMEOUT_MS;
  return {
    server,
    async listen() {
      server.listen(options.port, options.host);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
  };
}
