import type { L1Data } from "../transition/L1Data.ts";

/**
 * Steps of the batches `batchStart` … `batchEnd - 1` as the Inbox counts them (M-9): what they can take at most. `inboxCursor` is the
 * first entry that they consume.
 */
export function traceLength(l1: L1Data, batchStart: number, batchEnd: number, inboxCursor: number): number {
  let steps = 0;
  let cursor = inboxCursor;
  for (let index = batchStart; index < batchEnd; index += 1) {
    const { slots, queueEnd } = l1.batch(index);
    steps += 1 + 2 * slots;
    for (; cursor < queueEnd; cursor += 1) steps += 1 + 2 * l1.entry(cursor).slots;
  }
  return steps;
}
