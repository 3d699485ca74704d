import { HttpError } from "../../runtime/errors/HttpError.ts";
import type { HttpErrorTable } from "../../runtime/errors/HttpError.ts";

/** Error codes of the API with what they carry. */
export type ApiErrors = {
  "api/badRequest": { readonly problems: readonly { readonly field: string; readonly problem: string }[] };
  "api/notFound": { readonly what: string; readonly key: string };
  "api/notYet": { readonly what: string; readonly key: string };
  "api/unknownRoute": { readonly method: string; readonly path: string };
  "api/tooMany": { readonly limit: number; readonly retryAfterSeconds: number };
  "api/tooOld": { readonly block: number; readonly most: number };
  "api/notReady": Record<string, never>;
  "api/internal": Record<string, never>;
};

export type ApiErrorCode = keyof ApiErrors;

const TEXTS: HttpErrorTable<ApiErrors> = {
  "api/badRequest": { status: 400, what: "a part of the request is not as it should be", todo: "correct the fields that `problems` names" },
  "api/notFound": { status: 404, what: "there is no such thing", todo: "check the number or address" },
  "api/notYet": { status: 409, what: "that cannot be answered yet", todo: "ask again later, or follow /v1/feed" },
  "api/unknownRoute": { status: 404, what: "there is no such route", todo: "see /docs" },
  "api/tooMany": { status: 429, what: "more requests than one address may make", todo: "wait for as long as Retry-After says, and ask less often" },
  "api/tooOld": { status: 410, what: "the feed cannot go back so far", todo: "read the lists from there on, then follow the feed from now on" },
  "api/notReady": { status: 503, what: "the replica is still catching up with L1", todo: "ask again in a few seconds" },
  "api/internal": { status: 500, what: "the server made a mistake", todo: "see the server's log; asking again may help" },
};

const RETRY_STATUS = [409, 429, 503];

/** A refusal of the API. */
export class ApiError<K extends ApiErrorCode = ApiErrorCode> extends HttpError<ApiErrors, K> {
  constructor(code: K, payload: ApiErrors[K], what?: string, options?: { cause?: unknown }) {
    super(TEXTS, code, payload, { reaction: RETRY_STATUS.includes(TEXTS[code].status) ? "retry" : "reject", what, ...options });
  }
}

/** For the error reference and the OpenAPI document. */
export function listApiErrors(): { code: ApiErrorCode; status: number; what: string; todo: string }[] {
  return (Object.keys(TEXTS) as ApiErrorCode[]).map((code) => ({ code, ...TEXTS[code] }));
}
