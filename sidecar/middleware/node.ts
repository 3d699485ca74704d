import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

import { toError } from "../../runtime/errors/CodedError.ts";
import { checkTarget } from "../door/checkRequest.ts";
import { sidecarErrorOf } from "../door/sidecarErrorOf.ts";
import { refusalOf } from "../gate/refusalOf.ts";
import type { Gate } from "../gate/Gate.ts";
import type { HeldAnswer, Refusal, Verdict } from "../gate/Sale.ts";
import { addHeaders, dropForgedHeaders, MiddlewareRequest } from "./MiddlewareRequest.ts";
import { serveGated } from "./serveGated.ts";
import type { MiddlewareOptions } from "./serveGated.ts";

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * The paid door before a handler of `node:http`: `createServer(wrapHandler(gate, handler))`. What a handler throws, or its promise, before its
 * answer is sold becomes a 500 that costs nothing; for free requests it is thrown on, as without the door.
 */
export function wrapHandler(gate: Gate, handler: NodeHandler, options: MiddlewareOptions = {}): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) =>
    serveGated(
      gate,
      request,
      response,
      (sale) => {
        if (sale === undefined) return void handler(request, response);
        try {
          const running = handler(request, response);
          if (running instanceof Promise) running.catch((error: unknown) => sale.onThrown(error));
        } catch (error) {
          sale.onThrown(error);
        }
      },
      options,
    );
}

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * The paid door before a WebSocket server: `server.on("upgrade", wrapUpgrade(gate, (request, socket, head) => sockets.handleUpgrade(…)))`. An upgrade is
 * paid before the handler sees it.
 */
export function wrapUpgrade(gate: Gate, handler: UpgradeHandler, options: MiddlewareOptions = {}): UpgradeHandler {
  return (request, socket, head) => {
    const onError = (): void => void socket.destroy();
    socket.on("error", onError);
    const seen = new MiddlewareRequest(request, true);
    const pass = (): void => {
      socket.off("error", onError);
      handler(request, socket, head);
    };
    const settle = async (verdict: Verdict): Promise<void> => {
      if (verdict.kind === "free") {
        dropForgedHeaders(request);
        return pass();
      }
      if (verdict.kind !== "sold") return writeAnswer(socket, verdict.kind === "refused" ? verdict.refusal : verdict.answer);
      const { sale } = verdict;
      if (socket.destroyed) return await sale.cancel("client-gone");
      try {
        const settled = await sale.settle({ status: 101, headers: [] });
        if (settled.kind === "unpaid") return writeAnswer(socket, settled.refusal);
      } catch (error) {
        await sale.cancel("upstream-failed");
        throw error;
      }
      dropForgedHeaders(request);
      addHeaders(request, sale.upstreamHeaders);
      pass();
    };
    const decide = async (): Promise<void> => {
      checkTarget(seen.method, seen.target);
      await settle(await gate.decide(seen, seen));
    };
    decide().catch((thrown: unknown) => {
      const { error, isOurs } = sidecarErrorOf(thrown);
      if (!isOurs) options.log?.error({ err: toError(thrown) }, "An upgrade failed.");
      writeAnswer(socket, refusalOf(error));
    });
  };
}

function writeAnswer(socket: Duplex, { status, headers, body }: Refusal | HeldAnswer): void {
  if (socket.destroyed) return;
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`HTTP/1.1 ${status} \r\n${lines}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`, "latin1");
  socket.end(body);
}
