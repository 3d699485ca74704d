import { ApiError } from "../ApiError.ts";
import { defineRoute } from "../Route.ts";
import type { AnyRoute } from "../Route.ts";
import { hash, index, limitOf, page, pageOf } from "../schemas.ts";
import type { PageQuery } from "../schemas.ts";
import { batchSchema, batchView, claimSchema, claimView, entrySchema, entryView, epochSchema, epochView } from "../views/l1Views.ts";

function notFound(what: string, key: unknown): ApiError<"api/notFound"> {
  return new ApiError("api/notFound", { what, key: String(key) }, `there is no ${what} ${String(key)}`);
}

/** @param length how much of the list is shown */
function slice<T, V>(list: readonly T[], query: PageQuery, view: (item: T) => V, length = list.length): { items: V[]; next?: number } {
  const from = query.from ?? 0;
  const end = from + limitOf(query);
  const items = list.slice(from, Math.min(end, length)).map(view);
  return end < length ? { items, next: end } : { items };
}

export const l1Routes: readonly AnyRoute[] = [
  defineRoute({
    path: "/v1/batches",
    tag: "L1",
    summary: "Batches in their order",
    query: page,
    answer: pageOf(batchSchema),
    handle: (context, _params, query) =>
      slice(context.replica.view.batches, query, (batch) => batchView(context, batch), context.replica.batchCount),
  }),
  defineRoute({
    path: "/v1/batches/{index}",
    tag: "L1",
    summary: "One batch with the root after it",
    params: { index },
    answer: batchSchema,
    errors: ["api/notFound"],
    handle(context, params) {
      const batch = params.index < context.replica.batchCount ? context.replica.view.batches[params.index] : undefined;
      if (batch === undefined) throw notFound("batch", params.index);
      return batchView(context, batch);
    },
  }),
  defineRoute({
    path: "/v1/entries",
    tag: "L1",
    summary: "The queue from L1: deposits, links, forced bundles",
    query: page,
    answer: pageOf(entrySchema),
    handle: (context, _params, query) => slice(context.replica.view.entries, query, (entry) => entryView(context, entry)),
  }),
  defineRoute({
    path: "/v1/entries/{index}",
    tag: "L1",
    summary: "One entry of the queue",
    params: { index },
    answer: entrySchema,
    errors: ["api/notFound"],
    handle(context, params) {
      const entry = context.replica.view.entries[params.index];
      if (entry === undefined) throw notFound("entry", params.index);
      return entryView(context, entry);
    },
  }),
  defineRoute({
    path: "/v1/epochs",
    tag: "L1",
    summary: "Closed epochs",
    query: page,
    answer: pageOf(epochSchema),
    handle: (context, _params, query) => slice(context.replica.view.epochs, query, (epoch) => epochView(context, epoch)),
  }),
  defineRoute({
    path: "/v1/claims",
    tag: "L1",
    summary: "Claims about the state, in the order in which they were made",
    query: page,
    answer: pageOf(claimSchema),
    handle: (context, _params, query) => slice([...context.replica.view.claims.values()], query, (claim) => claimView(context, claim)),
  }),
  defineRoute({
    path: "/v1/claims/{claimId}",
    tag: "L1",
    summary: "One claim",
    params: { claimId: hash },
    answer: claimSchema,
    errors: ["api/notFound"],
    handle(context, { claimId }) {
      const claim = context.replica.view.claims.get(claimId.toLowerCase());
      if (claim === undefined) throw notFound("claim", claimId);
      return claimView(context, claim);
    },
  }),
];
