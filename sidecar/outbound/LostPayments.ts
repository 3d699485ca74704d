import type { Paid } from "./Exchange.ts";

const MOST = 1_024;
/** A payment so near to its end would come too late. */
const MARGIN_SECONDS = 5;

/** Payments whose answers did not come: the same request made again shows the same payment, and is not paid twice. */
export class LostPayments {
  readonly #payments = new Map<string, { readonly paid: Paid; readonly at: number }>();
  readonly #reuseMs: number;

  constructor(reuseMs: number) {
    this.#reuseMs = reuseMs;
  }

  add(origin: string, requestHash: Uint8Array, paid: Paid, nowMs: number): void {
    this.#payments.set(`${origin} ${Buffer.from(requestHash).toString("hex")}`, { paid, at: nowMs });
    if (this.#payments.size > MOST) this.#payments.delete(this.#payments.keys().next().value!);
  }

  /** It has turned out to be worth nothing: it is not shown again. */
  forget(receiptId: number): void {
    for (const [key, { paid }] of this.#payments) if (paid.entry.id === receiptId) this.#payments.delete(key);
  }

  take(origin: string, requestHash: Uint8Array, nowMs: number): Paid | undefined {
    if (this.#payments.size === 0) return undefined;
    const key = `${origin} ${Buffer.from(requestHash).toString("hex")}`;
    const lost = this.#payments.get(key);
    if (lost === undefined) return undefined;
    this.#payments.delete(key);
    const { expiresAt } = lost.paid.payment;
    const isOver = nowMs - lost.at > this.#reuseMs || (expiresAt !== 0 && nowMs / 1000 > expiresAt - MARGIN_SECONDS);
    return isOver || lost.paid.entry.receipt.state === "dead" ? undefined : lost.paid;
  }
}
