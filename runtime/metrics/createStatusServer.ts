import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { toError } from "../errors/CodedError.ts";
import type { Logger } from "../logger/Logger.ts";
import type { Metrics } from "./Metrics.ts";

export interface StatusServer {
  /** Resolves to the port. */
  listen(): Promise<number>;
  close(): void;
}

export interface StatusServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly status: () => { readonly alarms: readonly string[] };
  /** Turns succeed, and nothing is alarming. */
  readonly isWell: () => boolean;
  /** Further pages, by path. Default: none. */
  readonly gets?: Readonly<Record<string, () => { readonly code: number; readonly body: unknown }>>;
  /** What can be sent to it, by path; each answers by itself. Default: nothing. */
  readonly posts?: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>>;
}

export function answerJson(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** GET /health (503 while something is wrong), /v1/status and /metrics: what an operator watches a service by. */
export function createStatusServer({ host, port, metrics, logger, status, isWell, gets = {}, posts = {} }: StatusServerOptions): StatusServer {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0]!;
    const post = request.method === "POST" && Object.hasOwn(posts, path) ? posts[path] : undefined;
    if (post !== undefined) return void post(request, response).catch((error: unknown) => logger.warn({ err: toError(error), path }, "A request could not be answered."));
    if (request.method !== "GET") return answerJson(response, 405, { error: { code: "http/method", todo: "Use GET" } });
    if (path === "/health") return answerJson(response, isWell() ? 200 : 503, { ok: isWell(), alarms: status().alarms });
    const page = Object.hasOwn(gets, path) ? gets[path]!() : undefined;
    if (page !== undefined) return answerJson(response, page.code, page.body);
    if (path === "/v1/status") return answerJson(response, 200, status());
    if (path !== "/metrics") return answerJson(response, 404, { error: { code: "http/not-found", todo: "Use /health, /v1/status or /metrics" } });
    metrics.handleRequest(request, response).catch((error: unknown) => logger.warn({ err: toError(error) }, "Metrics could not be written."));
  });
  return {
    async listen() {
      server.listen(port, host);
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
