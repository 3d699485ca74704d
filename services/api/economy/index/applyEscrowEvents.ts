import type { ClientBase } from "pg";

import type { EconomyEvent } from "./EconomyEvent.ts";
import { jsonOf } from "./EventHandler.ts";
import type { EventHandler, EventHandlers } from "./EventHandler.ts";

/** Where a job is; the names of `JobStatus`. */
export const JOB_STATUSES = ["Open", "Funded", "Submitted", "Completed", "Rejected", "Expired", "Contested", "Disputed"] as const;
type JobStatus = (typeof JOB_STATUSES)[number];

/** Sets columns of the event's job. The names are this file's own. */
async function setJob(client: ClientBase, { args, timestamp }: EconomyEvent, columns: Readonly<Record<string, unknown>>): Promise<void> {
  const names = Object.keys(columns);
  const sets = names.map((name, place) => `${name} = $${place + 3}`).join(", ");
  await client.query(`UPDATE jobs SET changed_at = $2, ${sets} WHERE job_id = $1`, [args["jobId"], timestamp, ...Object.values(columns)]);
}

/** An end: nothing more comes by time. */
function endsAs(status: JobStatus): EventHandler {
  return (client, event) => setJob(client, event, { status, deadline: null });
}

/** Jobs of one client for one provider: JobEscrow. */
export const escrowHandlers: Readonly<Record<"jobEscrow", EventHandlers>> = {
  jobEscrow: {
    async JobCreated(client, { args, timestamp }) {
      const sql = `INSERT INTO jobs (job_id, client, provider, evaluator, hook, expired_at, status, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, 'Open', $7, $7)`;
      await client.query(sql, [args["jobId"], args["client"], args["provider"], args["evaluator"], args["hook"], args["expiredAt"], timestamp]);
    },
    ProviderSet: (client, event) => setJob(client, event, { provider: event.args["provider"], provider_agent_id: event.args["agentId"] }),
    BudgetSet: (client, event) => setJob(client, event, { token: event.args["token"], budget: event.args["amount"] }),
    TermsFixed: (client, event) => setJob(client, event, { terms: jsonOf(event.args["terms"] ?? {}) }),
    JobFunded: (client, event) => setJob(client, event, { status: "Funded", budget: event.args["amount"] }),
    JobSubmitted: (client, event) => setJob(client, event, { status: "Submitted", deliverable: event.args["deliverable"] }),
    ReviewStarted: (client, event) => setJob(client, event, { deadline: event.args["deadline"] }),
    JobContested: (client, event) => setJob(client, event, { status: "Contested", deadline: event.args["deadline"] }),
    JobDisputed: (client, event) => {
      const { by, bond, deadline } = event.args;
      return setJob(client, event, { status: "Disputed", deadline, dispute: jsonOf({ by: by ?? "", bond: bond ?? 0n }) });
    },
    DisputeEnded: (client, event) => {
      const { arbiter, providerBps, bondTo } = event.args;
      return setJob(client, event, { dispute: jsonOf({ arbiter: arbiter ?? "", providerBps: providerBps ?? 0n, bondTo: bondTo ?? "" }) });
    },
    JobCompleted: endsAs("Completed"),
    JobRejected: endsAs("Rejected"),
    JobExpired: endsAs("Expired"),
    async PaymentReleased(client, { args }) {
      await client.query("UPDATE jobs SET paid = paid + $2 WHERE job_id = $1", [args["jobId"], args["amount"]]);
    },
    async Refunded(client, { args }) {
      await client.query("UPDATE jobs SET refunded = refunded + $2 WHERE job_id = $1", [args["jobId"], args["amount"]]);
    },
  },
};
