import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { connect, createServer as createNetServer } from "node:net";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";

import { createLogger } from "../../runtime/logger/createLogger.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { createDoor } from "../../sidecar/door/createDoor.ts";
import type { Door, DoorOptions } from "../../sidecar/door/createDoor.ts";
import type { DoorLimits } from "../../sidecar/door/DoorLimits.ts";
import { testGate } from "./testGate.ts";
import type { TestGate, TestGateOptions } from "./testGate.ts";

/** What to close after a test, the newest first. */
export class Closers {
  readonly #closers: (() => Promise<unknown> | unknown)[] = [];

  add(close: () => Promise<unknown> | unknown): void {
    this.#closers.push(close);
  }

  async closeAll(): Promise<void> {
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) await close();
  }
}

export function silentLog(): Logger {
  return createLogger({ service: "test", level: "silent", output: { write: () => true } });
}

async function listening(server: NetServer): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** An upstream of node:http. */
export async function httpUpstream(closers: Closers, handler: RequestListener): Promise<{ readonly url: string; readonly server: Server; readonly port: number }> {
  const server = createServer(handler);
  const port = await listening(server);
  closers.add(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${port}`, server, port };
}

export interface RawUpstream {
  readonly url: string;
  readonly port: number;
  /** Everything that it received on all connections, in order. */
  received(): string;
  readonly connections: number;
}

/** An upstream of bare sockets: it records what it receives and does what `answer` says with each piece. */
export async function rawUpstream(closers: Closers, answer: (socket: Socket, received: string) => void): Promise<RawUpstream> {
  let all = "";
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    connections++;
    sockets.add(socket);
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      all += chunk.toString("latin1");
      answer(socket, received);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  const port = await listening(server);
  closers.add(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received: () => all,
    get connections() {
      return connections;
    },
  };
}

/** Sends `answer` as soon as a request's headers are there, once for each request head. */
export function answering(answer: string | Buffer): (socket: Socket, received: string) => void {
  const answered = new WeakMap<Socket, number>();
  return (socket, received) => {
    const heads = received.match(/[A-Z]+ \S+ HTTP\/1\.1\r\n(?:[^\r]+\r\n)*\r\n/g)?.length ?? 0;
    for (let done = answered.get(socket) ?? 0; done < heads; done++) socket.write(answer);
    answered.set(socket, heads);
  };
}

export interface DoorScene {
  readonly door: Door;
  readonly gate: TestGate;
  readonly port: number;
  readonly url: string;
}

/** A door with a test gate before `upstream`. */
export async function openDoor(closers: Closers, upstream: string, options: TestGateOptions & { readonly limits?: Partial<DoorLimits>; readonly door?: Partial<DoorOptions> } = {}): Promise<DoorScene> {
  const gate = testGate(options);
  const door = createDoor({ gate, upstream, limits: options.limits, log: silentLog(), ...options.door });
  await door.listen("127.0.0.1", 0);
  closers.add(() => door.close());
  const { port } = door.address;
  return { door, gate, port, url: `${options.door?.tls === undefined ? "http" : "https"}://127.0.0.1:${port}` };
}

/** A raw client: what it sends, and all that comes back until the other side closes or `isEnough`. */
export async function rawExchange(port: number, send: string | Buffer, isEnough: (received: string) => boolean = () => false, giveUpMs = 5_000): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  return await new Promise<string>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(finish, giveUpMs);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (isEnough(received)) finish();
    });
    socket.on("error", finish).on("close", finish);
    socket.write(send);
  });
}

/** Waits until `isSo`; fails after a while. */
export async function until(isSo: () => boolean, what: string, maxMs = 8_000): Promise<void> {
  const end = Date.now() + maxMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`It did not happen: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The whole body of a request of node:http. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;
