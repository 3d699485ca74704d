/** Counts what waits or runs, bounded in all and from each address: what strangers can hold here is limited. */
export class WaitingRoom {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #each = new Map<string, number>();
  #all = 0;

  /** @param mostEach from one address */
  constructor(most: number, mostEach: number) {
    [this.#most, this.#mostEach] = [most, mostEach];
  }

  get size(): number {
    return this.#all;
  }

  hasRoom(from: string): boolean {
    return this.#all < this.#most && (this.#each.get(from) ?? 0) < this.#mostEach;
  }

  /** False when there is no room; else `leave` must follow. */
  enter(from: string): boolean {
    if (!this.hasRoom(from)) return false;
    this.#all += 1;
    this.#each.set(from, (this.#each.get(from) ?? 0) + 1);
    return true;
  }

  leave(from: string): void {
    const left = (this.#each.get(from) ?? 0) - 1;
    this.#all -= 1;
    if (left > 0) this.#each.set(from, left);
    else this.#each.delete(from);
  }
}
