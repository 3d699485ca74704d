import type { z } from "zod";

import { BOUNTY_ROLES, REWARD_KINDS } from "../../../../chain/bounties/BountyTerms.ts";
import type { BID_STATUSES, bountyDetailSchema, bountySchema, jobSchema, termsSchema } from "../economySchemas.ts";
import type { JOB_STATUSES } from "../index/applyEscrowEvents.ts";
import { phaseOfRow } from "../queries/bountyQueries.ts";
import type { BidRow, BountyRow, HistoryRow, JobRow, KeptTerms } from "../queries/bountyQueries.ts";

type Detail = z.output<typeof bountyDetailSchema>;

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const orNull = (value: string | null): number | null => (value === null ? null : Number(value));

export function termsView(terms: KeptTerms): z.output<typeof termsSchema> {
  const number = (name: string): number => Number(terms[name]);
  const text = (name: string): string => String(terms[name]);
  const shares = terms["shares"];
  return {
    role: BOUNTY_ROLES[number("role")] ?? "OTHER",
    kind: REWARD_KINDS[number("kind")] ?? "LUMP",
    maxRounds: number("maxRounds"),
    unruledBps: number("unruledBps"),
    token: text("token"),
    fundingSeconds: number("fundingSeconds"),
    goal: text("goal"),
    ceiling: text("ceiling"),
    stake: text("stake"),
    minProvenCalls: text("minProvenCalls"),
    commitSeconds: number("commitSeconds"),
    revealSeconds: number("revealSeconds"),
    proofOfService: text("proofOfService"),
    awardSeconds: number("awardSeconds"),
    workSeconds: number("workSeconds"),
    settleSeconds: number("settleSeconds"),
    evaluator: text("evaluator"),
    reviewSeconds: number("reviewSeconds"),
    disputeSeconds: number("disputeSeconds"),
    rulingSeconds: number("rulingSeconds"),
    arbiter: text("arbiter"),
    bidder: text("bidder"),
    source: text("source"),
    shares: Array.isArray(shares) ? shares.map(Number) : [],
    sourceParams: text("sourceParams"),
  };
}

/** @param nowSeconds the time that the phase is told for */
export function bountyView(row: BountyRow, nowSeconds: number): z.output<typeof bountySchema> {
  const { phase, until } = phaseOfRow(row, nowSeconds);
  return {
    id: row.bounty_id,
    poster: row.poster,
    phase,
    phaseEndsAt: until ?? null,
    intent: { uri: row.intent_uri, hash: row.intent_hash },
    spec: { uri: row.spec_uri, hash: row.spec_hash },
    terms: termsView(row.terms),
    round: row.round,
    part: row.part,
    pool: row.pool,
    contributed: row.contributed,
    paid: row.paid,
    worker: row.worker,
    engagedAt: row.worker === null ? null : Number(row.clock),
    agentId: row.agent_id,
    price: row.price,
    jobId: row.job_id,
    paidUnits: row.paid_units,
    liveBids: Number(row.live_bids),
    failures: row.failures,
    postedAt: Number(row.posted_at),
  };
}

export function bidView(row: BidRow): Detail["bids"][number] {
  const status = row.status as (typeof BID_STATUSES)[number];
  return { bidder: row.bidder, status, round: row.round, agentId: row.agent_id, price: row.price, commitment: row.commitment, changedAt: Number(row.changed_at) };
}

export function historyView(row: HistoryRow): Detail["history"][number] {
  return { name: row.name, args: row.args, at: Number(row.happened_at), blockNumber: Number(row.block_number), logIndex: row.log_index, transactionHash: row.transaction_hash };
}

export function jobView(row: JobRow): z.output<typeof jobSchema> {
  const arbiter = row.terms?.["arbiter"];
  return {
    jobId: row.job_id,
    status: row.status as (typeof JOB_STATUSES)[number],
    client: row.client,
    provider: row.provider,
    providerAgentId: row.provider_agent_id,
    evaluator: row.evaluator,
    arbiter: typeof arbiter !== "string" || arbiter === ZERO_ADDRESS ? null : arbiter,
    hook: row.hook === ZERO_ADDRESS ? null : row.hook,
    token: row.token,
    budget: row.budget,
    expiredAt: row.expired_at,
    deadline: orNull(row.deadline),
    deliverable: row.deliverable,
    paid: row.paid,
    refunded: row.refunded,
    createdAt: Number(row.created_at),
    changedAt: Number(row.changed_at),
  };
}
