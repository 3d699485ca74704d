import type { IntentState } from "./reduceJournal.ts";

/**
 * The id under which a wish that stands may be asked for now; undefined while it is under way, or done by a transaction that the
 * manager sends again if a reorganisation takes it. What reverted in a block that was read, what somebody else did and L1 took back, and what
 * was done long ago is asked for under the next number.
 */
export function askableId(base: string, find: (id: string) => IntentState | undefined, headNumber: number): string | undefined {
  for (let attempt = 0; ; attempt += 1) {
    const id = attempt === 0 ? base : `${base}#${attempt}`;
    const state = find(id);
    if (state === undefined || state.outcome?.status === "refused") return id;
    switch (state.outcome?.status) {
      case undefined:
        return undefined;
      case "confirmed":
        if (!state.isFinal) return undefined;
        break;
      case "reverted":
        if (state.isFinal) return id;
        // The wish is of a block that does not know of it yet.
        if ((state.mined?.blockNumber ?? 0) > headNumber) return undefined;
        break;
      case "done-elsewhere":
        break;
    }
  }
}
