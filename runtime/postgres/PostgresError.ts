import { CodedError } from "../errors/CodedError.ts";

/** Error codes of `runtime/postgres`. */
export type PostgresErrors = {
  "postgres/schemaNewer": { readonly schema: string; readonly found: number; readonly known: number };
  "postgres/migrationFailed": { readonly schema: string; readonly version: number };
  "postgres/unreachable": { readonly host: string };
};

export class PostgresError<K extends keyof PostgresErrors = keyof PostgresErrors> extends CodedError<PostgresErrors, K> {}
