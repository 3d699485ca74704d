import { CodedError } from "../errors/CodedError.ts";

/** One setting that cannot be used. `source` is where the bad value came from. */
export interface ConfigProblem {
  readonly name: string;
  readonly env: string;
  readonly source: "env" | "file" | "flag" | "missing";
  readonly problem: string;
}

/** Error codes of `runtime/config`. */
export type ConfigErrors = {
  "config/invalid": { readonly problems: readonly ConfigProblem[] };
  "config/file": { readonly file: string };
};

export class ConfigError<K extends keyof ConfigErrors = keyof ConfigErrors> extends CodedError<ConfigErrors, K> {}
