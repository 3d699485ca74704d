import { connect } from "node:net";
import type { Socket } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");

/** One connection of HTTP/1.1 that stays open, one request at a time: as little work as a client can do, the same before every server. */
export class KeepAliveClient {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  static connect(port: number): Promise<KeepAliveClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new KeepAliveClient(socket));
      });
    });
  }

  /** Sends what stands there and gives the answer. @throws Error when the connection ends before */
  send(request: string): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request, "latin1");
    });
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = this.#rest.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#rest.toString("latin1", 0, end);
    const isChunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    const length = isChunked ? chunkedLength(this.#rest, end + 4) : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (length === undefined || this.#rest.length < end + 4 + length) return;
    const body = this.#rest.subarray(end + 4, end + 4 + length);
    this.#rest = this.#rest.subarray(end + 4 + length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(this.#failure);
  }

  close(): void {
    this.#socket.destroy();
  }
}

export interface Answer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  /** As it came; in chunks when it came in chunks. */
  readonly body: Buffer;
}

/** Length of a chunked body with its framing; undefined while it is not all there. */
function chunkedLength(bytes: Buffer, from: number): number | undefined {
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at, "latin1");
    if (lineEnd < 0) return undefined;
    const size = parseInt(bytes.toString("latin1", at, lineEnd), 16);
    at = lineEnd + 2 + size + 2;
    if (at > bytes.length) return undefined;
    if (size === 0) return at - from;
  }
}
