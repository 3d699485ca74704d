import { SidecarError } from "../SidecarError.ts";
import type { WaitingRoom } from "../ways/WaitingRoom.ts";

const BUSY_RETRY_SECONDS = 2;

/** One request's place among those whose payments are verified. Who waits for another request's answer gives it up meanwhile. */
export class Seat {
  readonly from: string;
  readonly #room: WaitingRoom;
  #isTaken = false;

  /** Not taken yet. */
  constructor(room: WaitingRoom, from: string) {
    this.#room = room;
    this.from = from;
  }

  /** @throws SidecarError `door/busy` */
  take(): void {
    if (this.#isTaken) return;
    if (!this.#room.enter(this.from)) throw new SidecarError("door/busy", { retryAfterSeconds: BUSY_RETRY_SECONDS });
    this.#isTaken = true;
  }

  leave(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#room.leave(this.from);
  }
}
