import { ExitState } from "../../core/exit/index.ts";
import type { L1Data, TransitionParameters } from "../../core/transition/index.ts";

/** What it reads of a `Replica`. */
export interface ExitSource {
  readonly l1: L1Data;
  readonly parameters: TransitionParameters;
}

/**
 * The state after `batchCount` batches, with proofs of all that it owes: replayed from genesis, in turns with whatever else the process
 * does. Throws a RangeError for batches that are not known.
 */
export async function exitStateAt({ l1, parameters }: ExitSource, batchCount: number): Promise<ExitState> {
  const state = new ExitState(parameters);
  for (let index = 0; index < batchCount; index += 1) {
    state.execute(l1.batch(index), (entry) => l1.entry(entry));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return state;
}
