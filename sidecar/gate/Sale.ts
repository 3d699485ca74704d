import type { WayName } from "../ways/Way.ts";

/** Why nothing is charged. */
export type CancelReason = "upstream-failed" | "upstream-timeout" | "not-charged" | "answer-too-large" | "body-digest" | "body-late" | "client-gone" | "stopping";

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** An answer that is held whole. */
export interface HeldAnswer {
  readonly status: number;
  /** Without hop-by-hop headers. */
  readonly headers: HeaderPairs;
  readonly body: Uint8Array;
}

/** The head of an answer that is paid before its bytes flow. */
export type StreamedAnswer = Omit<HeldAnswer, "body">;

/** What goes to the client instead of the service's answer. */
export interface Refusal {
  readonly status: number;
  readonly headers: HeaderPairs;
  readonly body: Uint8Array;
}

export type SettledSale =
  /** The money moved: deliver, with these headers besides (PAYMENT-RESPONSE, Agnt2-Attestation). */
  | { readonly kind: "paid"; readonly headers: HeaderPairs }
  /** It did not: withhold the answer. */
  | { readonly kind: "unpaid"; readonly refusal: Refusal };

/** One exchange that somebody pays for. Exactly one of `settle` and `cancel` ends it. */
export interface Sale {
  readonly way: WayName;
  /** Lower case. */
  readonly payer: string;
  /** Base units of the asset it is paid in. */
  readonly amount: bigint;
  /** `before`: settle with the head, then stream. */
  readonly settles: "before" | "after";
  /** sha-256 that the request's body must have; the door checks it as the body passes. */
  readonly bodyDigest: Uint8Array | undefined;
  /** The service gets the end of the request's body within this time or not at all: `payment/expired`, nothing is charged. */
  readonly bodyMs: number;
  /** Headers for the upstream: who pays, what, how. */
  readonly upstreamHeaders: HeaderPairs;
  settle(answer: HeldAnswer | StreamedAnswer): Promise<SettledSale>;
  /** Nothing is charged. May be called after a failure of `settle`; more than once is the same as once. */
  cancel(reason: CancelReason): Promise<void>;
}

/** What the gate says to a request. */
export type Verdict =
  | { readonly kind: "free"; readonly route: RouteLimits }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  /** This payment has bought this answer before. */
  | { readonly kind: "repeated"; readonly answer: HeldAnswer }
  | { readonly kind: "sold"; readonly sale: Sale; readonly route: RouteLimits };

/** What the door needs to know of a route. */
export interface RouteLimits {
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly holdBytes: number;
  readonly isStream: boolean;
  isCharged(status: number): boolean;
}
