import { z } from "zod";

import { pollingLoop } from "../../chain/pollingLoop.ts";
import type { PollingLoop } from "../../chain/pollingLoop.ts";

const rootSchema = z.object({ batchCount: z.number().int().nonnegative(), stateRoot: z.string().regex(/^0x[0-9a-fA-F]{64}$/) });
/** The sequencer's status names the newest root of whole batches, once there is one. */
const statusSchema = z.object({ rooted: rootSchema.nullish() });

export interface SequencerWatchOptions {
  readonly url: string;
  readonly pollMs: number;
  /** A root that the sequencer announced for the state after so many batches. */
  readonly onRoot: (batchCount: number, stateRoot: string) => void;
  /** The sequencer does not answer, or not as expected; it goes on asking. */
  readonly onError: (error: unknown) => void;
}

const TIMEOUT_MS = 5_000;
/** It names a root for a whole batch, and the comparison is for whoever watches: more often than this is of no use. */
const MIN_POLL_MS = 1_000;

/** Asks the sequencer for the newest root of whole batches, so that it can be compared with the one derived from L1. */
export function createSequencerWatch(options: SequencerWatchOptions): PollingLoop {
  const target = new URL("/v1/status", options.url);
  return pollingLoop({
    pollMs: Math.max(MIN_POLL_MS, options.pollMs),
    onError: options.onError,
    turn: async () => {
      const answer = await fetch(target, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!answer.ok) throw new Error(`the sequencer answered ${answer.status}`);
      const { rooted } = statusSchema.parse(await answer.json());
      if (rooted !== null && rooted !== undefined) options.onRoot(rooted.batchCount, rooted.stateRoot);
    },
  });
}
