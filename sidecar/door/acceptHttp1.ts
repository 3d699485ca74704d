import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import { SidecarError } from "../SidecarError.ts";
import { checkHeaders, checkTarget } from "./checkRequest.ts";
import type { CheckedHeaders } from "./checkRequest.ts";
import type { ClientSide } from "./ClientSide.ts";
import type { DoorLimits } from "./DoorLimits.ts";
import { Http1Client } from "./Http1Client.ts";
import { Http1Upgrade } from "./Http1Upgrade.ts";
import { refusalOf } from "../gate/refusalOf.ts";
import { sidecarErrorOf } from "./sidecarErrorOf.ts";

export interface Http1Events {
  readonly limits: DoorLimits;
  /** True: no further request. */
  isRefused(remoteAddress: string | undefined): SidecarError | undefined;
  onRequest(client: ClientSide): void;
  onProblem(error: SidecarError): void;
}

const NO_UPGRADE = Buffer.alloc(0);

/**
 * The reader of HTTP/1.x: Node's strict parser, and the checks that it leaves to us. It does not listen: connections are given to it by
 * `emit("connection", socket)`.
 */
export function acceptHttp1(events: Http1Events): Server {
  const { limits } = events;
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headerMs,
    // A body may take long as long as it flows; the door's own sweep watches it.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, limits.headerMs / 4)),
    insecureHTTPParser: false,
    requireHostHeader: false,
    noDelay: true,
    shouldUpgradeCallback: (request) => request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket",
  });
  // More are refused below; Node would leave them out without a word.
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  server.timeout = 0;

  const take = (request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void => {
    let checked: CheckedHeaders;
    try {
      checked = check(request, limits);
    } catch (thrown) {
      const { error } = sidecarErrorOf(thrown);
      events.onProblem(error);
      return answerAndClose(response, error);
    }
    const refused = events.isRefused(request.socket.remoteAddress);
    if (refused !== undefined) return answerAndClose(response, refused);
    events.onRequest(new Http1Client(request, response, checked, awaitsContinue, false));
  };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => take(request, response, false));
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => take(request, response, true));
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { "content-length": 0, connection: "close" }).end();
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, early: Buffer) => {
    socket.on("error", () => socket.destroy());
    try {
      const checked = check(request, limits);
      if (checked.isChunked || checked.contentLength !== undefined) throw new SidecarError("door/request", { problem: "an upgrade has no body" });
      const refused = events.isRefused(request.socket.remoteAddress);
      if (refused !== undefined) throw refused;
      events.onRequest(new Http1Upgrade(request, socket, early ?? NO_UPGRADE, checked));
    } catch (thrown) {
      const { error } = sidecarErrorOf(thrown);
      events.onProblem(error);
      writeRefusal(socket, error);
    }
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    socket.on("error", () => socket.destroy());
    const error = new SidecarError("door/request", { problem: "this method is not served" });
    events.onProblem(error);
    writeRefusal(socket, error);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    const refusal = clientErrorOf(error, limits);
    events.onProblem(refusal);
    // An answer is on its way already: another one would be taken for its continuation.
    const { _httpMessage } = socket as Socket & { _httpMessage?: ServerResponse | null };
    if (_httpMessage?.headersSent === true) return void socket.destroy();
    writeRefusal(socket, refusal);
  });
  // The checks of header times begin with this event, and it is not this server that listens.
  server.emit("listening");
  return server;
}

function check(request: IncomingMessage, limits: DoorLimits): CheckedHeaders {
  const { rawHeaders } = request;
  if (rawHeaders.length > 2 * limits.headerCount) throw new SidecarError("door/headers-too-large", { limitBytes: limits.headerBytes });
  checkTarget(request.method!, request.url!);
  return checkHeaders(rawHeaders, request.httpVersionMinor === 0);
}

function clientErrorOf({ code }: NodeJS.ErrnoException, limits: DoorLimits): SidecarError {
  if (code === "HPE_HEADER_OVERFLOW") return new SidecarError("door/headers-too-large", { limitBytes: limits.headerBytes });
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new SidecarError("door/request-slow", {});
  return new SidecarError("door/request", { problem: "it cannot be read" });
}

/** The connection ends with it: what follows on it may be part of what could not be read. */
function answerAndClose(response: ServerResponse, error: SidecarError): void {
  const { status, headers, body } = refusalOf(error);
  response.shouldKeepAlive = false;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.writeHead(status, { "Content-Length": body.length }).end(body);
}

/** The same, where there is no response to write it with. */
export function writeRefusal(socket: Socket, error: SidecarError): void {
  const { status, headers, body } = refusalOf(error);
  let text = `HTTP/1.1 ${status} ${error.code}\r\n`;
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
  socket.end(`${text}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${Buffer.from(body).toString()}`);
  socket.once("finish", () => socket.destroy());
}
