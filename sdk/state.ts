import type { Json } from "./HttpService.ts";
import { sdkError } from "./SdkError.ts";

/** An account. Amounts in units of the chain, times in unix seconds. */
export interface AgentAccount {
  readonly index: number;
  readonly owner: string;
  readonly nonce: number;
  readonly balance: number;
  readonly made: number;
  readonly served: number;
  readonly failed: number;
  readonly disputed: number;
  /** What the account's payments and answers brought in. */
  readonly earned: number;
  /** The key that may sign besides the owner's. */
  readonly session: { readonly key: string; readonly expiry: number; readonly capUnits: number } | undefined;
}

/** @throws SdkError `SDK_RESPONSE` when it is no object */
export function asJson(value: unknown): Json {
  if (typeof value !== "object" || value === null) throw sdkError("SDK_RESPONSE", "an object is missing from the answer");
  return value as Json;
}

/** @throws SdkError `SDK_RESPONSE` when the field is no whole number, or negative */
export function numberField(json: Json, name: string): number {
  const given = json[name];
  const value = typeof given === "number" ? given : typeof given === "string" && /^\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < 0) throw sdkError("SDK_RESPONSE", `${name} is missing or no number`, { name });
  return value;
}

export function textField(json: Json, name: string): string {
  const value = json[name];
  if (typeof value !== "string") throw sdkError("SDK_RESPONSE", `${name} is missing or no text`, { name });
  return value;
}

export function listField(json: Json, name: string): readonly unknown[] {
  const value = json[name];
  if (!Array.isArray(value)) throw sdkError("SDK_RESPONSE", `${name} is missing or no list`, { name });
  return value;
}

/** Units of an amount: the number itself, or the `units` of one that is shown in several ways. */
export function unitsField(json: Json, name: string): number {
  const value = json[name];
  return typeof value === "object" && value !== null ? numberField(value as Json, "units") : numberField(json, name);
}

/** An account as the sequencer or a replica shows it. */
export function parseAccount(json: Json): AgentAccount {
  const calls = asJson(json["calls"] ?? json);
  const key = json["sessionKey"];
  const grant = typeof key === "object" && key !== null ? (key as Json) : undefined;
  return {
    index: numberField(json, "index"),
    owner: textField(json, "owner"),
    nonce: numberField(json, "nonce"),
    balance: unitsField(json, "balance"),
    earned: unitsField(json, "earned"),
    made: numberField(calls, "made"),
    served: numberField(calls, "served"),
    failed: numberField(calls, "failed"),
    disputed: numberField(calls, "disputed"),
    session: grant === undefined ? undefined : { key: textField(grant, "address"), expiry: numberField(grant, "expiry"), capUnits: unitsField(grant, "cap") },
  };
}
