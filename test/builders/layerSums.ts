import { decodeLeaf } from "../../core/codec/index.ts";
import { KIND, OP } from "../../core/generated/protocol.ts";
import type { Replica } from "../../derivation/Replica.ts";

/** Who holds the units of a chain; everything that was ever deposited is in one of these places. */
export interface LayerSums {
  readonly balances: number;
  /** Prices of calls that are not settled. */
  readonly calls: number;
  readonly escrows: number;
  /** Deposits of both sides of channels. */
  readonly channels: number;
  readonly fees: number;
  /** Withdrawn on L2, not paid on L1 yet. */
  readonly unpaid: number;
  /** Deposited on L1, not consumed on L2 yet. */
  readonly queued: number;
  readonly total: number;
}

type LeafKind = "AGENT" | "INVOCATION" | "WORKFLOW" | "CHANNEL";

function sumOf(replica: Replica, kind: number, leaf: LeafKind, field: string): number {
  const { state } = replica.current;
  let sum = 0;
  for (let index = 0; index < state.store(kind).count; index += 1) sum += Number(decodeLeaf(leaf, state.leaf(kind, index))[field]);
  return sum;
}

/** Sums up a replica's state; the total must be what the Bridge holds. */
export function layerSums(replica: Replica): LayerSums {
  const { current, view } = replica;
  let unpaid = 0;
  for (let index = 0; index < current.machine("withdrawalCount"); index += 1) {
    if (!view.payouts.has(index)) unpaid += Number(decodeLeaf("WITHDRAWAL", current.appendLeaf(KIND.WITHDRAWAL, index))["amount"]);
  }
  const waiting = view.entries.slice(current.machine("inboxCursor")).filter((entry) => entry.kind === OP.DEPOSIT);
  const sums = {
    balances: sumOf(replica, KIND.AGENT, "AGENT", "balance"),
    calls: sumOf(replica, KIND.INVOCATION, "INVOCATION", "price"),
    escrows: sumOf(replica, KIND.WORKFLOW, "WORKFLOW", "escrow"),
    channels: sumOf(replica, KIND.CHANNEL, "CHANNEL", "depositA") + sumOf(replica, KIND.CHANNEL, "CHANNEL", "depositB"),
    fees: current.machine("feeBalance"),
    unpaid,
    queued: waiting.reduce((sum, entry) => sum + entry.value, 0),
  };
  return { ...sums, total: Object.values(sums).reduce((sum, part) => sum + part, 0) };
}
