import type { IntentState } from "./reduceJournal.ts";

/**
 * The id under which to ask (again) for something that may be tried repeatedly: a try that is in the chain as reverted keeps its
 * id until it is final, so the next one gets a number. Undefined when the last try reverted in the newest block: look again later.
 */
export function nextTryId(base: string, find: (id: string) => IntentState | undefined, headNumber: number): string | undefined {
  for (let attempt = 0; ; attempt += 1) {
    const id = attempt === 0 ? base : `${base}#${attempt}`;
    const state = find(id);
    if (state?.outcome?.status !== "reverted" || state.isFinal) return id;
    if ((state.mined?.blockNumber ?? 0) >= headNumber) return undefined;
  }
}
