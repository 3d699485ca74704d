import { CodedError } from "./CodedError.ts";
import type { ErrorCatalog, Reaction } from "./CodedError.ts";

/** What each code of a service's refusals means, and its HTTP status. */
export type HttpErrorTable<C extends ErrorCatalog> = Readonly<Record<keyof C & string, { readonly status: number; readonly what: string; readonly todo: string }>>;

export interface HttpErrorOptions {
  readonly reaction: Reaction;
  /** In place of the table's. */
  readonly what?: string | undefined;
  readonly cause?: unknown;
}

/** A refusal with its HTTP status. A service derives one class that hands its table on. */
export class HttpError<C extends ErrorCatalog = ErrorCatalog, K extends keyof C & string = keyof C & string> extends CodedError<C, K> {
  readonly status: number;
  readonly what: string;
  readonly todo: string;

  constructor(table: HttpErrorTable<C>, code: K, payload: C[K], { reaction, what = table[code].what, cause }: HttpErrorOptions) {
    const { status, todo } = table[code];
    super(code, payload, reaction, { what, todo }, cause === undefined ? undefined : { cause });
    this.status = status;
    this.what = what;
    this.todo = todo;
  }

  /** What a client gets. */
  body(): { error: { code: string; message: string; todo: string } & C[K] } {
    return { error: { code: this.code, message: this.what, todo: this.todo, ...this.payload } };
  }
}
