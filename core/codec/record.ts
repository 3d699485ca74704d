import { CoreError } from "../errors.ts";
import { OP, RECORD_LAYOUT, SLOT_BYTES } from "../generated/protocol.ts";
import type { RecordFields } from "../generated/protocol.ts";
import { readFields, writeFields } from "./fields.ts";
import type { FieldInput } from "./fields.ts";

/** Names of the operations that a bundle may hold. */
export type RecordName = Exclude<keyof RecordFields, "HEADER">;
/** Fields to encode: those left out are zero. */
export type RecordInput<N extends keyof RecordFields> = { readonly [K in keyof RecordFields[N]]?: FieldInput };
/** A decoded slot. */
export type DecodedRecord = { [N in keyof RecordFields]: { readonly op: N; readonly fields: RecordFields[N] } }[keyof RecordFields];

const nameOfOpcode = new Map<number, keyof RecordFields>(
  (Object.keys(RECORD_LAYOUT) as (keyof RecordFields)[]).map((name) => [OP[name], name]),
);

/**
 * The 96-byte slot of a record or header.
 * @throws CoreError codec/field when a field is unknown or does not fit
 */
export function encodeRecord<N extends keyof RecordFields>(op: N, fields: RecordInput<N>): Uint8Array {
  const slot = new Uint8Array(SLOT_BYTES);
  const view = new DataView(slot.buffer);
  writeFields(view, 0, RECORD_LAYOUT[op], fields as Record<string, FieldInput>);
  slot[0] = OP[op];
  return slot;
}

/**
 * The fields of a 96-byte slot. Bytes outside the fields are not looked at: the transition does that.
 * @throws CoreError codec/length, codec/opcode
 */
export function decodeRecord(slot: Uint8Array): DecodedRecord {
  if (slot.length !== SLOT_BYTES) throw new CoreError("codec/length", `A record has ${SLOT_BYTES} bytes, not ${slot.length}.`);
  const name = nameOfOpcode.get(slot[0]);
  if (name === undefined) throw new CoreError("codec/opcode", `No record has opcode ${slot[0]}.`);
  const fields = readFields(new DataView(slot.buffer, slot.byteOffset, SLOT_BYTES), 0, RECORD_LAYOUT[name]);
  delete fields["op"];
  return { op: name, fields } as unknown as DecodedRecord;
}
