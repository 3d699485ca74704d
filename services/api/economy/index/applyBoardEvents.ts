import type { ClientBase } from "pg";

import { BOUNTY_STAGES } from "../../../../chain/bounties/BountyState.ts";
import type { EconomyEvent, EventValue } from "./EconomyEvent.ts";
import { jsonOf, textOf } from "./EventHandler.ts";
import type { EventHandler, EventHandlers } from "./EventHandler.ts";

/** The board's stages, as rows have them: by number. */
const STAGE = { FUNDING: BOUNTY_STAGES.indexOf("FUNDING"), BIDDING: BOUNTY_STAGES.indexOf("BIDDING"), ENGAGED: BOUNTY_STAGES.indexOf("ENGAGED"), CLOSED: BOUNTY_STAGES.indexOf("CLOSED") };

const MAX_LINK = 2_048;

async function setBid(client: ClientBase, { args, timestamp }: EconomyEvent, bidder: EventValue | undefined, status: string): Promise<void> {
  await client.query("UPDATE bids SET status = $3, changed_at = $4 WHERE bounty_id = $1 AND bidder = $2", [args["id"], bidder, status, timestamp]);
}

const HANDLERS: EventHandlers = {
  async BountyPosted(client, { args, timestamp }) {
    const terms = args["terms"] as Readonly<Record<string, EventValue>>;
    const sql = `INSERT INTO bounties (bounty_id, poster, role, kind, token, terms, intent_uri, intent_hash, spec_uri, spec_hash, stage, clock, posted_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ${STAGE.FUNDING}, $11, $11)`;
    const documents = [textOf(args["intentURI"], MAX_LINK), args["intentHash"], textOf(args["specURI"], MAX_LINK), args["specHash"]];
    await client.query(sql, [args["id"], args["poster"], terms["role"], terms["kind"], terms["token"], jsonOf(terms, 10_000), ...documents, timestamp]);
  },
  async Funded(client, { args }) {
    await client.query("UPDATE bounties SET pool = pool + $2, contributed = contributed + $2 WHERE bounty_id = $1", [args["id"], args["amount"]]);
    const sql = `INSERT INTO contributions (bounty_id, funder, amount, era, shares) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (bounty_id, funder) DO UPDATE SET amount = contributions.amount + $3, era = $4,
        shares = CASE WHEN contributions.era = $4 THEN contributions.shares ELSE 0 END + $5`;
    await client.query(sql, [args["id"], args["funder"], args["amount"], args["era"], args["shares"]]);
  },
  async RoundStarted(client, { args }) {
    await client.query(`UPDATE bounties SET stage = ${STAGE.BIDDING}, round = $2, clock = $3, worker = NULL, agent_id = NULL, price = NULL, job_id = NULL WHERE bounty_id = $1`, [args["id"], args["round"], args["awardFrom"]]);
  },
  async BidCommitted(client, { args, timestamp }) {
    const sql = `INSERT INTO bids (bounty_id, bidder, status, round, commitment, changed_at) VALUES ($1, $2, 'committed', $3, $4, $5)
      ON CONFLICT (bounty_id, bidder) DO UPDATE SET status = 'committed', round = $3, commitment = $4, agent_id = NULL, price = NULL, changed_at = $5`;
    await client.query(sql, [args["id"], args["bidder"], args["round"], args["commitment"], timestamp]);
  },
  async BidRevealed(client, { args, timestamp }) {
    const sql = "UPDATE bids SET status = 'revealed', agent_id = $3, price = $4, changed_at = $5 WHERE bounty_id = $1 AND bidder = $2";
    await client.query(sql, [args["id"], args["bidder"], args["agentId"], args["price"], timestamp]);
  },
  BidWithdrawn: (client, event) => setBid(client, event, event.args["bidder"], "withdrawn"),
  BidForfeited: (client, event) => setBid(client, event, event.args["bidder"], "forfeited"),
  /** A direct award comes without a bid. */
  async Awarded(client, { args, timestamp }) {
    const key = [args["id"], args["bidder"], args["agentId"], args["price"], timestamp];
    await client.query(`UPDATE bounties SET stage = ${STAGE.ENGAGED}, worker = $2, agent_id = $3, price = $4, clock = $5, paid_units = 0 WHERE bounty_id = $1`, key);
    const sql = `INSERT INTO bids (bounty_id, bidder, status, round, agent_id, price, changed_at) VALUES ($1, $2, 'awarded', $6, $3, $4, $5)
      ON CONFLICT (bounty_id, bidder) DO UPDATE SET status = 'awarded', agent_id = $3, price = $4, changed_at = $5`;
    await client.query(sql, [...key, args["round"]]);
  },
  async PartStarted(client, { args }) {
    await client.query("UPDATE bounties SET pool = pool - $3, job_id = $2 WHERE bounty_id = $1", [args["id"], args["jobId"], args["budget"]]);
    await client.query("INSERT INTO bounty_jobs (bounty_id, job_id, part, budget) VALUES ($1, $2, $3, $4)", [args["id"], args["jobId"], args["part"], args["budget"]]);
    // The escrow's own events do not tell whose agent it is.
    await client.query("UPDATE jobs SET provider_agent_id = (SELECT agent_id FROM bounties WHERE bounty_id = $1) WHERE job_id = $2", [args["id"], args["jobId"]]);
  },
  async PartEnded(client, { args }) {
    const key = [args["id"], args["jobId"], args["isCompleted"]];
    await client.query("UPDATE bounty_jobs SET is_completed = $3 WHERE bounty_id = $1 AND job_id = $2", key);
    const sql = `UPDATE bounties SET pool = pool + $4, part = part + CASE WHEN $3 THEN 1 ELSE 0 END,
        paid = paid + greatest(0, coalesce((SELECT budget FROM bounty_jobs j WHERE j.bounty_id = $1 AND j.job_id = $2), 0) - $4)
      WHERE bounty_id = $1`;
    await client.query(sql, [...key, args["refund"]]);
  },
  async Claimed(client, { args }) {
    await client.query("UPDATE bounties SET pool = pool - $2, paid = paid + $2, paid_units = paid_units + $3 WHERE bounty_id = $1", [args["id"], args["amount"], args["units"]]);
  },
  async Finished(client, event) {
    await setBid(client, event, event.args["bidder"], "finished");
    await client.query("UPDATE bounties SET worker = NULL WHERE bounty_id = $1", [event.args["id"]]);
  },
  async Failed(client, event) {
    await setBid(client, event, event.args["bidder"], "failed");
    await client.query("UPDATE bounties SET worker = NULL, pool = pool + $2, failures = failures + 1 WHERE bounty_id = $1", [event.args["id"], event.args["toPool"]]);
  },
  async Closed(client, { args, timestamp }) {
    await client.query(`UPDATE bounties SET stage = ${STAGE.CLOSED}, clock = $3, remainder = $2 WHERE bounty_id = $1`, [args["id"], args["left"], timestamp]);
  },
  async Refunded(client, { args }) {
    await client.query("UPDATE bounties SET pool = pool - $2 WHERE bounty_id = $1", [args["id"], args["amount"]]);
    await client.query("UPDATE contributions SET shares = 0, refunded = refunded + $3 WHERE bounty_id = $1 AND funder = $2", [args["id"], args["funder"], args["amount"]]);
  },
};

/** Keeps what happened, too: the history of a bounty. */
function withHistory(handler: EventHandler): EventHandler {
  return async (client, event) => {
    const { id, terms: _terms, ...args } = event.args;
    const sql = "INSERT INTO bounty_events (block_number, log_index, bounty_id, name, args, happened_at, transaction_hash) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    await client.query(sql, [event.blockNumber, event.logIndex, id, event.name, jsonOf(args, MAX_LINK), event.timestamp, event.transactionHash]);
    await handler(client, event);
  };
}

/** Of these only the history tells: what they change is seen from others. */
const TOLD_ONLY: EventHandlers = { BidRanked: async () => undefined, PartNotStarted: async () => undefined };

/** Bounties, from their posting to the last refund: BountyBoard. */
export const boardHandlers: Readonly<Record<"bountyBoard", EventHandlers>> = {
  bountyBoard: Object.fromEntries(Object.entries({ ...TOLD_ONLY, ...HANDLERS }).map(([name, handler]) => [name, withHistory(handler)])),
};
