import { CoreError } from "../errors.ts";
import { FIELD_BYTES } from "../generated/protocol.ts";
import type { FieldType } from "../generated/protocol.ts";
import { fromHex } from "./hex.ts";
import { getU64 } from "./integers.ts";

/** What a field may be given as: integers as number or bigint, addresses and hashes as bytes or hex. */
export type FieldInput = number | bigint | Uint8Array | string;
/** What a field is read as. */
export type FieldValue = number | Uint8Array;
/** Name, type and byte offset of a field. */
export type FieldLayout = readonly (readonly [name: string, type: FieldType, offset: number])[];

function isBytesType(type: FieldType): boolean {
  return type === "address" || type === "bytes32";
}

function writeField(view: DataView, at: number, name: string, type: FieldType, value: FieldInput): void {
  const width = FIELD_BYTES[type];
  if (isBytesType(type)) {
    if (typeof value === "number" || typeof value === "bigint") throw new CoreError("codec/field", `${name} takes bytes or hex.`);
    const bytes = typeof value === "string" ? fromHex(value, width) : value;
    if (bytes.length !== width) throw new CoreError("codec/field", `${name} takes ${width} bytes, not ${bytes.length}.`);
    for (let i = 0; i < width; i += 1) view.setUint8(at + i, bytes[i]);
    return;
  }
  if (typeof value !== "number" && typeof value !== "bigint") throw new CoreError("codec/field", `${name} takes an integer.`);
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new CoreError("codec/field", `${name} is not a safe integer.`);
  const integer = BigInt(value);
  if (integer < 0n || integer >> BigInt(8 * width) !== 0n) throw new CoreError("codec/field", `${name} does not fit ${width} bytes: ${integer}.`);
  for (let i = 0; i < width; i += 1) view.setUint8(at + i, Number((integer >> BigInt(8 * (width - 1 - i))) & 255n));
}

/**
 * Writes named fields; those not named stay as they are.
 * @throws CoreError codec/field for an unknown name or a value that does not fit
 */
export function writeFields(view: DataView, offset: number, layout: FieldLayout, fields: Readonly<Record<string, FieldInput | undefined>>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const field = layout.find(([candidate]) => candidate === name);
    if (field === undefined) throw new CoreError("codec/field", `There is no field ${name}.`);
    writeField(view, offset + field[2], name, field[1], value);
  }
}

/** Reads all fields of a layout; u64 above 2^53 - 1 comes out rounded. */
export function readFields(view: DataView, offset: number, layout: FieldLayout): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {};
  for (const [name, type, at] of layout) {
    const start = offset + at;
    if (type === "u8") fields[name] = view.getUint8(start);
    else if (type === "u16") fields[name] = view.getUint16(start);
    else if (type === "u32") fields[name] = view.getUint32(start);
    else if (type === "u64") fields[name] = getU64(view, start);
    else fields[name] = new Uint8Array(view.buffer, view.byteOffset + start, FIELD_BYTES[type]).slice();
  }
  return fields;
}
