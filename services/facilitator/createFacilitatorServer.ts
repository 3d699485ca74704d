import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { x402Facilitator } from "@x402/core/facilitator";
import { PaymentPayloadV2Schema, PaymentRequirementsV2Schema } from "@x402/core/schemas";
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from "@x402/core/types";
import express from "express";
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import { FacilitatorError } from "./FacilitatorError.ts";

export interface FacilitatorServerOptions {
  readonly host: string;
  readonly port: number;
  readonly facilitator: Pick<x402Facilitator, "getSupported" | "verify" | "settle">;
  /** Whether payments can be taken now. */
  readonly isReady: () => boolean;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Requests that one address may make in a minute; 0 for no limit. */
  readonly rateLimit: number;
  readonly maxConnections: number;
  /** What is under way may take so long to end once the server closes. */
  readonly drainMs: number;
}

export interface FacilitatorServer {
  /** Resolves to the port. */
  listen(): Promise<number>;
  /** No new requests; answers what is under way, then closes. */
  close(): Promise<void>;
}

/** A payment with the longest signature that is taken is about 12 kB. */
export const MAX_BODY_BYTES = 32_768;
const MINUTE_MS = 60_000;
const HEADERS_TIMEOUT_MS = 10_000;
const MAX_PROBLEM = 200;

function refusalOf(thrown: unknown): FacilitatorError | undefined {
  if (thrown instanceof FacilitatorError) return thrown;
  const { type, status } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as { type?: string; status?: number };
  if (type === "entity.too.large") return new FacilitatorError("facilitator/too-large", { limitBytes: MAX_BODY_BYTES });
  if (thrown instanceof URIError || status === 400 || status === 415) return new FacilitatorError("facilitator/body", { problem: toError(thrown).message.slice(0, MAX_PROBLEM) });
  return undefined;
}

/** @throws FacilitatorError `facilitator/body` */
function readPayment(body: unknown): { payload: PaymentPayload; requirements: PaymentRequirements } {
  const { paymentPayload, paymentRequirements } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const [payload, requirements] = [PaymentPayloadV2Schema.safeParse(paymentPayload), PaymentRequirementsV2Schema.safeParse(paymentRequirements)];
  const issue = (payload.error ?? requirements.error)?.issues[0];
  if (issue !== undefined) throw new FacilitatorError("facilitator/body", { problem: `${issue.path.join(".")}: ${issue.message}`.slice(0, MAX_PROBLEM) });
  return { payload: payload.data as PaymentPayload, requirements: requirements.data as PaymentRequirements };
}

/** GET /supported, POST /verify and POST /settle of x402 version 2, and GET /health. */
export function createFacilitatorServer(options: FacilitatorServerOptions): FacilitatorServer {
  const { facilitator, metrics, logger } = options;
  const app = express();
  app.disable("x-powered-by");
  const requests = metrics.counter("facilitator_requests_total", "Payments that were looked at or settled, by what was said", ["route", "outcome"]);
  const latency = metrics.latency("facilitator_request", "Time to say something of a payment", ["route"]);
  const json = express.json({ limit: MAX_BODY_BYTES, strict: true, type: () => true });
  let underWay = 0;
  let isClosing = false;
  let onIdle: (() => void) | undefined;

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
            throw new FacilitatorError("facilitator/too-many", { limit: options.rateLimit, retryAfterSeconds });
          },
        });
  const bounded: RequestHandler = (request, response, next) => {
    if (isClosing) {
      response.setHeader("connection", "close");
      throw new FacilitatorError("facilitator/stopping", {});
    }
    if (Number(request.headers["content-length"] ?? 0) <= MAX_BODY_BYTES) return next();
    // What is announced is not waited for.
    response.setHeader("connection", "close");
    throw new FacilitatorError("facilitator/too-large", { limitBytes: MAX_BODY_BYTES });
  };
  const answering = (route: string, answer: (payload: PaymentPayload, requirements: PaymentRequirements) => Promise<{ result: object; outcome: string }>): RequestHandler => async (request: Request, response: Response) => {
    const { payload, requirements } = readPayment(request.body);
    const startedMs = performance.now();
    underWay += 1;
    try {
      const { result, outcome } = await answer(payload, requirements);
      requests.inc({ route, outcome });
      response.json(result);
    } finally {
      underWay -= 1;
      latency.observe({ route }, (performance.now() - startedMs) / 1000);
      if (underWay === 0) onIdle?.();
    }
  };

  /** The package throws for what it has no scheme for; to who asks it is a payment like any other that cannot be taken. */
  const whyNot = ({ scheme, network }: PaymentRequirements): string | undefined => {
    const { kinds } = facilitator.getSupported();
    if (!kinds.some((kind) => kind.scheme === scheme)) return "unsupported_scheme";
    return kinds.some((kind) => kind.scheme === scheme && kind.network === network) ? undefined : "invalid_network";
  };

  // The share of an address comes before its bodies are read.
  app.get("/supported", share, (_request, response) => void response.json(facilitator.getSupported()));
  app.post("/verify", share, bounded, json, answering("verify", async (payload, requirements) => {
    const reason = whyNot(requirements);
    const result: VerifyResponse = reason === undefined ? await facilitator.verify(payload, requirements) : { isValid: false, invalidReason: reason };
    return { result, outcome: result.isValid ? "valid" : (result.invalidReason ?? "invalid") };
  }));
  app.post("/settle", share, bounded, json, answering("settle", async (payload, requirements) => {
    const reason = whyNot(requirements);
    const result: SettleResponse = reason === undefined ? await facilitator.settle(payload, requirements) : { success: false, errorReason: reason, transaction: "", network: requirements.network };
    if (result.success) logger.info({ transaction: result.transaction, payer: result.payer, payTo: requirements.payTo, asset: requirements.asset, amount: requirements.amount }, "a payment is settled");
    return { result, outcome: result.success ? "settled" : (result.errorReason ?? "failed") };
  }));
  app.get("/health", (_request, response) => void response.status(options.isReady() && !isClosing ? 200 : 503).json({ ok: options.isReady() && !isClosing }));
  app.use((request: Request) => {
    throw new FacilitatorError("facilitator/unknown-route", { path: request.path.slice(0, 100) });
  });
  const onError: ErrorRequestHandler = (thrown: unknown, request, response, _next) => {
    const known = refusalOf(thrown);
    if (known === undefined) logger.error({ err: toError(thrown), path: request.path }, "A request failed.");
    else if (known.cause !== undefined) logger.warn({ err: toError(known.cause), code: known.code }, "A payment could not be looked at.");
    const error = known ?? new FacilitatorError("facilitator/internal", {});
    requests.inc({ route: "refused", outcome: error.code });
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
      isClosing = true;
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      if (underWay > 0) {
        const idle = new Promise<void>((resolve) => (onIdle = resolve));
        const timer = setTimeout(() => onIdle?.(), options.drainMs);
        await idle;
        clearTimeout(timer);
        // The last answer is on its way to its socket.
        await new Promise((resolve) => setImmediate(resolve));
      }
      server.closeIdleConnections();
      const late = setTimeout(() => server.closeAllConnections(), HEADERS_TIMEOUT_MS / 10);
      await closed;
      clearTimeout(late);
    },
  };
}
