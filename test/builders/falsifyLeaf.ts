import { FIELD_BYTES, LEAF_LAYOUT } from "../../core/generated/protocol.ts";
import type { LeafName } from "../../core/generated/protocol.ts";
import type { Random } from "../differential/scenario/Random.ts";

/** Fields from which no machine can go on when they are false: what is to be read next, and how subtrees and lists go on. */
const STRUCTURE = new Set([
  "MACHINE.phase", "MACHINE.source", "MACHINE.cursor", "MACHINE.slots", "MACHINE.batchSlots", "MACHINE.batchIndex", "MACHINE.inboxCursor",
  "MACHINE.queueEnd", "MACHINE.receiptCount", "MACHINE.withdrawalCount", "MACHINE.agentCount", "REGISTER.count", "REGISTER.index",
  "DIRECTORY.owner", "DIRECTORY.nextIndex", "DIRECTORY.nextOwner",
]);

/** Names of the fields of a leaf that can be false while the machine goes on. */
export function falsifiableFields(name: LeafName): string[] {
  return LEAF_LAYOUT[name].map(([field]) => field).filter((field) => !STRUCTURE.has(`${name}.${field}`));
}

/** Those that no machine can go on from. */
export function structuralFields(name: LeafName): string[] {
  return LEAF_LAYOUT[name].map(([field]) => field).filter((field) => STRUCTURE.has(`${name}.${field}`));
}

/** A copy of the leaf with one random field off by its lowest bits, and the field's name. */
export function falsifyLeaf(name: LeafName, leaf: Uint8Array, random: Random, fields = falsifiableFields(name)): { leaf: Uint8Array; field: string } {
  const field = random.pick(fields);
  const [, type, offset] = LEAF_LAYOUT[name].find(([candidate]) => candidate === field)!;
  const falsified = leaf.slice();
  falsified[offset + FIELD_BYTES[type] - 1]! ^= random.between(1, 3);
  return { leaf: falsified, field };
}
