import { WaitingRoom } from "../ways/WaitingRoom.ts";
import type { Exchange } from "./Exchange.ts";

/** The exchanges that run, counted in all and by address. One whose client has left runs, and counts, until it is over. */
export class RunningExchanges {
  /** With the address as it was at their beginning: a connection that is closed has none. */
  readonly #running = new Map<Exchange, string>();
  readonly #room: WaitingRoom;

  /** @param mostEach of one address */
  constructor(most: number, mostEach: number) {
    this.#room = new WaitingRoom(most, mostEach);
  }

  get size(): number {
    return this.#running.size;
  }

  hasRoom(from: string): boolean {
    return this.#room.hasRoom(from);
  }

  /** The caller has seen that there is room. */
  add(exchange: Exchange, from: string): void {
    if (this.#room.enter(from)) this.#running.set(exchange, from);
  }

  delete(exchange: Exchange): void {
    const from = this.#running.get(exchange);
    if (from === undefined) return;
    this.#running.delete(exchange);
    this.#room.leave(from);
  }

  [Symbol.iterator](): Iterator<Exchange> {
    return this.#running.keys();
  }
}
