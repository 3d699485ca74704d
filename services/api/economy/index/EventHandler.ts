import type { ClientBase } from "pg";

import type { EconomyEvent, EventValue } from "./EconomyEvent.ts";

/** Writes what one kind of event changes. */
export type EventHandler = (client: ClientBase, event: EconomyEvent) => Promise<void>;
export type EventHandlers = Readonly<Record<string, EventHandler>>;

/** A text, no longer than `most` characters: what strangers write on L1 has no other end than its price. */
export function textOf(value: EventValue | undefined, most: number): string {
  const text = typeof value === "string" ? value : String(value);
  return text.length <= most ? text : text.slice(0, most).toWellFormed();
}

/** JSON of an event's values: integers as decimal text, long texts cut. */
export function jsonOf(value: EventValue, mostText = 4_096): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? item.toString() : typeof item === "string" && item.length > mostText ? item.slice(0, mostText).toWellFormed() : item));
}
