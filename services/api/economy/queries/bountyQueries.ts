import type pg from "pg";

import { BOUNTY_STAGES } from "../../../../chain/bounties/BountyState.ts";
import type { BountyStage } from "../../../../chain/bounties/BountyState.ts";
import { BOUNTY_ROLES } from "../../../../chain/bounties/BountyTerms.ts";
import { phaseOf } from "../../../../chain/bounties/phaseOf.ts";
import type { BountyPhase, PhaseAt } from "../../../../chain/bounties/phaseOf.ts";
import { Where } from "./Where.ts";

/** Terms as they are kept: integers as decimal text. */
export type KeptTerms = Readonly<Record<string, string | readonly string[]>>;

/** A bounty as it is kept. */
export interface BountyRow {
  readonly bounty_id: string;
  readonly poster: string;
  readonly terms: KeptTerms;
  readonly intent_uri: string;
  readonly intent_hash: string;
  readonly spec_uri: string;
  readonly spec_hash: string;
  readonly stage: number;
  readonly round: number;
  readonly part: number;
  readonly clock: string;
  readonly pool: string;
  readonly contributed: string;
  readonly paid: string;
  readonly worker: string | null;
  readonly agent_id: string | null;
  readonly price: string | null;
  readonly job_id: string | null;
  readonly paid_units: string;
  readonly live_bids: string;
  readonly failures: number;
  readonly posted_at: string;
}

export interface BountySearch {
  readonly role?: (typeof BOUNTY_ROLES)[number] | undefined;
  readonly phase?: BountyPhase | undefined;
  readonly token?: string | undefined;
  /** Base units. */
  readonly minPool?: string | undefined;
  readonly poster?: string | undefined;
  readonly worker?: string | undefined;
  /** The page before ended here; the newest come first. */
  readonly before?: string | undefined;
  readonly limit: number;
  /** Unix seconds that phases are told for. */
  readonly nowSeconds: number;
}

/** Rows looked at for one page: a phase that few are in ends the page early. */
const MAX_SCAN = 2_000;
const COLUMNS = "b.*, (SELECT count(*) FROM bids d WHERE d.bounty_id = b.bounty_id AND d.status = 'revealed') AS live_bids";

/** What the phase follows from, of a row. */
export function phaseOfRow({ stage, clock, terms }: BountyRow, nowSeconds: number): PhaseAt {
  const secondsOf = (name: string): number => Number(terms[name]);
  const times = { fundingSeconds: secondsOf("fundingSeconds"), revealSeconds: secondsOf("revealSeconds"), awardSeconds: secondsOf("awardSeconds") };
  return phaseOf({ stage: BOUNTY_STAGES[stage] ?? "NONE", clock: Number(clock) }, { ...times, bidder: String(terms["bidder"]) }, nowSeconds);
}

/** Stages in which a bounty can be in the phase. */
function stagesOf(phase: BountyPhase): number[] {
  const stages: readonly BountyStage[] = phase === "LAPSED" ? ["FUNDING", "BIDDING"] : BOUNTY_STAGES.filter((stage) => stage === phase);
  return (stages.length === 0 ? (["BIDDING"] as const) : stages).map((stage) => BOUNTY_STAGES.indexOf(stage));
}

/** A page of bounties, the newest first. @returns `next` when there may be more */
export async function searchBounties(pool: pg.Pool, search: BountySearch): Promise<{ rows: BountyRow[]; next: string | undefined }> {
  const { role, phase, token, minPool, poster, worker, before, limit, nowSeconds } = search;
  const where = new Where();
  if (role !== undefined) where.and("b.role = ?", BOUNTY_ROLES.indexOf(role));
  if (phase !== undefined) where.and("b.stage = ANY (?::smallint[])", stagesOf(phase));
  if (token !== undefined) where.and("b.token = ?", token.toLowerCase());
  if (minPool !== undefined) where.and("b.pool >= ?", minPool);
  if (poster !== undefined) where.and("b.poster = ?", poster.toLowerCase());
  if (worker !== undefined) where.and("b.worker = ?", worker.toLowerCase());
  if (before !== undefined) where.and("b.bounty_id < ?", before);
  const scan = phase === undefined ? limit + 1 : MAX_SCAN;
  const found = (await pool.query<BountyRow>(`SELECT ${COLUMNS} FROM bounties b WHERE ${where.sql} ORDER BY b.bounty_id DESC LIMIT ${where.value(scan)}`, where.values)).rows;
  const fitting = phase === undefined ? found : found.filter((row) => phaseOfRow(row, nowSeconds).phase === phase);
  const rows = fitting.slice(0, limit);
  if (fitting.length > limit) return { rows, next: rows.at(-1)?.bounty_id };
  return { rows, next: phase !== undefined && found.length === MAX_SCAN ? found.at(-1)?.bounty_id : undefined };
}

