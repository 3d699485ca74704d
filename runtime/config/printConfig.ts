import { redactUrl } from "../logger/redact.ts";
import type { ConfigOf, SettingTable } from "./defineConfig.ts";
import { flagName } from "./defineConfig.ts";

function show(value: unknown): string {
  if (value === undefined) return "(not set)";
  if (Array.isArray(value)) return value.map(show).join(", ");
  return redactUrl(String(value));
}

/** The settings in use, one a line; secrets and credentials inside URLs as ***. */
export function printConfig<S extends SettingTable>(table: S, values: ConfigOf<S>): string {
  const names = Object.keys(table);
  const width = Math.max(0, ...names.map((name) => name.length));
  return names.map((name) => `${name.padEnd(width)}  ${table[name]!.secret && values[name] !== undefined ? "***" : show(values[name])}`).join("\n");
}

/** The table for the documentation, in Markdown. */
export function configMarkdown(table: SettingTable): string {
  const rows = Object.entries(table).map(([name, setting]) => {
    const fallback = !("default" in setting) ? "required" : setting.default === undefined ? "" : setting.secret ? "`***`" : `\`${show(setting.default)}\``;
    return `| \`${setting.env}\` | \`${flagName(name)}\` | ${setting.parser.typeName} | ${fallback} | ${setting.description}${setting.secret ? " (secret)" : ""} |`;
  });
  return ["| variable | flag | type | default | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}
