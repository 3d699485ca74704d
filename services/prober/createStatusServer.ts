import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { ProberStatus } from "./createProber.ts";

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
  readonly status: () => ProberStatus;
  readonly isWell: () => boolean;
}

/** GET /health (503 while something is wrong), /v1/status and /metrics. Nothing can be changed. */
export function createStatusServer({ host, port, metrics, logger, status, isWell }: StatusServerOptions): StatusServer {
  const server = createServer((request, response) => {
    const answer = (code: number, body: unknown): void => void response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
    const path = (request.url ?? "/").split("?")[0];
    if (request.method !== "GET") return answer(405, { error: { code: "http/method", todo: "Use GET" } });
    if (path === "/health") return answer(isWell() ? 200 : 503, { ok: isWell(), alarms: status().alarms });
    if (path === "/v1/status") return answer(200, status());
    if (path !== "/metrics") return answer(404, { error: { code: "http/not-found", todo: "Use /health, /v1/status or /metrics" } });
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
