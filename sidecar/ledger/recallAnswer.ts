import type { Ledger } from "./Ledger.ts";

/**
 * For the channel way: what a payment was answered with, so that a call which comes again after a crash is answered so, and paid. An
 * answer that could not be delivered any more is not recalled.
 */
export function recallAnswer(ledger: Pick<Ledger, "find" | "answer">): (key: string) => Uint8Array | undefined {
  return (key) => {
    const row = ledger.find(key);
    if (row === undefined || !(row.state === "settled" || (row.state === "answered" && ledger.answer(row) !== undefined))) return undefined;
    return row.answerHash;
  };
}
