import { CodedError } from "../../errors/CodedError.ts";

/** Error codes of `runtime/postgres/embedded`. */
export type EmbeddedPostgresErrors = {
  "embeddedPostgres/platform": { readonly platform: string };
  "embeddedPostgres/user": { readonly user: string };
  "embeddedPostgres/unreadable": { readonly path: string; readonly uid: number };
  "embeddedPostgres/init": { readonly dataDir: string };
  "embeddedPostgres/start": { readonly dataDir: string; readonly logTail: string };
  "embeddedPostgres/version": { readonly dataDir: string; readonly found: string; readonly known: string };
  "embeddedPostgres/busy": { readonly dataDir: string };
};

export class EmbeddedPostgresError<K extends keyof EmbeddedPostgresErrors = keyof EmbeddedPostgresErrors> extends CodedError<
  EmbeddedPostgresErrors,
  K
> {}
