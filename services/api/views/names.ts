import { CHANNEL_STATUS, ERROR_TEXTS, INVOCATION_STATUS, OP, POLICY, SETTLEMENT, WITHDRAWAL_CAUSE, WORKFLOW_STATUS } from "../../../core/generated/protocol.ts";
import { toHex } from "../../../core/codec/hex.ts";
import type { FieldValue } from "../../../core/codec/index.ts";

function namesOf(values: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(values).map(([name, value]) => [value, name]));
}

const TABLES = {
  op: namesOf(OP),
  invocationStatus: namesOf(INVOCATION_STATUS),
  workflowStatus: namesOf(WORKFLOW_STATUS),
  channelStatus: namesOf(CHANNEL_STATUS),
  policy: namesOf(POLICY),
  settlement: namesOf(SETTLEMENT),
  cause: namesOf(WITHDRAWAL_CAUSE),
  outcome: new Map(ERROR_TEXTS.map(({ id, name }) => [id, name as string])),
} as const;

/** The name of a number of the specification; unknown ones (an operation may hold any byte) as `UNKNOWN_n`. */
export function nameOf(table: keyof typeof TABLES, value: number): string {
  return TABLES[table].get(value) ?? `UNKNOWN_${value}`;
}

/** The fields of a leaf as the JSON has them: integers stay, bytes become hex. */
export type LeafFields = Record<string, FieldValue>;

export function integer(fields: LeafFields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw new TypeError(`${name} is no integer field`);
  return value;
}

export function bytes(fields: LeafFields, name: string): string {
  const value = fields[name];
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} is no field of bytes`);
  return toHex(value);
}

/** Splits bytes into 32-byte words of hex. */
export function words(data: Uint8Array): string[] {
  return Array.from({ length: data.length / 32 }, (_unused, word) => toHex(data.subarray(32 * word, 32 * word + 32)));
}
