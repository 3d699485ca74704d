import { readFileSync } from "node:fs";

import { toError } from "../errors/CodedError.ts";
import { ConfigError } from "./ConfigError.ts";
import type { ConfigProblem } from "./ConfigError.ts";
import { flagName } from "./defineConfig.ts";
import type { ConfigOf, SettingTable } from "./defineConfig.ts";

/** Where values come from; flags win over the environment, that over the file, that over defaults. */
export interface ConfigSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Command line after the program's name: `--port 80`, `--port=80`, `--verbose`, `--no-verbose`. */
  readonly flags?: readonly string[];
  /** Path of a JSON file with the settings' own names as keys; or what a file held that was read already. */
  readonly file?: string | Readonly<Record<string, unknown>> | undefined;
}

function readFile(file: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof content !== "object" || content === null || Array.isArray(content)) throw new Error("it does not hold a JSON object");
    return content as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError("config/file", { file }, "stop", {
      what: `The configuration file ${file} cannot be used`,
      why: toError(error).message,
      todo: "Correct the file or leave it out",
    }, { cause: error });
  }
}

function readFlags(table: SettingTable, flags: readonly string[], problems: ConfigProblem[]): Map<string, string> {
  const nameOf = new Map(Object.keys(table).map((name) => [flagName(name), name]));
  const values = new Map<string, string>();
  for (let index = 0; index < flags.length; index++) {
    const [key, inline] = flags[index]!.split(/=(.*)/s, 2) as [string, string | undefined];
    const name = nameOf.get(key);
    const negated = nameOf.get(key.replace(/^--no-/, "--"));
    const isFlag = (setting: string): boolean => table[setting]!.parser.typeName === "flag";
    if (name !== undefined && inline !== undefined) values.set(name, inline);
    else if (name !== undefined && isFlag(name)) values.set(name, "true");
    else if (name !== undefined && flags[index + 1] !== undefined && !flags[index + 1]!.startsWith("--")) values.set(name, flags[++index]!);
    else if (name === undefined && negated !== undefined && isFlag(negated)) values.set(negated, "false");
    else problems.push({ name: key, env: "", source: "flag", problem: name === undefined ? "is not a known flag" : "needs a value" });
  }
  return values;
}

function fromFile(value: unknown): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "object") throw new Error("expected a text, number or flag");
  return String(value);
}

/**
 * Reads a table of settings.
 * @throws ConfigError `config/invalid` with every problem at once; `config/file` when the file cannot be read.
 */
export function loadConfig<S extends SettingTable>(table: S, sources: ConfigSources): ConfigOf<S> {
  const problems: ConfigProblem[] = [];
  const file = typeof sources.file === "string" ? readFile(sources.file) : (sources.file ?? {});
  const flags = readFlags(table, sources.flags ?? [], problems);
  for (const key of Object.keys(file)) {
    if (!Object.hasOwn(table, key)) problems.push({ name: key, env: "", source: "file", problem: "is not a known setting" });
  }

  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(table)) {
    // An empty variable counts as not set: that is how shells and compose files spell "nothing".
    const fromEnv = sources.env[setting.env] || undefined;
    const source = flags.has(name) ? "flag" : fromEnv !== undefined ? "env" : Object.hasOwn(file, name) ? "file" : "missing";
    if (source === "missing") {
      if ("default" in setting) values[name] = setting.default;
      else problems.push({ name, env: setting.env, source, problem: "is required" });
      continue;
    }
    try {
      values[name] = setting.parser(source === "flag" ? flags.get(name)! : source === "env" ? fromEnv! : fromFile(file[name]));
    } catch (error) {
      // The value itself is left out: it may be a secret put into the wrong variable.
      problems.push({ name, env: setting.env, source, problem: toError(error).message });
    }
  }
  if (problems.length > 0) {
    const lines = problems.map(({ name, env, source, problem }) => `  ${env === "" ? name : `${env} (${name})`}: ${problem}${source === "missing" ? "" : `, from the ${source}`}`);
    throw new ConfigError("config/invalid", { problems }, "stop", {
      what: `The configuration has ${problems.length} problem${problems.length === 1 ? "" : "s"}:\n${lines.join("\n")}\n`,
      todo: "Correct these settings and start again",
    });
  }
  return values as ConfigOf<S>;
}
