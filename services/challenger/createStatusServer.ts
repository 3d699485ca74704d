import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { TravellingHead } from "./evidence/HeadBook.ts";
import type { ChallengerStatus } from "./createChallenger.ts";

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
  readonly status: () => ChallengerStatus;
  /** Turns succeed, and nothing is alarming. */
  readonly isWell: () => boolean;
  /** Takes a head that somebody saw; undefined on a chain without operators. Throws for what is no head. */
  readonly addHead?: ((head: TravellingHead) => "new" | "known" | "contradiction" | "foreign") | undefined;
}

/** About 250 heads. */
const MAX_BODY_BYTES = 65_536;

function answer(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** @throws CodedError, SyntaxError for a body that is no list of heads */
async function readHeads(request: IncomingMessage): Promise<TravellingHead[]> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    if ((bytes += piece.length) > MAX_BODY_BYTES) throw new RangeError("the body is too large");
    pieces.push(piece);
  }
  const heads: unknown = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  if (!Array.isArray(heads)) throw new TypeError("the body is no list");
  return heads as TravellingHead[];
}

/**
 * GET /health (503 while something is wrong), /v1/status and /metrics. POST /v1/heads, on a chain with operators, takes signed heads that
 * others saw, a list of `{slot, position, head, signature}`: a contradiction among them is reported on L1. Nothing else can be changed.
 */
export function createStatusServer({ host, port, metrics, logger, status, isWell, addHead }: StatusServerOptions): StatusServer {
  async function takeHeads(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const counts: Record<string, number> = {};
      for (const head of await readHeads(request)) {
        const verdict = addHead!(head);
        counts[verdict] = (counts[verdict] ?? 0) + 1;
      }
      answer(response, 200, counts);
    } catch (error) {
      answer(response, 400, { error: { code: "http/body", message: toError(error).message, todo: "Send a JSON list of {slot, position, head, signature}, at most 64 KiB" } });
    }
  }
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "/").split("?")[0];
    if (request.method === "POST" && path === "/v1/heads" && addHead !== undefined) return void takeHeads(request, response);
    if (request.method !== "GET") return answer(response, 405, { error: { code: "http/method", todo: "Use GET" } });
    if (path === "/health") return answer(response, isWell() ? 200 : 503, { ok: isWell(), alarms: status().alarms });
    if (path === "/v1/status") return answer(response, 200, status());
    if (path !== "/metrics") return answer(response, 404, { error: { code: "http/not-found", todo: "Use /health, /v1/status or /metrics" } });
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
