import { pollingLoop } from "../../chain/pollingLoop.ts";
import { z } from "zod";

const statusSchema = z.looseObject({ batchCount: z.number().int().nonnegative(), stateRoot: z.string().regex(/^0x[0-9a-fA-F]{64}$/) });

export interface SequencerWatchOptions {
  readonly url: string;
  readonly pollMs: number;
  /** A root that the sequencer announced for the state after so many batches. */
  readonly onRoot: (batchCount: number, stateRoot: string) => void;
  /** The sequencer does not answer, or not as expected; it goes on asking. */
  readonly onError: (error: unknown) => void;
}

const TIMEOUT_MS = 5_000;

/** Asks the sequencer for the newest root of whole batches, so that it can be compared with the one derived from L1. */
export function createSequencerWatch(options: SequencerWatchOptions): { start(): void; stop(): Promise<void> } {
  const target = new URL("/v1/roots/latest", options.url);
  return pollingLoop({
    pollMs: options.pollMs,
    onError: options.onError,
    turn: async () => {
      const answer = await fetch(target, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`the sequencer answered ${answer.status}`);
      const { batchCount, stateRoot } = statusSchema.parse(await answer.json());
      options.onRoot(batchCount, stateRoot);
    },
  });
}
