import { z } from "zod";

import { fromHex } from "../../../core/codec/hex.ts";
import { KIND, LEAF_BYTES } from "../../../core/generated/protocol.ts";
import type { ApiContext } from "../ApiContext.ts";
import { ApiError } from "../ApiError.ts";
import { defineRoute } from "../Route.ts";
import type { AnyRoute } from "../Route.ts";
import { address, index, limitOf, page, pageOf, proof } from "../schemas.ts";
import type { PageQuery } from "../schemas.ts";
import { agentSchema, agentView } from "../views/agentView.ts";
import { callSchema, callView } from "../views/callView.ts";
import { channelSchema, channelView } from "../views/channelView.ts";
import { proofView } from "../views/proofView.ts";
import { sessionSchema, sessionView } from "../views/sessionView.ts";
import { workflowSchema, workflowView } from "../views/workflowView.ts";

/** Leaves looked at for one page: a filter that matches little ends its page early, with `next`. */
const MAX_SCAN = 8_192;

const agentKey = z.union([address, index]).describe("Account index or owner's address");

function notFound(what: string, key: unknown): ApiError<"api/notFound"> {
  return new ApiError("api/notFound", { what, key: String(key) }, `there is no ${what} ${String(key)}`);
}

/** The index of an account given by index or address. */
function agentIndex({ replica }: ApiContext, key: string | number): number {
  const { state, agentCount } = replica.current;
  if (typeof key === "string") {
    const bytes = fromHex(key, 20);
    const found = state.directory.find(new DataView(bytes.buffer), 0);
    if (found === 0) throw notFound("agent", key);
    return found;
  }
  if (key < 1 || key > agentCount) throw notFound("agent", key);
  return key;
}

/** A page of the live objects of a subtree that pass the filter. */
function scan<T>(context: ApiContext, kind: number, query: PageQuery, view: (slot: number, leaf: Uint8Array) => T | undefined, passes: (item: T) => boolean): { items: T[]; next?: number } {
  const store = context.replica.current.state.store(kind);
  const limit = limitOf(query);
  const items: T[] = [];
  const first = query.from ?? 0;
  const last = Math.min(store.count, first + MAX_SCAN);
  for (let slot = first; slot < last; slot += 1) {
    const item = view(slot, store.bytes.subarray(slot * LEAF_BYTES, (slot + 1) * LEAF_BYTES));
    if (item === undefined || !passes(item)) continue;
    if (items.length === limit) return { items, next: slot };
    items.push(item);
  }
  return last < store.count ? { items, next: last } : { items };
}

function leafAt(context: ApiContext, kind: number, slot: number): Uint8Array {
  const { state } = context.replica.current;
  return slot < state.store(kind).count ? state.leaf(kind, slot) : new Uint8Array(LEAF_BYTES);
}

const OBJECTS = { agents: KIND.AGENT, directory: KIND.DIRECTORY, calls: KIND.INVOCATION, workflows: KIND.WORKFLOW, sessions: KIND.SESSION, channels: KIND.CHANNEL, system: KIND.SYSTEM } as const;

