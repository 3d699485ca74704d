import type pg from "pg";

import type { RegistrationFile } from "../../../../chain/agents/registrationFile.ts";
import { Where } from "./Where.ts";

/** `RegistrationFile` as it is kept: ids of agents as decimal text. */
export type KeptFile = Omit<RegistrationFile, "registrations"> & { readonly registrations: readonly { readonly agentId: string; readonly agentRegistry: string }[] };

/** An agent with what is known of it. Numbers of contracts come as text. */
export interface AgentRow {
  readonly agent_id: string;
  readonly owner: string;
  readonly wallet: string | null;
  readonly uri: string | null;
  readonly has_uri: boolean;
  readonly uri_length: number;
  readonly feedback_count: number;
  readonly revoked_count: number;
  readonly block_number: string;
  readonly registered_at: string;
  readonly status: "ok" | "failed" | null;
  readonly code: string | null;
  readonly problem: string | null;
  readonly fetched_at: string | null;
  readonly file: KeptFile | null;
  readonly calls: string;
  readonly clients: string;
  readonly weight: string;
  readonly weighted_score: string;
}

/** What is searched for; what is left out does not matter. */
export interface AgentSearch {
  /** Number or name of a capability on this chain. */
  readonly capability?: string | undefined;
  /** Units of the chain that a call costs at most: of that capability, or of any. */
  readonly maxPriceUnits?: number | undefined;
  readonly minProvenCalls?: number | undefined;
  /** Mean of backed feedback, 0 to 100. */
  readonly minScore?: number | undefined;
  readonly text?: string | undefined;
  readonly owner?: string | undefined;
  readonly active?: boolean | undefined;
  readonly order: "id" | "proven";
  /** Where the page before ended. */
  readonly after?: { readonly calls: string; readonly agentId: string } | undefined;
  readonly limit: number;
}

const MAX_LINK = 2_048;
const COLUMNS = `a.agent_id, a.owner, a.wallet, CASE WHEN a.uri_length <= ${MAX_LINK} THEN a.uri END AS uri, a.uri IS NOT NULL AS has_uri, a.uri_length, a.feedback_count, a.revoked_count,
  a.block_number, a.registered_at, c.status, c.code, c.problem, c.fetched_at, c.file,
  coalesce(p.calls, 0) AS calls, coalesce(p.clients, 0) AS clients, coalesce(p.weight, 0) AS weight, coalesce(p.weighted_score, 0) AS weighted_score`;
/** A file counts for the URI that it was fetched from, what is proven for the owner that it was proven under. */
const TABLES = `agents a LEFT JOIN cards c ON c.agent_id = a.agent_id AND c.uri_hash = a.uri_hash LEFT JOIN proven p ON p.agent_id = a.agent_id AND p.owner = a.owner`;

/** A page of agents, and one more when there are more. */
export async function searchAgents(pool: pg.Pool, search: AgentSearch): Promise<AgentRow[]> {
  const { capability, maxPriceUnits, minProvenCalls, minScore, text, owner, active, order, after, limit } = search;
  const where = new Where();
  if (capability !== undefined || maxPriceUnits !== undefined) {
    // A longer number is no capability's, but may be the name of one.
    const isNumber = capability !== undefined && /^\d{1,10}$/.test(capability);
    const conditions = ["k.agent_id = a.agent_id", "c.status = 'ok'"];
    const values: unknown[] = [];
    if (capability !== undefined) {
      conditions.push(isNumber ? "k.capability = ?" : "lower(k.name) = lower(?)");
      values.push(capability);
    }
    if (maxPriceUnits !== undefined) {
      conditions.push("k.units <= ?");
      values.push(maxPriceUnits);
    }
    where.and(`EXISTS (SELECT 1 FROM card_capabilities k WHERE ${conditions.join(" AND ")})`, ...values);
  }
  if (minProvenCalls !== undefined && minProvenCalls > 0) where.and("p.calls >= ?", minProvenCalls);
  if (minScore !== undefined) where.and("p.weight > 0 AND p.weighted_score >= ?::numeric * p.weight", minScore);
  if (text !== undefined) where.and("c.words @@ websearch_to_tsquery('simple', ?)", text);
  if (owner !== undefined) where.and("a.owner = ?", owner.toLowerCase());
  if (active !== undefined) where.and("c.is_active = ?", active);
  if (after !== undefined && order === "id") where.and("a.agent_id > ?", after.agentId);
  if (after !== undefined && order === "proven") where.and("(-coalesce(p.calls, 0), a.agent_id) > (-?::numeric, ?::numeric)", after.calls, after.agentId);
  const by = order === "id" ? "a.agent_id" : "coalesce(p.calls, 0) DESC, a.agent_id";
  const sql = `SELECT ${COLUMNS} FROM ${TABLES} WHERE ${where.sql} ORDER BY ${by} LIMIT ${where.value(limit + 1)}`;
  return (await pool.query<AgentRow>(sql, where.values)).rows;
}

