import { Agent, createServer, request as ask } from "node:http";
import type { RequestListener, Server } from "node:http";

import { ANSWER } from "./BenchPlan.ts";

/** The service that everything is measured against: a small answer at once. */
export const answerQuote: RequestListener = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": ANSWER.length });
  response.end(ANSWER);
};

export function createBareService(): Server {
  return createServer(answerQuote);
}

/** A reverse proxy as one writes it with `node:http`: streams both ways, keeps connections, knows nothing of money. */
export function createPlainProxy(upstreamPort: number): Server {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  return createServer((incoming, outgoing) => {
    const upstream = ask({ host: "127.0.0.1", port: upstreamPort, method: incoming.method, path: incoming.url, headers: incoming.headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  });
}
