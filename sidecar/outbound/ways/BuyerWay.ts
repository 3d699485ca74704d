import type { PaymentRequired, PaymentRequirements } from "@x402/core/types";

import type { WayName } from "../../ways/Way.ts";
import type { Receipt } from "../Receipt.ts";

export type HeaderRecord = Readonly<Record<string, string>>;

/** What one payment is for. Everything about it has been checked and its amount is reserved. */
export interface PaymentOrder {
  readonly requirement: PaymentRequirements;
  /** The 402 that it is one of the requirements of. */
  readonly offer: PaymentRequired;
  readonly amount: bigint;
  /** 32 bytes. */
  readonly requestHash: Uint8Array;
  /** The payment for the same exchange that the seller did not take: only one of both may ever be played. */
  readonly replaces: Payment | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What is known of money: it moved; it did not and never will; nobody can say yet; nobody will be able to say. */
export type Fate = "paid" | "dead" | "open" | "unknown";

/** The answer to a paid request, as far as it has come. */
export interface AnswerHead {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly requestHash: Uint8Array;
}

export interface WholeAnswer extends AnswerHead {
  /** 32 bytes; of the bytes that came. */
  readonly answerHash: Uint8Array;
  /** Where it may have been paid at its beginning: the hash that it has then, without its body. */
  readonly streamedHash: Uint8Array | undefined;
}

/** Whether a hash is that of the answer that came. */
export function isHashOf(hash: Uint8Array, { answerHash, streamedHash }: WholeAnswer): boolean {
  const isSame = (other: Uint8Array): boolean => hash.length === other.length && hash.every((byte, place) => byte === other[place]);
  return isSame(answerHash) || (streamedHash !== undefined && isSame(streamedHash));
}

/** What proves an answer. `none`: the seller proves nothing (it need not have our sidecar). */
export interface Proof {
  readonly kind: "good" | "bad" | "none";
  readonly text: string;
}

export interface Payment {
  /** As in docs/SIDECAR.md section 3. */
  readonly key: string;
  /** Unix seconds after which it cannot be played; 0: not known. */
  readonly expiresAt: number;
  /** What the way needs, also after a restart, to find out what became of it. */
  readonly payload: string;
  /** Goes with the request. */
  readonly headers: HeaderRecord;
  readonly requirement: PaymentRequirements;
  /** Of a channel's first payment in this process: what it had paid before. */
  readonly paidBefore?: bigint | undefined;
  /** What became of it, with the answer there is; undefined: none came. Waits a little where it will soon be known. */
  fate(answer: AnswerHead | undefined): Promise<Fate>;
  /** Whether what came is what the seller signed. */
  prove(answer: WholeAnswer): Promise<Proof>;
}

/** A way to pay. */
export interface BuyerWay {
  readonly name: WayName;
  /** Name of the x402 scheme. */
  readonly scheme: string;
  /**
   * Whether its reserves must be on disk before it pays. False where another durable log on this machine has each payment (a channel's
   * engine): a restart compares the two.
   */
  readonly isReservedFirst: boolean;
  /** A price older than this is asked for anew, since a payment that is not taken would be locked for a while. Undefined: any age. */
  readonly maxPriceAgeMs: number | undefined;
  /** Why it cannot pay this now; undefined: it can. Quick, and without a promise. */
  refusal(requirement: PaymentRequirements): string | undefined;
  /**
   * Makes the payment, or throws before anything that can be played has left this process.
   * @throws any; the amount is free again
   */
  pay(order: PaymentOrder): Promise<Payment>;
  /** After a restart, or long after: what became of the payment of a receipt. `open` where nobody can say yet. */
  lookUp(receipt: Receipt): Promise<Fate>;
  /** Where another log has each payment: what it says that was paid, for the comparison with the receipts. */
  totals?(): readonly ChannelTotal[];
}

/** What the engine of a channel says that this side has paid on it, ever. */
export interface ChannelTotal {
  readonly channelId: string;
  readonly payee: string;
  readonly network: string;
  readonly asset: string;
  /** Base units. */
  readonly paid: bigint;
  /** Calls without an answer: while there are some the sums cannot be compared. */
  readonly openCalls: number;
}

/** Thrown by `pay` when something that may be played has left this process, and nobody knows whether it arrived. */
export class UncertainPayment extends Error {
  readonly key: string;
  readonly expiresAt: number;
  readonly payload: string;

  constructor(payment: Pick<Payment, "key" | "expiresAt" | "payload">, cause: unknown) {
    super("a payment is out, and whether it arrived is not known", { cause });
    this.name = "UncertainPayment";
    this.key = payment.key;
    this.expiresAt = payment.expiresAt;
    this.payload = payment.payload;
  }
}
