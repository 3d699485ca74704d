/** What takes the place of a secret. */
export const REDACTED = "***";

const SECRET_NAME = /key|secret|password|passwd|mnemonic|token|authorization|cookie/i;
/** Names that contain one of the words above and are no secret. */
const PUBLIC_NAME = /public_?key|pub_?key|key_?(?:id|count|hash|backend|expiry)|session_?key_?(?:expiry|cap)|token_?(?:id|address|symbol|decimals)|^keys?$|^asset_?token$/i;
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#@]*)@/gi;
const URL_SECRET_PARAMETER = /([?&][^=&#\s]*(?:key|secret|password|token)[^=&#\s]*=)[^&#\s]*/gi;
const MAX_DEPTH = 8;

/** True when the value under this name must not be shown. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !PUBLIC_NAME.test(name);
}

/** Takes user names, passwords and key-like query parameters out of every URL within a text. */
export function redactUrl(text: string): string {
  // Most texts hold no URL, and this runs for every log line.
  if (!text.includes("://")) return text;
  return text.replace(URL_CREDENTIALS, `$1${REDACTED}@`).replace(URL_SECRET_PARAMETER, `$1${REDACTED}`);
}

/** A copy of `value` that is safe to log: secrets by name and by URL are replaced, errors and bigints become plain values. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactUrl(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "[deep]";
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Map) return redact(Object.fromEntries(value), depth);
  if (value instanceof Set) return redact([...value], depth);
  const copy: Record<string, unknown> = {};
  if (value instanceof Error) {
    copy["name"] = value.name;
    copy["message"] = redactUrl(value.message);
    if (value.stack !== undefined) copy["stack"] = redactUrl(value.stack);
    if (value.cause !== undefined) copy["cause"] = redact(value.cause, depth + 1);
  }
  for (const [name, item] of Object.entries(value)) {
    if (name in copy) continue;
    copy[name] = isSecretName(name) && item !== undefined && item !== null ? REDACTED : redact(item, depth + 1);
  }
  return copy;
}
