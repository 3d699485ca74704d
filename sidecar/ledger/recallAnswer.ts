import type { Ledger } from "./Ledger.ts";

/**
 * For the channel way: what a payment was answered with, so that a call which comes again after a crash is answered so, and paid. "due": its
 * answer cannot be delivered any more, so it is given back, by whoever clears up and writes that down.
 */
export function recallAnswer(ledger: Pick<Ledger, "find" | "answer">): (key: string) => Uint8Array | "due" | undefined {
  return (key) => {
    const row = ledger.find(key);
    if (row === undefined || (row.state !== "settled" && row.state !== "answered")) return undefined;
    return row.state === "settled" || ledger.answer(row) !== undefined ? row.answerHash : "due";
  };
}
