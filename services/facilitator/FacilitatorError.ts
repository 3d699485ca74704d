import type { Reaction } from "../../runtime/errors/CodedError.ts";
import { HttpError } from "../../runtime/errors/HttpError.ts";
import type { HttpErrorTable } from "../../runtime/errors/HttpError.ts";

/** Error codes of the facilitator: what it cannot look at. What a payment lacks is an answer, not an error, and has a reason of x402. */
export type FacilitatorErrors = {
  "facilitator/body": { readonly problem: string };
  "facilitator/too-large": { readonly limitBytes: number };
  "facilitator/too-many": { readonly limit: number; readonly retryAfterSeconds: number };
  "facilitator/unknown-route": { readonly path: string };
  "facilitator/busy": { readonly limit: number };
  "facilitator/stopping": Record<string, never>;
  "facilitator/l1": Record<string, never>;
  "facilitator/internal": Record<string, never>;
  "facilitator/no-asset": Record<string, never>;
  "facilitator/bad-asset": { readonly asset: string };
};

const TEXTS: HttpErrorTable<FacilitatorErrors> = {
  "facilitator/body": { status: 400, what: "the body is not a payment of x402 version 2", todo: "send x402Version, paymentPayload and paymentRequirements" },
  "facilitator/too-large": { status: 413, what: "the body is larger than any payment", todo: "send one payment a request" },
  "facilitator/too-many": { status: 429, what: "more requests than one address may make", todo: "wait for as long as Retry-After says" },
  "facilitator/unknown-route": { status: 404, what: "there is no such route", todo: "use GET /supported, POST /verify or POST /settle" },
  "facilitator/busy": { status: 503, what: "too many payments are under way", todo: "ask again in a moment; nothing was sent for this one" },
  "facilitator/stopping": { status: 503, what: "the facilitator is being stopped", todo: "ask again in a moment; a payment is never sent twice" },
  "facilitator/l1": { status: 503, what: "the chain cannot be asked now", todo: "ask again; a payment is never sent twice" },
  "facilitator/internal": { status: 500, what: "the facilitator made a mistake", todo: "see its log; asking again may help, a payment is never sent twice" },
  "facilitator/no-asset": { status: 500, what: "no token is named that payments are taken in", todo: "set FACILITATOR_ASSETS, or name a deployment that has a test dollar" },
  "facilitator/bad-asset": { status: 500, what: "a token that is named has no EIP-3009", todo: "correct FACILITATOR_ASSETS" },
};

const RETRY_STATUS = [429, 500, 503];

/** A refusal of the facilitator. */
export class FacilitatorError<K extends keyof FacilitatorErrors = keyof FacilitatorErrors> extends HttpError<FacilitatorErrors, K> {
  constructor(code: K, payload: FacilitatorErrors[K], options?: { cause?: unknown; reaction?: Reaction }) {
    super(TEXTS, code, payload, { cause: options?.cause, reaction: options?.reaction ?? (RETRY_STATUS.includes(TEXTS[code].status) ? "retry" : "reject") });
  }
}
