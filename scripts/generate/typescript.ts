import { leafOffsets, widthOf } from "./Protocol.ts";
import type { ErrorEntry, GeneratedFile, Protocol } from "./Protocol.ts";

function constObject(name: string, doc: string, entries: readonly (readonly [string, number | string])[]): string {
  const body = entries.map(([key, value]) => `  ${key}: ${typeof value === "number" ? value : JSON.stringify(value)},`).join("\n");
  return `/** ${doc} */\nexport const ${name} = {\n${body}\n} as const;\n`;
}

function errorTable(errors: readonly (readonly [string, ErrorEntry])[]): string {
  const lines = errors.map(([name, [id, what, todo]]) => `  { id: ${id}, name: "${name}", what: ${JSON.stringify(what)}, todo: ${JSON.stringify(todo)} },`);
  return (
    "/** Every outcome and header error: what happened, and what to do about it. */\n" +
    "export const ERROR_TEXTS: readonly { readonly id: number; readonly name: ErrorName; readonly what: string; readonly todo: string }[] = [\n" +
    `${lines.join("\n")}\n];\n`
  );
}

function recordTypes(protocol: Protocol): string {
  const byName = Object.entries(protocol.records).map(([name, fields]) => {
    const typed = fields
      .filter(([field]) => field !== "op")
      .map(([field, type]) => `${field}: ${type === "address" || type === "bytes32" ? "Uint8Array" : "number"}`);
    return `  ${name}: { ${typed.join("; ")} };`;
  });
  const layouts = Object.entries(protocol.records).map(([name, fields]) => {
    const rows = fields.map(([field, type, offset]) => `["${field}", "${type}", ${offset}]`);
    return `  ${name}: [${rows.join(", ")}],`;
  });
  return (
    "/** The decoded fields of each record; amounts in units, times in unix seconds. */\n" +
    `export interface RecordFields {\n${byName.join("\n")}\n}\n\n` +
    "/** Name, type and byte offset of the fields of each record, in order of offset. */\n" +
    "export const RECORD_LAYOUT: Readonly<Record<keyof RecordFields, readonly (readonly [name: string, type: FieldType, offset: number])[]>> = {\n" +
    `${layouts.join("\n")}\n};\n`
  );
}

function leafLayouts(protocol: Protocol): string {
  const rows = Object.entries(protocol.leaves).map(([leaf, fields]) => {
    const typed = leafOffsets(leaf, fields).map(({ name, type, offset }) => `["${name}", "${type}", ${offset}]`);
    return `  ${leaf}: [${typed.join(", ")}],`;
  });
  const names = Object.keys(protocol.leaves).map((name) => `"${name}"`);
  return (
    `export type LeafName = ${names.join(" | ")};\n\n` +
    "/** Name, type and byte offset of the fields of each leaf. */\n" +
    `export const LEAF_LAYOUT: Readonly<Record<LeafName, readonly (readonly [name: string, type: FieldType, offset: number])[]>> = {\n${rows.join("\n")}\n};\n`
  );
}

/** Writes the specification as TypeScript constants: `core/generated/protocol.ts`. */
export function generateTypescript(protocol: Protocol): GeneratedFile[] {
  const parts: string[] = ["// Generated from spec/protocol.json by `npm run generate`. Do not edit.\n"];
  for (const [name, value] of Object.entries(protocol.constants)) parts.push(`export const ${name} = ${value};`);
  parts.push("/** Bytes of a leaf. */\nexport const LEAF_BYTES = 128;\n");
  parts.push(constObject("KIND", "Subtree kinds.", protocol.subtrees.map(({ name, kind }) => [name, kind])));
  parts.push(constObject("DEPTH", "Depth of each subtree: 4^depth leaves.", protocol.subtrees.map(({ name, depth }) => [name, depth])));
  const depths = Array.from({ length: Math.max(...protocol.subtrees.map(({ kind }) => kind)) + 1 }, (_, kind) => {
    return protocol.subtrees.find((subtree) => subtree.kind === kind)?.depth ?? 0;
  });
  parts.push(`/** Depth by subtree kind. */\nexport const DEPTH_OF_KIND: readonly number[] = [${depths.join(", ")}];\n`);
  parts.push(constObject("SYSTEM_LEAF", "Leaf indices of subtree SYSTEM.", Object.entries(protocol.systemLeaves)));
  parts.push(constObject("OP", "Opcodes of records, headers and entries.", Object.entries(protocol.opcodes)));
  parts.push(`/** Opcodes that this version rejects as unknown. */\nexport const RESERVED_OPCODES: readonly number[] = [${protocol.reservedOpcodes.map((name) => protocol.opcodes[name]).join(", ")}];\n`);
  for (const [name, values] of Object.entries(protocol.enums)) parts.push(constObject(name, `Values of ${name}.`, Object.entries(values)));
  const errors = [...Object.entries(protocol.errors), ...Object.entries(protocol.headerErrors)];
  parts.push(constObject("ERROR", "Outcomes of records and entries (below 64) and header errors.", errors.map(([name, [id]]) => [name, id])));
  parts.push("export type ErrorName = keyof typeof ERROR;\n");
  parts.push(errorTable(errors));
  parts.push('export type FieldType = "u8" | "u16" | "u32" | "u64" | "address" | "bytes32";\n');
  parts.push("/** Bytes of each field type. */\nexport const FIELD_BYTES: Readonly<Record<FieldType, number>> = { " + ["u8", "u16", "u32", "u64", "address", "bytes32"].map((type) => `${type}: ${widthOf(type)}`).join(", ") + " };\n");
  for (const [leaf, fields] of Object.entries(protocol.leaves)) {
    parts.push(constObject(leaf, `Byte offsets in a ${leaf} leaf.`, leafOffsets(leaf, fields).map(({ name, offset }) => [name, offset])));
  }
  parts.push(leafLayouts(protocol));
  const records = Object.entries(protocol.records).map(([name, fields]) => {
    return `  ${name}: { ${fields.map(([field, , offset]) => `${field}: ${offset}`).join(", ")} },`;
  });
  parts.push(`/** Byte offsets in the 96-byte slot of each record. */\nexport const RECORD = {\n${records.join("\n")}\n} as const;\n`);
  parts.push(recordTypes(protocol));
  parts.push(
    constObject("EIP712", "Signed types (B-5).", [
      ["name", protocol.eip712.domain.name],
      ["version", protocol.eip712.domain.version],
      ["Bundle", protocol.eip712.Bundle],
      ["Head", protocol.eip712.Head],
      ["Root", protocol.eip712.Root],
    ]),
    constObject("CHANNEL_EIP712", "Signed types of channels (docs/CHANNELS.md).", [
      ["name", protocol.eip712.channelDomain.name],
      ["version", protocol.eip712.channelDomain.version],
      ...Object.entries(protocol.eip712.channel),
    ]),
  );
  return [{ path: "core/generated/protocol.ts", text: parts.join("\n").replace(/\n{3,}/g, "\n\n") }];
}
