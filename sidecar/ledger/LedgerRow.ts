import type { HeaderPairs, HeldAnswer } from "../gate/Sale.ts";
import type { VerifiedPayment, WayName } from "../ways/Way.ts";

/**
 * What has become of a payment (docs/SIDECAR.md section 5). `releasing` is a payment that is to be given back and could not be yet: for
 * everybody but who gives it back it is the same as `released`.
 */
export const LEDGER_STATES = ["claimed", "answered", "settled", "releasing", "released"] as const;
export type LedgerState = (typeof LEDGER_STATES)[number];

/** What is written before a paid request is served. */
export interface Claim {
  readonly way: WayName;
  readonly payment: VerifiedPayment;
  /** 32 bytes: what was bought. */
  readonly requestHash: Uint8Array;
  /** 32 bytes: what only the buyer can show, and only for this request. */
  readonly proof: Uint8Array;
  /** Whether the service may get the request a second time. */
  readonly isRepeatable: boolean;
}

export interface LedgerRow {
  /** Grows with every row. */
  readonly id: number;
  readonly key: string;
  readonly way: WayName;
  readonly state: LedgerState;
  readonly requestHash: Uint8Array;
  readonly proof: Uint8Array;
  readonly isRepeatable: boolean;
  /** 32 bytes; undefined before `answered`. */
  readonly answerHash: Uint8Array | undefined;
  /** Unix seconds; undefined: never. */
  readonly expiresAt: number | undefined;
  /** Undefined once nothing more is to be done with it. */
  readonly payment: VerifiedPayment | undefined;
}

/** What is written before the money moves. */
export interface AnsweredSale {
  readonly answerHash: Uint8Array;
  /** Undefined where it is not kept (a stream). */
  readonly answer: HeldAnswer | undefined;
}

/** What is written once it moved. */
export interface SettledSaleRecord {
  readonly transaction: string;
  /** PAYMENT-RESPONSE and the attestation: who asks again gets the same. */
  readonly headers: HeaderPairs;
}

/** Money that came in. */
export interface LedgerTotal {
  readonly way: WayName;
  /** Checksummed address. */
  readonly asset: string;
  /** Lower case; undefined: of all payers. */
  readonly payer: string | undefined;
  readonly count: number;
  /** Base units of the asset. */
  readonly amount: bigint;
}