export async function findAgent(pool: pg.Pool, agentId: string): Promise<AgentRow | undefined> {
  return (await pool.query<AgentRow>(`SELECT ${COLUMNS} FROM ${TABLES} WHERE a.agent_id = $1`, [agentId])).rows[0];
}

export interface MetadataRow {
  readonly name: string;
  readonly value: Buffer;
  readonly length: number;
}

export async function metadataOf(pool: pg.Pool, agentId: string, limit: number): Promise<MetadataRow[]> {
  return (await pool.query<MetadataRow>("SELECT name, value, length FROM agent_metadata WHERE agent_id = $1 ORDER BY name LIMIT $2", [agentId, limit])).rows;
}

export interface ValidationRow {
  readonly request_hash: string;
  readonly validator: string;
  readonly request_uri: string;
  readonly requested_at: string;
  readonly response: number | null;
  readonly response_uri: string | null;
  readonly tag: string | null;
  readonly responded_at: string | null;
}

export async function validationsOf(pool: pg.Pool, agentId: string, limit: number): Promise<ValidationRow[]> {
  const sql = "SELECT request_hash, validator, request_uri, requested_at, response, response_uri, tag, responded_at FROM validations WHERE agent_id = $1 ORDER BY requested_at DESC, request_hash LIMIT $2";
  return (await pool.query<ValidationRow>(sql, [agentId, limit])).rows;
}

export interface FeedbackRow {
  readonly client: string;
  readonly feedback_index: string;
  readonly value: string;
  readonly decimals: number;
  readonly tag1: string;
  readonly tag2: string;
  readonly endpoint: string;
  readonly uri: string;
  readonly hash: string;
  readonly is_revoked: boolean;
  readonly responses: number;
  readonly proven_calls: string;
  readonly is_backed: boolean;
  readonly given_at: string;
  readonly block_number: string;
  readonly log_index: number;
  readonly transaction_hash: string;
}

export interface FeedbackSearch {
  readonly agentId: string;
  /** Only what clients with proven calls wrote. */
  readonly backed?: boolean | undefined;
  readonly client?: string | undefined;
  readonly after?: { readonly block: string; readonly logIndex: string } | undefined;
  readonly limit: number;
}

/** A page of feedback, the newest first, and one more when there is more. */
export async function searchFeedback(pool: pg.Pool, { agentId, backed, client, after, limit }: FeedbackSearch): Promise<FeedbackRow[]> {
  const where = new Where().and("f.agent_id = ?", agentId);
  if (client !== undefined) where.and("f.client = ?", client.toLowerCase());
  if (backed === true) where.and("p.feedback_index = f.feedback_index");
  if (backed === false) where.and("p.feedback_index IS DISTINCT FROM f.feedback_index");
  if (after !== undefined) where.and("(f.block_number, f.log_index) < (?::bigint, ?::integer)", after.block, after.logIndex);
  const sql = `SELECT f.*, coalesce(p.calls, 0) AS proven_calls, p.feedback_index IS NOT DISTINCT FROM f.feedback_index AS is_backed
    FROM feedback f JOIN agents a ON a.agent_id = f.agent_id LEFT JOIN proven_clients p ON p.agent_id = f.agent_id AND p.owner = a.owner AND p.client = f.client
    WHERE ${where.sql} ORDER BY f.block_number DESC, f.log_index DESC LIMIT ${where.value(limit + 1)}`;
  return (await pool.query<FeedbackRow>(sql, where.values)).rows;
}
