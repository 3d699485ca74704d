import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of the requests to one route. */
export type Behaviour =
  | "pass"
  /** Nothing is ever said. */
  | "hang"
  /** The connection ends, and nothing was done. */
  | "drop"
  /** It is done, and the answer is lost. */
  | "lose-answer"
  /** A body without an end. */
  | "flood"
  /** Somebody's error page. */
  | "page"
  | "redirect"
  /** This very answer. */
  | { readonly status?: number; readonly json: unknown };

/** Stands between a server and a facilitator, and is as bad as a test wants. */
export interface BadFacilitator {
  readonly url: string;
  supported: Behaviour;
  verify: Behaviour;
  settle: Behaviour;
  /** Requests to /settle so far. */
  readonly settles: number;
  stop(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

function flood(response: ServerResponse): void {
  const piece = Buffer.alloc(65_536, " ");
  response.writeHead(200, { "content-type": "application/json" });
  const pour = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on("drain", pour);
  pour();
}

export async function startBadFacilitator(target: string): Promise<BadFacilitator> {
  const state = { supported: "pass" as Behaviour, verify: "pass" as Behaviour, settle: "pass" as Behaviour, settles: 0 };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = (request.url ?? "").slice(1) as "supported" | "verify" | "settle";
    const behaviour = state[route];
    if (route === "settle") state.settles += 1;
    const body = await bodyOf(request);
    if (behaviour === "hang") return;
    if (behaviour === "drop") return void request.socket.destroy();
    if (behaviour === "flood") return flood(response);
    if (behaviour === "page") return void response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
    if (behaviour === "redirect") return void response.writeHead(302, { location: `${target}/${route}` }).end();
    if (typeof behaviour === "object") return void response.writeHead(behaviour.status ?? 200, { "content-type": "application/json" }).end(JSON.stringify(behaviour.json));
    const init = request.method === "POST" ? { method: "POST", body: new Uint8Array(body), headers: { "content-type": "application/json" } } : {};
    const answer = await fetch(`${target}/${route}`, init);
    const text = await answer.text();
    if (behaviour === "lose-answer") return void request.socket.destroy();
    response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
  }

  const server = createServer((request, response) => void handle(request, response).catch(() => request.socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  });
}
