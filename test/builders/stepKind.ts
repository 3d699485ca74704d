import { OP, PHASE } from "../../core/generated/protocol.ts";
import type { StepTrace } from "../../core/transition/index.ts";

const nameOf = (table: Readonly<Record<string, number>>, id: number): string | undefined => Object.entries(table).find(([, value]) => value === id)?.[0];

/** What a step did, for people: its phase, and the operation if it executed one. */
export function stepKindOf({ phase, op, batch, entry }: StepTrace): string {
  const name = nameOf(PHASE, phase) ?? String(phase);
  if (op >= 0) return `${name} ${nameOf(OP, op) ?? "unknown"}`;
  return entry === null || batch !== null ? name : `${name} (forced)`;
}
