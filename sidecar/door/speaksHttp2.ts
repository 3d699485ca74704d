import type { Socket } from "node:net";

/** No method of HTTP/1.1 begins with these; HTTP/2's preface does (RFC 9113 3.4). */
const PREFACE = "PRI";

/**
 * Looks at a connection's first bytes, puts them back, and says whether HTTP/2 was begun with prior knowledge.
 * @param maxMs for the bytes that decide it
 */
export function speaksHttp2(socket: Socket, maxMs: number, decided: (isHttp2: boolean) => void): void {
  let seen: Buffer | undefined;
  const onError = (): void => void socket.destroy();
  const onTimeout = onError;
  const onData = (chunk: Buffer): void => {
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const isPreface = seen.toString("latin1", 0, PREFACE.length) === PREFACE.slice(0, seen.length);
    if (isPreface && seen.length < PREFACE.length) return;
    socket.off("data", onData).off("timeout", onTimeout).off("end", onError).off("error", onError);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(seen);
    decided(isPreface);
  };
  socket.on("data", onData).on("end", onError).on("error", onError);
  socket.setTimeout(maxMs, onTimeout);
}
