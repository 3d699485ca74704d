import { FIELD_BYTES, KIND, LEAF_LAYOUT, SYSTEM_LEAF } from "../../core/generated/protocol.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import type { State } from "../../core/state/index.ts";

const SYSTEM_INDEX: Readonly<Partial<Record<LeafName, number>>> = SYSTEM_LEAF;

/** Kind and index of a leaf by its name; those of SYSTEM have one index each. */
function placeOf(name: LeafName, index: number): readonly [kind: number, index: number] {
  const system = SYSTEM_INDEX[name];
  return system === undefined ? [KIND[name as keyof typeof KIND], index] : [KIND.SYSTEM, system];
}

function locate(name: LeafName, field: string): readonly [offset: number, bytes: number] {
  const found = LEAF_LAYOUT[name].find(([candidate]) => candidate === field);
  if (found === undefined) throw new RangeError(`${name} has no field ${field}`);
  return [found[2], FIELD_BYTES[found[1]]];
}

/** Replaces a field, whatever its width, by a number. */
export function setField(state: State, name: LeafName, at: number, field: string, value: bigint): void {
  const [kind, index] = placeOf(name, at);
  const leaf = state.leaf(kind, index);
  const [offset, bytes] = locate(name, field);
  for (let i = bytes - 1, rest = value; i >= 0; i -= 1, rest >>= 8n) leaf[offset + i] = Number(rest & 255n);
  state.store(kind).setLeaf(index, leaf);
}

/** A field as a number. */
export function getField(state: State, name: LeafName, at: number, field: string): bigint {
  const [kind, index] = placeOf(name, at);
  const [offset, bytes] = locate(name, field);
  return state.leaf(kind, index).subarray(offset, offset + bytes).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Adds to a field. */
export function addToField(state: State, name: LeafName, at: number, field: string, by: bigint): void {
  setField(state, name, at, field, getField(state, name, at, field) + by);
}
