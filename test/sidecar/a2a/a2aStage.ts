import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { buildAgentCard } from "../../../sdk/index.ts";
import type { AgentDescription, AgentDescriptionInput } from "../../../sdk/index.ts";
import { createA2aHandlers } from "../../../sidecar/a2a/createA2aHandlers.ts";
import type { A2aHandlers, A2aOptions } from "../../../sidecar/a2a/createA2aHandlers.ts";
import type { PaidExchange } from "../../../sidecar/a2a/PaidExchange.ts";
import { describedAgent } from "../../builders/describedAgent.ts";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly type: string | undefined;
  readonly payer: string | string[] | undefined;
  readonly body: string;
}

/** An agent's endpoints in front of a service that echoes, counts, hangs and fails. */
export interface A2aStage {
  readonly url: string;
  readonly description: AgentDescription;
  readonly handlers: A2aHandlers;
  readonly seen: SeenRequest[];
  readonly errors: unknown[];
  /** Requests to /hang that are still open. */
  readonly hanging: Set<ServerResponse>;
  /** Lets all of /hang say one more thing. */
  say(text: string): void;
  /** Who pays for the next requests, by the header `test-payer`. */
  stop(): Promise<void>;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

const FREE_SKILLS: AgentDescriptionInput["skills"] = [
  { id: "echo", capability: 1, name: "Echo", description: "Says it again", path: "/echo" },
  { id: "count", capability: 2, name: "Count", description: "Counts up", path: "/count", isStream: true },
  { id: "hang", capability: 3, name: "Hang", description: "Takes its time", path: "/hang", isStream: true },
  { id: "fail", capability: 4, name: "Fail", description: "Fails", path: "/fail" },
  { id: "refuse", capability: 5, name: "Refuse", description: "Refuses", path: "/refuse" },
  { id: "look", capability: 6, name: "Look", description: "Is asked by query", method: "GET", path: "/look" },
  { id: "big", capability: 7, name: "Big", description: "Says a lot", path: "/big" },
  { id: "raw", capability: 8, name: "Raw", description: "Says bytes", path: "/raw", inputModes: ["application/octet-stream"] },
];

export async function startA2aStage(change: Partial<AgentDescriptionInput> = {}, options: Partial<A2aOptions> = {}): Promise<A2aStage> {
  const seen: SeenRequest[] = [];
  const errors: unknown[] = [];
  const hanging = new Set<ServerResponse>();
  const upstream = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = Buffer.concat(chunks);
      const path = (req.url ?? "").split("?")[0];
      seen.push({ method: req.method ?? "", url: req.url ?? "", type: req.headers["content-type"], payer: req.headers["agnt2-payer"], body: body.toString("utf8") });
      if (path === "/echo") res.setHeader("content-type", req.headers["content-type"] ?? "text/plain").end(body);
      else if (path === "/count") {
        res.writeHead(200, { "content-type": "text/event-stream" });
        for (const number of [1, 2, 3]) res.write(`data: ${number}\n\n`);
        res.end();
      } else if (path === "/hang") {
        hanging.add(res);
        res.once("close", () => hanging.delete(res));
        res.writeHead(200, { "content-type": "text/plain" });
        res.write("first");
      } else if (path === "/fail") res.writeHead(500).end("Error: secret at /home/service/index.js:3");
      else if (path === "/refuse") res.writeHead(422).end("secret words");
      else if (path === "/look") res.setHeader("content-type", "application/json").end(JSON.stringify({ asked: req.url }));
      else if (path === "/big") res.setHeader("content-type", "text/plain").end("x".repeat(100_000));
      else if (path === "/raw") res.setHeader("content-type", "image/png").end(Buffer.from([1, 2, 255]));
      else res.writeHead(404).end();
    });
  });
  const upstreamUrl = await listen(upstream);
  const server = createServer((req, res) => {
    if (!handlers.handles({ target: req.url ?? "" })) return void res.writeHead(418).end();
    const { "test-payer": payer, "test-invocation": invocation } = req.headers;
    const [slot = "", id = ""] = typeof invocation === "string" ? invocation.split(":") : [];
    const paid: PaidExchange | undefined = typeof payer !== "string" ? undefined : {
      payer, way: invocation === undefined ? "exact" : "call", payment: `call:${id}`, requestHash: `0x${"11".repeat(32)}`,
      invocation: invocation === undefined ? undefined : { slot: Number(slot), id: Number(id) },
    };
    handlers.serve(req, res, paid);
  });
  const url = await listen(server);
  const description = describedAgent({ baseUrl: url, skills: FREE_SKILLS, ...change });
  const handlers = createA2aHandlers({ description, card: buildAgentCard(description), upstream: upstreamUrl, onError: (error) => errors.push(error), ...options });
  return {
    url, description, handlers, seen, errors, hanging,
    say(text) {
      for (const res of hanging) res.write(text);
    },
    async stop() {
      handlers.stop();
      await Promise.all([close(server), close(upstream)]);
    },
  };
}
