import { toError } from "../../runtime/errors/CodedError.ts";
import type { Budget } from "./Budget.ts";
import type { BuyerEvent } from "./OutboundRequest.ts";
import { spendingOf } from "./PaymentEntry.ts";
import type { PaymentStore } from "./store/PaymentStore.ts";
import type { BuyerWay, Fate } from "./ways/BuyerWay.ts";

export interface SettleParts {
  readonly store: PaymentStore;
  readonly budget: Budget;
  readonly ways: readonly BuyerWay[];
  /** Whose exchanges run now: they find out by themselves. */
  readonly live: ReadonlySet<number>;
  readonly onEvent: (event: BuyerEvent) => void;
  readonly stopping: AbortSignal;
}

/** Asks each way what became of the payments whose outcome nobody has seen: after a crash, a lost answer, a seller that took one and said no. */
export async function settleUnknown({ store, budget, ways, live, onEvent, stopping }: SettleParts): Promise<void> {
  for (let after = 0; ; ) {
    const page = store.unsettled(after);
    for (const receipt of page) {
      after = receipt.id;
      const way = ways.find(({ name }) => name === receipt.way);
      if (stopping.aborted) return;
      if (way === undefined || live.has(receipt.id)) continue;
      let fate: Fate;
      try {
        fate = await way.lookUp(receipt);
      } catch (error) {
        // The chain is away; this payment counts as spent until it is back.
        onEvent({ kind: "trouble", error: toError(error) });
        continue;
      }
      if (fate === "open" || live.has(receipt.id)) continue;
      await store.change(receipt.id, { state: fate });
      if (fate === "dead") budget.release(spendingOf(receipt));
      onEvent({ kind: fate === "dead" ? "freed" : fate, receipt: { ...receipt, state: fate } });
    }
    if (page.length === 0) return;
  }
}
