/** State of a call in the window: not open, open, or answered but not yet signed for. */
export const CALL_STATE = { NONE: 0, OPEN: 1, ANSWERED: 2 } as const;

/** The calls of one direction without a signed answer: a ring over their sequences, without an object per call. */
export class OpenCalls {
  readonly capacity: number;
  readonly #prices: Float64Array;
  readonly #states: Uint8Array;
  /** Every call below this sequence is answered. */
  oldest = 1;
  /** The first sequence that was never put in. */
  next = 1;
  count = 0;
  units = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#prices = new Float64Array(capacity);
    this.#states = new Uint8Array(capacity);
  }

  /** Whether `sequence` is within reach of the oldest open call. */
  fits(sequence: number): boolean {
    return sequence - this.oldest < this.capacity;
  }

  open(sequence: number, price: number): void {
    if (this.count === 0) this.oldest = sequence;
    const at = sequence % this.capacity;
    this.#prices[at] = price;
    this.#states[at] = CALL_STATE.OPEN;
    this.next = sequence + 1;
    this.count++;
    this.units += price;
  }

  stateOf(sequence: number): number {
    if (this.count === 0 || sequence < this.oldest || sequence >= this.next) return CALL_STATE.NONE;
    return this.#states[sequence % this.capacity];
  }

  priceOf(sequence: number): number {
    return this.#prices[sequence % this.capacity];
  }

  mark(sequence: number, state: number): void {
    this.#states[sequence % this.capacity] = state;
  }

  /** Takes a call out. */
  close(sequence: number): void {
    const at = sequence % this.capacity;
    this.#states[at] = CALL_STATE.NONE;
    this.count--;
    this.units -= this.#prices[at];
    if (this.count === 0) {
      this.oldest = this.next;
      this.units = 0;
      return;
    }
    while (this.oldest < this.next && this.#states[this.oldest % this.capacity] === CALL_STATE.NONE) this.oldest++;
  }

  /** Open and answered calls in order. */
  *list(): Generator<{ readonly sequence: number; readonly price: number; readonly state: number }> {
    for (let sequence = this.oldest; sequence < this.next && this.count > 0; sequence++) {
      const state = this.stateOf(sequence);
      if (state !== CALL_STATE.NONE) yield { sequence, price: this.priceOf(sequence), state };
    }
  }
}
