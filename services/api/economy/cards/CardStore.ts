import type pg from "pg";

import type { Agnt2Service } from "../../../../chain/agents/agnt2Service.ts";
import type { RegistrationFile } from "../../../../chain/agents/registrationFile.ts";

/** A registration file that should be fetched. */
export interface DueCard {
  readonly agentId: string;
  readonly uri: string;
  /** What the row is good for: another URI, another hash. */
  readonly uriHash: string;
  /** Tries that failed since the last that did not. */
  readonly attempts: number;
}

/** Why a file could not be taken. */
export interface CardFailure {
  readonly code: string;
  readonly problem: string;
  /** Whether a file that was taken before still counts. */
  readonly isPassing: boolean;
}

/** What is kept of agents' registration files. */
export class CardStore {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Agents whose file was never fetched, is of another URI, or is to be fetched again; new ones first. */
  async due(nowMs: number, most: number, without: readonly string[]): Promise<DueCard[]> {
    const sql = `SELECT a.agent_id, a.uri, a.uri_hash, CASE WHEN c.uri_hash = a.uri_hash THEN c.attempts ELSE 0 END AS attempts
      FROM agents a LEFT JOIN cards c ON c.agent_id = a.agent_id
      WHERE a.uri IS NOT NULL AND (c.agent_id IS NULL OR c.uri_hash <> a.uri_hash OR c.next_try_ms <= $1) AND NOT a.agent_id = ANY ($3::numeric[])
      ORDER BY c.next_try_ms NULLS FIRST, a.agent_id LIMIT $2`;
    const { rows } = await this.#pool.query<{ agent_id: string; uri: string; uri_hash: string; attempts: number }>(sql, [nowMs, most, without]);
    return rows.map((row) => ({ agentId: row.agent_id, uri: row.uri, uriHash: row.uri_hash, attempts: row.attempts }));
  }

  /** @param service the entry of this chain */
  async put({ agentId, uriHash }: DueCard, file: RegistrationFile, service: Agnt2Service | undefined, nowMs: number, nextTryMs: number): Promise<void> {
    const json = JSON.stringify(file, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
    const words = [file.name, file.description, ...file.services.map(({ name }) => name), ...(service?.capabilities.map(({ name }) => name) ?? [])].join(" ");
    const prices = new Map(service?.prices.map(({ capability, units }) => [capability, units]));
    const capabilities = (service?.capabilities ?? []).map(({ id, name }) => ({ id, name, units: prices.get(id) ?? null }));
    // One statement: the card and what is searched by belong together.
    const sql = `WITH card AS (
        INSERT INTO cards (agent_id, uri_hash, status, attempts, fetched_at, next_try_ms, file, is_active, words) VALUES ($1, $2, 'ok', 0, $3, $4, $5, $6, to_tsvector('simple', $7))
        ON CONFLICT (agent_id) DO UPDATE SET uri_hash = $2, status = 'ok', code = NULL, problem = NULL, attempts = 0, fetched_at = $3, next_try_ms = $4, file = $5, is_active = $6, words = excluded.words
      ), gone AS (
        DELETE FROM card_capabilities WHERE agent_id = $1 AND NOT capability = ANY ($8::bigint[])
      )
      INSERT INTO card_capabilities (agent_id, capability, name, units) SELECT $1, k.* FROM unnest($8::bigint[], $9::text[], $10::bigint[]) AS k
      ON CONFLICT (agent_id, capability) DO UPDATE SET name = excluded.name, units = excluded.units`;
    const columns = [capabilities.map(({ id }) => id), capabilities.map(({ name }) => name), capabilities.map(({ units }) => units)];
    await this.#pool.query(sql, [agentId, uriHash, Math.floor(nowMs / 1000), nextTryMs, json, file.active, words, ...columns]);
  }

  async fail({ agentId, uriHash, attempts }: DueCard, failure: CardFailure, nowMs: number, nextTryMs: number): Promise<void> {
    const values = [agentId, uriHash, failure.code, failure.problem, attempts + 1, Math.floor(nowMs / 1000), nextTryMs];
    if (failure.isPassing) {
      const sql = "UPDATE cards SET code = $3, problem = $4, attempts = $5, fetched_at = $6, next_try_ms = $7 WHERE agent_id = $1 AND uri_hash = $2 AND status = 'ok'";
      if ((await this.#pool.query(sql, values)).rowCount === 1) return;
    }
    const sql = `WITH gone AS (DELETE FROM card_capabilities WHERE agent_id = $1)
      INSERT INTO cards (agent_id, uri_hash, status, code, problem, attempts, fetched_at, next_try_ms) VALUES ($1, $2, 'failed', $3, $4, $5, $6, $7)
      ON CONFLICT (agent_id) DO UPDATE SET uri_hash = $2, status = 'failed', code = $3, problem = $4, attempts = $5, fetched_at = $6, next_try_ms = $7, file = NULL, is_active = NULL, words = NULL`;
    await this.#pool.query(sql, values);
  }
}
