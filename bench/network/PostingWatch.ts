import type { SequencerProcess } from "./SequencerProcess.ts";

const EVERY_MS = 250;

/** How far posting is behind sealing while a load runs. */
export interface PostingLag {
  /** Batches sealed and posted between start and end of the load. */
  readonly sealedDuring: number;
  readonly postedDuring: number;
  readonly largestLagBatches: number;
}

/** Looks regularly at what is sealed and what is on L1. */
export class PostingWatch {
  readonly #sequencer: Pick<SequencerProcess, "status">;
  readonly #timer: ReturnType<typeof setInterval>;
  #first: { sealed: number; posted: number } | undefined;
  #last = { sealed: 0, posted: 0 };
  #largest = 0;
  #error: unknown;

  constructor(sequencer: Pick<SequencerProcess, "status">) {
    this.#sequencer = sequencer;
    this.#timer = setInterval(() => void this.#look().catch((error: unknown) => (this.#error = error)), EVERY_MS);
  }

  async #look(): Promise<void> {
    const { sealedBatches: sealed, l1 } = await this.#sequencer.status();
    this.#last = { sealed, posted: l1?.postedBatches ?? 0 };
    this.#first ??= this.#last;
    this.#largest = Math.max(this.#largest, sealed - this.#last.posted);
  }

  /** Begins to count. */
  async start(): Promise<void> {
    this.#first = undefined;
    await this.#look();
  }

  /** @throws what the last look met */
  async end(): Promise<PostingLag> {
    clearInterval(this.#timer);
    if (this.#error !== undefined) throw this.#error;
    await this.#look();
    const first = this.#first ?? this.#last;
    return { sealedDuring: this.#last.sealed - first.sealed, postedDuring: this.#last.posted - first.posted, largestLagBatches: this.#largest };
  }
}
