import { leafOffsets, widthOf } from "./Protocol.ts";
import type { GeneratedFile, Protocol } from "./Protocol.ts";

const HEADER = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// Generated from spec/protocol.json by \`npm run generate\`. Do not edit.
`;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Where a field stands: byte offset of its word, how far it is shifted, and how many bits it has (12 bits each). */
function location(offset: number, width: number): string {
  const word = Math.floor(offset / 32) * 32;
  const shift = 8 * (32 - (offset % 32) - width);
  return `0x${((BigInt(word) << 24n) | (BigInt(shift) << 12n) | BigInt(8 * width)).toString(16)}`;
}

function constantsOf(protocol: Protocol): string[] {
  const lines: string[] = [];
  const add = (name: string, value: number): void => void lines.push(`uint256 constant ${name} = ${value};`);
  for (const [name, value] of Object.entries(protocol.constants)) add(name, value);
  for (const { kind, name, depth } of protocol.subtrees) {
    add(`KIND_${name}`, kind);
    add(`DEPTH_${name}`, depth);
  }
  for (const [name, index] of Object.entries(protocol.systemLeaves)) add(`LEAF_${name}`, index);
  for (const [group, values] of Object.entries(protocol.enums)) for (const [name, value] of Object.entries(values)) add(`${group}_${name}`, value);
  for (const [name, value] of Object.entries(protocol.opcodes)) add(`OP_${name}`, value);
  for (const [name, [id]] of Object.entries({ ...protocol.errors, ...protocol.headerErrors })) add(name, id);
  const depths = protocol.subtrees.reduce((word, { kind, depth }) => word | (BigInt(depth) << BigInt(8 * kind)), 0n);
  lines.push(`// Depth of subtree kind k in byte k.`, `uint256 constant DEPTHS = 0x${depths.toString(16)};`);
  lines.push(`bytes32 constant BUNDLE_TYPEHASH = keccak256("${protocol.eip712.Bundle}");`);
  for (const [name, type] of Object.entries(protocol.eip712.channel)) lines.push(`bytes32 constant CHANNEL_${name.toUpperCase()}_TYPEHASH = keccak256("${type}");`);
  const { name, version } = protocol.eip712.channelDomain;
  lines.push(`bytes32 constant CHANNEL_DOMAIN_NAME_HASH = keccak256("${name}");`, `bytes32 constant CHANNEL_DOMAIN_VERSION_HASH = keccak256("${version}");`);
  return lines;
}

function leavesOf(protocol: Protocol): string[] {
  return Object.entries(protocol.leaves).flatMap(([leaf, fields]) =>
    leafOffsets(leaf, fields).map(({ name, type, offset }) => `uint256 constant ${leaf}_${snake(name)} = ${location(offset, widthOf(type))};`),
  );
}

/** Per record its fields, and three words with the bits that belong to no field. */
function recordsOf(protocol: Protocol): string[] {
  return Object.entries(protocol.records).flatMap(([record, fields]) => {
    const used = [0n, 0n, 0n];
    const lines: string[] = [];
    for (const [name, type, offset] of fields) {
      const width = widthOf(type);
      const word = Math.floor(offset / 32);
      used[word] = (used[word] ?? 0n) | (((1n << BigInt(8 * width)) - 1n) << BigInt(8 * (32 - (offset % 32) - width)));
      if (name !== "op") lines.push(`uint256 constant R_${record}_${snake(name)} = ${location(offset, width)};`);
    }
    const full = (1n << 256n) - 1n;
    for (const [word, bits] of used.entries()) lines.push(`uint256 constant R_${record}_PADDING_${word} = 0x${(full ^ bits).toString(16).padStart(64, "0")};`);
    return lines;
  });
}

/** The constants of the specification for Solidity. */
export function generateSolidity(protocol: Protocol): GeneratedFile[] {
  const file = (name: string, lines: string[]): GeneratedFile => ({ path: `contracts/generated/${name}.sol`, text: `${HEADER}\n${lines.join("\n")}\n` });
  return [
    file("Constants", constantsOf(protocol)),
    file("LeafFields", ["// A field of a leaf: word offset in bytes, shift, bits, 12 bits each; see types/Words.sol.", ...leavesOf(protocol)]),
    file("RecordFields", ["// A field of a record, as in LeafFields; and the bits of each word that belong to no field.", ...recordsOf(protocol)]),
  ];
}
