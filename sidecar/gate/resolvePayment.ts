import type { LedgerRow } from "../ledger/LedgerRow.ts";
import type { SettledPayment, VerifiedPayment, Way } from "../ways/Way.ts";
import type { ExchangeEnd } from "./Exchanges.ts";
import type { SaleBooks } from "./SaleBooks.ts";
import { failedSettlement, paidHeaders } from "./settlePayment.ts";

/**
 * Clears up a payment whose sale is gone: after a restart, or after an outage while it was being paid. The caller holds its exchange.
 * Every step may be repeated, so a crash in between changes nothing.
 */
export async function resolvePayment(books: SaleBooks, way: Way, row: LedgerRow): Promise<ExchangeEnd> {
  const { payment } = row;
  if (payment === undefined) return { kind: "released" };
  if (row.state !== "answered") return release(books, way, row, payment);
  switch (await way.outcome(payment)) {
    case "settled":
      return settle(books, way, row, payment, true);
    case "lost":
      return release(books, way, row, payment);
    case "open":
      // What cannot be delivered is not charged.
      return books.ledger.answer(row) === undefined ? release(books, way, row, payment) : settle(books, way, row, payment, false);
  }
}

async function release(books: SaleBooks, way: Way, { key, state }: Pick<LedgerRow, "key" | "state">, payment: VerifiedPayment): Promise<ExchangeEnd> {
  // An answer that is written says that money is due. That it is given back is written first, or who dies in between takes its end for a payment.
  if (state === "answered") await books.ledger.released(key, "releasing");
  await way.release(payment);
  await books.ledger.released(key, "released");
  return { kind: "released" };
}

async function settle(books: SaleBooks, way: Way, row: LedgerRow, payment: VerifiedPayment, isSettled: boolean): Promise<ExchangeEnd> {
  const sold = { way, payment, requestHash: row.requestHash, answerHash: row.answerHash! };
  let settled: SettledPayment;
  try {
    // Of what is settled already this gives the transaction again.
    settled = await way.settle(payment, sold.answerHash);
  } catch (thrown) {
    if (failedSettlement(books, sold, thrown).kind !== "refused") throw thrown;
    if (!isSettled) return release(books, way, row, payment);
    settled = { transaction: "" };
  }
  const headers = await paidHeaders(books, sold, settled);
  const answer = books.ledger.answer(row);
  await books.ledger.settled(row.key, { transaction: settled.transaction, headers });
  books.metrics.settled(way.name, payment.requirement.asset, payment.amount);
  return { kind: "answered", answer: answer && { ...answer, headers: [...answer.headers, ...headers] } };
}
