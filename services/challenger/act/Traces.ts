import { setImmediate } from "node:timers/promises";

import { Trace } from "../../../core/dispute/index.ts";
import type { TraceOptions } from "../../../core/dispute/index.ts";

/** Steps executed between two breaths. */
const STEPS_AT_ONCE = 4_096;
/** The true traces of disputed epochs, one for all games about an epoch. */
export class Traces {
  readonly #optionsOf: (epoch: number) => TraceOptions;
  readonly #held = new Map<number, Promise<Trace>>();
  readonly #most: number;
  #generation = 0;

  /** @param most epochs whose traces are held at once: each takes about the memory of the state */
  constructor(optionsOf: (epoch: number) => TraceOptions, most: number) {
    this.#optionsOf = optionsOf;
    this.#most = most;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Executed to its end once, in slices, so that every state is near a checkpoint afterwards. */
  get(epoch: number): Promise<Trace> {
    const held = this.#held.get(epoch) ?? this.#make(epoch);
    // The one used last goes last.
    this.#held.delete(epoch);
    this.#held.set(epoch, held);
    for (const oldest of [...this.#held.keys()].slice(0, -this.#most)) this.#held.delete(oldest);
    return held;
  }

  /** Forgets all: batches were taken back by a reorganisation. */
  clear(): void {
    this.#generation += 1;
    this.#held.clear();
  }

  /** Forgets the epochs that are not played for any more. */
  keepOnly(epochs: ReadonlySet<number>): void {
    for (const epoch of this.#held.keys()) if (!epochs.has(epoch)) this.#held.delete(epoch);
  }

  async #make(epoch: number): Promise<Trace> {
    const generation = this.#generation;
    try {
      const trace = new Trace(this.#optionsOf(epoch));
      while (!trace.runAhead(STEPS_AT_ONCE)) await setImmediate();
      return trace;
    } catch (error) {
      if (generation === this.#generation) this.#held.delete(epoch);
      throw error;
    }
  }
}
