import { CoreError } from "../errors.ts";
import { LEAF_BYTES, LEAF_LAYOUT } from "../generated/protocol.ts";
import type { LeafName } from "../generated/protocol.ts";
import { readFields, writeFields } from "./fields.ts";
import type { FieldInput, FieldValue } from "./fields.ts";

/** The 128 bytes of a leaf; fields left out are zero. */
export function encodeLeaf(leaf: LeafName, fields: Readonly<Record<string, FieldInput>>): Uint8Array {
  const bytes = new Uint8Array(LEAF_BYTES);
  writeFields(new DataView(bytes.buffer), 0, LEAF_LAYOUT[leaf], fields);
  return bytes;
}

/**
 * The fields of a leaf.
 * @throws CoreError codec/length
 */
export function decodeLeaf(leaf: LeafName, bytes: Uint8Array): Record<string, FieldValue> {
  if (bytes.length !== LEAF_BYTES) throw new CoreError("codec/length", `A leaf has ${LEAF_BYTES} bytes, not ${bytes.length}.`);
  return readFields(new DataView(bytes.buffer, bytes.byteOffset, LEAF_BYTES), 0, LEAF_LAYOUT[leaf]);
}
