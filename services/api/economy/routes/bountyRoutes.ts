import { z } from "zod";

import { BOUNTY_ROLES } from "../../../../chain/bounties/BountyTerms.ts";
import { BOUNTY_PHASES } from "../../../../chain/bounties/phaseOf.ts";
import { defineRoute } from "../../Route.ts";
import type { AnyRoute } from "../../Route.ts";
import { address, limitOf } from "../../schemas.ts";
import { bigNumber, bountyDetailSchema, bountySchema, jobSchema } from "../economySchemas.ts";
import { JOB_STATUSES } from "../index/applyEscrowEvents.ts";
import { bidsOf, contributionsOf, findBounty, findJob, historyOf, jobsOf, searchBounties, searchJobs } from "../queries/bountyQueries.ts";
import { bidView, bountyView, historyView, jobView } from "../views/bountyView.ts";
import { cursorPage, economyOf, l1NowSeconds, notFound } from "./economyPage.ts";

const MAX_BIDS = 100;
const MAX_CONTRIBUTIONS = 100;
const MAX_HISTORY = 200;
const next = z.string().optional().describe("`cursor` of the next page");

/** Bounties and jobs. */
export const bountyRoutes: readonly AnyRoute[] = [
  defineRoute({
    path: "/v1/economy/bounties",
    tag: "economy",
    summary: "Bounties, the newest first",
    query: {
      ...cursorPage(bigNumber),
      role: z.enum(BOUNTY_ROLES).optional(),
      phase: z.enum(BOUNTY_PHASES).optional(),
      token: address.optional().describe("Zero address for ETH"),
      minPool: bigNumber.optional().describe("Base units of the token that are in it for work"),
      poster: address.optional(),
      worker: address.optional(),
    },
    answer: z.object({ items: z.array(bountySchema), next }),
    async handle(context, _params, query) {
      const nowSeconds = l1NowSeconds(context);
      const { cursor, role, phase, token, minPool, poster, worker } = query;
      const found = await searchBounties(economyOf(context).pool, { role, phase, token, minPool, poster, worker, before: cursor, limit: limitOf(query), nowSeconds });
      return { items: found.rows.map((row) => bountyView(row, nowSeconds)), ...(found.next === undefined ? {} : { next: found.next }) };
    },
  }),
  defineRoute({
    path: "/v1/economy/bounties/{id}",
    tag: "economy",
    summary: "One bounty: terms, phase, bids, money, jobs and history",
    params: { id: bigNumber },
    answer: bountyDetailSchema,
    errors: ["api/notFound"],
    async handle(context, { id }) {
      const { pool } = economyOf(context);
      const row = await findBounty(pool, id);
      if (row === undefined) throw notFound("bounty", id);
      const [bids, contributions, jobs, history] = await Promise.all([bidsOf(pool, id, MAX_BIDS), contributionsOf(pool, id, MAX_CONTRIBUTIONS), jobsOf(pool, id), historyOf(pool, id, MAX_HISTORY)]);
      return {
        ...bountyView(row, l1NowSeconds(context)),
        bids: bids.map(bidView),
        contributions,
        jobs: jobs.map((job) => ({ ...jobView(job), part: job.part })),
        history: history.map(historyView),
      };
    },
  }),
  defineRoute({
    path: "/v1/economy/jobs",
    tag: "economy",
    summary: "Jobs of the escrow, the newest first",
    query: { ...cursorPage(bigNumber), client: address.optional(), provider: address.optional(), status: z.enum(JOB_STATUSES).optional() },
    answer: z.object({ items: z.array(jobSchema), next }),
    async handle(context, _params, query) {
      const limit = limitOf(query);
      const { cursor, client, provider, status } = query;
      const rows = await searchJobs(economyOf(context).pool, { client, provider, status, before: cursor, limit });
      const items = rows.slice(0, limit).map(jobView);
      return { items, ...(rows.length > limit ? { next: items.at(-1)?.jobId } : {}) };
    },
  }),
  defineRoute({
    path: "/v1/economy/jobs/{jobId}",
    tag: "economy",
    summary: "One job",
    params: { jobId: bigNumber },
    answer: jobSchema,
    errors: ["api/notFound"],
    async handle(context, { jobId }) {
      const row = await findJob(economyOf(context).pool, jobId);
      if (row === undefined) throw notFound("job", jobId);
      return jobView(row);
    },
  }),
];
