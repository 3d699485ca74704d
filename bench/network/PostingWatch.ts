import type { SequencerProcess } from "./SequencerProcess.ts";

const EVERY_MS = 250;

/** How far posting is behind sealing while a load runs. */
export interface PostingLag {
  /** Batches sealed and posted from the beginning of the watch to its end. */
  readonly sealedDuring: number;
  readonly postedDuring: number;
  readonly largestLagBatches: number;
}

type Counts = Readonly<Record<"sealed" | "posted", number>>;

async function look(sequencer: Pick<SequencerProcess, "status">): Promise<Counts> {
  const { sealedBatches, l1 } = await sequencer.status();
  return { sealed: sealedBatches, posted: l1?.postedBatches ?? 0 };
}

/** Looks regularly at what is sealed and what is on L1. Nothing is sealed before the load begins. */
export class PostingWatch {
  readonly #sequencer: Pick<SequencerProcess, "status">;
  readonly #first: Counts;
  readonly #timer: ReturnType<typeof setInterval>;
  #largest = 0;
  #error: unknown;

  private constructor(sequencer: Pick<SequencerProcess, "status">, first: Counts) {
    this.#sequencer = sequencer;
    this.#first = first;
    this.#timer = setInterval(() => void this.#see().catch((error: unknown) => (this.#error = error)), EVERY_MS);
  }

  static async begin(sequencer: Pick<SequencerProcess, "status">): Promise<PostingWatch> {
    return new PostingWatch(sequencer, await look(sequencer));
  }

  async #see(): Promise<Counts> {
    const counts = await look(this.#sequencer);
    this.#largest = Math.max(this.#largest, counts.sealed - counts.posted);
    return counts;
  }

  /** @throws what a look has met */
  async end(): Promise<PostingLag> {
    clearInterval(this.#timer);
    if (this.#error !== undefined) throw this.#error;
    const { sealed, posted } = await this.#see();
    return { sealedDuring: sealed - this.#first.sealed, postedDuring: posted - this.#first.posted, largestLagBatches: this.#largest };
  }
}
