/** What the caller of a failed operation should do: try again later, refuse the input, or stop the process. */
export type Reaction = "retry" | "reject" | "stop";

/** The three sentences that every error gives a person. */
export interface ErrorText {
  /** What happened. */
  readonly what: string;
  /** Why, as far as is known. */
  readonly why?: string;
  /** What to do about it. */
  readonly todo?: string;
}

/** A payload type per error code: `{ "files/locked": { dir: string } }`. */
export type ErrorCatalog = Record<string, object>;

/** The code and payload of any error of a catalog, so that checking `code` narrows `payload`. */
export type ErrorOf<C extends ErrorCatalog> = { [K in keyof C & string]: { readonly code: K; readonly payload: C[K] } }[keyof C & string];

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * Base of all typed errors. A module derives one class with its own catalog; programs and tests look at `code` and
 * `payload`, people read `message`. Payloads must not hold secrets: they are logged.
 */
export class CodedError<C extends ErrorCatalog = ErrorCatalog, K extends keyof C & string = keyof C & string> extends Error {
  readonly code: K;
  readonly payload: C[K];
  readonly reaction: Reaction;

  constructor(code: K, payload: C[K], reaction: Reaction, text: ErrorText, options?: { cause?: unknown }) {
    super([text.what, text.why, text.todo].filter((part) => part !== undefined && part !== "").map((part) => sentence(part!)).join(" "), options);
    this.name = new.target.name;
    this.code = code;
    this.payload = payload;
    this.reaction = reaction;
  }

  /** The form that APIs and logs carry. */
  toJSON(): { code: K; reaction: Reaction; message: string; payload: C[K] } {
    return { code: this.code, reaction: this.reaction, message: this.message, payload: this.payload };
  }
}

/** True when `error` is a {@link CodedError}, of the given code if one is named. */
export function hasErrorCode(error: unknown, code?: string): error is CodedError {
  return error instanceof CodedError && (code === undefined || error.code === code);
}

/** Turns anything that was thrown into an Error, so that a handler can rely on `message`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
