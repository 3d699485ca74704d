import { toError } from "../../runtime/errors/CodedError.ts";
import type { Budget } from "./Budget.ts";
import type { LostPayments } from "./LostPayments.ts";
import type { BuyerEvent } from "./OutboundRequest.ts";
import { spendingOf } from "./PaymentEntry.ts";
import type { Receipt } from "./Receipt.ts";
import type { PaymentStore } from "./store/PaymentStore.ts";
import type { BuyerWay, ChannelTotal, Fate } from "./ways/BuyerWay.ts";

export interface SettleParts {
  readonly store: PaymentStore;
  readonly budget: Budget;
  readonly ways: readonly BuyerWay[];
  /** Whose exchanges run now: they find out by themselves. */
  readonly live: ReadonlySet<number>;
  /** Those that a request made again would show again. */
  readonly lost: LostPayments;
  readonly onEvent: (event: BuyerEvent) => void;
  readonly stopping: AbortSignal;
  /** Unix milliseconds. */
  readonly now: () => number;
}

async function settleOne({ store, budget, ways, live, lost, onEvent }: SettleParts, receipt: Receipt): Promise<void> {
  const way = ways.find(({ name }) => name === receipt.way);
  if (way === undefined || live.has(receipt.id)) return;
  let fate: Fate;
  try {
    fate = await way.lookUp(receipt);
  } catch (error) {
    // The chain is away; this payment counts as spent until it is back.
    onEvent({ kind: "trouble", error: toError(error) });
    return;
  }
  if (fate === "open" || live.has(receipt.id)) return;
  // In the turn in which nobody has it: what is freed here must not be freed once more.
  if (fate === "dead") lost.forget(receipt.id);
  await store.change(receipt.id, { state: fate });
  if (fate === "dead") budget.release(spendingOf(receipt));
  onEvent({ kind: fate === "dead" ? "freed" : fate, receipt: { ...receipt, state: fate } });
}

/**
 * Payments on channels are written down behind the engine's log: what a crash left out of the receipts is added to them, one for each
 * channel, so that the sums are those of the money. Compared only while nothing is under way there.
 */
async function compareTotal({ store, budget, live, lost, onEvent, now }: SettleParts, way: BuyerWay, total: ChannelTotal): Promise<void> {
  const { channelId, payee, network, asset, paid } = total;
  if (live.size > 0 || total.openCalls > 0) return;
  // What it paid before this buyer knew it is none of its receipts.
  if (!store.knowsChannel(channelId)) return store.knowChannel(channelId, paid);
  for (const receipt of store.openOn(channelId)) {
    if (live.has(receipt.id)) continue;
    lost.forget(receipt.id);
    await store.change(receipt.id, { state: "dead" });
    budget.release(spendingOf(receipt));
  }
  const amount = paid - store.paidByChannel(channelId);
  if (amount < 0n) onEvent({ kind: "trouble", error: new Error(`receipts say that channel ${channelId} has paid ${-amount} more than it has`) });
  if (amount <= 0n) return;
  const receipt: Receipt = {
    id: store.newId(), time: now(), host: payee, payee, method: "", url: "", queryHash: "", way: way.name, network, asset, amount, state: "paid", key: `channel:${channelId}:0`,
    expiresAt: 0, payload: "", requestHash: "", answerHash: "", status: 0, attestation: "",
  };
  budget.take(spendingOf(receipt));
  await store.add(receipt);
  onEvent({ kind: "paid", receipt });
}

/** Asks each way what became of the payments whose outcome nobody has seen: after a crash, a lost answer, a seller that took one and said no. */
export async function settleUnknown(parts: SettleParts): Promise<void> {
  for (let after = 0; ; ) {
    const page = parts.store.unsettled(after);
    for (const receipt of page) {
      after = receipt.id;
      if (parts.stopping.aborted) return;
      await settleOne(parts, receipt);
    }
    if (page.length === 0) break;
  }
  for (const way of parts.ways) for (const total of way.totals?.() ?? []) await compareTotal(parts, way, total);
}