export const stateRoutes: readonly AnyRoute[] = [
  defineRoute({
    path: "/v1/agents",
    tag: "state",
    summary: "Accounts by index",
    query: page,
    answer: pageOf(agentSchema),
    handle(context, _params, query) {
      const { agentCount } = context.replica.current;
      const from = Math.max(1, query.from ?? 1);
      const end = Math.min(agentCount + 1, from + limitOf(query));
      const items = Array.from({ length: Math.max(0, end - from) }, (_unused, offset) => agentView(context, from + offset));
      return end <= agentCount ? { items, next: end } : { items };
    },
  }),
  defineRoute({
    path: "/v1/agents/{agent}",
    tag: "state",
    summary: "One account, by index or owner's address",
    params: { agent: agentKey },
    answer: agentSchema,
    errors: ["api/notFound"],
    handle: (context, { agent }) => agentView(context, agentIndex(context, agent)),
  }),
  defineRoute({
    path: "/v1/calls",
    tag: "state",
    summary: "Calls that are not settled yet",
    query: { ...page, requester: agentKey.optional(), provider: agentKey.optional() },
    answer: pageOf(callSchema),
    errors: ["api/notFound"],
    handle(context, _params, query) {
      const requester = query.requester === undefined ? undefined : agentIndex(context, query.requester);
      const provider = query.provider === undefined ? undefined : agentIndex(context, query.provider);
      return scan(context, KIND.INVOCATION, query, (slot, leaf) => callView(context, slot, leaf), (call) =>
        (requester === undefined || call.requester === requester) && (provider === undefined || call.provider === provider));
    },
  }),
  defineRoute({
    path: "/v1/calls/{slot}",
    tag: "state",
    summary: "The call in a slot",
    params: { slot: index },
    answer: callSchema,
    errors: ["api/notFound"],
    handle(context, { slot }) {
      const call = callView(context, slot, leafAt(context, KIND.INVOCATION, slot));
      if (call === undefined) throw notFound("call in slot", slot);
      return call;
    },
  }),
  defineRoute({
    path: "/v1/workflows",
    tag: "state",
    summary: "Workflows that are not done with",
    query: { ...page, owner: agentKey.optional() },
    answer: pageOf(workflowSchema),
    errors: ["api/notFound"],
    handle(context, _params, query) {
      const owner = query.owner === undefined ? undefined : agentIndex(context, query.owner);
      return scan(context, KIND.WORKFLOW, query, (slot, leaf) => workflowView(context, slot, leaf), (workflow) => owner === undefined || workflow.owner === owner);
    },
  }),
  defineRoute({
    path: "/v1/workflows/{slot}",
    tag: "state",
    summary: "The workflow in a slot",
    params: { slot: index },
    answer: workflowSchema,
    errors: ["api/notFound"],
    handle(context, { slot }) {
      const workflow = workflowView(context, slot, leafAt(context, KIND.WORKFLOW, slot));
      if (workflow === undefined) throw notFound("workflow in slot", slot);
      return workflow;
    },
  }),
  defineRoute({
    path: "/v1/sessions",
    tag: "state",
    summary: "Open conversations between two agents",
    query: { ...page, agent: agentKey.optional() },
    answer: pageOf(sessionSchema),
    errors: ["api/notFound"],
    handle(context, _params, query) {
      const agent = query.agent === undefined ? undefined : agentIndex(context, query.agent);
      return scan(context, KIND.SESSION, query, (slot, leaf) => sessionView(context, slot, leaf), (session) =>
        agent === undefined || session.requester === agent || session.provider === agent);
    },
  }),
  defineRoute({
    path: "/v1/sessions/{slot}",
    tag: "state",
    summary: "The session in a slot",
    params: { slot: index },
    answer: sessionSchema,
    errors: ["api/notFound"],
    handle(context, { slot }) {
      const session = sessionView(context, slot, leafAt(context, KIND.SESSION, slot));
      if (session === undefined) throw notFound("session in slot", slot);
      return session;
    },
  }),
  defineRoute({
    path: "/v1/channels",
    tag: "state",
    summary: "Channels between two agents",
    query: { ...page, agent: agentKey.optional() },
    answer: pageOf(channelSchema),
    errors: ["api/notFound"],
    handle(context, _params, query) {
      const agent = query.agent === undefined ? undefined : agentIndex(context, query.agent);
      return scan(context, KIND.CHANNEL, query, (slot, leaf) => channelView(context, slot, leaf), (channel) =>
        agent === undefined || channel.a.agent === agent || channel.b.agent === agent);
    },
  }),
  defineRoute({
    path: "/v1/channels/{slot}",
    tag: "state",
    summary: "The channel in a slot",
    params: { slot: index },
    answer: channelSchema,
    errors: ["api/notFound"],
    handle(context, { slot }) {
      const channel = channelView(context, slot, leafAt(context, KIND.CHANNEL, slot));
      if (channel === undefined) throw notFound("channel in slot", slot);
      return channel;
    },
  }),
  defineRoute({
    path: "/v1/proofs/{object}/{index}",
    tag: "state",
    summary: "A leaf of the state with its proof against the newest root",
    params: { object: z.enum(["agents", "directory", "calls", "workflows", "sessions", "channels", "system"]), index },
    answer: proof,
    errors: ["api/notFound"],
    handle(context, params) {
      const kind = OBJECTS[params.object];
      const isThere = params.index < context.replica.current.state.store(kind).count;
      const proven = isThere ? context.replica.prove(kind, params.index) : undefined;
      if (proven === undefined) throw notFound(`leaf of ${params.object}`, params.index);
      return proofView(proven);
    },
  }),
];
