import { CodedError } from "../../../runtime/errors/CodedError.ts";

/** Error codes of the indexer. */
export type EconomyErrors = {
  /** Of a registration file: PostgreSQL refused it. */
  "economy/unstorable": Record<string, never>;
  "economy/otherWriter": { readonly schema: string; readonly block: number };
};

export class EconomyError<K extends keyof EconomyErrors = keyof EconomyErrors> extends CodedError<EconomyErrors, K> {}
