import type { IntentJournal, JournalEntry } from "./intent.ts";

/** A journal that lives as long as the object: for browsers, and for effects that a restart may ask for again. */
export function createMemoryIntentJournal(entries: JournalEntry[] = []): IntentJournal {
  return {
    load: () => Promise.resolve([...entries]),
    append(added) {
      entries.push(...added);
      return Promise.resolve();
    },
    rewrite(replacement) {
      entries.splice(0, entries.length, ...replacement);
      return Promise.resolve();
    },
  };
}
