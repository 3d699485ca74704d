import type { PaymentRequirements } from "@x402/core/types";

import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { SidecarError } from "../SidecarError.ts";
import type { SettledPayment, VerifiedPayment, Way } from "../ways/Way.ts";
import type { HeaderPairs } from "./Sale.ts";
import type { SaleBooks } from "./SaleBooks.ts";

const RETRY_SECONDS = 5;

/** What became of an attempt to be paid. */
export type Settlement =
  | { readonly kind: "paid"; readonly settled: SettledPayment; readonly headers: HeaderPairs }
  /** It did not move and will not. */
  | { readonly kind: "refused"; readonly error: SidecarError }
  /** Nobody knows. */
  | { readonly kind: "doubt"; readonly error: SidecarError };

export interface PaidFor {
  readonly way: Way;
  readonly payment: VerifiedPayment;
  readonly requestHash: Uint8Array;
  readonly answerHash: Uint8Array;
}

function paymentResponse({ network }: PaymentRequirements, { payer, amount }: VerifiedPayment, { transaction }: SettledPayment): readonly [string, string] {
  const response = { success: true, transaction, network, payer, amount: String(amount) };
  return ["PAYMENT-RESPONSE", btoa(JSON.stringify(response))];
}

/** Headers of a paid answer. Where it cannot be attested it is delivered all the same: it is paid. */
export function paidHeaders(books: SaleBooks, { way, payment, requestHash, answerHash }: PaidFor, settled: SettledPayment): HeaderPairs | Promise<HeaderPairs> {
  const response = paymentResponse(payment.requirement, payment, settled);
  const failed = (error: unknown): HeaderPairs => {
    books.log.error({ err: error, payment: payment.key }, "An answer could not be attested.");
    return [response];
  };
  try {
    const more = books.answerHeaders.of({ way: way.name, payment, settled, requestHash, answerHash });
    return more instanceof Promise ? more.then((headers) => [response, ...headers], failed) : [response, ...more];
  } catch (error) {
    return failed(error);
  }
}

/** A refusal of the way is final; anything else leaves open whether the money moved. */
export function failedSettlement(books: SaleBooks, { way, payment }: Pick<PaidFor, "way" | "payment">, thrown: unknown): Settlement {
  if (thrown instanceof SidecarError && thrown.code.startsWith("payment/")) return { kind: "refused", error: thrown };
  if (!hasErrorCode(thrown, "way/unavailable")) books.log.error({ err: thrown, payment: payment.key }, "A payment failed in a way that nobody expected.");
  const error = thrown instanceof SidecarError && thrown.code === "way/unavailable" ? thrown : new SidecarError("way/unavailable", { way: way.name, retryAfterSeconds: RETRY_SECONDS }, { cause: thrown });
  return { kind: "doubt", error };
}
