import { Interface } from "ethers";
import { z } from "zod";

import { exodusAbi } from "../../../chain/generated/abi/Exodus.ts";
import { toHex } from "../../../core/codec/hex.ts";
import type { LastState } from "../exits/ExitBook.ts";
import type { ApiContext } from "../ApiContext.ts";
import { ApiError } from "../ApiError.ts";
import { defineRoute } from "../Route.ts";
import type { AnyRoute } from "../Route.ts";
import { address, amount, count, hash, hexData, limitOf, page } from "../schemas.ts";
import type { PageQuery } from "../schemas.ts";

const exodus = new Interface(exodusAbi);

const owed = z.object({
  what: z.enum(["balance", "unansweredCall", "answeredCall", "wonStep", "lostStep", "openWorkflow", "channel", "fees", "withdrawal", "deposit"]),
  kind: count.describe("Subtree; 64 for a deposit"),
  index: count.describe("Leaf in the subtree, or entry"),
  to: address,
  amount,
  transaction: z.object({ to: address, data: hexData }).describe("The call of Exodus; anyone may send it, once"),
});

const answer = z.object({
  claimId: hash.nullable().describe("The last confirmed claim; null for genesis"),
  stateRoot: hash,
  batchCount: count.describe("The state after this many batches"),
  items: z.array(owed),
  next: count.optional().describe("`from` of the next page"),
});

const DEPOSIT_KIND = 64;

function lastState({ exits }: ApiContext): LastState {
  const last = exits.last;
  if (last === undefined) throw new ApiError("api/notReady", {}, "the last confirmed state is being made again from L1");
  return last;
}

function itemsOf(context: ApiContext, last: LastState, to: string | undefined, query: PageQuery): { items: z.output<typeof owed>[]; next?: number } {
  const { deployment, amounts, replica } = context;
  const isWanted = (item: { readonly to: string }): boolean => to === undefined || item.to === to.toLowerCase();
  const leaves = last.exits.filter(isWanted);
  const refunds = last.refunds.filter(isWanted);
  const from = query.from ?? 0;
  const end = Math.min(from + limitOf(query), leaves.length + refunds.length);
  const items: z.output<typeof owed>[] = [];
  for (let at = from; at < end; at += 1) {
    const exit = leaves[at];
    const refund = refunds[at - leaves.length];
    if (exit !== undefined) {
      const { leaf, context: others } = last.state.prove(exit);
      const data = exodus.encodeFunctionData("payLeaf", [leaf, others]);
      items.push({ what: exit.reason, kind: exit.kind, index: exit.index, to: exit.to, amount: amounts.ofUnits(exit.units), transaction: { to: deployment.contracts.exodus, data } });
    } else if (refund !== undefined) {
      const { kind, sender, account, value, slots, dataRoot, dueTime } = replica.l1.entry(refund.index);
      const entry = { kind, sender: toHex(sender), account: toHex(account), value, slots, dataRoot: toHex(dataRoot), dueTime };
      const data = exodus.encodeFunctionData("refundDeposit", [refund.index, entry, last.state.machine()]);
      items.push({ what: "deposit", kind: DEPOSIT_KIND, index: refund.index, to: refund.to, amount: amounts.ofUnits(refund.units), transaction: { to: deployment.contracts.exodus, data } });
    }
  }
  return { items, ...(end < leaves.length + refunds.length ? { next: end } : {}) };
}

/** What a chain that stands still owes, with the calls that have it paid. */
export const exitRoutes: readonly AnyRoute[] = [
  defineRoute({
    path: "/v1/exits",
    tag: "exodus",
    summary: "What the last confirmed state owes, with the calls of Exodus that pay it once the chain is declared dead; paid withdrawals included",
    query: { ...page, to: address.optional().describe("Only what belongs to this L1 address") },
    answer,
    handle(context, _params, { to, ...query }) {
      const last = lastState(context);
      const claimId = context.replica.view.latestConfirmed?.claimId ?? null;
      return { claimId, stateRoot: last.state.root(), batchCount: last.batchCount, ...itemsOf(context, last, to, query) };
    },
  }),
];
