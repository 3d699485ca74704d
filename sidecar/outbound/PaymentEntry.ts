import { SidecarError } from "../SidecarError.ts";
import { dayOf } from "./Budget.ts";
import type { Budget, Spending } from "./Budget.ts";
import type { BuyerEvent } from "./OutboundRequest.ts";
import type { Receipt } from "./Receipt.ts";
import type { PaymentStore } from "./store/PaymentStore.ts";
import type { Fate, Payment, Proof } from "./ways/BuyerWay.ts";

export interface EntryParts {
  readonly store: PaymentStore;
  readonly budget: Budget;
  readonly onEvent: (event: BuyerEvent) => void;
  /** Receipts whose exchange runs in this process. */
  readonly live: Set<number>;
}

/** What the budget counts a receipt for. */
export function spendingOf({ network, asset, host, time, amount }: Receipt): Spending {
  return { network, asset, host, day: dayOf(time), amount };
}

/**
 * One payment's place in the budget and among the receipts. Reserved first where that must be on disk before a signature; otherwise
 * written once, at its end.
 */
export class PaymentEntry {
  readonly #parts: EntryParts;
  readonly #isReservedFirst: boolean;
  #receipt: Receipt;
  #isEnded = false;
  #isWritten: boolean;

  private constructor(parts: EntryParts, receipt: Receipt, isReservedFirst: boolean) {
    this.#parts = parts;
    this.#receipt = receipt;
    this.#isReservedFirst = isReservedFirst;
    this.#isWritten = isReservedFirst;
  }

  /** @throws SidecarError `buy/too-expensive`, `buy/budget`, `buy/store` */
  static async reserve(parts: EntryParts, receipt: Omit<Receipt, "id">, isReservedFirst: boolean): Promise<PaymentEntry> {
    if (parts.store.isFull) throw new SidecarError("buy/store", {});
    const whole = { ...receipt, id: parts.store.newId() };
    // Checked and taken before anything is awaited: calls at once cannot pass the limits together.
    parts.budget.reserve(spendingOf(whole));
    parts.live.add(whole.id);
    if (isReservedFirst) {
      try {
        await parts.store.add(whole);
      } catch (error) {
        parts.budget.release(spendingOf(whole));
        parts.live.delete(whole.id);
        throw error;
      }
    }
    return new PaymentEntry(parts, whole, isReservedFirst);
  }

  get receipt(): Receipt {
    return this.#receipt;
  }

  get id(): number {
    return this.#receipt.id;
  }

  /** It will be asked for with another amount; what was asked before may still be played in its place, so the larger one counts. @throws SidecarError `buy/budget`, … */
  async raise(amount: bigint): Promise<void> {
    const before = spendingOf(this.#receipt);
    if (amount <= before.amount) return;
    this.#parts.budget.release(before);
    try {
      this.#parts.budget.reserve({ ...before, amount });
    } catch (error) {
      // What was taken back a moment ago, in this turn, is there still.
      this.#parts.budget.take(before);
      throw error;
    }
    this.#receipt = { ...this.#receipt, amount };
    if (this.#isReservedFirst) await this.#parts.store.change(this.id, { amount });
  }

  /** There is a payment; it is on disk before it is sent. */
  async made({ key, expiresAt, payload, paidBefore }: Pick<Payment, "key" | "expiresAt" | "payload" | "paidBefore">): Promise<void> {
    // In the turn in which the call was made: nothing has been sent yet.
    if (paidBefore !== undefined) this.#parts.store.knowChannel(key.split(":")[1]!, paidBefore);
    const change = { state: "open", key, expiresAt, payload } as const;
    this.#receipt = { ...this.#receipt, ...change };
    if (this.#isReservedFirst) await this.#parts.store.change(this.id, change);
  }

  /** The same payment is shown again. */
  reopen(): void {
    this.#isEnded = false;
    this.#parts.live.add(this.id);
  }


  /** Its exchange is over. Once. @param amount what was paid, where that is less than what was reserved */
  end(fate: Fate, answer: { readonly status: number; readonly answerHash?: string; readonly proof?: Proof; readonly amount?: bigint }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { store, budget, live, onEvent } = this.#parts;
    live.delete(this.id);
    const state = fate === "paid" && answer.proof?.kind === "bad" ? "disputed" : fate;
    const before = this.#receipt;
    const amount = fate === "paid" && answer.amount !== undefined ? answer.amount : before.amount;
    const change = { state, amount, status: answer.status, answerHash: answer.answerHash ?? "", attestation: answer.proof?.text ?? "" } as const;
    this.#receipt = { ...before, ...change };
    if (state === "dead") budget.release(spendingOf(before));
    else if (amount < before.amount) budget.release({ ...spendingOf(before), amount: before.amount - amount });
    if (this.#isWritten) store.changeLater(this.id, change);
    else if (state !== "dead" || before.key !== "") {
      this.#isWritten = true;
      store.addLater(this.#receipt);
    }
    onEvent({ kind: state === "dead" ? "freed" : state, receipt: this.#receipt });
  }
}
