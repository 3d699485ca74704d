import { ServerResponse } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

import type { CheckedHeaders } from "./checkRequest.ts";
import { Http1Client } from "./Http1Client.ts";

/** A request for a WebSocket: its connection is ours as soon as the upstream agrees, and until then it is answered like any other. */
export class Http1Upgrade extends Http1Client {
  readonly #socket: Socket;
  readonly #early: Buffer;

  constructor(request: IncomingMessage, socket: Socket, early: Buffer, checked: CheckedHeaders) {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.on("finish", () => socket.destroySoon());
    super(request, response, checked, false, true);
    this.#socket = socket;
    this.#early = early;
  }

  openTunnel(reason: string, headers: readonly string[]): Socket {
    this.response.detachSocket(this.#socket);
    let text = `HTTP/1.1 101 ${reason}\r\n`;
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#socket.write(`${text}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, "latin1");
    if (this.#early.length > 0) this.#socket.unshift(this.#early);
    return this.#socket;
  }

  override abort(): void {
    this.#socket.destroy();
  }
}
