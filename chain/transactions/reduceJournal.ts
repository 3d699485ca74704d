import type { Attempt, Intent, JournalEntry, MinedRef, Outcome } from "./intent.ts";

/** All that is known of one intent: the fold of its journal entries. */
export interface IntentState {
  readonly intent: Intent;
  /** The nonce it holds; undefined before the first attempt and after the nonce went to somebody else. */
  readonly nonce: number | undefined;
  /** Every attempt ever signed, oldest first, those under earlier nonces included: any of them may still be mined. */
  readonly attempts: readonly Attempt[];
  readonly mined: MinedRef | undefined;
  readonly outcome: Outcome | undefined;
  readonly isFinal: boolean;
}

export type IntentStates = Map<string, IntentState>;

/** A refused or reverted intent may be asked for again: nothing of it has an effect. */
export function mayBeAskedAgain(state: IntentState): boolean {
  return state.outcome?.status === "refused" || (state.outcome?.status === "reverted" && state.isFinal);
}

/** Applies one entry to the states, in place. Entries of unknown intents are ignored: they were compacted away. */
export function applyEntry(states: IntentStates, entry: JournalEntry): void {
  if (entry.type === "intent") {
    const before = states.get(entry.intent.id);
    if (before !== undefined && !mayBeAskedAgain(before)) return;
    states.delete(entry.intent.id);
    // What was refused may have reached a pool after all and is still looked for; what reverted is over.
    const attempts = before?.outcome?.status === "refused" ? before.attempts : [];
    const fresh = { nonce: undefined, attempts, mined: undefined, outcome: undefined, isFinal: false };
    states.set(entry.intent.id, { intent: entry.intent, ...fresh });
    return;
  }
  const state = states.get(entry.id);
  if (state === undefined) return;
  states.set(entry.id, applyToState(state, entry));
}

function applyToState(state: IntentState, entry: Exclude<JournalEntry, { type: "intent" }>): IntentState {
  switch (entry.type) {
    case "attempt":
      return { ...state, nonce: entry.attempt.nonce, attempts: [...state.attempts, entry.attempt] };
    case "released":
      return { ...state, nonce: undefined };
    case "mined":
      return { ...state, mined: entry.mined };
    case "unmined":
      return { ...state, mined: undefined, outcome: undefined, isFinal: false };
    case "outcome":
      return { ...state, outcome: entry.outcome };
    case "final":
      // The calldata of what is over is not needed any more.
      return { ...state, isFinal: true, intent: { ...state.intent, data: undefined } };
  }
}

/** The fewest entries that fold to the same states; of the finished ones only the newest `keepFinished` stay. */
export function compactJournal(states: IntentStates, keepFinished: number): JournalEntry[] {
  const finished = [...states.values()].filter((state) => state.isFinal).map((state) => state.intent.id);
  const dropped = new Set(finished.slice(0, Math.max(0, finished.length - keepFinished)));
  const entries: JournalEntry[] = [];
  for (const [id, state] of states) {
    if (dropped.has(id)) continue;
    entries.push({ type: "intent", intent: state.intent });
    if (!state.isFinal) entries.push(...state.attempts.map((attempt) => ({ type: "attempt" as const, id, attempt })));
    if (!state.isFinal && state.nonce === undefined && state.attempts.length > 0) {
      entries.push({ type: "released", id, nonce: state.attempts.at(-1)?.nonce ?? 0 });
    }
    if (state.mined !== undefined) entries.push({ type: "mined", id, mined: state.mined });
    if (state.outcome !== undefined) entries.push({ type: "outcome", id, outcome: state.outcome });
    if (state.isFinal) entries.push({ type: "final", id });
  }
  return entries;
}
