import type { Parser } from "./parsers.ts";

/** One row of a service's table of settings. */
export interface Setting<T> {
  /** Name of the environment variable. The flag is the setting's own name in kebab case. */
  readonly env: string;
  readonly parser: Parser<T>;
  /** Used when nothing else is given. A setting without the key is required; `undefined` makes it optional. */
  readonly default?: T | undefined;
  readonly description: string;
  /** Prints as ***. */
  readonly secret?: boolean;
}

// `any` is how TypeScript spells "of whatever type" for a table whose rows differ; the values stay exactly typed.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type SettingTable = Record<string, Setting<any>>;

/** The values of a table, each typed by its parser. */
export type ConfigOf<S extends SettingTable> = {
  readonly [K in keyof S]: S[K] extends { default: undefined } ? ReturnType<S[K]["parser"]> | undefined : ReturnType<S[K]["parser"]>;
};

/** Fixes the types of a table, one per service: `defineConfig({ port: { env: "PORT", parser: port, default: 8080, description: "…" } })`. */
export function defineConfig<const S extends SettingTable>(table: S): S {
  return table;
}

/** `maxBatchSize` is given as `--max-batch-size`. */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
