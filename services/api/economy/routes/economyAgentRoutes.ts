import { z } from "zod";

import type { ApiContext } from "../../ApiContext.ts";
import { ApiError } from "../../ApiError.ts";
import { defineRoute } from "../../Route.ts";
import type { AnyRoute } from "../../Route.ts";
import { address, index, limitOf } from "../../schemas.ts";
import type { Economy } from "../Economy.ts";
import { bigNumber, economyAgentDetailSchema, economyAgentSchema, economyStatusSchema, feedbackSchema } from "../economySchemas.ts";
import { findAgent, metadataOf, searchAgents, searchFeedback, validationsOf } from "../queries/agentQueries.ts";
import type { AgentRow } from "../queries/agentQueries.ts";
import { economyAgentView, feedbackView, metadataView, validationView } from "../views/economyAgentView.ts";
import { cursorPage, economyOf, flag, notFound } from "./economyPage.ts";

const MAX_ITEMS = 64;
const pairCursor = z.string().regex(/^\d{1,78}-\d{1,78}$/, "expected `next` of the page before");

/** Text to search for; the database knows no control characters. */
const words = (most: number): z.ZodString => z.string().min(1).max(most).regex(/^\P{Cc}*$/u, "expected text without control characters");

function split(cursor: string | undefined): readonly [string, string] | undefined {
  if (cursor === undefined) return undefined;
  const [first = "", second = ""] = cursor.split("-");
  return [first, second];
}

async function requireAgent({ pool }: Economy, agentId: string): Promise<AgentRow> {
  const row = await findAgent(pool, agentId);
  if (row === undefined) throw notFound("agent", agentId);
  return row;
}

async function countOf({ pool }: Economy, sql: string): Promise<number> {
  return Number((await pool.query<{ count: string }>(sql)).rows[0]?.count ?? 0);
}

/** Of the database: another API may have written it. */
async function indexedBlock({ pool }: Economy): Promise<number | null> {
  const { rows } = await pool.query<{ block: string | null }>("SELECT max(block_number) AS block FROM cursors");
  return rows[0]?.block === null || rows[0] === undefined ? null : Number(rows[0].block);
}

async function statusView(context: ApiContext): Promise<z.output<typeof economyStatusSchema>> {
  const economy = economyOf(context);
  const [indexed, agents, bounties, ok, failed, pending] = await Promise.all([
    indexedBlock(economy),
    countOf(economy, "SELECT count(*) FROM agents"),
    countOf(economy, "SELECT count(*) FROM bounties"),
    countOf(economy, "SELECT count(*) FROM cards c JOIN agents a ON a.agent_id = c.agent_id AND a.uri_hash = c.uri_hash WHERE status = 'ok'"),
    countOf(economy, "SELECT count(*) FROM cards c JOIN agents a ON a.agent_id = c.agent_id AND a.uri_hash = c.uri_hash WHERE status = 'failed'"),
    countOf(economy, "SELECT count(*) FROM agents a LEFT JOIN cards c ON a.agent_id = c.agent_id AND a.uri_hash = c.uri_hash WHERE a.uri IS NOT NULL AND c.agent_id IS NULL"),
  ]);
  return { contracts: { ...economy.addresses }, registry: economy.registry, head: context.l1().head ?? null, indexed, agents, bounties, files: { ok, failed, pending } };
}

/** Agents by identity, capability, price and what is proven of them. */
export const economyAgentRoutes: readonly AnyRoute[] = [
  defineRoute({
    path: "/v1/economy/status",
    tag: "economy",
    summary: "Contracts of the economy, and how far they are indexed",
    answer: economyStatusSchema,
    handle: statusView,
  }),
  defineRoute({
    path: "/v1/economy/agents",
    tag: "economy",
    summary: "ERC-8004 agents, searched by capability, price and proven reputation",
    query: {
      ...cursorPage(pairCursor),
      capability: words(64).optional().describe("Number or name of a capability on this chain"),
      maxPrice: index.optional().describe("Units of the chain that a call costs at most: of that capability, or of any"),
      minProvenCalls: index.optional(),
      minScore: index.pipe(z.number().max(100)).optional().describe("Mean of backed feedback, 0 to 100, at least"),
      text: words(200).optional().describe("Words in the file's name, description, services or capabilities"),
      owner: address.optional(),
      active: flag.optional(),
      order: z.enum(["id", "proven"]).optional().describe("`proven`: most proven calls first; by id when left out"),
    },
    answer: z.object({ items: z.array(economyAgentSchema), next: z.string().optional().describe("`cursor` of the next page") }),
    async handle(context, _params, query) {
      const economy = economyOf(context);
      const limit = limitOf(query);
      const { cursor, capability, maxPrice, minProvenCalls, minScore, text, owner, active, order = "id" } = query;
      const after = split(cursor);
      const position = after === undefined ? undefined : { calls: after[0], agentId: after[1] };
      const rows = await searchAgents(economy.pool, { capability, maxPriceUnits: maxPrice, minProvenCalls, minScore, text, owner, active, order, after: position, limit });
      const items = rows.slice(0, limit).map((row) => economyAgentView(context, row, economy.registry, true));
      const last = items.at(-1);
      return { items, ...(rows.length > limit && last !== undefined ? { next: `${last.proven.calls}-${last.agentId}` } : {}) };
    },
  }),
  defineRoute({
    path: "/v1/economy/agents/{agentId}",
    tag: "economy",
    summary: "One agent: identity, registration file, what is proven, and what is merely said",
    params: { agentId: bigNumber },
    answer: economyAgentDetailSchema,
    errors: ["api/notFound"],
    async handle(context, { agentId }) {
      const economy = economyOf(context);
      const row = await requireAgent(economy, agentId);
      const [metadata, validations] = await Promise.all([metadataOf(economy.pool, agentId, MAX_ITEMS), validationsOf(economy.pool, agentId, MAX_ITEMS)]);
      return { ...economyAgentView(context, row, economy.registry, false), metadata: metadata.map(metadataView), validations: validations.map(validationView) };
    },
  }),
  defineRoute({
    path: "/v1/economy/agents/{agentId}/feedback",
    tag: "economy",
    summary: "Feedback for an agent, the newest first; most of what is written is backed by nothing",
    params: { agentId: bigNumber },
    query: { ...cursorPage(pairCursor), backed: flag.optional().describe("Only what counts for the proven score, or only the rest"), client: address.optional() },
    answer: z.object({ items: z.array(feedbackSchema), next: z.string().optional().describe("`cursor` of the next page") }),
    errors: ["api/notFound"],
    async handle(context, { agentId }, query) {
      const economy = economyOf(context);
      await requireAgent(economy, agentId);
      const limit = limitOf(query);
      const after = split(query.cursor);
      const position = after === undefined ? undefined : { block: after[0], logIndex: after[1] };
      if (position !== undefined && (position.block.length > 15 || position.logIndex.length > 9)) {
        throw new ApiError("api/badRequest", { problems: [{ field: "cursor", problem: "expected `next` of the page before" }] });
      }
      const rows = await searchFeedback(economy.pool, { agentId, backed: query.backed, client: query.client, after: position, limit });
      const last = rows[limit - 1];
      return { items: rows.slice(0, limit).map(feedbackView), ...(rows.length > limit && last !== undefined ? { next: `${last.block_number}-${last.log_index}` } : {}) };
    },
  }),
];
