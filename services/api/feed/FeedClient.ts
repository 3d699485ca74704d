import { WebSocket } from "ws";


import { feedText } from "./FeedEvent.ts";
import type { PastEvent } from "./pastEvents.ts";

const TRY_AGAIN_LATER = 1013;
/** Messages that are written before the socket has to take them. */
const CHUNK = 64;

/** One reader of the feed. What waits for it is bounded: beyond that it is dropped, and goes on where it was when it comes back. */
export class FeedClient {
  readonly socket: WebSocket;
  readonly address: string;
  isAlive = true;
  /** Undefined: all. */
  readonly #types: ReadonlySet<string> | undefined;
  readonly #maxBufferedBytes: number;
  /** While the past is told: what happens meanwhile. */
  #held: string[] | undefined;
  #heldBytes = 0;

  constructor(socket: WebSocket, options: { address: string; types: ReadonlySet<string> | undefined; maxBufferedBytes: number }) {
    this.socket = socket;
    this.address = options.address;
    this.#types = options.types;
    this.#maxBufferedBytes = options.maxBufferedBytes;
  }

  get isReplaying(): boolean {
    return this.#held !== undefined;
  }

  wants(type: string): boolean {
    return this.#types === undefined || this.#types.has(type);
  }

  send(type: string, text: string): void {
    if (!this.wants(type)) return;
    if (this.#held === undefined) {
      this.#write(text);
      return;
    }
    this.#held.push(text);
    this.#heldBytes += text.length;
    if (this.#heldBytes > this.#maxBufferedBytes) this.drop("too slow");
  }

  /** Tells of the past as fast as the client takes it, then of what happened meanwhile. */
  async replay(events: readonly PastEvent[]): Promise<void> {
    this.#held = [];
    const wanted = events.filter(({ type }) => this.wants(type));
    for (let start = 0; start < wanted.length; start += CHUNK) {
      const texts = wanted.slice(start, start + CHUNK).map(({ message }) => feedText(message()));
      if (!(await this.#writeAll(texts))) return;
    }
    while (this.#held.length > 0) {
      const texts = this.#held.splice(0, CHUNK);
      this.#heldBytes -= texts.reduce((sum, { length }) => sum + length, 0);
      if (!(await this.#writeAll(texts))) return;
    }
    this.#held = undefined;
  }

  drop(reason: string): void {
    this.socket.close(TRY_AGAIN_LATER, reason);
    this.socket.terminate();
  }

  /** False when the client is gone. */
  #writeAll(texts: readonly string[]): Promise<boolean> {
    if (this.socket.readyState !== WebSocket.OPEN) return Promise.resolve(false);
    return new Promise((resolve) => {
      texts.forEach((text, index) => {
        const isLast = index === texts.length - 1;
        this.socket.send(text, (error) => {
          if (isLast) resolve(error === undefined || error === null);
        });
      });
    });
  }

  #write(text: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > this.#maxBufferedBytes) this.drop("too slow");
    else this.socket.send(text);
  }
}

