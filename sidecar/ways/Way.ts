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
  /**
   * Unix seconds after which nobody can play this payment any more; undefined: not known yet. `verify` knows it: of a call its deadline; of
   * a call on a channel the present, since the engine itself plays no call twice.
   */
  readonly expiresAt: number | undefined;
  readonly payload: PaymentPayload;
  /** The requirement of ours that it answers. */
  readonly requirement: PaymentRequirements;
  /**
   * 16 bytes; undefined for `exact`. Slots, ids and sequences are public and requests can be guessed: who asks for a stored answer must
   * show the same ticket, so the proof that the ledger keeps is `callHash(requestHash, ticket)`.
   */
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
   * The short form, header `Agnt2-Call`: the payment that this ticket (16 bytes) was made for, verified; waits for it within the way's own
   * bounds, in all and from one address. A call carries nothing but the call hash, so the request hash has to be known. At once when the
   * call is there; while it is open the same ticket gives the same payment (the same key), which takes nothing. What was answered is no
   * longer found: a ledger asks itself first, by the call hash. Only the channel has it.
   * @param requirement what the route asks for; or asked for not long ago, whichever is less
   * @throws SidecarError `payment/no-call`, `payment/underpaid`
   */
  find?(ticket: Uint8Array, requestHash: Uint8Array, requirement: PaymentRequirements, remoteAddress: string): VerifiedPayment | Promise<VerifiedPayment>;
  /** Whether it pays for this very request. Takes nothing: the same payment may be verified more than once, also at the same time. */
  verify(payment: OfferedPayment, requestHash: Uint8Array, remoteAddress: string): VerifiedPayment | Promise<VerifiedPayment>;
  /**
   * Before the answer is written as due: from now on only `settle` and `release` end this payment, however long they take to come. False
   * when it has ended already. Where nobody but its buyer and who serves it can end a payment this is not needed.
   */
  hold?(payment: VerifiedPayment): boolean;
  /** The money moves. Safe to repeat for the same payment and answer (after a crash). @throws SidecarError `payment/unsettled`: it did not and will not */
  settle(payment: VerifiedPayment, answerHash: Uint8Array): SettledPayment | Promise<SettledPayment>;
  /** Nothing is charged, now and later where the way can say so. Safe to repeat. @throws SidecarError `way/unavailable`: it ends by its deadline */
  release(payment: OfferedPayment): void | Promise<void>;
  /** After a restart: what became of a payment in state `answered`. */
  outcome(payment: OfferedPayment): Promise<"settled" | "open" | "lost">;
}
