import { ChainError } from "../ChainError.ts";
import { cleanText } from "./cleanText.ts";

/** The refusal of a registration file, with the field that is wrong. */
export function refuseFile(field: string, problem: string): ChainError {
  return new ChainError("REGISTRATION_FILE", `${field}: ${problem}`, { field });
}

/** @throws ChainError `REGISTRATION_FILE` */
export function objectAt(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuseFile(field, "it is no object");
  return value as Record<string, unknown>;
}

/**
 * A list, empty when it is left out.
 * @throws ChainError `REGISTRATION_FILE`
 */
export function listAt(object: Record<string, unknown>, name: string, most: number, within?: string): readonly unknown[] {
  const field = within === undefined ? name : `${within}.${name}`;
  const value = object[name] ?? [];
  if (!Array.isArray(value)) throw refuseFile(field, "it is no list");
  if (value.length > most) throw refuseFile(field, `it has ${value.length} entries, ${most} at most are taken`);
  return value;
}

/**
 * A text, cleaned, and undefined when it is left out.
 * @throws ChainError `REGISTRATION_FILE`
 */
export function optionalTextAt(object: Record<string, unknown>, name: string, most: number, within?: string): string | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  const field = within === undefined ? name : `${within}.${name}`;
  if (typeof value !== "string") throw refuseFile(field, "it is no text");
  if (value.length > most) throw refuseFile(field, `it has ${value.length} characters, ${most} at most are taken`);
  return cleanText(value).trim();
}

/**
 * A text that must be there, with something in it.
 * @throws ChainError `REGISTRATION_FILE`
 */
export function textAt(object: Record<string, unknown>, name: string, most: number, within?: string): string {
  const text = optionalTextAt(object, name, most, within);
  if (text === undefined || text === "") throw refuseFile(within === undefined ? name : `${within}.${name}`, "it is missing");
  return text;
}

/** @throws ChainError `REGISTRATION_FILE` */
export function integerAt(object: Record<string, unknown>, name: string, min: number, max: number, within: string): number {
  const value = object[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) throw refuseFile(`${within}.${name}`, `it is no whole number from ${min} to ${max}`);
  return value;
}
