import type pg from "pg";

import { toError } from "../errors/CodedError.ts";
import { PostgresError } from "./PostgresError.ts";

/** Any two programs of ours that migrate use this first half of the advisory lock; the schema's hash is the second. */
const LOCK_CLASS = 0x61676e74;

/**
 * Brings a schema up to date: entry i of `migrations` leads from version i to i + 1, so entries are only ever appended.
 * Each runs in a transaction of its own with its version row, with the schema as its search path; several processes may
 * call this at once.
 * @param schema a plain lower-case identifier, created when it is not there
 * @returns the versions before and after
 * @throws PostgresError `postgres/schemaNewer` when a later release has been here, `postgres/migrationFailed`
 */
export async function migrate(pool: pg.Pool, schema: string, migrations: readonly string[]): Promise<{ from: number; to: number }> {
  if (!/^[a-z_][a-z0-9_]*$/.test(schema)) throw new RangeError(`${schema} is not a plain lower-case schema name.`);
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("SELECT pg_advisory_lock($1, hashtext($2))", [LOCK_CLASS, schema]);
    try {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`);
      const { rows } = await client.query<{ version: number }>(`SELECT coalesce(max(version), 0) AS version FROM ${schema}.schema_version`);
      const from = rows[0]!.version;
      if (from > migrations.length) throw newer(schema, from, migrations.length);
      for (let version = from + 1; version <= migrations.length; version++) await applyOne(client, schema, version, migrations[version - 1]!);
      return { from, to: migrations.length };
    } finally {
      await client.query("SELECT pg_advisory_unlock($1, hashtext($2))", [LOCK_CLASS, schema]).catch((error: Error) => (broken = error));
    }
  } finally {
    // A connection that could not give the lock back is closed, and that gives it back.
    client.release(broken);
  }
}

async function applyOne(client: pg.PoolClient, schema: string, version: number, sql: string): Promise<void> {
  try {
    await client.query("BEGIN");
    await client.query(`SET LOCAL search_path TO ${schema}`);
    await client.query(sql);
    await client.query(`INSERT INTO ${schema}.schema_version (version) VALUES ($1)`, [version]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw new PostgresError("postgres/migrationFailed", { schema, version }, "stop", {
      what: `Schema ${schema} could not be brought to version ${version}`,
      why: toError(error).message,
      todo: "It is still at the version before; correct the cause and start again",
    }, { cause: error });
  }
}

function newer(schema: string, found: number, known: number): PostgresError {
  return new PostgresError("postgres/schemaNewer", { schema, found, known }, "stop", {
    what: `Schema ${schema} has version ${found}, and this release knows up to ${known}`,
    why: "A later release has written it",
    todo: "Start that release, or restore a backup made before it ran",
  });
}
