import { paidCallOf } from "../../../chain/agents/proofOfService.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { KIND, RECEIPT, WITHDRAWAL } from "../../../core/generated/protocol.ts";
import type { ApiContext } from "../ApiContext.ts";
import { ApiError } from "../ApiError.ts";
import { defineRoute } from "../Route.ts";
import type { AnyRoute } from "../Route.ts";
import { address, index, limitOf, page, pageOf, proof } from "../schemas.ts";
import type { PageQuery } from "../schemas.ts";
import { proofView } from "../views/proofView.ts";
import { receiptSchema, receiptView } from "../views/receiptView.ts";
import { confirmedClaimOf, serviceProofSchema, serviceProofView } from "../views/serviceProofView.ts";
import { withdrawalProofSchema, withdrawalProofView, withdrawalSchema, withdrawalView } from "../views/withdrawalView.ts";

/** Leaves read from disk for one page. */
const MAX_SCAN = 4_096;

function notFound(what: string, key: unknown): ApiError<"api/notFound"> {
  return new ApiError("api/notFound", { what, key: String(key) }, `there is no ${what} ${String(key)}`);
}

function notYet(receipt: number): ApiError<"api/notYet"> {
  return new ApiError("api/notYet", { what: "service proof", key: String(receipt) }, "no confirmed claim holds this receipt yet");
}

/** A page of an append-only subtree, oldest first, of those whose leaf passes the filter. */
function scan<T>({ replica }: ApiContext, kind: number, count: number, query: PageQuery, view: (number: number, leaf: Uint8Array) => T, passes: (leaf: Uint8Array) => boolean): { items: T[]; next?: number } {
  const limit = limitOf(query);
  const items: T[] = [];
  const first = query.from ?? 0;
  const last = Math.min(count, first + MAX_SCAN);
  for (let number = first; number < last; number += 1) {
    if (items.length === limit) return { items, next: number };
    const leaf = replica.current.appendLeaf(kind, number);
    if (passes(leaf)) items.push(view(number, leaf));
  }
  return last < count ? { items, next: last } : { items };
}

export const receiptRoutes: readonly AnyRoute[] = [
  defineRoute({
    path: "/v1/receipts",
    tag: "receipts",
    summary: "Receipts in their order",
    query: {
      ...page,
      agent: index.optional().describe("Account index: only its operations"),
      paidTo: index.optional().describe("Account index: only receipts that say that it was paid for a call, which ProofOfService counts"),
    },
    answer: pageOf(receiptSchema),
    handle: (context, _params, query) =>
      scan(context, KIND.RECEIPT, context.replica.current.machine("receiptCount"), query, (number, leaf) => receiptView(context, number, leaf), (leaf) =>
        (query.agent === undefined || new DataView(leaf.buffer, leaf.byteOffset).getUint32(RECEIPT.agent) === query.agent) && (query.paidTo === undefined || paidCallOf(leaf)?.provider === query.paidTo)),
  }),
  defineRoute({
    path: "/v1/receipts/{number}",
    tag: "receipts",
    summary: "One receipt",
    params: { number: index },
    answer: receiptSchema,
    errors: ["api/notFound"],
    handle(context, { number }) {
      if (number >= context.replica.current.machine("receiptCount")) throw notFound("receipt", number);
      return receiptView(context, number, context.replica.current.appendLeaf(KIND.RECEIPT, number));
    },
  }),
  defineRoute({
    path: "/v1/receipts/{number}/proof",
    tag: "receipts",
    summary: "A receipt's proof against the root after any batch that followed it",
    params: { number: index },
    query: { batchCount: index.optional().describe("Prove against the state after so many batches; the newest when left out") },
    answer: proof,
    errors: ["api/notFound"],
    handle(context, { number }, query) {
      const proven = context.replica.proveAppended(KIND.RECEIPT, number, query.batchCount);
      if (proven === undefined) throw notFound("receipt in that state:", number);
      return proofView(proven);
    },
  }),
  defineRoute({
    path: "/v1/receipts/{number}/service",
    tag: "receipts",
    summary: "The ready-made call of ProofOfService.prove for a paid call, once a confirmed claim holds its receipt",
    params: { number: index },
    answer: serviceProofSchema,
    errors: ["api/notFound", "api/notYet", "api/notReady"],
    handle(context, { number }) {
      const { replica, exits } = context;
      const isThere = number < replica.current.machine("receiptCount");
      if (!isThere || paidCallOf(replica.current.appendLeaf(KIND.RECEIPT, number)) === undefined) throw notFound("paid call with receipt", number);
      if (replica.view.latestConfirmed === undefined) throw notYet(number);
      const last = exits.last;
      if (last === undefined) throw new ApiError("api/notReady", {}, "the last confirmed state is being made again from L1");
      const claimId = confirmedClaimOf(context, last);
      const view = claimId === undefined ? undefined : serviceProofView(context, last, number, claimId);
      if (view === undefined) throw notYet(number);
      return view;
    },
  }),
  defineRoute({
    path: "/v1/withdrawals",
    tag: "withdrawals",
    summary: "Withdrawals in their order",
    query: { ...page, recipient: address.optional() },
    answer: pageOf(withdrawalSchema),
    handle(context, _params, query) {
      const recipient = query.recipient === undefined ? undefined : fromHex(query.recipient, 20);
      const count = context.replica.current.machine("withdrawalCount");
      return scan(context, KIND.WITHDRAWAL, count, query, (number, leaf) => withdrawalView(context, number, leaf), (leaf) =>
        recipient === undefined || recipient.every((byte, place) => leaf[WITHDRAWAL.recipient + place] === byte));
    },
  }),
  defineRoute({
    path: "/v1/withdrawals/{index}",
    tag: "withdrawals",
    summary: "One withdrawal and how far it is",
    params: { index },
    answer: withdrawalSchema,
    errors: ["api/notFound"],
    handle(context, params) {
      if (params.index >= context.replica.current.machine("withdrawalCount")) throw notFound("withdrawal", params.index);
      return withdrawalView(context, params.index, context.replica.current.appendLeaf(KIND.WITHDRAWAL, params.index));
    },
  }),
  defineRoute({
    path: "/v1/withdrawals/{index}/proof",
    tag: "withdrawals",
    summary: "The ready-made call of Bridge.withdraw, once a confirmed claim holds the withdrawal",
    params: { index },
    answer: withdrawalProofSchema,
    errors: ["api/notFound", "api/notYet"],
    handle(context, params) {
      if (params.index >= context.replica.current.machine("withdrawalCount")) throw notFound("withdrawal", params.index);
      const proven = withdrawalProofView(context, params.index);
      if (proven === undefined) {
        throw new ApiError("api/notYet", { what: "withdrawal proof", key: String(params.index) }, "no confirmed claim holds this withdrawal yet");
      }
      return proven;
    },
  }),
];
