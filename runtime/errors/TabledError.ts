import { CodedError } from "./CodedError.ts";
import type { ErrorCatalog, ErrorText, Reaction } from "./CodedError.ts";

/** What each code of a catalog means, what to do about it and how programs react: written once, for the errors and for their reference. */
export type ErrorTable<C extends ErrorCatalog> = Readonly<Record<keyof C & string, ErrorText & { readonly reaction: Reaction }>>;

export interface TabledErrorOptions {
  /** What is known about this one. */
  readonly why?: string | undefined;
  readonly cause?: unknown;
  /** Where this one is other than most of its code. */
  readonly reaction?: Reaction | undefined;
}

/** A {@link CodedError} whose sentences are those of a table. A module derives one class that hands its table on. */
export class TabledError<C extends ErrorCatalog = ErrorCatalog, K extends keyof C & string = keyof C & string> extends CodedError<C, K> {
  constructor(table: ErrorTable<C>, code: K, payload: C[K], { why, cause, reaction }: TabledErrorOptions = {}) {
    const { reaction: usual, ...text } = table[code];
    super(code, payload, reaction ?? usual, why === undefined ? text : { ...text, why }, cause === undefined ? undefined : { cause });
  }
}
