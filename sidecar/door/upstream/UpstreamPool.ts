import { connect } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";

import type { AnswerLimits } from "./AnswerParser.ts";
import type { UpstreamAddress } from "./UpstreamAddress.ts";
import { UpstreamConnection } from "./UpstreamConnection.ts";
import type { AnswerHandler, ConnectionOwner } from "./UpstreamConnection.ts";

export interface PoolOptions extends AnswerLimits {
  readonly address: UpstreamAddress;
  /** Open at once; what is more waits. */
  readonly maxConnections: number;
  /** Idle ones are closed after this; below what usual services keep (Node: 5 s), or a request meets a closing one. */
  readonly idleMs: number;
  /** PEM, for an https upstream with a certificate of its own authority. */
  readonly ca?: string | undefined;
}

/** Kept connections to one upstream; the one that was used last is used next. */
export class UpstreamPool implements ConnectionOwner {
  readonly #options: PoolOptions;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #waiting = new Set<AnswerHandler>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  /**
   * Gives `handler` a connection, at once or when one is free.
   * @param maxIdleMs only one that was used so lately; 0: a new one
   */
  acquire(handler: AnswerHandler, maxIdleMs = Infinity): void {
    const idle = maxIdleMs === 0 ? undefined : this.#popIdle(maxIdleMs);
    if (idle !== undefined) return this.#give(idle, handler);
    if (this.#all.size < this.#options.maxConnections) return this.#give(this.#open(), handler);
    // A fresh one is needed and all are taken: an idle one goes.
    const oldest = this.#idle.shift();
    if (oldest === undefined) this.#waiting.add(handler);
    else {
      oldest.destroy();
      this.#give(this.#open(), handler);
    }
  }

  /** It no longer waits. */
  forget(handler: AnswerHandler): void {
    this.#waiting.delete(handler);
  }

  onIdle(connection: UpstreamConnection): void {
    const next = this.#next();
    if (next !== undefined) return this.#give(connection, next);
    connection.idleSince = Date.now();
    this.#idle.push(connection);
  }

  onGone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    const next = this.#next();
    if (next !== undefined) this.#give(this.#open(), next);
  }

  /** Closes what has been idle for too long. */
  sweep(now: number): void {
    for (const connection of this.#idle.filter(({ idleSince, keptMs }) => now - idleSince > this.#idleMs(keptMs))) connection.destroy();
  }

  close(): void {
    this.#waiting.clear();
    for (const connection of [...this.#all]) connection.fail(new Error("The door is closed."));
  }

  #popIdle(maxIdleMs: number): UpstreamConnection | undefined {
    const newest = this.#idle.at(-1);
    if (newest === undefined) return undefined;
    const idleMs = Date.now() - newest.idleSince;
    // The newest is too old, so all are; the sweep closes them.
    return idleMs > maxIdleMs || idleMs > this.#idleMs(newest.keptMs) ? undefined : this.#idle.pop();
  }

  #idleMs(keptMs: number | undefined): number {
    return keptMs === undefined ? this.#options.idleMs : Math.min(this.#options.idleMs, Math.max(0, keptMs - 1000));
  }

  #next(): AnswerHandler | undefined {
    const [next] = this.#waiting;
    if (next !== undefined) this.#waiting.delete(next);
    return next;
  }

  #give(connection: UpstreamConnection, handler: AnswerHandler): void {
    connection.handler = handler;
    handler.onConnection(connection);
  }

  #open(): UpstreamConnection {
    const connection = new UpstreamConnection(this.#connect(), this, this.#options);
    this.#all.add(connection);
    return connection;
  }

  #connect(): Socket {
    const { isTls, host, port, socketPath } = this.#options.address;
    if (socketPath !== undefined) return connect({ path: socketPath });
    if (!isTls) return connect({ host: host!, port });
    const isName = !/^[\d.]+$|:/.test(host!);
    return connectTls({ host: host!, port, ALPNProtocols: ["http/1.1"], ...(isName ? { servername: host! } : {}), ...(this.#options.ca === undefined ? {} : { ca: this.#options.ca }) });
  }
}
