import type { IncomingMessage, ServerResponse } from "node:http";

import { checkTarget } from "../door/checkRequest.ts";
import { inOnePiece } from "../door/inOnePiece.ts";
import { sidecarErrorOf } from "../door/sidecarErrorOf.ts";
import { refusalOf } from "../gate/refusalOf.ts";
import type { Gate } from "../gate/Gate.ts";
import type { CancelReason, HeldAnswer, Refusal, RouteLimits, Sale, Verdict } from "../gate/Sale.ts";
import { SidecarError } from "../SidecarError.ts";
import { addHeaders, dropForgedHeaders, hasBody, MiddlewareRequest } from "./MiddlewareRequest.ts";
import { guardBody } from "./guardBody.ts";
import { SaleResponse } from "./SaleResponse.ts";

/** The part of a logger that the middleware needs; pino and console have it too. */
export interface MiddlewareLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface MiddlewareOptions {
  /** Default: nothing is logged. */
  readonly log?: MiddlewareLog;
}

const NO_LOG: MiddlewareLog = { warn: () => undefined, error: () => undefined };

/** Runs the handler; gets the sale's response where there is one, so that it can tell of what is thrown. */
export type Proceed = (sale: SaleResponse | undefined) => void;

/**
 * Asks the gate about a request within the process and runs the handler if it may. Free requests pass without a promise; unpaid ones are answered
 * without one.
 * @param answered told when the request was answered without the handler
 */
export function serveGated(gate: Gate, request: IncomingMessage, response: ServerResponse, proceed: Proceed, options: MiddlewareOptions, answered?: () => void): void {
  const log = options.log ?? NO_LOG;
  const head = new MiddlewareRequest(request, false);

  const refuse = (thrown: unknown): void => {
    const { error, isOurs } = sidecarErrorOf(thrown);
    if (!isOurs) log.error({ err: thrown }, "A request could not be decided.");
    answered?.();
    send(request, response, refusalOf(error));
  };
  const follow = (verdict: Verdict): void => {
    if (verdict.kind === "free") {
      dropForgedHeaders(request);
      return proceed(undefined);
    }
    if (verdict.kind !== "sold") {
      answered?.();
      return send(request, response, verdict.kind === "refused" ? verdict.refusal : verdict.answer);
    }
    sell(verdict.sale, verdict.route);
  };
  const cancel = (sale: Sale, reason: CancelReason): void => void sale.cancel(reason).catch((error: unknown) => log.error({ err: error, way: sale.way }, "A sale could not be cancelled."));
  const sell = (sale: Sale, route: RouteLimits): void => {
    if (response.destroyed) return cancel(sale, "client-gone");
    let selling: SaleResponse | undefined;
    try {
      dropForgedHeaders(request);
      addHeaders(request, sale.upstreamHeaders);
      const checked = guardBody(request, response, sale);
      if (checked instanceof SidecarError) {
        cancel(sale, "body-digest");
        return refuse(checked);
      }
      selling = new SaleResponse(response, sale, route, checked, log);
      if (Number(request.headers["content-length"] ?? 0) > route.maxBodyBytes) {
        answered?.();
        return selling.fail(new SidecarError("door/body-too-large", { limitBytes: route.maxBodyBytes }), "client-gone");
      }
      proceed(selling);
    } catch (error) {
      if (selling !== undefined) return selling.onThrown(error);
      cancel(sale, "upstream-failed");
      refuse(error);
    }
  };

  let verdict: Verdict | Promise<Verdict>;
  try {
    checkTarget(head.method, head.target);
    verdict = gate.decide(head, head);
  } catch (error) {
    return refuse(error);
  }
  if (!(verdict instanceof Promise)) return follow(verdict);
  verdict.then(follow, refuse).catch((error: unknown) => log.error({ err: error }, "A handler threw."));
}

/** Answers what is all there. A body that nobody read is not waited for. */
function send(request: IncomingMessage, response: ServerResponse, answer: Refusal | HeldAnswer): void {
  if (response.destroyed || response.headersSent) return;
  const isBodiless = request.method === "HEAD" || answer.status === 204 || answer.status === 304;
  for (const [name, value] of answer.headers) response.appendHeader(name, value);
  if (!isBodiless) response.setHeader("Content-Length", answer.body.length);
  if (!request.complete && hasBody(request) && Number(request.headers["content-length"] ?? Infinity) > 65_536) response.setHeader("Connection", "close");
  response.statusCode = answer.status;
  if (isBodiless) response.end();
  else response.end(...inOnePiece(answer.body));
}
