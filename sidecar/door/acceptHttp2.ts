import { createServer } from "node:http2";
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";

import { SidecarError } from "../SidecarError.ts";
import { checkHeaders, checkTarget } from "./checkRequest.ts";
import type { ClientSide } from "./ClientSide.ts";
import type { DoorLimits } from "./DoorLimits.ts";
import { Http2Client, readHttp2Request } from "./Http2Client.ts";
import { refusalOf } from "../gate/refusalOf.ts";
import { sidecarErrorOf } from "./sidecarErrorOf.ts";

export interface Http2Events {
  readonly limits: DoorLimits;
  isRefused(remoteAddress: string | undefined): SidecarError | undefined;
  onRequest(client: ClientSide): void;
  onProblem(error: SidecarError): void;
}

export interface Http2Acceptor {
  readonly server: Http2Server;
  /** GOAWAY to all: what runs may end, nothing new begins. */
  drain(): void;
  close(): void;
}

/** The reader of HTTP/2; it does not listen: connections are given to it by `emit("connection", socket)`. */
export function acceptHttp2(events: Http2Events): Http2Acceptor {
  const { limits } = events;
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    settings: { maxConcurrentStreams: limits.streamsPerConnection, maxHeaderListSize: limits.headerBytes, enablePush: false },
    maxHeaderListPairs: limits.headerCount + 4,
    maxSendHeaderBlockLength: limits.answerHeaderBytes * 2,
    maxOutstandingPings: 10,
    maxSettings: 32,
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerSecond,
  });
  server.on("session", (session) => {
    sessions.add(session);
    let streams = 0;
    let requests = 0;
    session.on("close", () => sessions.delete(session));
    session.on("error", () => session.destroy());
    session.on("stream", (stream) => {
      streams++;
      stream.once("close", () => streams--);
      if (limits.requestsPerConnection > 0 && ++requests >= limits.requestsPerConnection) session.close();
    });
    session.setTimeout(limits.keepAliveMs, () => {
      if (streams === 0) session.close();
    });
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, headers, _flags, raw?: string[]) => {
    try {
      take(stream, headers, raw ?? []);
    } catch (thrown) {
      const { error } = sidecarErrorOf(thrown);
      events.onProblem(error);
      refuse(stream, error);
    }
  });

  function take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    const request = readHttp2Request(raw);
    if (request.rawHeaders.length > 2 * limits.headerCount) throw new SidecarError("door/headers-too-large", { limitBytes: limits.headerBytes });
    checkTarget(request.method, request.target);
    const checked = checkHeaders(request.rawHeaders, false);
    const refused = events.isRefused(stream.session?.socket.remoteAddress);
    if (refused !== undefined) throw refused;
    events.onRequest(new Http2Client(stream, headers, request, checked));
  }

  return {
    server,
    drain() {
      for (const session of sessions) session.close();
    },
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

function refuse(stream: ServerHttp2Stream, error: SidecarError): void {
  stream.on("error", () => stream.close());
  if (stream.destroyed) return;
  const { status, headers, body } = refusalOf(error);
  stream.respond({ ":status": status, ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])), "content-length": body.length });
  stream.end(body);
  stream.resume();
}
