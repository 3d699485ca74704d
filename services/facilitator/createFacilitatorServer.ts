import { once } from "node:events";

import type { x402Facilitator } from "@x402/core/facilitator";
import { PaymentPayloadV2Schema, PaymentRequirementsV2Schema } from "@x402/core/schemas";
import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from "@x402/core/types";
import type { Express, Request, RequestHandler, Response } from "express";

import { toError } from "../../runtime/errors/CodedError.ts";
import { createJsonIntake } from "../../runtime/http/createJsonIntake.ts";
import type { IntakeGuards, IntakeRefusals } from "../../runtime/http/createJsonIntake.ts";
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
/** After the last answer, how long its connections may take to end. */
const LATE_MS = 1_000;
const MAX_PROBLEM = 200;

const REFUSALS: IntakeRefusals = {
  body: (problem) => new FacilitatorError("facilitator/body", { problem }),
  tooLarge: (limitBytes) => new FacilitatorError("facilitator/too-large", { limitBytes }),
  tooMany: (limit, retryAfterSeconds) => new FacilitatorError("facilitator/too-many", { limit, retryAfterSeconds }),
  unknownRoute: (path) => new FacilitatorError("facilitator/unknown-route", { path }),
  internal: () => new FacilitatorError("facilitator/internal", {}),
};

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
  const requests = metrics.counter("facilitator_requests_total", "Payments that were looked at or settled, by what was said", ["route", "outcome"]);
  const latency = metrics.latency("facilitator_request", "Time to say something of a payment", ["route"]);
  let underWay = 0;
  let isClosing = false;
  let onIdle: (() => void) | undefined;

  const whileOpen: RequestHandler = (_request, response, next) => {
    if (!isClosing) return next();
    response.setHeader("connection", "close");
    throw new FacilitatorError("facilitator/stopping", {});
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

  const addRoutes = (app: Express, { share, json }: IntakeGuards): void => {
    app.get("/supported", share, (_request, response) => void response.json(facilitator.getSupported()));
    app.post("/verify", share, whileOpen, ...json, answering("verify", async (payload, requirements) => {
      const reason = whyNot(requirements);
      const result: VerifyResponse = reason === undefined ? await facilitator.verify(payload, requirements) : { isValid: false, invalidReason: reason };
      return { result, outcome: result.isValid ? "valid" : (result.invalidReason ?? "invalid") };
    }));
    app.post("/settle", share, whileOpen, ...json, answering("settle", async (payload, requirements) => {
      const reason = whyNot(requirements);
      const result: SettleResponse = reason === undefined ? await facilitator.settle(payload, requirements) : { success: false, errorReason: reason, transaction: "", network: requirements.network };
      if (result.success) logger.info({ transaction: result.transaction, payer: result.payer, payTo: requirements.payTo, asset: requirements.asset, amount: requirements.amount }, "a payment is settled");
      return { result, outcome: result.success ? "settled" : (result.errorReason ?? "failed") };
    }));
    app.get("/health", (_request, response) => void response.status(options.isReady() && !isClosing ? 200 : 503).json({ ok: options.isReady() && !isClosing }));
  };
  const { server, listen } = createJsonIntake({
    ...options,
    maxBodyBytes: MAX_BODY_BYTES,
    refusals: REFUSALS,
    addRoutes,
    onRefused: (error, thrown, request, isKnown) => {
      if (!isKnown) logger.error({ err: toError(thrown), path: request.path }, "A request failed.");
      else if (error.cause !== undefined) logger.warn({ err: toError(error.cause), code: error.code }, "A payment could not be looked at.");
      requests.inc({ route: "refused", outcome: error.code });
    },
  });
  return {
    listen,
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
      const late = setTimeout(() => server.closeAllConnections(), LATE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