export async function findBounty(pool: pg.Pool, id: string): Promise<BountyRow | undefined> {
  return (await pool.query<BountyRow>(`SELECT ${COLUMNS} FROM bounties b WHERE b.bounty_id = $1`, [id])).rows[0];
}

export interface BidRow {
  readonly bidder: string;
  readonly status: string;
  readonly round: number;
  readonly agent_id: string | null;
  readonly price: string | null;
  readonly commitment: string | null;
  readonly changed_at: string;
}

export async function bidsOf(pool: pg.Pool, id: string, limit: number): Promise<BidRow[]> {
  const sql = "SELECT bidder, status, round, agent_id, price, commitment, changed_at FROM bids WHERE bounty_id = $1 ORDER BY price NULLS LAST, changed_at, bidder LIMIT $2";
  return (await pool.query<BidRow>(sql, [id, limit])).rows;
}

export interface ContributionRow {
  readonly funder: string;
  readonly amount: string;
  readonly refunded: string;
}

export async function contributionsOf(pool: pg.Pool, id: string, limit: number): Promise<ContributionRow[]> {
  return (await pool.query<ContributionRow>("SELECT funder, amount, refunded FROM contributions WHERE bounty_id = $1 ORDER BY amount DESC, funder LIMIT $2", [id, limit])).rows;
}

export interface HistoryRow {
  readonly name: string;
  readonly args: Record<string, unknown>;
  readonly happened_at: string;
  readonly block_number: string;
  readonly log_index: number;
  readonly transaction_hash: string;
}

export async function historyOf(pool: pg.Pool, id: string, limit: number): Promise<HistoryRow[]> {
  const sql = "SELECT name, args, happened_at, block_number, log_index, transaction_hash FROM bounty_events WHERE bounty_id = $1 ORDER BY block_number DESC, log_index DESC LIMIT $2";
  return (await pool.query<HistoryRow>(sql, [id, limit])).rows;
}

export interface JobRow {
  readonly job_id: string;
  readonly client: string;
  readonly provider: string;
  readonly provider_agent_id: string | null;
  readonly evaluator: string;
  readonly hook: string;
  readonly expired_at: string;
  readonly status: string;
  readonly token: string | null;
  readonly budget: string | null;
  readonly terms: KeptTerms | null;
  readonly deliverable: string | null;
  readonly deadline: string | null;
  readonly paid: string;
  readonly refunded: string;
  readonly created_at: string;
  readonly changed_at: string;
}

export async function jobsOf(pool: pg.Pool, bountyId: string): Promise<(JobRow & { readonly part: number })[]> {
  const sql = "SELECT j.*, b.part FROM bounty_jobs b JOIN jobs j ON j.job_id = b.job_id WHERE b.bounty_id = $1 ORDER BY j.job_id";
  return (await pool.query<JobRow & { part: number }>(sql, [bountyId])).rows;
}

export interface JobSearch {
  readonly client?: string | undefined;
  readonly provider?: string | undefined;
  readonly status?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A page of jobs, the newest first, and one more when there are more. */
export async function searchJobs(pool: pg.Pool, { client, provider, status, before, limit }: JobSearch): Promise<JobRow[]> {
  const where = new Where();
  if (client !== undefined) where.and("client = ?", client.toLowerCase());
  if (provider !== undefined) where.and("provider = ?", provider.toLowerCase());
  if (status !== undefined) where.and("status = ?", status);
  if (before !== undefined) where.and("job_id < ?", before);
  return (await pool.query<JobRow>(`SELECT * FROM jobs WHERE ${where.sql} ORDER BY job_id DESC LIMIT ${where.value(limit + 1)}`, where.values)).rows;
}

export async function findJob(pool: pg.Pool, jobId: string): Promise<JobRow | undefined> {
  return (await pool.query<JobRow>("SELECT * FROM jobs WHERE job_id = $1", [jobId])).rows[0];
}
