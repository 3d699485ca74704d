/** A server under test, in a process of its own; started by `bench/sidecar.ts` with its plan as JSON. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createDoor } from "../../../sidecar/door/createDoor.ts";
import { wrapHandler } from "../../../sidecar/middleware/index.ts";
import type { ServerPlan, ServerReady } from "../BenchPlan.ts";
import { createBenchGate } from "../createBenchGate.ts";
import { answerQuote, createBareService, createPlainProxy } from "../plainServers.ts";

async function listen(server: Server): Promise<number> {
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function start(plan: ServerPlan): Promise<ServerReady> {
  if (plan.role === "bare" || plan.role === "proxy") return { port: await listen(plan.role === "bare" ? createBareService() : createPlainProxy(plan.upstreamPort)), payTo: "", peer: undefined };
  const { gate, payTo, peer } = await createBenchGate(plan);
  if (plan.role === "middleware") return { port: await listen(createServer(wrapHandler(gate, answerQuote))), payTo, peer };
  const door = createDoor({ gate, upstream: `http://127.0.0.1:${plan.upstreamPort}`, limits: { keepAliveMs: 600_000, upstreamIdleMs: 4_000 }, log: silentLogger });
  await door.listen("127.0.0.1", 0);
  return { port: door.address.port, payTo, peer };
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system, rssBytes: process.memoryUsage.rss() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ready: await start(JSON.parse(process.argv[2] ?? "{}") as ServerPlan) });
