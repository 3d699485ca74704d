import type { JournalEntry } from "./intent.ts";

/** One line of JSON for an entry; integers beyond JSON's range are `{"$n": decimal}`. */
export function encodeJournalEntry(entry: JournalEntry): string {
  return JSON.stringify(entry, (_key, value: unknown) => (typeof value === "bigint" ? { $n: value.toString() } : value));
}

export function decodeJournalEntry(line: string): JournalEntry {
  return JSON.parse(line, (_key, value: unknown) => {
    if (typeof value === "object" && value !== null && "$n" in value) return BigInt(String(value.$n));
    return value;
  }) as JournalEntry;
}
