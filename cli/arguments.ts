import { InvalidArgumentError } from "commander";
import { isAddress } from "ethers";

import type { Reference } from "../sdk/operations.ts";

/** `SLOT:ID`, as the commands that make calls and workflows print it. */
export function parseReference(text: string): Reference {
  const match = /^(\d{1,10}):(\d{1,15})$/.exec(text);
  if (match === null) throw new InvalidArgumentError("expected SLOT:ID, for example 12:345.");
  return { slot: Number(match[1]), id: Number(match[2]) };
}

/** An index or an address of an agent. */
export function parseAgent(text: string): number | string {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text;
  throw new InvalidArgumentError("expected an agent's index or its 0x address.");
}

export function parseAddress(text: string): string {
  // Capitals are a checksum: a slip of the hand is found before money goes there.
  if (/^0x[0-9a-fA-F]{40}$/.test(text) && isAddress(text)) return text;
  throw new InvalidArgumentError("expected a 0x address.");
}

export function parseHex(text: string): string {
  if (/^0x([0-9a-fA-F]{2})*$/.test(text)) return text;
  throw new InvalidArgumentError("expected bytes as 0x text.");
}

export function parseUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError("expected an http:// or https:// address.");
}

/** Addresses that may be given several times. */
export function collectUrl(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, parseUrl(text)];
}

/** Whole units as decimal text. */
export function parseAmount(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  throw new InvalidArgumentError("expected whole units, for example 0.25.");
}

export function parseWhole(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number.");
}

/** Options that may be given several times. */
export function collectReference(text: string, before: readonly Reference[] = []): readonly Reference[] {
  return [...before, parseReference(text)];
}

export function showReference({ slot, id }: Reference): string {
  return `${slot}:${id}`;
}
