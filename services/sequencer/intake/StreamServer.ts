import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

import { ACK_LEVEL, AnswerWriter, decodeSubmissions } from "../../../core/codec/stream.ts";
import { ERROR, MAX_BUNDLE_RECORDS, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { Pipeline } from "../Pipeline.ts";
import type { Client, Reply } from "../Submission.ts";

/** A client that does not read its answers is dropped beyond this; beyond the second, the worst of all of them. */
const MAX_BUFFERED_BYTES = 32 * 1024 * 1024;
const MAX_BUFFERED_BYTES_TOGETHER = 256 * 1024 * 1024;
const LOOK_MS = 500;
/** Bundles in one message: each is answered, whatever it is worth. */
const MAX_MESSAGE_BUNDLES = 4_096;
/** A client that does not answer the end of its connection in time is cut off. */
const CLOSE_MS = 1_000;
/** Answers of one turn of the event loop share a message up to this size. */
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_MESSAGE_BYTES = 64 * (MAX_BUNDLE_RECORDS + 2) * SLOT_BYTES;
const CLOSE_POLICY = 1008;
const CLOSE_RESTART = 1012;

/** `/v1/stream`: bundles in, answers out, both binary and several in a message; see `core/codec/stream.ts`. */
export class StreamServer {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  readonly #connections = new Map<WebSocket, StreamConnection>();
  readonly #pipeline: Pick<Pipeline, "submit">;
  readonly #logger: Logger;
  readonly #look: ReturnType<typeof setInterval>;

  constructor(pipeline: Pick<Pipeline, "submit">, logger: Logger) {
    this.#pipeline = pipeline;
    this.#logger = logger;
    this.#look = setInterval(() => this.#dropWorst(), LOOK_MS);
    this.#server.on("connection", (socket: WebSocket) => this.#serve(socket));
  }

  attach(server: Server): void {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.url?.split("?")[0] !== "/v1/stream") {
        socket.destroy();
        return;
      }
      this.#server.handleUpgrade(request, socket, head, (client) => this.#server.emit("connection", client, request));
    });
  }

  get clients(): number {
    return this.#server.clients.size;
  }

  close(): void {
    clearInterval(this.#look);
    for (const connection of this.#connections.values()) connection.close(CLOSE_RESTART);
    setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.terminate();
    }, CLOSE_MS).unref();
    this.#server.close();
  }

  /** Many clients that read slowly must not fill the memory together. */
  #dropWorst(): void {
    const sockets = [...this.#connections.keys()].sort((a, b) => b.bufferedAmount - a.bufferedAmount);
    let bytes = sockets.reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
    for (const socket of sockets) {
      if (bytes <= MAX_BUFFERED_BYTES_TOGETHER) return;
      bytes -= socket.bufferedAmount;
      this.#logger.warn({ bufferedBytes: socket.bufferedAmount }, "the client that is furthest behind is dropped");
      socket.terminate();
    }
  }

  #serve(socket: WebSocket): void {
    const connection = new StreamConnection(socket, this.#logger);
    this.#connections.set(socket, connection);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", (error) => this.#logger.debug({ err: error }, "a stream broke"));
    socket.on("message", (message: Buffer, isBinary: boolean) => {
      const submissions = isBinary ? decodeSubmissions(message, MAX_MESSAGE_BUNDLES) : null;
      if (submissions === null) {
        connection.tell((answers) => answers.rejection(0, ERROR.H_GARBAGE, `a message holds at most ${MAX_MESSAGE_BUNDLES} frames of type, request id, length and bytes`));
        connection.close(CLOSE_POLICY);
        return;
      }
      for (const { request, bytes } of submissions) if (socket.readyState === socket.OPEN) this.#pipeline.submit(bytes, new StreamReply(connection, request), connection);
    });
  }
}

/** One client: gathers its answers, and counts what it has under way. */
class StreamConnection implements Client {
  queued = 0;
  readonly #socket: WebSocket;
  readonly #logger: Logger;
  readonly #answers = new AnswerWriter();
  #isScheduled = false;

  constructor(socket: WebSocket, logger: Logger) {
    this.#socket = socket;
    this.#logger = logger;
  }

  tell(write: (answers: AnswerWriter) => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    write(this.#answers);
    if (this.#answers.length >= MAX_ANSWER_BYTES) this.#flush();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.#flush();
      });
    }
  }

  /** Sends what was told, then closes. */
  close(code: number): void {
    this.#flush();
    this.#socket.close(code);
  }

  #flush(): void {
    if (this.#answers.length === 0 || this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#logger.warn({ bufferedBytes: this.#socket.bufferedAmount }, "a client that does not read its answers is dropped");
      this.#socket.terminate();
      return;
    }
    this.#socket.send(this.#answers.take());
  }
}

class StreamReply implements Reply {
  readonly #connection: StreamConnection;
  readonly #request: number;

  constructor(connection: StreamConnection, request: number) {
    this.#connection = connection;
    this.#request = request;
  }

  sequenced(): void {
    this.#connection.tell((answers) => answers.notice(ACK_LEVEL.SEQUENCED, this.#request));
  }

  parked(): void {
    this.#connection.tell((answers) => answers.notice(ACK_LEVEL.PARKED, this.#request));
  }

  durable(...[record, signed]: Parameters<Reply["durable"]>): void {
    this.#connection.tell((answers) => answers.durable(this.#request, record, signed));
  }

  rooted(...[position, stateRoot, signature, batchCount]: Parameters<Reply["rooted"]>): void {
    this.#connection.tell((answers) => answers.rooted(this.#request, position, stateRoot, signature, batchCount));
  }

  rejected(code: number, detail: string): void {
    this.#connection.tell((answers) => answers.rejection(this.#request, code, detail));
  }
}
