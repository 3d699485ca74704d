import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

import { ACK_LEVEL, decodeSubmissions, encodeDurable, encodeNotice, encodeRejection, encodeRooted } from "../../../core/codec/stream.ts";
import { ERROR, MAX_BUNDLE_RECORDS, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { Pipeline } from "../Pipeline.ts";
import type { Client, Reply } from "../Submission.ts";

/** A client that does not read its answers is dropped beyond this. */
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * (MAX_BUNDLE_RECORDS + 2) * SLOT_BYTES;
const CLOSE_POLICY = 1008;
const CLOSE_RESTART = 1012;

/** `/v1/stream`: bundles in, answers out, both binary; see `core/codec/stream.ts`. */
export class StreamServer {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  readonly #pipeline: Pipeline;
  readonly #logger: Logger;

  constructor(pipeline: Pipeline, logger: Logger) {
    this.#pipeline = pipeline;
    this.#logger = logger;
  }

  attach(server: Server): void {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.url?.split("?")[0] !== "/v1/stream") {
        socket.destroy();
        return;
      }
      this.#server.handleUpgrade(request, socket, head, (client) => this.#serve(client, socket));
    });
  }

  get clients(): number {
    return this.#server.clients.size;
  }

  close(): void {
    for (const client of this.#server.clients) client.close(CLOSE_RESTART);
    this.#server.close();
  }

  #serve(socket: WebSocket, connection: Duplex): void {
    const client: Client = { queued: 0 };
    let isCorked = false;
    /** Answers of one turn of the event loop leave in one system call. */
    const cork = (): void => {
      if (isCorked) return;
      isCorked = true;
      connection.cork();
      setImmediate(() => {
        isCorked = false;
        connection.uncork();
      });
    };
    const send = (message: Uint8Array): void => {
      if (socket.readyState !== socket.OPEN) return;
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
        this.#logger.warn({ bufferedBytes: socket.bufferedAmount }, "a client that does not read its answers is dropped");
        socket.terminate();
        return;
      }
      cork();
      socket.send(message);
    };
    socket.on("error", (error) => this.#logger.debug({ err: error }, "a stream broke"));
    socket.on("message", (message: Buffer, isBinary: boolean) => {
      const submissions = isBinary ? decodeSubmissions(message) : null;
      if (submissions === null) {
        send(encodeRejection(0, ERROR.H_GARBAGE, "a message holds frames of type, request id, length and bytes"));
        socket.close(CLOSE_POLICY);
        return;
      }
      for (const { request, bytes } of submissions) this.#pipeline.submit(bytes, replyOf(request, send), client);
    });
  }
}

function replyOf(request: number, send: (message: Uint8Array) => void): Reply {
  return {
    sequenced: () => send(encodeNotice(ACK_LEVEL.SEQUENCED, request)),
    parked: () => send(encodeNotice(ACK_LEVEL.PARKED, request)),
    durable: (record, signed) => send(encodeDurable(request, record, signed)),
    rooted: (position, stateRoot, signature, batchCount) => send(encodeRooted(request, position, stateRoot, signature, batchCount)),
    rejected: (code, detail) => send(encodeRejection(request, code, detail)),
  };
}
