import type { Socket } from "node:net";

import type { AnswerHandler, UpstreamConnection } from "./upstream/UpstreamConnection.ts";

const LINGER_MS = 2_000;

export interface TunnelOptions {
  /** The client's, after the 101 was written to it. */
  readonly socket: Socket;
  readonly connection: UpstreamConnection;
  /** What the upstream sent after its 101 already. */
  readonly early: readonly Buffer[];
  readonly idleMs: number;
  onClose(): void;
}

/** Joins both sides of a WebSocket until one of them ends; each waits for the other where it must. */
export function openTunnel({ socket, connection, early, idleMs, onClose }: TunnelOptions): void {
  let isOver = false;
  const close = (): void => {
    if (isOver) return;
    isOver = true;
    // The last words of each side (a close frame) still reach the other.
    connection.endTunnel(LINGER_MS);
    socket.setTimeout(LINGER_MS, () => socket.destroy());
    socket.destroySoon();
    onClose();
  };
  const handler: AnswerHandler = {
    onConnection: () => undefined,
    onInformational: () => undefined,
    onAnswerHead: () => undefined,
    onAnswerBody: () => undefined,
    onAnswerEnd: close,
    onUpstreamDrain: () => socket.resume(),
    onTunnel: (chunk) => {
      if (!socket.write(chunk)) connection.pause();
    },
    onTunnelEnd: close,
    onUpstreamError: close,
  };
  connection.handler = handler;
  for (const chunk of early) socket.write(chunk);
  socket.on("data", (chunk: Buffer) => {
    if (!connection.writeTunnel(chunk)) socket.pause();
  });
  socket.on("drain", () => connection.resume());
  socket.on("end", close);
  socket.on("error", close);
  socket.on("close", close);
  socket.setTimeout(idleMs, () => {
    socket.destroy();
    close();
  });
  connection.resume();
  socket.resume();
}
