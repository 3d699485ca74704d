import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";

export type WayName = "exact" | "call" | "channel";

/** What one exchange costs in one way. */
export interface WayPrice {
  /** Base units of `asset`. */
  readonly amount: bigint;
  /** Checksummed token address; the zero address for ETH. */
  readonly asset: string;
}

/** A payment as it came: parsed, not yet believed. */
export interface OfferedPayment {
  /** As in docs/SIDECAR.md section 3; what the ledger knows it by. */
  readonly key: string;
  /** Unix seconds after which nobody can play this payment any more; undefined: never (the ledger keeps it as long as the chain's ids say). */
  readonly expiresAt: number | undefined;
  readonly payload: PaymentPayload;
  /** The requirement of ours that it answers. */
  readonly requirement: PaymentRequirements;
  /** 16 bytes; undefined for `exact`. */
  readonly ticket: Uint8Array | undefined;
}

export interface VerifiedPayment extends OfferedPayment {
  /** Lower case. */
  readonly payer: string;
  readonly amount: bigint;
}

export interface SettledPayment {
  /** Transaction hash, `slot:id` of the invocation, or `channelId:sequence`. */
  readonly transaction: string;
}

/**
 * A way to be paid. Refusals are `SidecarError`s with codes `payment/…`; an outage (RPC, facilitator, sequencer) is `way/unavailable`, which
 * becomes a 503 and never a served request.
 */
export interface Way {
  readonly name: WayName;
  /** Name of the x402 scheme. */
  readonly scheme: string;
  /** False while it cannot be used at all (no account yet, facilitator away): it is not offered then. */
  readonly isReady: boolean;
  /** What the 402 asks for this price; made once per price. */
  requirement(price: WayPrice, timeoutSeconds: number): PaymentRequirements;
  /**
   * Reads a payload that names this scheme. Pure and cheap. It does not ask whether the payment is still good: a lost answer may be
   * asked for after the payment's time, so expiry is for `verify`. @throws SidecarError `payment/malformed`
   */
  read(payload: PaymentPayload, requirement: PaymentRequirements): OfferedPayment;
  /**
   * The short form, header `Agnt2-Call`: the payment that this ticket (16 bytes) was made for; waits for it within the way's own bounds,
   * in all and from one address. Only the channel has it. @throws SidecarError `payment/no-call`
   */
  find?(ticket: Uint8Array, requirement: PaymentRequirements, remoteAddress: string): OfferedPayment | Promise<OfferedPayment>;
  /** Whether it pays for this very request. Takes nothing: the same payment may be verified more than once, also at the same time. */
  verify(payment: OfferedPayment, requestHash: Uint8Array, remoteAddress: string): Promise<VerifiedPayment>;
  /** The money moves. Safe to repeat for the same payment and answer (after a crash). @throws SidecarError `payment/unsettled`: it did not and will not */
  settle(payment: VerifiedPayment, answerHash: Uint8Array): Promise<SettledPayment>;
  /** Nothing is charged, now and later where the way can say so. Safe to repeat. */
  release(payment: VerifiedPayment): Promise<void>;
  /** After a restart: what became of a payment in state `answered`. */
  outcome(payment: OfferedPayment): Promise<"settled" | "open" | "lost">;
}
