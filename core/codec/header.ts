import { CoreError } from "../errors.ts";
import { OP } from "../generated/protocol.ts";
import type { RecordFields } from "../generated/protocol.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import type { RecordInput } from "./record.ts";

/** The decoded header of a bundle. */
export type BundleHeader = RecordFields["HEADER"];

/** The 96-byte header slot of a bundle. */
export function encodeHeader(fields: RecordInput<"HEADER">): Uint8Array {
  return encodeRecord("HEADER", fields);
}

/**
 * The fields of a header slot.
 * @throws CoreError codec/length, codec/opcode when the slot is not a header
 */
export function decodeHeader(slot: Uint8Array): BundleHeader {
  if (slot[0] !== OP.HEADER) throw new CoreError("codec/opcode", `A header has opcode ${OP.HEADER}, not ${slot[0]}.`);
  return decodeRecord(slot).fields as BundleHeader;
}
